# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which request is served next, which waits, and which is sent away: OLLAMA_NUM_PARALLEL and OLLAMA_MAX_QUEUE."""

from __future__ import annotations

import collections
import contextlib
import threading
from typing import Callable, Deque, Iterator

# How often a request that waits looks whether its client is still there.
LOOK_S = 0.2


class QueueFullError(Exception):
    """As many requests wait as may; the words are Ollama's (server/sched.go)."""

    def __init__(self) -> None:
        super().__init__("server busy, please try again.  maximum pending requests exceeded")


class GoneError(Exception):
    """The client has hung up."""


class Slots:
    """So many requests at once, the others in the order in which they came."""

    def __init__(self, parallel: int, most_waiting: int) -> None:
        self._free, self._most_waiting = parallel, most_waiting
        self._waiting: Deque[threading.Event] = collections.deque()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def slot(self, gone: Callable[[], bool]) -> Iterator[None]:
        """Hold a slot for as long as the block takes, as soon as there is one."""
        self._enter(gone)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, gone: Callable[[], bool]) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if len(self._waiting) >= self._most_waiting:
                raise QueueFullError
            turn = threading.Event()
            self._waiting.append(turn)
        while not turn.wait(LOOK_S):
            if not gone():
                continue
            with self._lock:
                left = turn not in self._waiting  # its turn came meanwhile
                if not left:
                    self._waiting.remove(turn)
            if left:
                self._leave()
            raise GoneError

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
