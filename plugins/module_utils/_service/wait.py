# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until servers answer, or have failed for good.

org.freedesktop.systemd1(5): a unit that "failed" is not started again, and NRestarts counts how often it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._systemd.show import show

if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch

PAUSE_SECONDS = 0.5
# A server that ended this often while it was waited for will end again.
MOST_RESTARTS = 3


class Clock(NamedTuple):
    """time.monotonic and time.sleep, replaced in tests."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


def wait(units: Sequence[tuple[str, str]], seconds: float, run: Runner, fetch: Fetch, clock: Clock) -> None:
    """Return when each of ``units``, ``(name, address)`` each, answers or has failed, or after ``seconds``."""
    end = clock.now() + seconds
    begun: dict[str, int] = {}
    waiting = list(units)
    while True:
        waiting = [unit for unit in waiting if not _answers(fetch, unit[1]) and not _given_up(run, unit[0], begun)]
        if not waiting or clock.now() + PAUSE_SECONDS > end:
            return
        clock.sleep(PAUSE_SECONDS)


def _answers(fetch: Fetch, url: str) -> bool:
    said, problem = fetch(f"{url.rstrip('/')}/api/version")
    return problem is None and isinstance(said, dict) and "version" in said


def _given_up(run: Runner, unit: str, begun: dict[str, int]) -> bool:
    shown = show(run, unit, ("ActiveState", "NRestarts"))
    count = shown.number("NRestarts") or 0
    return shown.text("ActiveState") == "failed" or count - begun.setdefault(unit, count) >= MOST_RESTARTS
