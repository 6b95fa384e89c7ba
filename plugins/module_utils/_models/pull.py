# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull a model: progress, attempts that go on where the last one broke off, and room in the store.

docs/api.md and server/download.go of Ollama 0.32.15: a line every 60 ms for the layer that is under way, with ``total``
and ``completed``, whether or not anything arrives. The server keeps what has arrived of a layer for the next pull, and
ends a download when the last client that waits for it hangs up.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._folders import free_bytes
from ansible_collections.inference.ollama.plugins.module_utils._models.failures import Failure
from ansible_collections.inference.ollama.plugins.module_utils._models.room import amount, room_for
from ansible_collections.inference.ollama.plugins.module_utils._models.server import SUMMED_BYTES
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.inference.ollama.plugins.module_utils._models.server import Server

_FIRST_WAIT, _MOST_WAIT = 1.0, 30.0
_GREATEST = 1 << 62
_MOST_LAYERS = 1000
# The rate that is shown is that of the last so many seconds.
_WINDOW = 10.0


class Bounds(NamedTuple):
    """How often a pull is tried without news, when all of it ends, by the monotonic clock, and how it waits."""

    retries: int
    ends: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Pull:
    """One model that is pulled; ``downloaded_bytes`` is what has arrived so far."""

    def __init__(self, server: Server, name: str, bounds: Bounds, say: Callable[[str], None]) -> None:
        self._server, self._name, self._bounds, self._say = server, name, bounds, say
        self._layers: dict[str, tuple[int, int, int]] = {}
        self._store: Optional[str] = None
        self._status = ""
        self._rates = [(bounds.clock(), 0)]

    @property
    def downloaded_bytes(self) -> int:
        return sum(done - first for first, done, _total in self._layers.values())

    def run(self, *, insecure: bool = False, store: str | None = None) -> None:
        """Pull it; where ``store`` is a folder, nothing is pulled for which its file system has no room.

        Raise OllamaError with what the server said last.
        """
        self._store = store
        failures, best = 0, 0
        body = {"model": self._name, "name": self._name, "insecure": insecure, "stream": True}
        while True:
            failure = self._attempt(body)
            if failure is None:
                return
            # An attempt that has brought something makes up for those before it.
            arrived = sum(done for _first, done, _total in self._layers.values())
            failures = 1 if arrived > best else failures + 1
            best = max(best, arrived)
            self._again(failure, failures)

    def _again(self, failure: Failure, failures: int) -> None:
        """Wait for the next attempt, or raise OllamaError where there is none."""
        bounds = self._bounds
        what = f"model {self._name}: it was not pulled"
        kept = (
            f"; {amount(self.downloaded_bytes)} arrived and are kept for the next pull" if self.downloaded_bytes else ""
        )
        if not failure.again:
            raise OllamaError(f"{failure.sentence(what)}{kept}")
        wait = min(_FIRST_WAIT * 2 ** (failures - 1), _MOST_WAIT)
        if bounds.clock() + wait > bounds.ends:
            raise OllamaError(f"{failure.sentence(f'{what} within max_duration')}{kept}")
        if failures > bounds.retries:
            raise OllamaError(f"{failure.sentence(f'{what} in {failures} attempts that brought nothing new')}{kept}")
        self._say(f"{self._name}: {failure.text}; attempt {failures + 1} follows in {wait:g} s")
        bounds.sleep(wait)

    def _attempt(self, body: dict[str, Any]) -> Failure | None:
        """Why the model is not there after one attempt; None where it is."""
        last = ""
        try:
            for line in self._server.lines("/api/pull", body, self._quiet):
                last = str(line.get("status"))
                self._report(last)
        except Failure as failure:
            return failure
        return None if last == "success" else Failure("the answer ended before its last line", again=True)

    def _quiet(self, line: dict[str, Any]) -> float | None:
        """How long the next news may take; a layer that stays where it is is no news."""
        left = self._bounds.ends - self._bounds.clock()
        if left <= 0:
            raise Failure("it takes longer than max_duration", again=False)
        status, layer = str(line.get("status")), line.get("digest")
        news = status != self._status
        self._status = status
        if isinstance(layer, str) and _is_count(line.get("total")):
            news = self._take(layer, line["total"], line.get("completed", 0)) or news
        if not news:
            return None
        total = sum(total for _first, _done, total in self._layers.values())
        # The server sums up what has arrived without a word.
        silent = self._server.timeout + (0 if layer else total / SUMMED_BYTES)
        return min(silent, left)

    def _take(self, layer: str, total: int, completed: Any) -> bool:  # noqa: ANN401 - whatever the server says
        """Note how far a layer is; whether that is further than before."""
        done = min(completed, total) if _is_count(completed) else 0
        known = self._layers.get(layer)
        if known is None:
            if len(self._layers) >= _MOST_LAYERS:
                raise Failure(f"the model has more than {_MOST_LAYERS} layers", again=False)
            self._check_room(total - done)
        first = done if known is None else known[0]
        self._layers[layer] = (first, max(done, first if known is None else known[1]), total)
        return known is None or done > known[1]

    def _check_room(self, size_bytes: int) -> None:
        short = check_room(self._store, size_bytes)
        if short is not None:
            raise OllamaError(f"model {self._name}: it is not pulled, since {short}")

    def _report(self, status: str) -> None:
        layers = self._layers.values()
        total, done = sum(each[2] for each in layers), sum(each[1] for each in layers)
        if done >= total:
            self._say(f"{self._name}: {one_line(status, 80)}")
            return
        now, arrived = self._bounds.clock(), self.downloaded_bytes
        self._rates = [each for each in self._rates if now - each[0] <= _WINDOW] + [(now, arrived)]
        began, before = self._rates[0]
        rate = (arrived - before) / (now - began) if now > began else 0.0
        left = f", {rate / 1e6:.1f} MB/s, {(total - done) / rate:.0f} s left" if rate > 0 else ""
        self._say(f"{self._name}: {amount(done)} of {amount(total)} ({100 * done // total} %){left}")


def check_room(store: str | None, size_bytes: int) -> str | None:
    """Why the file system of a store has no room for so many bytes; None where it has, or where that is not known."""
    return None if store is None else room_for({"path": store, "free_bytes": free_bytes(store)}, size_bytes)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _GREATEST
