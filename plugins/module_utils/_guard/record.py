# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a guard, in the folder of snapshots: which run it belongs to, when it acts, and what it has done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import INSTALL_FOLDER
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.lock import lease_left

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._snapshots.folder import Folder

NAME = "guard"
SCHEMA = 1


class Record(NamedTuple):
    """A guard.

    ``holder`` is its run as in a pending change, whose lease ends when the guard is to act; ``seconds`` is that lease.
    The others are what a restore is made with, as options of the module snapshot. ``acted`` is what the guard has done,
    and None before.
    """

    holder: Dict[str, Any]
    seconds: int
    keep: int
    units_folder: str
    secrets_paths: Tuple[str, ...]
    command_timeout: float
    acted: Optional[Dict[str, Any]] = None
    install_folder: str = INSTALL_FOLDER

    @property
    def run(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        return self.holder.get("run")

    @property
    def left(self) -> float:
        """Seconds until it acts; 0 after a reboot."""
        return lease_left(self.holder)


def write(folder: Folder, record: Record) -> None:
    folder.write(NAME, {**record._asdict(), "schema": SCHEMA})


def read(folder: Folder) -> Record | None:
    """The record; None where there is none, OllamaError where it is damaged."""
    value = folder.read(NAME)
    if value is None:
        return None
    fields: Any = value if isinstance(value, dict) and value.get("schema") == SCHEMA else {}
    names = ("secrets_paths", "seconds", "keep", "command_timeout", "acted")
    paths, seconds, keep, timeout, acted = (fields.get(name) for name in names)
    releases = fields.get("install_folder", INSTALL_FOLDER)
    fits = (
        isinstance(fields.get("holder"), dict)
        and _is_number(seconds)
        and isinstance(keep, int)
        and isinstance(fields.get("units_folder"), str)
        and isinstance(paths, list)
        and all(isinstance(path, str) for path in paths)
        and _is_number(timeout)
        and (acted is None or isinstance(acted, dict))
        and isinstance(releases, str)
    )
    if not fits:
        raise OllamaError(f"{folder.file(NAME)}: not a record of schema {SCHEMA}; remove it")
    held, units = fields["holder"], fields["units_folder"]
    return Record(held, int(fields["seconds"]), fields["keep"], units, tuple(paths), timeout, acted, releases)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
