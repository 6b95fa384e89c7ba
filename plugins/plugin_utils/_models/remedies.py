# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a model that does not fit, and what else would fit, in sentences for table, picture and page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models.advice import (
    CPU,
    GPU,
    LEAST_TOKENS,
    NO,
    PARTLY,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

LABELS = {
    "weights_bytes": "weights",
    "kv_bytes": "KV cache",
    "compute_bytes": "buffers",
    "projector_bytes": "projector",
    "runtime_bytes": "runtime",
}


def where(fit: Mapping[str, Any]) -> str:
    """Where a model is, in two words at most: ``GPU``, ``2 GPUs``, ``partly``, ``CPU``, ``no``."""
    cards = sum(device["layers"] > 0 for device in fit["devices"] if device["device"] != CPU)
    words = {GPU: f"{cards} GPUs" if cards > 1 else "GPU", PARTLY: "partly", CPU: "CPU", NO: "no"}
    return words.get(str(fit["fits"]), "unknown")


def parts(device: Mapping[str, Any]) -> str:
    """``weights 4.6 GiB, KV cache 1 GiB, ...`` of a device or of all: the parts that are there."""
    return ", ".join(f"{label} {bytes_of(device[part])}" for part, label in LABELS.items() if device[part])


def named(device: Mapping[str, Any]) -> str:
    """How a device is called: a card by its name, the CPUs' memory as that of the host."""
    return "host memory" if device["device"] == CPU else str(device["name"] or device["device"])


def share(device: Mapping[str, Any], fit: Mapping[str, Any]) -> str:
    """What a model takes of a device: ``Quadro P4000: 20 of 33 layers, 5.1 GiB of 7.9 GiB free``."""
    layers = f"{device['layers']} of {fit['layers']} layers, " if device["layers"] else ""
    free = "" if device["free_bytes"] is None else f" of {bytes_of(device['free_bytes'])} free"
    return f"{named(device)}: {layers}{bytes_of(device['total_bytes'])}{free}"


def planned(fit: Mapping[str, Any]) -> str:
    """``2 slots of 8192 tokens``; where a model is not placed and nobody sets them, it is not known."""
    slots, tokens = fit["parallel"], fit["context"]
    return _slots(slots, tokens) if slots and tokens else "the slots and tokens that the server chooses"


def remedies(fit: Mapping[str, Any]) -> list[str]:
    """What would make the model fit, or which quantisation with more bits fits too; empty where there is nothing."""
    place = "on GPUs" if fit["wanted"] == GPU else "in memory"
    if fit["fits"] == fit["wanted"]:
        return _more_bits(fit)
    if fit["reached"] != fit["wanted"]:
        return _fewer_bits(fit, place)
    fewer = [_slots(fit["most_slots"], fit["context"])] if fit["most_slots"] else []
    fewer += [_slots(1, fit["most_tokens"])] if fit["most_tokens"] else []
    best = _first(_smaller(fit), "fits")
    return [
        f"it fits {place} with {' or '.join(fewer) or 'less context'}",
        *([f"{_sized(best)} would fit {place} with {planned(fit)}"] if best else []),
    ]


def _more_bits(fit: Mapping[str, Any]) -> list[str]:
    best = _first(fit["quantizations"], "fits")
    if best is None or best["size_bytes"] <= (fit["size_bytes"] or 0) or best["quantization"] == fit["quantization"]:
        return []
    return [f"{_sized(best)} would fit too"]


def _fewer_bits(fit: Mapping[str, Any], place: str) -> list[str]:
    fewer = _smaller(fit)
    for key, how in (("fits", planned(fit)), ("fits_least", _slots(1, LEAST_TOKENS))):
        best = _first(fewer, key)
        if best is not None:
            return [f"{_sized(best)} would fit {place} with {how}"]
    best = _first(fewer, "runs_least")
    if fit["reached"] == NO and best is not None:
        return [f"{_sized(best)} would run with layers on the CPUs"]
    return [f"no quantisation down to {fewer[-1]['quantization']} would fit {place}"] if fewer else []


def _smaller(fit: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in fit["quantizations"] if each["size_bytes"] < (fit["size_bytes"] or 0)]


def _first(choices: list[Mapping[str, Any]], key: str) -> Mapping[str, Any] | None:
    """The one of the most bits of which this holds."""
    return next((each for each in choices if each[key]), None)


def _sized(choice: Mapping[str, Any]) -> str:
    return f"{choice['quantization']} ({bytes_of(choice['size_bytes'])})"


def _slots(count: int, tokens: int) -> str:
    return f"{count} slot{'' if count == 1 else 's'} of {tokens} tokens"
