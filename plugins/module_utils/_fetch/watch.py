# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An end to a transfer that goes on for too long, be it a byte at a time."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._fetch.exchange import Answer


class Watch:
    """Whether an answer was shut because its time was over."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.late = False

    def shut(self) -> None:
        self.late = True
        self._answer.shut()


@contextlib.contextmanager
def watching(answer: Answer, seconds: float | None) -> Iterator[Watch]:
    """Shut an answer that is read within it after so many seconds (None: never), and close it at the end."""
    watch = Watch(answer)
    timer = None if seconds is None else threading.Timer(max(0.0, seconds), watch.shut)
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield watch
    finally:
        if timer is not None:
            timer.cancel()
        answer.close()
