# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file sets what, where several files of a unit set the same.

systemd.unit(5) on drop-ins; systemd.exec(5) "Environment=" and "EnvironmentFile=": the last assignment holds, those
that make lists add up until an empty one takes them back, and files of variables come after all of Environment=.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._systemd.environment_file import parse_environment_file
from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import parse_unit
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (
    assignment,
    expand,
    is_variable,
    split_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

# Directives of which a second one adds to the first. Dependencies and conditions of [Unit] all do.
_LISTS = re.compile(
    r"Exec\w+|EnvironmentFile|PassEnvironment|UnsetEnvironment|SupplementaryGroups|CPUAffinity|NUMAMask|AllowedCPUs|"
    r"AllowedMemoryNodes|Startup\w+(?:CPUs|Nodes)|Device(?:Allow|Policy)|(?:ReadWrite|ReadOnly|Inaccessible|Exec|NoExec)Paths|"
    r"(?:Runtime|State|Cache|Logs|Configuration)Directory|Bind(?:ReadOnly)?Paths|TemporaryFileSystem|SystemCall\w+|"
    r"Capabilit\w+|AmbientCapabilities|Restrict(?:AddressFamilies|NetworkInterfaces|FileSystems)|IPAddress\w+|"
    r"IO(?:Device|Read|Write)\w+|Sockets|(?:Load|Set)Credential\w*|ImportCredential|LogExtraFields|LogFilterPatterns|"
    r"\w*ExitStatus|OpenFile|SocketBind\w+|BPFProgram|DisableControllers|Delegate|LogNamespace"
)


class _Settings:
    def __init__(self) -> None:
        self.holders: dict[str, list[str]] = {}
        self.lost: dict[str, list[str]] = {}
        self.kept: dict[str, str] = {}

    def set(self, name: str, path: str) -> None:
        self.reset(name, path)
        self.holders[name] = [path]

    def reset(self, name: str, path: str) -> None:
        """Take back what was set, in favour of a file."""
        before = self.holders.pop(name, [])
        self.lost.setdefault(name, []).extend(before)
        self.kept[name] = path

    def add(self, name: str, path: str) -> None:
        self.holders.setdefault(name, []).append(path)

    def several(self) -> Iterator[dict[str, Any]]:
        for name in sorted(self.lost):
            kept = self.kept[name]
            lost = [path for path in dict.fromkeys(self.lost[name]) if path != kept]
            if lost:
                yield {"name": name, "kept": kept, "lost": lost}


def read_overrides(root: Proc, files: Iterable[str], environment_files: Iterable[str]) -> list[dict[str, Any]]:
    """``[{name, kept, lost}]``: the variable or directive, the file that holds, those that it overrides, in order."""
    directives, variables = _Settings(), _Settings()
    for path in files:
        text = root.required(path, "a file of the unit that systemd has loaded")
        for _file, _line, section, name, value in parse_unit(text or "", path)[0]:
            if section == "Service" and name == "Environment":
                _environment(variables, path, value)
            elif section == "Service" and _LISTS.fullmatch(name) is None:
                directives.set(name, path)
            elif section == "Service":
                if value:
                    directives.add(name, path)
                else:
                    directives.reset(name, path)
    for path in environment_files:
        for name, _value, _line in parse_environment_file(root.text(path) or ""):
            if is_variable(name):
                variables.set(name, path)
    return [*variables.several(), *directives.several()]


def _environment(variables: _Settings, path: str, value: str) -> None:
    if not value:
        for name in list(variables.holders):
            variables.reset(name, path)
    for word in split_words(value)[0]:
        found = assignment(expand(word))
        if found is not None:
            variables.set(found[0], path)


__all__ = ("read_overrides",)
