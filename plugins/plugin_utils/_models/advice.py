# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models fit a host: on what, with how many slots and tokens, and in which quantisation where they do not.

Each model is placed as if it were the only one. What is asked for is placed by _models/placement.py; here are the
questions that are put to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.inference.ollama.plugins.plugin_utils._models.quantization import choices, in_quantization

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Placer = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any], Mapping[str, str], str | None], dict[str, Any]]

# Where the layers of a model are: all on cards, some, all with the CPUs, nowhere. The best first.
GPU, PARTLY, CPU, NO = "gpu", "partly", "cpu", "no"
_ORDER = (GPU, PARTLY, CPU, NO)
PARTS = ("weights_bytes", "kv_bytes", "compute_bytes", "projector_bytes", "runtime_bytes")
PARALLEL = "OLLAMA_NUM_PARALLEL"
# llama.cpp's LLAMA_MAX_SEQ (src/llama-cparams.h, b11434): no model process has more slots.
MOST_SLOTS = 256
# Contexts are looked for in steps of so many tokens, to the length that the model was trained for, else to this one.
TOKEN_STEP, UNTRAINED = 1024, 131072
# What Ollama gives a model on a small host by itself: with less, few would call it served.
LEAST_TOKENS = 4096


def advise(
    model: Mapping[str, Any],
    topology: Mapping[str, Any],
    settings: Mapping[str, str],
    release: str | None,
    place: Placer,
) -> dict[str, Any]:
    """One model on an otherwise empty server with these settings, as filter model_fit returns it (its ``models``)."""
    host = _Host(topology, settings, release, place)
    planned = host.ask(model)
    wanted = GPU if host.has_cards(planned) else CPU
    # A model that no setting brings onto the cards is asked for what it reaches.
    best = _better(planned["fits"], host.ask_least(model)["fits"])
    fits = best != NO
    return {
        "name": str(model["name"]),
        "quantization": model.get("quantization"),
        "parameter_count": model.get("parameter_count"),
        "size_bytes": model.get("size_bytes"),
        "trained_context": model.get("context_length"),
        **{key: planned.get(key) for key in ("context", "parallel", "fits", "layers", "layers_on_gpu")},
        "memory": {part: sum(device[part] for device in planned["devices"]) for part in (*PARTS, "total_bytes")},
        "devices": planned["devices"],
        "wanted": wanted,
        "reached": best,
        "most_slots": host.most_slots(model, best) if fits else 0,
        "most_tokens": host.most_tokens(model, best) if fits else 0,
        "quantizations": host.quantizations(model, wanted),
        "reason": planned.get("reason"),
    }


def largest(count: int, holds: Callable[[int], bool]) -> int:
    """The last of 1 to ``count`` that holds, where each holds whose successor does; 0 where none does."""
    if count < 1 or holds(count):
        return max(0, count)
    low, high = 0, count - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


class _Host:
    """Questions to the placement of one server."""

    def __init__(
        self, topology: Mapping[str, Any], settings: Mapping[str, str], release: str | None, place: Placer
    ) -> None:
        self._topology = topology
        self._settings = settings
        self._release = release
        self._place = place

    def ask(self, model: Mapping[str, Any], slots: int | None = None) -> Mapping[str, Any]:
        """Where the model is placed; its own devices, with the names and sizes of the host's."""
        settings = self._settings if slots is None else {**self._settings, PARALLEL: str(slots)}
        found = self._place([model], self._topology, settings, self._release)
        devices = {device["device"]: device for device in found["devices"]}
        placed = found["models"][0]
        used = {device["device"]: device for device in placed["devices"]}
        rows = []
        for name, device in devices.items():
            own = used.get(name, {})
            parts = {part: int(own.get(part) or 0) for part in PARTS}
            rows.append(
                {
                    "device": name,
                    "name": device.get("name"),
                    "library": device.get("library"),
                    "memory_bytes": device.get("memory_bytes"),
                    "free_bytes": device.get("free_bytes"),
                    "layers": int(own.get("layers") or 0),
                    **parts,
                    "total_bytes": sum(parts.values()),
                }
            )
        return {**placed, "devices": rows}

    @staticmethod
    def has_cards(placed: Mapping[str, Any]) -> bool:
        """Whether the server sees a card."""
        return any(device["device"] != CPU for device in placed["devices"])

    def most_slots(self, model: Mapping[str, Any], best: str) -> int:
        """The most slots with the context as planned, the layers where the model has them at best; 0 for none."""
        return largest(MOST_SLOTS, lambda slots: _reaches(self.ask(model, slots), best, parallel=slots))

    def most_tokens(self, model: Mapping[str, Any], best: str) -> int:
        """The most tokens of one slot, the layers where the model has them at best; 0 for fewer than TOKEN_STEP."""
        top = int(model.get("context_length") or UNTRAINED)
        steps = -(-top // TOKEN_STEP)

        def tokens(step: int) -> int:
            return min(top, step * TOKEN_STEP)

        def holds(step: int) -> bool:
            return _reaches(self.ask(_with_context(model, tokens(step)), 1), best, context=tokens(step))

        found = largest(steps, holds)
        return tokens(found) if found else 0

    def ask_least(self, model: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where one slot of LEAST_TOKENS is placed."""
        return self.ask(_with_context(model, LEAST_TOKENS), 1)

    def quantizations(self, model: Mapping[str, Any], wanted: str) -> list[dict[str, Any]]:
        """Each quantisation with its size, where it would be as planned, and with the least; the best one first."""
        found = []
        for name in choices(model):
            made = in_quantization(model, name)
            fits = self.ask(made)["fits"]
            reached = fits if fits == wanted else _better(fits, self.ask_least(made)["fits"])
            found.append({"quantization": name, "size_bytes": made["size_bytes"], "fits": fits, "reached": reached})
        return found


def _better(one: str, other: str) -> str:
    return min(one, other, key=_ORDER.index)


def _reaches(placed: Mapping[str, Any], best: str, **numbers: int) -> bool:
    """Whether the model is where it is at best, with at least these numbers: the server may allow fewer."""
    enough = all((placed.get(key) or 0) >= number for key, number in numbers.items())
    return enough and _ORDER.index(str(placed["fits"])) <= _ORDER.index(best)


def _with_context(model: Mapping[str, Any], tokens: int) -> dict[str, Any]:
    # The context of a model's own parameters wins over the server's.
    return {**model, "parameters": {**(model.get("parameters") or {}), "num_ctx": tokens}}
