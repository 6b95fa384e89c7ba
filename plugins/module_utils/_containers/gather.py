# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of Ollama on a host: what files describe, and what engines have, as one list without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List

from ansible_collections.inference.ollama.plugins.module_utils._containers.quadlet import read_files
from ansible_collections.inference.ollama.plugins.module_utils._process import Runner, runner
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import Tree
from ansible_collections.inference.ollama.plugins.module_utils._text import MOST, one_line, visible_everywhere

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

SCHEMA = 1
# By these the kernel's drivers say that a host has cards.
_CARDS = {"nvidia": "/dev/nvidiactl", "amd": "/dev/kfd"}


def containers(root: Proc, timeout: float, run: Runner | None = None) -> Dict[str, Any]:
    """RETURN of the module containers_info."""
    problems: List[str] = []
    described = read_files(Tree(root.path), problems)
    had: List[Dict[str, Any]] = []
    asked: Dict[str, Any] = {"podman": None, "docker": None}
    if root.live:
        from ansible_collections.inference.ollama.plugins.module_utils._containers.engines import (  # noqa: PLC0415 compiled only where needed
            ask,
        )

        had, asked = ask(root, run or runner(timeout), problems)
    found = _together(described, had, asked, problems)
    redactor = Redactor()
    shown = [_without_secrets(each, redactor) for each in found]
    problems = [redactor.text(one_line(each)) for each in dict.fromkeys([*problems, *root.problems])][:MOST]
    cards = {vendor: root.exists(path) for vendor, path in _CARDS.items()}
    whole = {"schema": SCHEMA, "engines": asked, "containers": shown, "cards": cards, "problems": problems}
    return dict(visible_everywhere(redactor.everywhere(whole)))


def _together(
    described: List[Dict[str, Any]], had: List[Dict[str, Any]], asked: Dict[str, Any], problems: List[str]
) -> List[Dict[str, Any]]:
    """What runs, with the file that describes it, then what files describe and no engine has."""
    left = []
    for each in described:
        mine = next((one for one in had if each["user"] is None and _is_of(one, each)), None)
        if mine is not None:
            mine.update(
                manager=each["manager"],
                path=each["path"],
                ours=each["ours"],
                files=each["files"],
                environment_files=each["environment_files"],
                restart=each["restart"],
                # A container in a pod has the network and the ports of the pod.
                network=each["network"] if (mine["network"] or "").startswith("container:") else mine["network"],
                ports=mine["ports"] or each["ports"],
                cpus=mine["cpus"] or each["cpus"],
                memory_nodes=mine["memory_nodes"] or each["memory_nodes"],
                cpu_quota=mine["cpu_quota"] or each["cpu_quota"],
            )
            continue
        if each["user"] is not None:
            problems.append(f"{each['path']}: it is Podman's of {each['user']}, who was not asked whether it runs")
        elif asked["podman"] is not False:
            # Quadlet removes a container that ends.
            each["state"] = "absent"
        left.append(each)
    return [*had, *left]


def _is_of(one: Dict[str, Any], file: Dict[str, Any]) -> bool:
    return bool(one["engine"] == "podman" and (one["unit"] == file["unit"] or one["name"] == file["name"]))


def _without_secrets(each: Dict[str, Any], redactor: Redactor) -> Dict[str, Any]:
    before = each["environment"]
    hidden = redactor.environment(before)
    secrets = sorted(name for name, value in before.items() if hidden[name] != value)
    return {
        **each,
        "environment": {name: None if name in secrets else before[name] for name in sorted(before)},
        "secrets": secrets,
        "command": redactor.command_line(each["command"]),
    }
