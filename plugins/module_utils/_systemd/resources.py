# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits that files set for a service and the slices that it will run in, whether it runs or not.

systemd.resource-control(5), systemd.unit(5) "Unit File Load Path", systemd.slice(5), systemd.exec(5) "NUMAPolicy=";
numbers.py for the forms of values. Files that the role has written do not count: a plan must not follow from itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import brief
from ansible_collections.inference.ollama.plugins.module_utils._systemd.files import FOLDERS, dropins_of
from ansible_collections.inference.ollama.plugins.module_utils._systemd.slices import FORM, LIMITS, own_slice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

USUAL_SLICE = "system.slice"
_LINE = re.compile(rf"({LIMITS})\s*=(.*)")
# A name with more levels than this is no slice that somebody made.
_DEEPEST = 16


class Resources(NamedTuple):
    """What the files of a unit set; None for no limit. ``said`` names the fields that they decide, without limit too.

    ``mems`` are NUMA nodes, ``cpu_quota`` is in CPUs. ``cpus`` and ``mems`` are as written, whatever the host has.
    """

    cpus: Optional[CpuSet] = None
    mems: Optional[CpuSet] = None
    cpu_quota: Optional[float] = None
    memory_bytes: Optional[int] = None
    said: Tuple[str, ...] = ()


class Planned(NamedTuple):
    """Where a service will run: the groups of its slices from the top down with their limits, and its own."""

    slices: Tuple[Tuple[str, Resources], ...]
    unit: Resources


def read_planned(root: Root, name: str, total: int | None) -> Planned | None:
    """The slices and limits that the files of a service give it; None where there are no such files.

    ``total`` are the bytes that a percentage of memory means a part of.
    """
    files = unit_files(root, name)
    if not files:
        return None
    named = own_slice(files)
    within = USUAL_SLICE if named is None else _expanded(named["name"], name)
    return Planned(slices_of(root, within, total), _resources(root, files, "Service", total))


def read_instances(root: Root, template: str, total: int | None) -> Resources:
    """What files that are not the role's set for each instance of a template."""
    return _resources(root, unit_files(root, template), "Service", total)


def _expanded(text: str, unit: str) -> str:
    """A name with the specifiers that the unit's own name decides (systemd.unit(5)); others stay."""
    prefix = unit.rpartition(".")[0]
    known = {"%": "%", "n": unit, "N": prefix, "p": prefix, "P": prefix, "j": prefix, "J": prefix, "i": "", "I": ""}
    return re.sub("%(.)", lambda match: known.get(match[1], match[0]), text)


def slices_of(root: Root, name: str, total: int | None) -> tuple[tuple[str, Resources], ...]:
    """Group and limits of a slice and of those above it, from the top down, without the root of them all."""
    stem = name[: -len(".slice")]
    if stem == "-" or "%" in stem:
        # The root, or a name that differs from host to host.
        return () if stem == "-" else slices_of(root, USUAL_SLICE, total)
    parts = stem.split("-")[:_DEEPEST]
    group, found = "", []
    for depth in range(1, len(parts) + 1):
        above = "-".join(parts[:depth])
        if not above:
            # A dash at the beginning nests nothing.
            continue
        each = f"{above}.slice"
        group += f"/{each}"
        found.append((group, _resources(root, unit_files(root, each), "Slice", total)))
    return tuple(found)


def unit_files(root: Root, name: str) -> list[tuple[str, list[str]]]:
    """Path and lines of a unit and its drop-ins in systemd's order, without the role's own.

    Nothing of a masked unit, and of a service without a unit file. A slice needs none, and the role writes that of a
    template.
    """
    path = next((f"{folder}/{name}" for folder in FOLDERS if root.exists(f"{folder}/{name}")), None)
    if path is not None and root.link(path) == "null":
        return []
    if path is None and not name.endswith((".slice", "@.service")):
        return []
    paths = [*([path] if path else []), *_dropins(root, path, name)]
    read = [(each, root.lines(each, FORM) or []) for each in paths]
    return [(each, lines) for each, lines in read if not _is_ours(lines)]


def _is_ours(lines: Iterable[str]) -> bool:
    return any(line.startswith(HEADER) for line in lines)


def _dropins(root: Root, path: str | None, name: str) -> list[str]:
    """The drop-ins that are not the role's, without those that a link to /dev/null takes out."""
    target = None if path is None else root.link(path)
    kind = f".{name.rpartition('.')[2]}"
    names = [name, *([target] if target and target.endswith(kind) and target != name else [])]
    # A file of the role hides none of the same name: it would be another one without the role.
    found = dropins_of(names, root.names, lambda place: _is_ours(root.lines(place, FORM) or []))
    return [place for place in found if root.link(place) != "null"]


def _resources(root: Root, files: Iterable[tuple[str, Iterable[str]]], section: str, total: int | None) -> Resources:
    """The limits after all files, by the rules of each directive.

    A value that systemd cannot read limits nothing, and is a problem.
    """
    said: list[tuple[str, str, str]] = []
    for path, lines in files:
        within = ""
        for line in (each.strip() for each in lines):
            match = _LINE.fullmatch(line)
            if line.startswith("["):
                within = line[1:-1]
            elif match and within == section:
                said.append((path, match[1], match[2].strip()))
    if not said:
        return Resources()
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.limit_values import (  # noqa: PLC0415 compiled where files set a limit
        assign,
    )

    values: dict[str, object] = {}
    for path, directive, text in said:
        if not assign(values, directive, text, total):
            root.problem(f"{path}: {directive}={brief(text)} is no value that systemd reads, so it is no limit")
    return _combine(values)


def _combine(values: dict[str, object]) -> Resources:
    said = []
    sets = {"cpus": values.get("AllowedCPUs"), "mems": values.get("AllowedMemoryNodes")}
    bound = values.get("NUMAMask")
    if values.get("NUMAPolicy") == "bind" and isinstance(bound, CpuSet):
        mems = sets["mems"]
        sets["mems"] = bound & mems if isinstance(mems, CpuSet) else bound
    for name, directives in (
        ("cpus", ("AllowedCPUs",)),
        ("mems", ("AllowedMemoryNodes", "NUMAMask")),
        ("cpu_quota", ("CPUQuota",)),
        ("memory_bytes", ("MemoryMax", "MemoryHigh", "MemoryLimit")),
    ):
        if any(each in values for each in directives):
            said.append(name)
    quota = values.get("CPUQuota")
    names = ("MemoryMax", "MemoryHigh")
    # The name of version 1 counts where none of the others is there.
    sizes = [values.get(name) for name in (names if any(name in values for name in names) else ("MemoryLimit",))]
    return Resources(
        cpus=sets["cpus"] if isinstance(sets["cpus"], CpuSet) else None,
        mems=sets["mems"] if isinstance(sets["mems"], CpuSet) else None,
        cpu_quota=quota if isinstance(quota, float) else None,
        memory_bytes=min((size for size in sizes if isinstance(size, int)), default=None),
        said=tuple(said),
    )
