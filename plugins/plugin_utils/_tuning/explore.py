# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explore: find settings that seem best, one knob after the other, each by a bracket and bisection.

A candidate whose value is too close to the best one's for one measurement is measured in turn with it a few times.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import EXPLORE
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import same, text
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.options import FLASH, KV_TYPE
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.space import with_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import Measurements, Settings

_ROUNDS = 3
# Standard errors by which two values differ where one measurement of each decides, and what a host may drift meanwhile.
_CLEAR, _DRIFT = 3.0, 0.02
# Turns of a candidate and the best in which the closer ones are measured.
_TURNS = 4
# A choice that was so much worse is not tried again in a further round.
_HOPELESS = 0.8
# Integers that are closer than this to the best one are not tried.
_RESOLUTION = 0.04


class Explorer:
    """The best settings so far, and what leads to better ones."""

    def __init__(self, measurements: Measurements) -> None:
        self.measurements, self.space = measurements, measurements.space
        self.best: Settings = dict(self.space["start"])
        self._hopeless: set[tuple[str, str]] = set()

    def retreat(self) -> None:
        """Take the best settings of those that never failed, where the best ones failed in the proof."""
        found = self.measurements
        known = [dict(trial["settings"]) for trial in found.done if not found.failed(trial["settings"])]
        self.best = max(known, key=lambda settings: found.known(settings) or 0.0, default=dict(self.space["start"]))

    def explore(self) -> None:
        """Search every knob, and again while a round has changed something. Raises Spent."""
        for number in range(_ROUNDS):
            before = dict(self.best)
            for knob in self.space["knobs"]:
                if knob.get("follows"):
                    continue
                if knob["kind"] == "choice":
                    self._choose(knob)
                elif number:
                    self._step_by_step(knob)
                else:
                    self._bracket(knob)
            if self.best == before:
                return

    def _with(self, knob: Mapping[str, Any], value: Any) -> Settings:  # noqa: ANN401 - a number or a choice
        settings = {**self.best, knob["name"]: value}
        for other, most in (knob.get("limits") or {}).get(value, {}).items():
            if other in settings:
                settings[other] = min(settings[other], most)
        return with_context(settings, self.space)

    def _choose(self, knob: Mapping[str, Any]) -> None:
        current = self.best[knob["name"]]
        for value in knob["values"]:
            if same(value, current) or (knob["name"], text(value)) in self._hopeless:
                continue
            settings = self._with(knob, value)
            if settings.get(FLASH) is False and settings.get(KV_TYPE, "f16") != "f16":
                continue
            if not self._better(settings, f"{knob['name']} {text(value)} in place of {text(current)}"):
                seen, best = self.measurements.known(settings), self.measurements.known(self.best)
                if seen is None or (best is not None and seen < _HOPELESS * best):
                    self._hopeless.add((knob["name"], text(value)))
            else:
                current = value

    def _bracket(self, knob: Mapping[str, Any]) -> None:
        """Double while it gets better, else halve, then bisect between the neighbours of the best."""
        start = self.best[knob["name"]]
        self._search_line(
            knob,
            _until(knob["high"], lambda number: start << number, start),
            _until(knob["low"], lambda number: start >> number, start),
        )

    def _step_by_step(self, knob: Mapping[str, Any]) -> None:
        """The same in steps from the least one on, since the best is near where nothing else has changed much."""
        start = self.best[knob["name"]]
        least = max(1, round(start * _RESOLUTION))
        self._search_line(
            knob,
            _until(knob["high"], lambda number: start + least * ((1 << number) - 1), start),
            _until(knob["low"], lambda number: start - least * ((1 << number) - 1), start),
        )

    def _search_line(self, knob: Mapping[str, Any], up: list[int], down: list[int]) -> None:
        start = self.best[knob["name"]]
        low, high = self._walk(knob, up)
        if same(self.best[knob["name"]], start):
            above, low = self._walk(knob, down)
            high = high if above is None else above
        self._bisect(knob, low, high)

    def _walk(self, knob: Mapping[str, Any], values: list[int]) -> tuple[int | None, int | None]:
        """Go on while it gets better; return the neighbours of the best value behind and ahead, None where none is."""
        behind, ahead = None, None
        for value in values:
            previous, settings = self.best[knob["name"]], self._with(knob, value)
            if self._better(settings, f"{knob['name']} {value} in place of {previous}"):
                behind, ahead = previous, None
                continue
            if ahead is None:
                ahead = value
                if self.measurements.failed(settings):
                    # What fails says nothing of what lies beyond it.
                    continue
            break
        return behind, ahead

    def _bisect(self, knob: Mapping[str, Any], low: int | None, high: int | None) -> None:
        while True:
            best = self.best[knob["name"]]
            gaps = [(low, best), (best, high)]
            inner = [
                (one + other) // 2
                for one, other in gaps
                if one is not None and other is not None and other - one > max(1, _RESOLUTION * best)
            ]
            if not inner:
                return
            middle = max(inner, key=lambda value: self._promise(knob, low if value < best else high))
            better = self._better(self._with(knob, middle), f"{knob['name']} {middle} in place of {best}")
            if better:
                low, high = (low, best) if middle < best else (best, high)
            else:
                low, high = (middle, high) if middle < best else (low, middle)

    def _promise(self, knob: Mapping[str, Any], neighbour: int | None) -> float:
        """What the neighbour on one side has shown: the best is more often on the side of the better one."""
        return self.measurements.known(self._with(knob, neighbour)) or 0.0

    def _better(self, settings: Settings, why: str) -> bool:
        """Measure settings, in turn with the best where it is close; take them where they are better."""
        wins = self._wins(settings, why)
        if wins:
            self.best = settings
        return wins

    def _wins(self, settings: Settings, why: str) -> bool:
        found = self.measurements
        if found.failed(settings):
            return False
        value = found.measure(settings, EXPLORE, why)
        best = found.known(self.best)
        if value is None or not best:
            return value is not None and value > (best or 0.0)
        if value <= 0:
            return False
        ratios = [math.log(value / best)]
        if abs(ratios[0]) > _CLEAR * math.sqrt(2) * found.noise() + _DRIFT:
            return ratios[0] > 0
        turns: list[float] = []
        while len(turns) < _TURNS:
            again = found.measure(self.best, EXPLORE, f"again, in turn: {why}")
            value = found.measure(settings, EXPLORE, f"again, in turn: {why}")
            if value is None or not again:
                return bool(value)
            turns.append(math.log(value / again) if value > 0 else -1.0)
            if len(turns) > 1 and abs(fmean(turns)) > _CLEAR * found.noise() * math.sqrt(2 / len(turns)):
                break
        mean = fmean(turns)
        for each in turns:
            found.differ((each - mean) * math.sqrt(len(turns) / max(1, len(turns) - 1)))
        return mean > 0


def _until(bound: int, step: Callable[[int], int], start: int) -> list[int]:
    """The values of a walk from the start towards a bound, which is the last one."""
    values: list[int] = []
    number = 1
    while (values[-1] if values else start) != bound:
        value = step(number)
        values.append(bound if (value >= bound) == (bound > start) else value)
        number += 1
    return values
