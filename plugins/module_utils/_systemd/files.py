# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit as its files have it, for a machine without a systemd to ask.

Source: systemd.unit(5), "Unit File Load Path" and the rules on drop-ins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER, UNITS_FOLDER
from ansible_collections.inference.ollama.plugins.module_utils._systemd.slices import is_dynamic, own_slice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# A file in an earlier folder hides files of the same name in later ones.
FOLDERS = (
    # What "systemctl set-property" writes.
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    UNITS_FOLDER,
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
)
# A unit has a handful; more is a mistake.
_MOST_FILES = 1000


class UnitFiles(NamedTuple):
    """The files of one service and the settings in them; None and () for unset ones."""

    path: str
    dropins: tuple[str, ...]
    user: Optional[str]
    group: Optional[str]
    slice: Optional[Dict[str, str]]
    command: Optional[str]
    environment_files: tuple[str, ...]
    dynamic_user: bool = False


def read_unit(root: Root, name: str) -> UnitFiles | None:
    """The service ``name`` (``ollama.service``) with its drop-ins, as systemctl would show it; None without it."""
    path = next((f"{folder}/{name}" for folder in FOLDERS if root.exists(f"{folder}/{name}")), None)
    if path is None:
        return None
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import (  # noqa: PLC0415 compiled only where needed
        read_service,
    )
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (  # noqa: PLC0415 compiled only where needed
        expand,
        split_words,
    )

    target = root.link(path)
    names = [name, *([target] if target and target.endswith(".service") and target != name else [])]
    # A link to /dev/null takes a drop-in of the vendor out.
    dropins = tuple(place for place in dropins_of(names, root.names) if root.link(place) != "null")
    texts = [(file, root.text(file) or "") for file in (path, *dropins)]
    service = read_service(texts)

    def values(directive: str) -> list[str]:
        return [expand(setting.value) for setting in service.values(directive)]

    lines = [(file, text.split("\n")) for file, text in texts]
    # What the role has written replaced a command, which is the unit's own.
    theirs = [(file, text) for file, text in texts if not any(line.startswith(HEADER) for line in text.split("\n"))]
    commands = [expand(setting.value) for setting in read_service(theirs).values("ExecStart")]
    command = next(reversed(commands), None)
    words, problem = split_words(command or "")
    return UnitFiles(
        path=path,
        dropins=dropins,
        user=next(reversed(values("User")), None),
        group=next(reversed(values("Group")), None),
        slice=own_slice(lines),
        # systemd leaves escapes that it does not know in a command as they are.
        command=" ".join(words) if command and not problem else command,
        environment_files=tuple(file.lstrip("-") for file in values("EnvironmentFile")),
        dynamic_user=is_dynamic(lines),
    )


def dropins_of(
    names: Sequence[str], listed: Callable[[str], Iterable[str]], is_ours: Callable[[str], bool] | None = None
) -> list[str]:
    """The drop-ins of a unit, which is known by these names, in systemd's order (systemd.unit(5)).

    By file name, each once, from the first folder that has it; what is there for every unit of its kind yields to what
    is there for this one. ``listed`` gives the names in a folder, and files of which ``is_ours`` holds do not count.
    """
    kind = f".{names[0].rpartition('.')[2]}"
    kinds: list[str] = []
    for name in names:
        words = name[: -len(kind)].split("-")
        kinds += [name, *(f"{'-'.join(words[:count])}-{kind}" for count in range(len(words) - 1, 0, -1))]
    found: dict[str, str] = {}
    for folder in [f"{folder}/{each}.d" for each in [*kinds, kind[1:]] for folder in FOLDERS]:
        for file in listed(folder):
            # systemd reads no hidden file.
            if file.endswith(".conf") and not file.startswith(".") and file not in found and len(found) < _MOST_FILES:
                place = f"{folder}/{file}"
                if is_ours is None or not is_ours(place):
                    found[file] = place
    return [found[file] for file in sorted(found)]
