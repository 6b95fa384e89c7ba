# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models fit a host: on what, with how many slots and tokens, and in which quantisation where they do not.

Each model is placed as if it were the only one. What is asked for is placed by _models/placement.py; here are the
questions that are put to it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.inference.ollama.plugins.plugin_utils._models.quantization import choices, in_quantization

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Placer = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any], Mapping[str, str], str], dict[str, Any]]

# Where the layers of a model are: all on cards, some, all with the CPUs, nowhere. The best first.
GPU, PARTLY, CPU, NO = "gpu", "partly", "cpu", "no"
_ORDER = (GPU, PARTLY, CPU, NO)
PARTS = ("weights_bytes", "kv_bytes", "compute_bytes", "projector_bytes", "runtime_bytes")
PARALLEL, CONTEXT = "OLLAMA_NUM_PARALLEL", "OLLAMA_CONTEXT_LENGTH"
# llama.cpp's LLAMA_MAX_SEQ (src/llama-cparams.h, b11434): no model process has more slots.
MOST_SLOTS = 256
# Contexts are looked for in steps of so many tokens, to the length that the model was trained for, else to this one.
TOKEN_STEP, UNTRAINED = 1024, 131072
# What Ollama gives a model on a small host by itself: with less, few would call it served.
LEAST_TOKENS = 4096
_FIT_TARGET = 1024 << 20


def advise(
    model: Mapping[str, Any],
    topology: Mapping[str, Any],
    settings: Mapping[str, str],
    release: str,
    place: Placer,
) -> dict[str, Any]:
    """One model on an otherwise empty server with these settings, as filter model_fit returns it (its ``models``)."""
    host = _Host(topology, settings, release, place)
    planned = {**_asked_for(model, settings), **host.ask(model)}
    wanted = GPU if any(device["device"] != CPU for device in planned["devices"]) else CPU
    # A model that no setting brings onto the cards is asked for what it reaches.
    best = planned if planned["fits"] == wanted else min(planned, host.ask_least(model), key=_rank)
    reached = str(best["fits"])
    slots = tokens = 0
    if reached != NO:
        reach = _reach(best, reached)
        slots = host.most_slots(model, reached, _whole(reach / (planned["context"] or LEAST_TOKENS)))
        # One slot has about as many tokens as the most slots together, and half a slot, the middle of what is left.
        known = (slots + 0.5) * planned["context"] if 0 < slots < MOST_SLOTS and planned["context"] else reach
        tokens = host.most_tokens(model, reached, _whole(min(reach, known) / TOKEN_STEP))
    return {
        "name": str(model["name"]),
        "quantization": model.get("quantization"),
        "parameter_count": model.get("parameter_count"),
        "size_bytes": model.get("size_bytes"),
        "trained_context": model.get("context_length"),
        **{key: planned[key] for key in ("context", "parallel", "fits", "layers", "layers_on_gpu")},
        "memory": {part: sum(device[part] for device in planned["devices"]) for part in (*PARTS, "total_bytes")},
        "devices": planned["devices"],
        "wanted": wanted,
        "reached": reached,
        "most_slots": slots,
        "most_tokens": tokens,
        "quantizations": host.quantizations(model, wanted, fits=planned["fits"] == wanted),
        "reason": planned["reason"],
    }


def largest(count: int, holds: Callable[[int], bool], guess: int) -> int:
    """The last of 1 to ``count`` that holds, where each holds whose successor does; 0 where none does.

    It is looked for around the ``guess``, in ever longer steps, then by halves: a good guess costs three questions, a
    bad one twice as many as halving alone.
    """
    if count < 1 or holds(count):
        return max(0, count)
    low, high, step = 0, count, 1
    guess = min(max(1, guess), count - 1)
    if guess and holds(guess):
        low = guess
        while low + step < high:
            if holds(low + step):
                low, step = low + step, step * 2
            else:
                high = low + step
    elif guess:
        high = guess
        while high - step > low:
            if holds(high - step):
                low = high - step
            else:
                high, step = high - step, step * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


class _Host:
    """Questions to the placement of one server."""

    def __init__(self, topology: Mapping[str, Any], settings: Mapping[str, str], release: str, place: Placer) -> None:
        self._topology = topology
        self._settings = settings
        self._release = release
        self._place = place

    def ask(self, model: Mapping[str, Any], slots: int | None = None) -> dict[str, Any]:
        """Where the model is placed; its own devices are all that the host has, with what it takes of them."""
        settings = self._settings if slots is None else {**self._settings, PARALLEL: str(slots)}
        found = self._place([model], self._topology, settings, self._release)
        placed = found["models"][0]
        used = {device["device"]: device for device in placed["devices"]}
        # What is not placed is not loaded in any way.
        known = {key: value for key, value in placed.items() if value is not None}
        return {**known, "devices": [_device(device, used.get(device["device"], {})) for device in found["devices"]]}

    def ask_least(self, model: Mapping[str, Any]) -> dict[str, Any]:
        """Where one slot of LEAST_TOKENS is placed."""
        return self.ask(_with_context(model, LEAST_TOKENS), 1)

    def most_slots(self, model: Mapping[str, Any], best: str, guess: int) -> int:
        """The most slots with the context as planned, the layers where the model has them at best; 0 for none."""
        return largest(MOST_SLOTS, lambda slots: _reaches(self.ask(model, slots), best, parallel=slots), guess)

    def most_tokens(self, model: Mapping[str, Any], best: str, guess: int) -> int:
        """The most tokens of one slot, the layers where the model has them at best; 0 for fewer than TOKEN_STEP."""
        top = int(model.get("context_length") or UNTRAINED)

        def holds(step: int) -> bool:
            tokens = min(top, step * TOKEN_STEP)
            return _reaches(self.ask(_with_context(model, tokens), 1), best, context=tokens)

        return min(top, TOKEN_STEP * largest(-(-top // TOKEN_STEP), holds, guess))

    def quantizations(self, model: Mapping[str, Any], wanted: str, *, fits: bool) -> list[dict[str, Any]]:
        """Each quantisation with its size and what is possible in it, the best first.

        ``fits``: whether the model itself does as planned, as then do all that are smaller. Where none would,
        they are asked about with the least.
        """
        made = [in_quantization(model, name) for name in choices(model)]
        own = int(model.get("size_bytes") or 0)

        def fitting(holds: Callable[[Mapping[str, Any]], bool]) -> int:
            """The number of the first that fits; the smaller one always does where the larger one does."""
            return len(made) - largest(len(made), lambda count: holds(made[-count]), len(made) // 2)

        first = fitting(lambda one: (fits and one["size_bytes"] <= own) or self.ask(one)["fits"] == wanted)
        least = runs = first
        if first == len(made):
            least = runs = fitting(lambda one: self.ask_least(one)["fits"] == wanted)
        if least == len(made):
            runs = fitting(lambda one: self.ask_least(one)["fits"] != NO)
        return [
            {
                "quantization": one["quantization"],
                "size_bytes": one["size_bytes"],
                "fits": number >= first,
                "fits_least": number >= least,
                "runs_least": number >= runs,
            }
            for number, one in enumerate(made)
        ]


def _device(device: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    parts = {part: int(own.get(part) or 0) for part in PARTS}
    return {
        **{key: device[key] for key in ("device", "name", "library", "memory_bytes", "free_bytes")},
        "layers": int(own.get("layers") or 0),
        **parts,
        "total_bytes": sum(parts.values()),
    }


def _whole(number: float) -> int:
    return int(min(number, 1 << 30))


def _rank(placed: Mapping[str, Any]) -> int:
    return _ORDER.index(str(placed["fits"]))


def _reaches(placed: Mapping[str, Any], best: str, **numbers: int) -> bool:
    """Whether the model is where it is at best, with at least these numbers: the server may allow fewer."""
    enough = all(placed.get(key, 0) >= number for key, number in numbers.items())
    return enough and _rank(placed) <= _ORDER.index(best)


def _reach(placed: Mapping[str, Any], best: str) -> float:
    """About how many tokens there could be in all slots, were they as large as those that were placed."""
    tokens = placed["context"] * placed["parallel"]
    kept = sum(device["kv_bytes"] for device in placed["devices"])
    devices = [device for device in placed["devices"] if best != GPU or device["device"] != CPU]
    free = sum(max(0, device["free_bytes"] or 0) for device in devices)
    taken = sum(device["total_bytes"] - device["kv_bytes"] for device in devices)
    # llama-server's fit leaves so much of each card free (LLAMA_ARG_FIT_TARGET).
    margin = sum(_FIT_TARGET for device in devices if device["device"] != CPU)
    return tokens * max(0, free - taken - margin) / kept if kept else math.inf


def _asked_for(model: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """What a server is asked for that does not place the model; None where it decides itself."""
    slots, tokens = settings.get(PARALLEL, ""), settings.get(CONTEXT, "")
    own = (model.get("parameters") or {}).get("num_ctx")
    most = model.get("context_length")
    context = own or (int(tokens) if tokens.isdigit() else None)
    return {
        "context": min(context, most) if context and most else context,
        "parallel": int(slots) if slots.isdigit() else None,
        "layers": None,
        "layers_on_gpu": 0,
        "reason": None,
    }


def _with_context(model: Mapping[str, Any], tokens: int) -> dict[str, Any]:
    # The context of a model's own parameters wins over the server's.
    return {**model, "parameters": {**(model.get("parameters") or {}), "num_ctx": tokens}}
