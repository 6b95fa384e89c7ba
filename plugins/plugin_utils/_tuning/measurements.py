# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements of a search: those of the history one after the other, then the next one that is wanted.

The search is a function that calls ``measure``. It runs from its beginning each time, with what has been measured, and
the first call that the history does not answer is the next step: so nothing has to be kept between steps.
"""

from __future__ import annotations

import math
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Settings = Dict[str, Any]
EXPLORE, PAIR = "explore", "pair"
# The relative error of a measurement that does not say its own, and the least that is believed of one.
_ERROR, _LEAST_ERROR = 0.03, 0.005
# From so many repeats on they tell the noise; by how many of its own standard errors it is taken to be more than seen.
_REPEATS, _MARGIN = 4, 1.28
# Seeds of pairs, apart from those of single measurements: both of a pair have the same prompts.
_PAIR_SEEDS = 100000
# Measurements that are kept in reserve for the pairs while exploring.
RESERVE = 8


class Pending(Exception):  # noqa: N818 - no error: the search waits for a measurement
    """The next step, which has not been measured."""

    def __init__(self, step: dict[str, Any]) -> None:
        super().__init__()
        self.step = step


class Spent(Exception):  # noqa: N818 - no error: the search goes on with what it has
    """The points or the minutes are used up."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Budget(NamedTuple):
    """What a search may use; None is without bound."""

    points: Optional[int] = None
    minutes: Optional[float] = None
    minutes_used: float = 0.0


class Measurements:
    """What has been measured, in order; ``ask`` gets each further step, and returns its trial or raises Pending."""

    def __init__(
        self,
        space: Mapping[str, Any],
        history: Sequence[Mapping[str, Any]],
        budget: Budget,
        ask: Callable[[dict[str, Any]], Mapping[str, Any]],
    ) -> None:
        self.space, self.budget, self._history, self._ask = space, budget, history, ask
        self.done: list[Mapping[str, Any]] = []
        self.values: dict[tuple[tuple[str, str], ...], list[float | None]] = {}
        self._differences: list[float] = []
        self._errors: list[float] = []
        self._best_rate = 0.0

    def measure(self, settings: Settings, phase: str, why: str, turn: int = 0) -> float | None:
        """Return the value of these settings by one more measurement; None where it failed or does not count."""
        trial = self._recorded(settings, phase)
        if trial is None:
            trial = self._ask(self._step(settings, phase, why, turn))
        self.done.append(trial)
        value = trial.get("value")
        self.values.setdefault(key_of(settings), []).append(value)
        if value is None:
            return None
        if trial.get("std_error") is not None and value > 0:
            self._errors.append(trial["std_error"] / value)
        self._best_rate = max(self._best_rate, trial.get("output_token_throughput") or 0.0)
        return float(value)

    def noise(self) -> float:
        """Return the relative standard deviation of a measurement: what repeats have shown, before them what it says.

        A measurement says too much where callers are answered in waves, as those that all began at once are, and too
        little where servers differ from start to start. Few repeats may be alike by chance: the margin allows for that.
        """
        said = median(self._errors) if self._errors else _ERROR
        count = len(self._differences)
        if count < _REPEATS:
            return max(said, _LEAST_ERROR)
        seen = math.sqrt(fmean(each**2 for each in self._differences) / 2)
        return max(seen * (1 + _MARGIN / math.sqrt(2 * count)), _LEAST_ERROR)

    def differ(self, spread: float) -> None:
        """Note by how much the logarithm of a ratio in one turn differed from that of all its turns."""
        self._differences.append(spread)

    def known(self, settings: Settings) -> float | None:
        """Return the mean of what was measured with these settings; None where nothing counts."""
        found = [value for value in self.values.get(key_of(settings), []) if value is not None]
        return fmean(found) if found else None

    def failed(self, settings: Settings) -> bool:
        """Return whether a measurement of these settings failed."""
        return None in self.values.get(key_of(settings), [])

    @property
    def points(self) -> int:
        """The distinct settings that were measured."""
        return len(self.values)

    def _recorded(self, settings: Settings, phase: str) -> Mapping[str, Any] | None:
        place = len(self.done)
        if place >= len(self._history):
            return None
        trial = self._history[place]
        if phase == EXPLORE and trial["phase"] == PAIR:
            # The minutes were used up here when this was the next step.
            raise Spent("minutes")
        if trial["phase"] != phase or key_of(trial["settings"]) != key_of(settings):
            raise OllamaError(
                f"the history is not one of this search: its measurement {place + 1} has other settings than the search"
                " asks for there, as where the plan, the options or the version of the collection were others; start"
                " with an empty history"
            )
        return trial

    def _step(self, settings: Settings, phase: str, why: str, turn: int) -> dict[str, Any]:
        budget, count = self.budget, len(self.done)
        new = key_of(settings) not in self.values
        if budget.points is not None and new and self.points >= max(1, budget.points):
            raise Spent("points")
        if budget.minutes is not None and count:
            # A search that was begun has its start measured.
            kept = RESERVE * budget.minutes_used / count if phase == EXPLORE else 0
            if budget.minutes_used + kept >= budget.minutes:
                raise Spent("minutes")
        give_up = self._best_rate / 2 if phase == EXPLORE and count and self._best_rate else None
        return {
            "done": False,
            "number": count + 1,
            "settings": dict(settings),
            "start": key_of(settings) == key_of(self.space["start"]),
            "phase": phase,
            "objective": self.space["objective"],
            "concurrency": self.space["concurrency"],
            "limits": dict(self.space["limits"]),
            "give_up_below": give_up,
            "seed": _PAIR_SEEDS + turn if phase == PAIR else count + 1,
            "why": why,
        }
