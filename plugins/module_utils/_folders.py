# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a folder of this host that may not be there yet, and whether it has a user."""

from __future__ import annotations

import os
import pwd


def nearest(path: str) -> str:
    """The path, or the first folder above it that is there."""
    while not os.path.isdir(path) and path not in ("/", ""):
        path = os.path.dirname(path)
    return path or "/"


def free_bytes(path: str) -> int | None:
    """How much a user without privileges can still write into a folder; None where it is not there."""
    try:
        status = os.statvfs(path)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize


def has_user(name: str) -> bool:
    """Whether this host has a user of this name (getpwnam(3))."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
