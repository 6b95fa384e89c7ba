# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until servers answer, or have failed for good; another process that answers there is none of them.

org.freedesktop.systemd1(5): a unit that "failed" is not started again, and NRestarts counts how often it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit
from ansible_collections.inference.ollama.plugins.module_utils._systemd.show import show

if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.answers import Whose
    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.show import Properties

PAUSE_SECONDS = 0.5
# A server that ended this often while it was waited for will end again.
MOST_RESTARTS = 3


class Clock(NamedTuple):
    """time.monotonic and time.sleep, replaced in tests."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


class Asked(NamedTuple):
    """How systemd and the servers are asked, and whose an answer is."""

    run: Runner
    fetch: Fetch
    whose: Whose


def wait(units: Sequence[tuple[str, str]], seconds: float, asked: Asked, clock: Clock) -> None:
    """Return when each of ``units``, ``(name, address)`` each, answers or has failed, or after ``seconds``."""
    end = clock.now() + seconds
    begun: dict[str, int] = {}
    waiting = list(units)
    while True:
        waiting = [unit for unit in waiting if not _settled(asked, unit, begun)]
        if not waiting or clock.now() + PAUSE_SECONDS > end:
            return
        clock.sleep(PAUSE_SECONDS)


def _settled(asked: Asked, named: tuple[str, str], begun: dict[str, int]) -> bool:
    """Whether the server answers, or never will. systemd is asked only where the answer is not plainly its own."""
    unit, url = named
    answers = _answers(asked.fetch, url)
    if answers and asked.whose(Unit(unit), url).own is not False:
        return True
    shown = show(asked.run, unit, ("ActiveState", "NRestarts", "ControlGroup", "MainPID"))
    # A control group may be where only systemd knows it.
    known = Unit(unit, control_group=shown.text("ControlGroup"), main_pid=shown.number("MainPID") or None)
    return (answers and asked.whose(known, url).own is not False) or _given_up(shown, unit, begun)


def _answers(fetch: Fetch, url: str) -> bool:
    said, problem = fetch(f"{url.rstrip('/')}/api/version")
    return problem is None and isinstance(said, dict) and "version" in said


def _given_up(shown: Properties, unit: str, begun: dict[str, int]) -> bool:
    count = shown.number("NRestarts") or 0
    return shown.text("ActiveState") == "failed" or count - begun.setdefault(unit, count) >= MOST_RESTARTS
