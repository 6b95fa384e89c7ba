# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explore: find settings that seem best, one knob after the other, each by a bracket and bisection.

A candidate whose value is too close to the best one's for one measurement is measured in turn with it a few times.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING, Any, Optional, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import EXPLORE
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.memory import fitted
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import key_of, same, text
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.options import FLASH, KV_TYPE, PLAIN_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import Measurements, Settings

_ROUNDS = 4
# Standard errors by which two values differ where one measurement of each decides, and what a host may drift meanwhile.
_CLEAR, _DRIFT = 3.0, 0.02
# Turns of a candidate and the best in which the closer ones are measured.
_TURNS = 6
# What is left of the best where a choice is not tried again in a further round, and a walk does not go on.
_HOPELESS, _FAR = 0.8, 0.7
# By how many standard errors a candidate that is close has to be better: far from the best one, near it,
# and between it and its neighbours.
_COARSE, _FINE, _BETWEEN = 1.0, 0.5, 0.0
# What makes no difference between two values.
_ALIKE = 0.03
# Integers that are closer than this to the best one are not tried.
_RESOLUTION = 0.04
# The first step away from the best one in a further round.
_NEAR = 0.12


# The values below and above the best one that were tried; None where there are none.
Neighbours = Tuple[Optional[int], Optional[int]]


class Explorer:
    """The best settings so far, and what leads to better ones."""

    def __init__(self, measurements: Measurements) -> None:
        self.measurements, self.space = measurements, measurements.space
        self.best: Settings = dict(self.space["start"])
        self._hopeless: set[tuple[str, str]] = set()
        self._between: dict[str, Neighbours] = {}
        # Pairs of settings whose second one was not better than the first.
        self._lost: set[tuple[Any, Any]] = set()

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
                    # Between the brackets and the bisections nothing has changed enough to try it again.
                    if number != 1:
                        self._choose(knob)
                elif number == 0:
                    self._between[knob["name"]] = self._bracket(knob)
                elif number == 1:
                    self._bisect(knob, *self._between[knob["name"]])
                else:
                    self._bisect(knob, *self._step_by_step(knob))
            unchanged = before if number > 1 else self.space["start"]
            if number and key_of(self.best) == key_of(unchanged):
                return

    def _with(self, knob: Mapping[str, Any], value: Any) -> Settings:  # noqa: ANN401 - a number or a choice
        settings = {**self.best, knob["name"]: value}
        if settings.get(FLASH) is False and settings.get(KV_TYPE, PLAIN_TYPE) != PLAIN_TYPE:
            # A quantised cache needs flash attention: what is asked for comes with what it needs.
            settings.update({FLASH: True} if knob["name"] == KV_TYPE else {KV_TYPE: PLAIN_TYPE})
        for other, most in (knob.get("limits") or {}).get(value, {}).items():
            if other in settings:
                settings[other] = min(settings[other], most)
        # Another choice may leave memory for fewer slots; which of them are best is found out later.
        return fitted(settings, self.space, fewer=knob["kind"] == "choice")

    def _choose(self, knob: Mapping[str, Any]) -> None:
        current = self.best[knob["name"]]
        for value in knob["values"]:
            if same(value, current) or (knob["name"], text(value)) in self._hopeless:
                continue
            settings = self._with(knob, value)
            if not self._better(settings, f"{knob['name']} {text(value)} in place of {text(current)}", _COARSE):
                if self.measurements.failed(settings) or self._worse(settings, _HOPELESS):
                    self._hopeless.add((knob["name"], text(value)))
            else:
                current = value

    def _bracket(self, knob: Mapping[str, Any]) -> Neighbours:
        """Double while it gets better, else halve; return the neighbours of the best."""
        start = self.best[knob["name"]]
        return self._search_line(
            knob,
            _until(knob["high"], lambda number: start << number, start),
            _until(knob["low"], lambda number: start >> number, start),
            _COARSE,
        )

    def _step_by_step(self, knob: Mapping[str, Any]) -> Neighbours:
        """The same in small steps first, since the best is near where nothing else has changed much."""
        start = self.best[knob["name"]]
        least = max(1, round(start * _NEAR))
        return self._search_line(
            knob,
            _until(knob["high"], lambda number: start + (least << number - 1), start),
            _until(knob["low"], lambda number: start - (least << number - 1), start),
            _FINE,
        )

    def _search_line(self, knob: Mapping[str, Any], up: list[int], down: list[int], margin: float) -> Neighbours:
        start = self.best[knob["name"]]
        low, high = self._walk(knob, up, margin)
        if len(up) > 1 and self.best[knob["name"]] >= up[0]:
            return low, high
        # One step that a bound has cut short says little of the direction.
        above, below = self._walk(knob, down, margin)
        if self.best[knob["name"]] < start:
            return below, above
        return (below if low is None else low), high

    def _walk(self, knob: Mapping[str, Any], values: list[int], margin: float) -> Neighbours:
        """Go on while it gets better; return the neighbours of the best value behind and ahead, None where none is.

        One step that is not better is followed by another one, unless it is far worse: curves have dips and level
        parts, and what fails says nothing of what lies beyond it.
        """
        behind, ahead = None, None
        for value in values:
            previous, settings = self.best[knob["name"]], self._with(knob, value)
            if self._better(settings, f"{knob['name']} {value} in place of {previous}", margin):
                behind, ahead = previous, None
            elif ahead is not None:
                break
            else:
                ahead = value
                if self._worse(settings, _FAR):
                    break
        return behind, ahead

    def _worse(self, settings: Settings, share: float) -> bool:
        seen, best = self.measurements.known(settings), self.measurements.known(self.best)
        return seen is not None and best is not None and seen < share * best

    def _bisect(self, knob: Mapping[str, Any], low: int | None, high: int | None) -> None:
        if self._level(knob, low) and self._level(knob, high):
            return
        while (middle := self._middle(knob, low, high)) is not None:
            best = self.best[knob["name"]]
            outer = low if middle < best else high
            if self._better(self._with(knob, middle), f"{knob['name']} {middle} in place of {best}", _BETWEEN) or (
                outer is not None and self._beyond(knob, middle, outer)
            ):
                low, high = (low, best) if middle < best else (best, high)
            else:
                low, high = (middle, high) if middle < best else (low, middle)

    def _middle(self, knob: Mapping[str, Any], low: int | None, high: int | None) -> int | None:
        """The middle between the best and a neighbour, the better one of both; None where both are near."""
        best = self.best[knob["name"]]
        wide = [
            each for each in (low, high) if each is not None and abs(each - best) > max(1, round(_RESOLUTION * best))
        ]
        # The best is more often on the side of the better neighbour.
        values = {each: self.measurements.known(self._with(knob, each)) or 0.0 for each in wide}
        return (max(wide, key=values.__getitem__) + int(best)) // 2 if wide else None

    def _beyond(self, knob: Mapping[str, Any], middle: int, outer: int) -> bool:
        """Whether, where the middle failed, a value beyond it is better: one that fails may be the only one."""
        value = (middle + outer + (outer > middle)) // 2
        if not self.measurements.failed(self._with(knob, middle)) or value in (middle, outer):
            return False
        return self._better(self._with(knob, value), f"{knob['name']} {value}, since {middle} failed", _BETWEEN)

    def _level(self, knob: Mapping[str, Any], neighbour: int | None) -> bool:
        """Whether a neighbour is as good as the best, as on a curve that is level there."""
        if neighbour is None:
            return True
        settings = self._with(knob, neighbour)
        seen, best = self.measurements.known(settings), self.measurements.known(self.best)
        return seen is not None and best is not None and seen >= (1 - _ALIKE) * best

    def _better(self, settings: Settings, why: str, margin: float) -> bool:
        """Measure settings, in turn with the best where it is close; take them where they are better."""
        wins = self._wins(settings, why, margin)
        if wins:
            self.best = settings
        return wins

    def _wins(self, settings: Settings, why: str, margin: float) -> bool:
        found = self.measurements
        pair = (key_of(self.best), key_of(settings))
        if found.failed(settings) or pair in self._lost:
            return False
        wins = self._compared(settings, why, margin)
        if not wins:
            self._lost.add(pair)
        return wins

    def _compared(self, settings: Settings, why: str, margin: float) -> bool:
        found = self.measurements
        value = found.measure(settings, EXPLORE, why)
        best = found.known(self.best)
        if not value or not best:
            return bool(value)
        first = math.log(value) - math.log(best)
        if abs(first) > _CLEAR * math.sqrt(2) * found.noise() + _DRIFT:
            return first > 0
        turns: list[float] = []
        while len(turns) < _TURNS:
            again = found.measure(self.best, EXPLORE, f"again, in turn: {why}")
            if not value or not again:
                return bool(value)
            turns.append(math.log(value) - math.log(again))
            mean, error = fmean(turns), found.noise() * math.sqrt(2 / len(turns))
            if abs(mean) > _CLEAR * error or abs(mean) + 1.5 * error < _ALIKE or len(turns) == _TURNS:
                break
            value = found.measure(settings, EXPLORE, f"again, in turn: {why}")
        for each in turns if len(turns) > 1 else ():
            found.differ((each - mean) * math.sqrt(len(turns) / (len(turns) - 1)))
        return mean > margin * error


def _until(bound: int, step: Callable[[int], int], start: int) -> list[int]:
    """The values of a walk from the start towards a bound, which is the last one."""
    values: list[int] = []
    number = 1
    while (values[-1] if values else start) != bound:
        value = step(number)
        values.append(bound if (value >= bound) == (bound > start) else value)
        number += 1
    return values
