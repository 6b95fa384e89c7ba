# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AMD GPUs as the compute driver (KFD) numbers them under /sys/class/kfd/kfd/topology.

Sources: drivers/gpu/drm/amd/amdkfd/kfd_topology.c and kfd_crat.h of the Linux kernel (files and heap types),
its amdgpu documentation (mem_info_*, product_name), and LLVM's "User Guide for AMDGPU Backend" (targets, and
which of them are APUs).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import brief
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import DEVICES, gpu_entry
from ansible_collections.inference.ollama.plugins.module_utils._topology.vendors import KFD

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_NODE = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_PROPERTY = re.compile(r"([a-z][a-z0-9_]*) +([0-9]{1,20})", re.ASCII)

# HSA_MEM_HEAP_TYPE_FB_PUBLIC and _FB_PRIVATE; the others are host memory and on-chip memory.
_GPU_HEAPS = (1, 2)
_LINKS = {2: "PCIE", 11: "XGMI"}  # HSA_IOLINKTYPE_PCIEXPRESS, HSA_IOLINK_TYPE_XGMI

# Targets that LLVM's table of processors lists as APU and never as dGPU.
_APUS = (
    *("gfx700", "gfx801", "gfx810", "gfx902", "gfx909", "gfx90c"),
    *("gfx1013", "gfx1033", "gfx1035", "gfx1036", "gfx1037"),
    *("gfx1103", "gfx1150", "gfx1151", "gfx1152", "gfx1153"),
)

_ARCHITECTURES = (
    ("gfx90a", "CDNA2"),
    ("gfx908", "CDNA"),
    ("gfx94", "CDNA3"),
    ("gfx95", "CDNA4"),
    ("gfx90", "Vega"),
    ("gfx101", "RDNA"),
    ("gfx103", "RDNA2"),
    ("gfx110", "RDNA3"),
    ("gfx115", "RDNA3.5"),
    ("gfx120", "RDNA4"),
)


def gfx_name(version: int) -> str | None:
    """LLVM's name of a target: 110501 (major * 10000 + minor * 100 + stepping) is gfx1151, 90010 is gfx90a.

    None for 0, which nodes of CPUs and old kernels give.
    """
    if version <= 0:
        return None
    major, minor, stepping = version // 10000, version // 100 % 100, version % 100
    return f"gfx{major}{minor:x}{stepping:x}"


def architecture_of(gfx: str | None) -> str | None:
    """``RDNA3`` for ``gfx1100``; None for a target older than Vega or newer than this file."""
    return next((name for prefix, name in _ARCHITECTURES if gfx is not None and gfx.startswith(prefix)), None)


def read_kfd(root: Root) -> list[dict[str, Any]]:
    """Entries in the order of KFD nodes, which is the order of ROCR_VISIBLE_DEVICES.

    A board in partitions (MI300 and later) gives one entry a partition, each with its share of the memory;
    they have the address and the UUID of the board. What amdgpu says of a whole board is left out there.
    """
    numbers = _numbers(root)
    nodes = {n: node for n in numbers for node in [_node(root, n)] if _is_gpu(node)}
    boards = _boards(nodes)
    order = {number: index for index, number in enumerate(nodes)}
    return [_entry(root, number, node, boards, order) for number, node in nodes.items()]


def _numbers(root: Root) -> list[int]:
    names = root.names(KFD)
    for name in names:
        if not _NODE.fullmatch(name):
            root.problem(f"{KFD}/{brief(name)}: left out, expected a node's number such as 0")
    return sorted(int(name) for name in names if _NODE.fullmatch(name))


def _is_gpu(node: dict[str, int]) -> bool:
    return node.get("simd_count", 0) > 0


def _node(root: Root, number: int) -> dict[str, int]:
    """A node's properties; those of every node, be it CPUs or a GPU, say how many SIMD units it has."""
    path = f"{KFD}/{number}/properties"
    values = _properties(root, path)
    if values and "simd_count" not in values:
        root.problem(
            f"{path}: expected a line such as 'simd_count 192', without which nobody knows whether it is a GPU"
        )
    return values


def _properties(root: Root, path: str) -> dict[str, int]:
    """Lines of a name and a whole number."""
    values: dict[str, int] = {}
    text = root.required(path, "lines of a name and a whole number")
    if text == "":
        root.problem(f"{path}: empty, expected lines of a name and a whole number")
    for line in (text or "").splitlines():
        match = _PROPERTY.fullmatch(line)
        if match:
            values[match[1]] = int(match[2])
        else:
            root.problem(f"{path}: read {line[:80]!r}, expected a name and a whole number")
    return values


def _address(node: dict[str, int]) -> str | None:
    location = node.get("location_id")
    if location is None:
        return None
    return f"{node.get('domain', 0):04x}:{location >> 8 & 0xFF:02x}:{location >> 3 & 0x1F:02x}.{location & 7}"


def _boards(nodes: dict[int, dict[str, int]]) -> dict[int, list[str]]:
    """By unique_id, the addresses of what shares a board; a partition's number stands for the function."""
    boards: dict[int, list[str]] = {}
    for node in nodes.values():
        address = _address(node)
        if address is not None:
            boards.setdefault(node.get("unique_id", 0), []).append(address)
    # 0 stands for "has none", not for one board.
    boards.pop(0, None)
    return boards


def _entry(
    root: Root, number: int, node: dict[str, int], boards: dict[int, list[str]], order: dict[int, int]
) -> dict[str, Any]:
    unique_id = node.get("unique_id", 0)
    own = _address(node)
    if own is None:
        root.problem(f"{KFD}/{number}/properties: expected a line such as 'location_id 768', found none")
    shared = boards.get(unique_id, []) if own is not None else []
    address = min(shared, default=own)
    card = f"{DEVICES}/{address}"
    gfx = gfx_name(node.get("gfx_target_version", 0))
    total = _memory(root, number, node.get("mem_banks_count", 0))
    node_with_cpus = node.get("cpu_cores_count", 0) > 0
    # A node with CPUs too is how old kernels show an APU, and how all show an MI300A.
    unified = node_with_cpus and (gfx or "").startswith("gfx94")
    integrated = gfx in _APUS or node_with_cpus or _is_gtt(root, card, total)
    name = root.word(f"{card}/product_name", "a product's name") or root.word(f"{KFD}/{number}/name", "a name")
    return gpu_entry(
        "amd",
        index=order[number],
        # Newer kernels put how they found the card where older ones put its code name.
        name=None if name == "ip discovery" else name or None,
        uuid=f"GPU-{unique_id:016x}" if unique_id else None,
        pci_bus_id=address,
        answers=True,
        memory_bytes=total,
        free_bytes=_free(root, card, total) if len(shared) <= 1 else None,
        gfx_target=gfx,
        architecture=architecture_of(gfx),
        shared_bytes=_shared(root, card, total, unified=unified) if integrated else 0,
        integrated=integrated,
        links=_links(root, number, order),
    )


def _memory(root: Root, number: int, expected: int) -> int | None:
    """Bytes of the GPU's banks; on an APU the kernel lists the host memory that it may map (GTT) as one."""
    folder = f"{KFD}/{number}/mem_banks"
    banks = [_properties(root, f"{folder}/{bank}/properties") for bank in root.names(folder)]
    if any("heap_type" not in bank or "size_in_bytes" not in bank for bank in banks):
        # A sum without one of them would be another number, not less of an answer.
        root.problem(f"{folder}/*/properties: expected heap_type and size_in_bytes in each; the memory is unknown")
        return None
    sizes = [bank["size_in_bytes"] for bank in banks if bank["heap_type"] in _GPU_HEAPS]
    if not sizes or len(banks) < expected:
        root.problem(
            f"{folder}: read {len(banks)} banks of memory, {len(sizes)} of them the GPU's own, expected "
            f"{expected or 'at least one'}; the memory is unknown"
        )
        return None
    return sum(sizes)


def _is_gtt(root: Root, card: str, total: int | None) -> bool:
    """Whether it is the host memory that the GPU may map, and not VRAM of the same size."""
    vram, gtt = (root.natural(f"{card}/mem_info_{pool}_total") for pool in ("vram", "gtt"))
    return total is not None and total == gtt and total != vram


def _shared(root: Root, card: str, total: int | None, *, unified: bool) -> int | None:
    """How much of an APU's memory is the host's.

    KFD offers the carve-out (VRAM), which MemTotal is without, or where that is smaller the host memory that may be
    mapped (amdgpu_amdkfd_get_local_mem_info); on an MI300A (``unified``) both are one, and MemTotal counts all of it.
    """
    vram = root.natural(f"{card}/mem_info_vram_total")
    if total is None or (vram is None and not unified and not _is_gtt(root, card, total)):
        return None
    return 0 if total == vram and not unified else total


def _free(root: Root, card: str, total: int | None) -> int | None:
    """What amdgpu counts as unused in the memory that KFD offers: VRAM, or GTT on an APU."""
    pools = {pool: root.natural(f"{card}/mem_info_{pool}_total") for pool in ("vram", "gtt")}
    for pool, size in pools.items():
        used = root.natural(f"{card}/mem_info_{pool}_used")
        if total is not None and used is not None and size == total:
            return max(0, total - used)
    known = [size for size in pools.values() if size is not None]
    if total is not None and known and total not in known:
        sizes = " and ".join(map(str, known))
        root.problem(f"{card}/mem_info_*_total: read {sizes}, expected KFD's {total}; what is free is unknown")
    return None


def _links(root: Root, number: int, order: dict[int, int]) -> list[dict[str, Any]] | None:
    """Links to other GPUs by their index; links to CPU nodes are left out."""
    folder = f"{KFD}/{number}/io_links"
    links = [_properties(root, f"{folder}/{name}/properties") for name in root.names(folder)]
    if any("node_to" not in link or "type" not in link for link in links):
        root.problem(f"{folder}/*/properties: expected type and node_to in each; the links are unknown")
        return None
    found = {
        order[link["node_to"]]: _LINKS[link["type"]]
        for link in links
        if link.get("node_to") in order and link.get("type") in _LINKS and link["node_to"] != number
    }
    return [{"to": to, "kind": kind} for to, kind in sorted(found.items())]
