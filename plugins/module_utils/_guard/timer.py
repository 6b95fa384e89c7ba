# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer of the guard and its service: their files, and how systemd learns of them.

Files in the folder of units, and not a transient timer, so that a host that boots in the middle is put back too.
systemd.timer(5): OnActiveSec= counts from the start of the timer, which a restart does again; OnUnitInactiveSec=
tries again what failed.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._process import find
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.commit import commit
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import ABSENT, FILE, LINK, Entry
from ansible_collections.inference.ollama.plugins.module_utils._trust import weakness

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

UNIT = "inference-ollama-guard"
TIMER, SERVICE = f"{UNIT}.timer", f"{UNIT}.service"
PROGRAM = "guard.zip"
RETRY = 300
_ABOUT = f"{HEADER} puts the host back where a run that tunes it ends early."
_SERVICE = """{about}
[Unit]
Description=Put Ollama back as it was before a run that tunes it
ConditionPathExists={plain}

[Service]
Type=oneshot
ExecStart={python} -I -B {program} {folder}
TimeoutStartSec=1800
"""
_TIMER = """{about}
[Unit]
Description=Wait for a sign of life of the run that tunes Ollama

[Timer]
OnActiveSec={seconds}
OnUnitInactiveSec={retry}
AccuracySec=1

[Install]
WantedBy=timers.target
"""


def interpreter() -> str:
    """The Python that the service runs, which root alone may change; OllamaError where there is none."""
    reasons = []
    for path in dict.fromkeys([sys.executable, find("python3")]):
        weak = weakness(path) if path and os.geteuid() == 0 else None
        if path and weak is None:
            return path
        reasons.append(weak or "there is no python3")
    raise OllamaError(
        f"a guard would run a Python that others than root may change: {'; '.join(reasons)}. Right is root as the owner"
        " of the program and of every folder above it"
    )


def install(run: Runner, units_folder: str, folder: str, program: bytes, seconds: int) -> None:
    """Write program and units, and start the timer; OllamaError, and nothing is left, where that fails."""
    where = os.path.join(folder, PROGRAM)
    words = {"about": _ABOUT, "plain": where.replace("%", "%%"), "python": _quoted(interpreter())}
    service = _SERVICE.format(program=_quoted(where), folder=_quoted(folder), **words)
    timer = _TIMER.format(about=_ABOUT, seconds=seconds, retry=RETRY)
    try:
        commit(
            [
                Entry(where, FILE, program, 0o600),
                Entry(os.path.join(units_folder, SERVICE), FILE, service.encode(), 0o644),
                Entry(os.path.join(units_folder, TIMER), FILE, timer.encode(), 0o644),
                Entry(_link(units_folder), LINK, target=os.path.join(units_folder, TIMER)),
            ]
        )
        systemctl(run, "daemon-reload")
        restart(run)
    except OllamaError:
        remove(run, units_folder, folder)
        raise


def restart(run: Runner) -> None:
    """Let the timer count from the start; OllamaError where systemd does not."""
    systemctl(run, "restart", TIMER)


def is_waiting(run: Runner) -> bool:
    """Whether the timer runs."""
    return run(["systemctl", "is-active", TIMER]).out is not None


def remove(run: Runner, units_folder: str, folder: str) -> list[str]:
    """Stop the timer and remove its files; return what systemd said where it failed."""
    problems = []
    if os.path.lexists(os.path.join(units_folder, TIMER)):
        stopped = run(["systemctl", "stop", TIMER])
        problems += [stopped.problem] if stopped.problem else []
    paths = [os.path.join(units_folder, name) for name in (SERVICE, TIMER)]
    commit([Entry(path, ABSENT) for path in [_link(units_folder), *paths, os.path.join(folder, PROGRAM)]])
    # It was made with the link, unless the host has other timers there.
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(_link(units_folder)))
    reloaded = run(["systemctl", "daemon-reload"])
    return problems + ([reloaded.problem] if reloaded.problem else [])


def systemctl(run: Runner, *words: str) -> None:
    """OllamaError where systemctl fails."""
    said = run(["systemctl", *words])
    if said.problem is not None:
        raise OllamaError(said.problem)


def _link(units_folder: str) -> str:
    return os.path.join(units_folder, "timers.target.wants", TIMER)


def _quoted(path: str) -> str:
    """A word of a command line: systemd.service(5), "Command lines"; systemd.unit(5), "Specifiers"."""
    for plain, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        path = path.replace(plain, written)
    return f'"{path}"'
