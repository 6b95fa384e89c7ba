# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an assignment of a limit in a unit's file amounts to, by the rules of each directive.

systemd.resource-control(5), systemd.exec(5) "NUMAPolicy="; numbers.py for the forms of values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._systemd import numbers

if TYPE_CHECKING:
    from collections.abc import Callable

_PAGE = 4096
# In ten-thousandths.
_WHOLE = 10000


def assign(values: dict[str, object], directive: str, text: str, total: int | None) -> bool:
    """Take an assignment; False for a value that cannot be read."""
    if directive in ("AllowedCPUs", "AllowedMemoryNodes", "NUMAMask"):
        read_set = numbers.cpu_list(text)
        added = None if read_set is None else read_set[0]
        before = values.get(directive)
        if not text:
            values[directive] = None
        elif added is not None:
            # The lists of several lines add up.
            values[directive] = added | before if isinstance(before, CpuSet) else added
        return not text or added is not None
    if directive == "NUMAPolicy":
        values[directive] = text
    elif not text or (text == "infinity" and directive != "CPUQuota"):
        values[directive] = None
    else:
        read: Callable[[str, int | None], object] = _quota if directive == "CPUQuota" else parse_memory
        found = read(text, total)
        if found is None:
            return False
        values[directive] = found
    return True


def _quota(text: str, _total: int | None) -> float | None:
    share = numbers.share(text)
    return share / _WHOLE if share else None


def parse_memory(text: str, total: int | None) -> int | None:
    """Bytes of ``16G``, ``1.5T``, ``1G 512M`` or a percentage of the memory; None for what systemd cannot read."""
    share = numbers.share(text, most=_WHOLE)
    if share is None:
        return numbers.size(text) or None
    return total // _PAGE * share // _WHOLE * _PAGE or None if total is not None else None
