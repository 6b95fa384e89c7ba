# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit as its files say, for a machine whose systemd cannot be asked.

Source: systemd.unit(5), "Unit File Load Path" and the rules on drop-ins.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# The first folder that has a name hides the same name in those behind it.
FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)


class UnitFiles(NamedTuple):
    """What the files of one service set together; None and () for what none of them sets."""

    path: str
    dropins: tuple[str, ...]
    user: Optional[str]
    group: Optional[str]
    command: Optional[str]
    environment_files: tuple[str, ...]


def read_unit(root: Root, name: str) -> UnitFiles | None:
    """The service ``name`` (``ollama.service``), drop-ins applied in systemd's order; None without it."""
    path = next((f"{folder}/{name}" for folder in FOLDERS if root.exists(f"{folder}/{name}")), None)
    if path is None:
        return None
    dropins = _dropins(root, name)
    settings = _settings(root, (path, *dropins))
    return UnitFiles(
        path=path,
        dropins=dropins,
        user=_last(settings, "User"),
        group=_last(settings, "Group"),
        command=_last(settings, "ExecStart"),
        environment_files=tuple(file.lstrip("-") for file in settings.get("EnvironmentFile", [])),
    )


def _dropins(root: Root, name: str) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for folder in FOLDERS:
        for file in root.names(f"{folder}/{name}.d"):
            if file.endswith(".conf"):
                found.setdefault(file, f"{folder}/{name}.d/{file}")
    # A link to /dev/null takes a drop-in of the vendor out.
    return tuple(found[file] for file in sorted(found) if root.link(found[file]) != "null")


def _settings(root: Root, files: Iterable[str]) -> dict[str, list[str]]:
    """The assignments of [Service], specifiers replaced; an empty one forgets what came before it.

    A command is its words with blanks between them, as systemctl shows it.
    """
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import (  # noqa: PLC0415 compiled only where needed
        parse_unit,
    )
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (  # noqa: PLC0415 compiled only where needed
        expand,
        split_words,
    )

    settings: dict[str, list[str]] = {}
    for file in files:
        for setting in parse_unit(root.text(file) or "", file)[0]:
            if setting.section != "Service":
                continue
            if setting.value:
                settings.setdefault(setting.directive, []).append(expand(setting.value))
            else:
                settings.pop(setting.directive, None)
    commands = ((command, *split_words(command)) for command in settings.get("ExecStart", []))
    # Escapes that systemd does not know end a list of variables; in a command it leaves them as they are.
    shown = [command if problem else " ".join(words) for command, words, problem in commands]
    return {**settings, "ExecStart": shown} if shown else settings


def _last(settings: dict[str, list[str]], key: str) -> str | None:
    return settings[key][-1] if key in settings else None


__all__ = ("FOLDERS", "UnitFiles", "read_unit")
