# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that the program on a host leaves for readers: which device files were missing, what a check has found.

They lie below /run, for every user to read, hold no secret, and are gone with the boot that they tell of.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

FOLDER = "/run/inference.ollama"
SCHEMA = 1
_MOST_NODES = 64
_NODE = re.compile(r"/dev/[\w./:*-]{1,80}")


def wait_file(unit: str) -> str:
    """Where the wait of a unit's last start is recorded."""
    return f"{FOLDER}/{unit}.devices.json"


def write(path: str, record: dict[str, Any]) -> None:
    """Write a record as one; OllamaError where that fails."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    except OSError as error:
        raise OllamaError(f"{path}: cannot be written ({error.strerror})") from None
    write_text(path, json.dumps({"schema": SCHEMA, **record}, sort_keys=True) + "\n")


def write_text(path: str, text: str) -> None:
    """Write a text as one, for every user to read, in a folder that is there; OllamaError where that fails."""
    scratch = None
    try:
        handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        os.replace(scratch, path)
    except OSError as error:
        if scratch is not None:
            with contextlib.suppress(OSError):
                os.unlink(scratch)
        raise OllamaError(f"{path}: cannot be written ({error.strerror})") from None


def read(path: str, root: Root) -> dict[str, Any]:
    """A record; empty where there is none, or one of another form."""
    try:
        found = json.loads(root.text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("schema") == SCHEMA else {}


def read_wait(root: Root, unit: str) -> dict[str, Any] | None:
    """``{waited_seconds, missing}`` of a unit's last start; None where nothing waited, or the record is damaged."""
    found = read(wait_file(unit), root)
    waited, missing = found.get("waited_seconds"), found.get("missing")
    if isinstance(waited, bool) or not isinstance(waited, (int, float)) or not isinstance(missing, list):
        return None
    nodes = [node for node in missing[:_MOST_NODES] if isinstance(node, str) and _NODE.fullmatch(node)]
    return {"waited_seconds": round(float(waited), 1), "missing": nodes} if len(nodes) == len(missing) else None
