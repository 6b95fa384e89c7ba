# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base unit of an installation, and what stays in force of a unit that it replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import PROGRAM, UNITS_FOLDER
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import path_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNIT = f"{UNITS_FOLDER}/ollama.service"
# What a replaced unit said beyond the base unit. It has no header, so that it is its owner's from then on.
FOUND = f"{UNIT}.d/10-found.conf"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What the base unit says itself, or what is of no use beside it.
_OWN = frozenset(
    {"Description", "Documentation", "User", "Group", "DynamicUser", "Restart", "RestartSec", "Type", "WantedBy"}
)
_ORDER = frozenset({"network.target", "network-online.target"})


def base_unit(user: str, group: str, paths: Iterable[str], parts: Iterable[str] = ()) -> str:
    """The text of the unit; ``paths`` are those without which nothing starts, ``parts`` those beside the base archive.

    Since the text names the parts, a release that is completed is a change, after which the service restarts.
    """
    mounts = [path_word(path) for path in dict.fromkeys(paths)]
    return render(
        "ollama.service.j2", program=PROGRAM, user=user, group=group, mounts=mounts, path=PATH, parts=list(parts)
    )


def found_dropin(settings: Iterable[Mapping[str, Any]], path: str) -> tuple[str | None, list[str]]:
    """The drop-in with what the unit at ``path`` said beyond the base unit, and the secrets in it that are not known.

    ``settings`` are those of ``found_unit`` of unit_files_info. None where the unit said no more.
    """
    lines: dict[str, list[str]] = {}
    secret = []
    for setting in settings:
        directive, value = str(setting["directive"]), str(setting["value"])
        if setting["file"] != path or directive in _OWN or directive.startswith("Exec"):
            continue
        if setting["secret"]:
            secret.append(f"{directive}= ({setting['file']}:{setting['line']})")
        elif not (directive == "Environment" and value.strip("\"'").startswith("PATH=")) and value not in _ORDER:
            lines.setdefault(str(setting["section"]), []).append(f"{directive}={value}")
    if not lines:
        return None, secret
    text = "\n".join(f"[{section}]\n" + "".join(f"{line}\n" for line in said) for section, said in lines.items())
    return f"# What the unit said that was here before ({path}).\n{text}", secret
