# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives and checksums on the machine that this runs on, the controller."""

from __future__ import annotations

import os
from typing import Any

# A file of checksums has a line of a hundred bytes for each archive.
_LARGEST = 1 << 16


def find(paths: list[str]) -> dict[str, Any]:
    """Return ``{path, bytes, problem}`` of the first path at which there is a file."""
    path = next((each for each in paths if os.path.isfile(each)), None)
    if path is None:
        return {"path": None, "bytes": None, "problem": "there is no such file on the controller"}
    if not os.access(path, os.R_OK):
        return {"path": path, "bytes": None, "problem": f"{path} cannot be read"}
    return {"path": path, "bytes": os.path.getsize(path), "problem": None}


def text(path: str) -> str:
    """Return the beginning of a file as text, empty where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST)
    except OSError:
        return ""
