# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of a process by NUMA node and by size of page.

Documentation/filesystems/proc.rst: /proc/PID/numa_maps, smaps_rollup and status. The kernel walks the page tables for
the first two, and lets those read them who may trace the process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

_SHARE = re.compile(r"N([0-9]{1,5})=([0-9]{1,15})")
_POLICY = re.compile(r"[a-z]+(?: \([a-z]+\))?(?:=[a-z|]+)?(?::[0-9,-]+)?")
_SIZE = re.compile(r"kernelpagesize_kB=([0-9]{1,9})")
_KB = re.compile(r"([0-9]{1,15}) kB")
# Kernels before 3.0 do not print it.
_PAGE_KB = 4
# Fields of smaps_rollup that add up to each key.
_HUGE = {
    "anonymous_huge_bytes": ("AnonHugePages",),
    "file_huge_bytes": ("FilePmdMapped",),
    "shared_huge_bytes": ("ShmemPmdMapped",),
    "hugetlb_bytes": ("Shared_Hugetlb", "Private_Hugetlb"),
}


def read_maps(root: Proc, folder: str) -> dict[str, Any]:
    """Bytes by NUMA node, in huge pages, resident and locked; None for what cannot be read."""
    status = root.fields(f"{folder}/status")
    nodes, policy = memory_by_node(root, f"{folder}/numa_maps")
    return {
        "memory_by_node": nodes,
        "memory_policy": policy,
        "resident_bytes": _bytes(root, f"{folder}/status", status, "VmRSS"),
        **_huge(root, f"{folder}/smaps_rollup"),
        "locked_bytes": _bytes(root, f"{folder}/status", status, "VmLck"),
    }


def memory_by_node(root: Proc, path: str) -> tuple[dict[str, int] | None, str | None]:
    """Bytes on each node, and the policy, as ``bind:1``, that most of them are under."""
    text = root.required(path, "the memory of the process by node, as kernels with NUMA have it")
    if text is None:
        return None, None
    nodes: dict[int, int] = {}
    policies: dict[str, int] = {}
    for line in text.splitlines():
        # The rest of a line may hold the path of a file.
        _start, policy, *rest = [*line.split(" "), ""]
        words = [word for word in rest if not word.startswith("file=")]
        size = next((int(match[1]) for match in map(_SIZE.fullmatch, words) if match), _PAGE_KB)
        for match in map(_SHARE.fullmatch, words):
            if match:
                held = int(match[2]) * size * 1024
                nodes[int(match[1])] = nodes.get(int(match[1]), 0) + held
                policies[policy] = policies.get(policy, 0) + held
    if not nodes and text:
        root.problem(f"{path}: no line has a share such as N0=3")
        return None, None
    most = max(policies, key=lambda policy: policies[policy], default="")
    return {str(node): nodes[node] for node in sorted(nodes)}, most if _POLICY.fullmatch(most) else None


def _huge(root: Proc, path: str) -> dict[str, int | None]:
    text = root.required(path, "the sums over the memory of the process, as kernels since 4.14 have them")
    found = root.fields(path)
    values: dict[str, int | None] = dict.fromkeys(_HUGE)
    if text is None:
        return values
    for key, names in _HUGE.items():
        # FilePmdMapped is there since 5.4.
        parts = [_bytes(root, path, found, name) for name in names if name in found or key != "file_huge_bytes"]
        values[key] = sum(part for part in parts if part is not None) if parts and None not in parts else None
    return values


def _bytes(root: Proc, path: str, fields: dict[str, str], name: str) -> int | None:
    """A field in kB as bytes; a file that was read and lacks it is a problem."""
    match = _KB.fullmatch(fields.get(name, ""))
    if match:
        return int(match[1]) * 1024
    if fields:
        root.problem(f"{path}: read {fields.get(name, '')[:80]!r} for {name}, expected a number of kB")
    return None
