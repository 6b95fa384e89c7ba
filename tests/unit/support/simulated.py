# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event loop whose time passes at once: what sleeps is woken in its order, and nobody waits."""

from __future__ import annotations

import asyncio
import selectors


class _Selector(selectors.SelectSelector):
    """Finds nothing ready, and lets the loop's time pass instead."""

    loop = None

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("nothing is left that would ever happen")
        self.loop.now += timeout
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Begins at second 0."""

    def __init__(self):
        selector = _Selector()
        super().__init__(selector)
        selector.loop, self.now = self, 0.0

    def time(self):
        return self.now


def simulate(coroutine):
    """The result of a coroutine, in simulated time."""
    loop = SimulatedLoop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
