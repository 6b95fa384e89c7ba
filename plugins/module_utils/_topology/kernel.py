# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the running kernel that decide how memory is used.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_CHOSEN = re.compile(r"\[(always|madvise|never)\]")


class Kernel(NamedTuple):
    """The release as in uname -r; None for a setting that this kernel is built without."""

    release: Optional[str]
    transparent_hugepage: Optional[str]
    numa_balancing: Optional[bool]


def read_kernel(root: Root) -> Kernel:
    """The three settings."""
    release = root.required("/proc/sys/kernel/osrelease", "the kernel's release")
    return Kernel(release or None, _read_transparent_hugepage(root), _read_numa_balancing(root))


def _read_transparent_hugepage(root: Root) -> str | None:
    """Documentation/admin-guide/mm/transhuge.rst: ``always [madvise] never``, the chosen one in brackets."""
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    text = root.text(path)
    if text is None:
        return None
    match = _CHOSEN.search(text)
    if match is None:
        root.problem(f"{path}: read {text[:80]!r}, expected 'always [madvise] never' with one in brackets")
        return None
    return match[1]


def _read_numa_balancing(root: Root) -> bool | None:
    """Documentation/admin-guide/sysctl/kernel.rst: 0 off, 1 balancing between nodes, 2 tiering, 3 both."""
    value = root.integer("/proc/sys/kernel/numa_balancing")
    return None if value is None else value != 0


__all__ = ("Kernel", "read_kernel")
