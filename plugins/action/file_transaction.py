# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action ``file_transaction``: the module of that name, with the run that calls it.

Only the controller knows whether another run on the same controller is still alive, so it is asked here.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import multiprocessing
import os
import platform
from typing import TYPE_CHECKING, Any

from ansible.plugins.action import ActionBase

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._program import archive
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import PACKED, packed
from ansible_collections.inference.ollama.plugins.plugin_utils._extras import PROGRAM_MODULES

if TYPE_CHECKING:
    from collections.abc import Mapping

# Beside the time that the longest waits of the role may take, in seconds.
_SPARE = 600


class ActionModule(ActionBase):
    """Call the module; where the change of a dead run is in the way, take it over."""

    MODULE = "inference.ollama.file_transaction"
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = task_vars or {}
        result: dict[str, Any] = super().run(tmp, known)
        args = {"run": this_run(known), **self._task.args}
        try:
            args.update(_with_programs(args))
        except OllamaError as error:
            return {**result, "failed": True, "msg": str(error)}
        done: dict[str, Any] = self._execute_module(module_name=self.MODULE, module_args=args, task_vars=known)
        holder = done.get("holder")
        if done.get("failed") and holder and is_dead(holder):
            args["takeover"] = str(holder.get("run"))
            done = self._execute_module(module_name=self.MODULE, module_args=args, task_vars=known)
        return {**result, **done}


def _with_programs(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the files with the bytes of each program in place of its name, which is enough for everything before."""
    files = args.get("files")
    if not isinstance(files, list):
        return {}
    return {"files": [_with_program(file) for file in files]}


def _with_program(file: Any) -> Any:  # noqa: ANN401 - whatever a playbook has
    name = file.get("program") if isinstance(file, dict) else None
    if name is None:
        return file
    if name not in PROGRAM_MODULES:
        raise OllamaError(f"program: {str(name)[:80]!r} is not one of {', '.join(PROGRAM_MODULES)}")
    rest = {key: value for key, value in file.items() if key != "program"}
    return {**rest, "content_base64": base64.b64encode(program_bytes(name)).decode("ascii")}


def program_bytes(name: str) -> bytes:
    """Return a program of PROGRAM_MODULES; OllamaError where its files cannot be read."""
    program = PROGRAM_MODULES[name]
    return archive(program.module, program.decider, {PACKED: packed()} if program.contract else None)


def this_run(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return who this run of Ansible is on a host: the same in all its plays, another one in every other run."""
    parent = multiprocessing.parent_process()
    pid = os.getpid() if parent is None or parent.pid is None else parent.pid
    me = {"controller": platform.node(), "boot": _boot(), "pid": str(pid), "started": _started(pid)}
    text = "\0".join([*me.values(), str(known.get("inventory_hostname"))])
    waits = (known.get(f"ollama_{name}_timeout") for name in ("start", "start", "verify"))
    lease = _SPARE + sum(seconds for seconds in waits if isinstance(seconds, int))
    return {"run": hashlib.sha256(text.encode()).hexdigest()[:32], **me, "user": _user(), "lease": lease}


def is_dead(holder: Mapping[str, Any]) -> bool:
    """Return whether a run ended that this controller started; of another controller's nobody here knows."""
    here = holder.get("controller") == platform.node() and holder.get("boot") == _boot()
    pid = str(holder.get("pid"))
    return here and pid.isdecimal() and _started(int(pid)) != holder.get("started")


def _boot() -> str:
    """Return which boot of the machine this is, and which of its containers, by the numbers of processes."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return f"{file.read(100).strip()} {os.readlink('/proc/self/ns/pid')}"
    except (OSError, ValueError):
        return ""


def _started(pid: int) -> str:
    """Return when a process started, in ticks since boot (proc(5), stat); empty where it does not exist."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # The name before may have blanks and parentheses.
            after = file.read(4096).rpartition(")")[2].split()
    except OSError:
        return ""
    # A zombie runs no more.
    return after[19] if len(after) > 19 and after[0] != "Z" else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
