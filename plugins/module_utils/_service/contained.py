# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit whose main process is a client of Docker: its server runs beside it, in the control group of the container.

docker-start(1); docker-container-inspect(1), State.Pid, which is the number of the process on the host.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._places import CLIENTS

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
    from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_PID = re.compile("[1-9][0-9]{0,9}")
# The hierarchy of systemd of version 1, and that of version 2.
_GROUP = re.compile(r"^[0-9]+:(?:name=systemd)?:(/.+)$", re.MULTILINE)


def contained(root: Proc, run: Runner | None, unit: Unit) -> Unit:
    """Return the unit with the main process and the control group of its container; any other unit as it is."""
    name = container_of(root, unit.main_pid)
    if name is None or run is None:
        return unit
    said = run([*CLIENTS["docker"], "container", "inspect", "--format", "{{.State.Pid}}", name])
    text = (said.out or "").strip()
    if _PID.fullmatch(text) is None:
        root.problem(said.problem or f"docker: the container {name} of {unit.name} has no process; read {text[:40]!r}")
        return unit
    match = _GROUP.search(root.text(f"/proc/{text}/cgroup") or "")
    return unit._replace(main_pid=int(text), control_group=match[1] if match else None)


def container_of(root: Proc, pid: int | None) -> str | None:
    """Return the container that a process starts and stays with: ``docker start --attach NAME``; None for any other."""
    argv = (root.strings(f"/proc/{pid}/cmdline") or []) if pid is not None else []
    if not argv or os.path.basename(argv[0]) != "docker" or not {"start", "--attach"} <= set(argv):
        return None
    return argv[-1] if _NAME.fullmatch(argv[-1]) else None
