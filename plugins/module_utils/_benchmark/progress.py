# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say in one line how far a measurement is, in a file that is replaced every few seconds."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Callable

_SECONDS = 3.0


class Progress:
    """Writes the line; a file that cannot be written is named once in ``problems`` and left alone then."""

    def __init__(self, path: str | None, problems: list[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._problems = problems
        self._clock = clock
        self._next = clock()

    def say(self, line: str, *, now: bool = False) -> None:
        """Write the line where the last one is a few seconds old, or ``now``."""
        if self._path is None or (not now and self._clock() < self._next):
            return
        self._next = self._clock() + _SECONDS
        fresh = f"{self._path}.new"
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh)
            # Nothing that somebody else has put there is followed or kept.
            number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            with open(number, "w", encoding="utf-8") as file:
                file.write(f"{line}\n")
            os.replace(fresh, self._path)
        except OSError as error:
            self._problems.append(f"progress_file: {self._path} cannot be written: {error.strerror}")
            self._path = None
