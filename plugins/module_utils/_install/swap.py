# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put one folder in the place of another, so that at every moment one of the two is there."""

from __future__ import annotations

import ctypes
import os

# renameat2(2), since Linux 3.15 and glibc 2.28.
_HERE, _EXCHANGE = -100, 2


def exchange(path: str, other: str) -> bool:
    """Give each of two folders the name of the other at once. False where the host or the file system cannot."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(call(_HERE, os.fsencode(path), _HERE, os.fsencode(other), _EXCHANGE) == 0)
