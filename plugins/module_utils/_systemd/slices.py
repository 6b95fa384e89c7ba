# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slice that a service's files put it into, and the command that they start, without the role's own files.

``FORM`` is that of all lines which readers of the topology look at in units, so that a capture has them once.

systemd.resource-control(5), "Slice="; systemd.slice(5) for the names of slices.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import YES

if TYPE_CHECKING:
    from collections.abc import Iterable

# Directives that limit a service or a slice (resources.py).
LIMITS = "CPUQuota|AllowedCPUs|AllowedMemoryNodes|MemoryMax|MemoryHigh|MemoryLimit|NUMAPolicy|NUMAMask"
FORM = re.compile(rf"\s*\[[^\[\]]*\]\s*|\s*(?:Slice|ExecStart|DynamicUser|{LIMITS})\s*=.*|{re.escape(HEADER)}.*")
_NAME = re.compile(r"[\w:.@\\%-]{1,249}\.slice", re.ASCII)


def own_slice(files: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str] | None:
    """``{name, path}``: the slice that the files name, and the file that does; None where none of them does.

    ``files`` are path and lines of each, in systemd's order. Those that the role has written do not count, and neither
    does a name that systemd would not take.
    """
    found = None
    for path, lines in files:
        read = list(lines)
        if not any(line.startswith(HEADER) for line in read):
            for value in _values(read, "Slice"):
                # An empty name takes none back, and quotes are a part of a name (systemd 252).
                found = {"name": value, "path": path} if _NAME.fullmatch(value) else found
    return found


def own_command(files: Iterable[tuple[str, Iterable[str]]]) -> str | None:
    """The last ExecStart= of other files than the role's, where the role's have one; None where they have none."""
    found, replaced = None, False
    for _path, lines in files:
        read = list(lines)
        values = [value for value in _values(read, "ExecStart") if value]
        if any(line.startswith(HEADER) for line in read):
            replaced = replaced or bool(values)
        else:
            found = values[-1] if values else found
    return found if replaced else None


def is_dynamic(files: Iterable[tuple[str, Iterable[str]]]) -> bool:
    """Whether the files let systemd make the service's user at each start (systemd.exec(5), "DynamicUser=")."""
    said = [value for _path, lines in files for value in _values(lines, "DynamicUser")]
    return bool(said) and said[-1].lower() in YES


def _values(lines: Iterable[str], directive: str) -> Iterable[str]:
    section = ""
    for line in map(str.strip, lines):
        if line.startswith("["):
            section = line
        elif section == "[Service]" and re.match(rf"{directive}\s*=", line):
            yield line.partition("=")[2].strip()
