# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a unit, and the kind of each.

Documentation/admin-guide/cgroup-v2.rst, cgroup.procs; proc(5). Names of runners by release: llm/server.go and
llm/llama_server.go of Ollama.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._service.command_line import model_of
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import natural
from ansible_collections.inference.ollama.plugins.module_utils._service.threads import stat_fields
from ansible_collections.inference.ollama.plugins.module_utils._systemd.control_groups import (
    USUAL,
    read_mounts,
    slices_with,
)

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

# Groups below the unit's, such as a container's, are looked through this deep.
_DEEPEST = 4
_SERVE = ("serve", "start")


def members(root: Proc, unit: str, group: str | None, main_pid: int | None) -> list[int] | None:
    """The processes of a unit in ascending order, from its control group or as the main process and all below it.

    None where neither is known.
    """
    # systemd puts units into version 2, or into a hierarchy of its own of version 1.
    mounts = [each.path for each in read_mounts(root) if each.version == 2 or "name=systemd" in each.options] or [USUAL]
    for folder in (
        f"{mount}{place}" for mount in mounts for place in ([group] if group else _usual(root, mount, unit))
    ):
        if root.exists(f"{folder}/cgroup.procs"):
            found = _group(root, folder, 0)
            if found:
                return sorted(found)
    return None if main_pid is None else _descendants(root, main_pid)


def _usual(root: Proc, mount: str, unit: str) -> list[str]:
    """Where a unit is below a slice of its own, and where systemd puts services and instances; systemd.slice(5)."""
    template, at, _instance = unit.partition("@")
    slices = [f"/system-{template}.slice".replace("-", r"\x2d").replace(r"/system\x2d", "/system-")] if at else [""]
    found = [f"{each}/{unit}" for each in slices_with(root, mount, unit)]
    return [*found, *(f"/system.slice{each}/{unit}" for each in slices)]


def _group(root: Proc, folder: str, depth: int) -> set[int]:
    found = {pid for pid in map(natural, (root.text(f"{folder}/cgroup.procs") or "").split()) if pid}
    if depth < _DEEPEST:
        for name in root.names(folder):
            if root.exists(f"{folder}/{name}/cgroup.procs"):
                found |= _group(root, f"{folder}/{name}", depth + 1)
    return found


def _descendants(root: Proc, first: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in root.names("/proc"):
        fields = stat_fields(root, f"/proc/{name}/stat") if natural(name) else []
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found, waiting = {first}, [first]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return sorted(found)


def kind_of(comm: str, argv: list[str], *, main: bool) -> str | None:
    """``server`` or ``runner``; None for others, such as the short-lived processes that look for GPUs.

    Since 0.30 a runner is ``llama-server --model``, from 0.5.8 ``ollama runner --model``, before that
    ``ollama_llama_server``, which the kernel cuts to 15 characters. Those that look for GPUs have no model.
    """
    program, rest = os.path.basename(argv[0]) if argv else "", argv[1:]
    model = model_of(argv) is not None
    if "llama-server" in (comm, program):
        return "runner" if model else None
    if comm.startswith("ollama_llama_se") or program == "ollama_llama_server":
        return "runner"
    if rest[:1] == ["runner"]:
        return "runner" if model or "--mlx-engine" in rest else None
    if main or ((comm == "ollama" or program == "ollama") and rest[:1] and rest[0] in _SERVE):
        return "server"
    return None
