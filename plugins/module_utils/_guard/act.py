# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard does when nobody has renewed it: go back to the state of before the pending change of its run.

It acts on that change alone. Where the run has confirmed or taken it back, or another run has taken it over, there is
nothing for it to do.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._guard import record as records
from ansible_collections.inference.ollama.plugins.module_utils._guard import timer
from ansible_collections.inference.ollama.plugins.module_utils._places import Places
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import summarize
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.host import Host, tidy
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.lock import locked, new_holder
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.restore import (
    confirm,
    go_back,
    plan_restore,
    services,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._guard.record import Record
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

# A module call of another run is over by then, or the timer tries again.
_WAIT = 60
# A server may take its TimeoutStopSec= to stop, 90 s where it sets none.
_START, _LEASE = 300, 1500
_REASON = "going back, as the run that tunes this host was killed or lost it"
RESTORED, NOTHING, WAITS, FAILED = "restored", "nothing", "waits", "failed"


class System(NamedTuple):
    """What the guard asks and changes the host with: a runner that reads, one that waits for services, a clock."""

    read: Runner
    start: Runner
    clock: Callable[[], datetime]


def act(store: Store, system: System | None = None) -> dict[str, Any]:
    """Go back if it is due; return ``{outcome, message}``, and of a restore what it changed."""
    record = records.read(store.folder)
    if record is None or record.acted:
        return {"outcome": NOTHING, "message": "there is no guard"}
    now = datetime.now(timezone.utc)
    asked = system or System(runner(record.command_timeout), runner(_START), lambda: now)
    me = new_holder({**_me(), "run": f"{record.run}-guard", "lease": _LEASE}, _REASON, asked.clock())
    with locked(store.folder, me, _WAIT):
        # It may have been renewed or ended while this waited.
        record = records.read(store.folder)
        if record is None or record.acted:
            return {"outcome": NOTHING, "message": "there is no guard any more"}
        if record.left > 1:
            return {"outcome": WAITS, "message": f"the run has given a sign of life; {record.left:.0f} s are left"}
        host = Host(
            asked.read,
            asked.clock,
            record.units_folder,
            places=Places(record.units_folder, record.secrets_paths, record.install_folder),
            holder=me,
        )
        done = _go_back(store, host, record, asked)
        done["at"] = asked.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        if done["outcome"] != FAILED:
            records.write(store.folder, record._replace(acted=done))
            done["problems"] += timer.remove(asked.start, record.units_folder, store.folder.path)
        return done


def _go_back(store: Store, host: Host, record: Record, system: System) -> dict[str, Any]:
    tidy(store, ())
    begun = store.pending()
    owner = (begun.holder or {}).get("run") if begun else None
    if begun is None or owner not in (record.run, (host.holder or {}).get("run")):
        reason = "no change is pending" if begun is None else "another run has taken the change over"
        return {"outcome": NOTHING, "message": f"{reason}, so the host stays as it is", "problems": store.problems}
    back = plan_restore(store, host, begun.aim)
    go_back(store, host, back)
    wanted = services(back.snapshot, host)
    problems = _restart(wanted, system)
    done = {
        "state": back.snapshot.id,
        "changes": summarize(back.changes),
        "copies": [copy.path for copy in back.copies],
        "services": wanted,
    }
    if problems:
        return {
            **done,
            "outcome": FAILED,
            "message": f"the files are as before, the services are not: {'; '.join(problems)}",
            "problems": [*store.problems, *problems],
        }
    confirm(store, host, back.snapshot.plan, record.keep)
    counted = f"{len(back.changes)} file(s), {len(wanted['start'])} service(s)"
    message = f"went back to state {back.snapshot.id}: {counted}"
    return {**done, "outcome": RESTORED, "message": message, "problems": store.problems}


def _restart(wanted: dict[str, Any], system: System) -> list[str]:
    """Do what tasks/restart_restored.yml of the role does; return what failed."""
    commands = [["systemctl", "stop", unit] for unit in wanted["stop"]]
    commands += [["systemctl", "daemon-reload"], *(["systemctl", "restart", unit] for unit in wanted["start"])]
    commands += [["systemctl", "is-active", unit] for unit in wanted["start"]]
    said = [system.start(command).problem for command in commands]
    return [problem for problem in said if problem is not None]


def _me() -> dict[str, str]:
    return {"controller": os.uname().nodename, "pid": str(os.getpid()), "user": str(os.getuid())}


def main(arguments: list[str]) -> int:
    """Act on the folder of snapshots that is named; the exit status is 1 where the timer has to try again."""
    store = Store(arguments[0])
    try:
        done = act(store)
    except OllamaError as error:
        done = {"outcome": FAILED, "message": str(error)}
    # systemd writes it into the journal.
    sys.stdout.write(f"{done['message']}\n{json.dumps(done, sort_keys=True)}\n")
    return 1 if done["outcome"] == FAILED else 0
