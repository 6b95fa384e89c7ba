# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file wins where several files of a unit set the same variable or directive.

systemd.unit(5) on drop-ins: the last assignment holds, lists add up until an empty one takes them back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting

# Directives of which a second one adds to the first. Dependencies and conditions of [Unit] all do.
_LISTS = re.compile(
    r"Exec\w+|EnvironmentFile|PassEnvironment|UnsetEnvironment|SupplementaryGroups|CPUAffinity|NUMAMask|AllowedCPUs|"
    r"AllowedMemoryNodes|Startup\w+(?:CPUs|Nodes)|Device(?:Allow|Policy)|(?:ReadWrite|ReadOnly|Inaccessible|Exec|NoExec)Paths|"
    r"(?:Runtime|State|Cache|Logs|Configuration)Directory|Bind(?:ReadOnly)?Paths|TemporaryFileSystem|SystemCall\w+|"
    r"Capabilit\w+|AmbientCapabilities|Restrict(?:AddressFamilies|NetworkInterfaces|FileSystems)|IPAddress\w+|"
    r"IO(?:Device|Read|Write)\w+|Sockets|(?:Load|Set)Credential\w*|ImportCredential|LogExtraFields|LogFilterPatterns|"
    r"\w*ExitStatus|OpenFile|SocketBind\w+|BPFProgram|DisableControllers|Delegate|LogNamespace"
)


def read_overrides(root: Proc, files: Iterable[str], environment_files: Iterable[str]) -> list[dict[str, Any]]:
    """``[{name, kept, lost}]``: the variable or directive, the file that holds, those that it overrides, in order."""
    service = read_service(
        [(path, root.required(path, "a file of the unit that systemd has loaded") or "") for path in files],
        [(path, root.text(path) or "") for path in environment_files],
    )
    variables = {
        name: [each.file for each in history[:-1] if each.value is not None] + [history[-1].file]
        for name, history in service.assignments.items()
    }
    return [*_rows(variables), *_rows(_directives(service.settings))]


def _directives(settings: Iterable[Setting]) -> dict[str, list[str]]:
    """For each directive of [Service] the files that set it until the last that takes effect on the others."""
    found: dict[str, list[Setting]] = {}
    for setting in settings:
        if setting.section == "Service" and setting.directive != "Environment":
            found.setdefault(setting.directive, []).append(setting)
    files = {}
    for name, history in found.items():
        if _LISTS.fullmatch(name) is None:
            files[name] = [setting.file for setting in history]
            continue
        resets = [number for number, setting in enumerate(history) if not setting.value]
        if resets:
            before = [setting.file for setting in history[: resets[-1]] if setting.value]
            files[name] = [*before, history[resets[-1]].file]
    return files


def _rows(files: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    for name, (*before, kept) in sorted(files.items()):
        lost = [path for path in dict.fromkeys(before) if path != kept]
        if lost:
            yield {"name": name, "kept": kept, "lost": lost}
