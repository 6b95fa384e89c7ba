# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit of several instances takes over of the installed unit and of the drop-ins that others wrote for it.

systemd.unit(5), "Specifiers" and "[Install]"; systemd.exec(5), "DynamicUser=" and "RuntimeDirectory=";
systemd.service(5).
Every line is taken over as it is written, or the host is refused with the line's place: nothing is left out silently
but what each instance has of its own.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import DEFAULT_PORT, listens
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import YES, split_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HOST = "OLLAMA_HOST"
_SECTIONS = ("Unit", "Service", "Install")
# What the template or each instance's drop-in says itself.
_OWN = frozenset({("Unit", "Description"), ("Unit", "SourcePath"), ("Service", "CPUAffinity")})
_INSTALL = frozenset({"WantedBy", "RequiredBy", "UpheldBy"})
_REFUSED = {
    "BusName": "one service alone can have the name",
    "PIDFile": "every instance would write the same file",
    "Sockets": "one service alone can take the sockets",
    "AllowedCPUs": "every instance would be kept to the same CPUs",
    "AllowedMemoryNodes": "every instance would be kept to the same memory",
    "NUMAPolicy": "every instance would take its memory from the same nodes",
    "NUMAMask": "every instance would take its memory from the same nodes",
}
_COMMANDS = frozenset(
    {"ExecCondition", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost", "ExecStart"}
)
# Of an instance these are other texts than of ollama.service.
_SPECIFIER = re.compile(r"(?<!%)(?:%%)*%([nNiIf])")
_ITSELF = re.compile(r"(?<![\w.@-])ollama\.service(?![\w.-])")
_IN_CLEAR = (
    "holds a secret, and a unit can be read by everybody. Move it to a file that root alone can read, and name that by"
    " EnvironmentFile="
)


def inherited(
    found: Mapping[str, Any], command: str, *, replace: bool
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """The lines of each section, ``{comment, lines}`` each, and why the unit cannot be taken over, a sentence each.

    ``found`` is found_unit of unit_files_info. ``command`` is for a unit without one, and to ``replace`` its own.
    """
    settings = [entry for entry in found["settings"] if entry["section"] in _SECTIONS and not _of_all(entry["file"])]
    problems = [*_unread(found), *_of_variables(found)]
    sections: dict[str, list[dict[str, Any]]] = {name: [] for name in _SECTIONS}
    port = str(_port(found))
    for setting in settings:
        if (setting["section"], setting["directive"]) in _OWN:
            continue
        problem = _problem(setting, port)
        if problem is not None:
            problems.append(f"{setting['file']}:{setting['line']}: {setting['directive']}= {problem}")
        elif setting["value"] is not None:
            _add(sections[setting["section"]], setting, command if replace else None)
        elif not _names_secret(found, setting):
            problems.append(f"{setting['file']}:{setting['line']}: {setting['directive']}= {_IN_CLEAR}")
    _complete(sections, settings, command)
    return sections, [
        f"ollama_instances: {line}, or set ollama_instances to single" for line in dict.fromkeys(problems)
    ]


def _of_all(file: str) -> bool:
    """Whether a drop-in is one for all services, which an instance has too."""
    return posixpath.basename(posixpath.dirname(file)) == "service.d"


def _unread(found: Mapping[str, Any]) -> Iterator[str]:
    files = tuple(f"{path}: " for path in [found["path"], *found["dropins"]])
    unread = [line for line in found["problems"] if line.startswith(files)]
    for line in unread:
        yield f"{line}, and several instances are to have what it says. Make it readable"


def _of_variables(found: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on variables that no instance may have from here: secrets in clear, and the address of all."""
    for name, variable in sorted(found["variables"].items()):
        place = f"{variable['file']}:{variable['line']}"
        if variable["secret"] and not variable["from_file"]:
            yield f"{place}: {name} {_IN_CLEAR}"
        if name == HOST and variable["from_file"]:
            yield f"{place}: {name} of an environment file wins over each instance's own address. Take it out of there"


def _names_secret(found: Mapping[str, Any], setting: Mapping[str, Any]) -> bool:
    """Whether the secret of an Environment= is a variable's, which has a sentence of its own."""
    here = (setting["file"], setting["line"])
    of_variables = {(each["file"], each["line"]) for each in found["variables"].values() if each["secret"]}
    return setting["directive"] == "Environment" and here in of_variables


def _problem(setting: Mapping[str, Any], port: str) -> str | None:
    """Why a setting holds for one service alone, and what to do."""
    section, directive, value = setting["section"], setting["directive"], setting["value"]
    if section == "Service" and directive in _REFUSED:
        return f"cannot hold for several instances: {_REFUSED[directive]}. Take it out"
    if section == "Install" and directive not in _INSTALL:
        return "cannot hold for several instances: it is for a unit of one name. Take it out"
    if value is None:
        return None
    command = directive in _COMMANDS
    specifier = _SPECIFIER.search(value)
    checks = (
        (directive == "Type" and value == "dbus", "one service alone can have a name on the bus. Write Type=exec"),
        (specifier is not None, f"%{specifier[1] if specifier else ''} is another text in each of them. Write it out"),
        (_ITSELF.search(value), "it names ollama.service itself, which does not run beside them. Take it out"),
        ("\ufffd" in value, "it is not UTF-8. Write it in UTF-8"),
        (command and HOST in value, f"it sets {HOST}, which each has of its own. Take that out of the command"),
        (
            command and re.search(rf"(?<![0-9]){port}(?![0-9])", value),
            f"it names port {port}, and each has a port of its own. Use {HOST}, which each has in its environment",
        ),
    )
    why = next((said for wrong, said in checks if wrong), None)
    return why and f"cannot hold for several instances: {why}"


def _port(found: Mapping[str, Any]) -> int:
    variable = found["variables"].get(HOST) or {}
    return listens(variable["value"])[1] if variable.get("value") else DEFAULT_PORT


def _add(lines: list[dict[str, Any]], setting: Mapping[str, Any], command: str | None) -> None:
    directive, value = setting["directive"], setting["value"]
    if directive == "ExecStart" and command is not None:
        value = command
    elif directive == "Environment" and HOST in value:
        words = [_quoted(word) for word in split_words(value)[0] if word.partition("=")[0] != HOST]
        if not words:
            return
        value = " ".join(words)
    comment = f"from {setting['file']}"
    if lines and lines[-1]["comment"] == comment:
        lines[-1]["lines"].append(f"{directive}={value}")
    else:
        lines.append({"comment": comment, "lines": [f"{directive}={value}"]})


def _quoted(word: str) -> str:
    """A word of a unit, its specifiers kept, as a line of a unit says it."""
    text = word.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else "".join(f"\\x{b:02x}" for b in c.encode()) for c in text) + '"'


def _complete(sections: dict[str, list[dict[str, Any]]], settings: Iterable[Mapping[str, Any]], command: str) -> None:
    """Add what makes folders and users of one service those of several."""
    said = {setting["directive"]: setting["value"] for setting in settings if setting["section"] == "Service"}
    more = [] if said.get("ExecStart") else [("the installed unit has no command", f"ExecStart={command}")]
    if is_dynamic(said) and not said.get("User"):
        more.append(("the instances share the user that ollama.service has, and so its folders", "User=ollama"))
    if said.get("RuntimeDirectory") and not said.get("RuntimeDirectoryPreserve"):
        more.append(("one instance that stops leaves the others their folder", "RuntimeDirectoryPreserve=yes"))
    sections["Service"] += [{"comment": comment, "lines": [line]} for comment, line in more]
    if not sections["Install"]:
        sections["Install"].append({"comment": "", "lines": ["WantedBy=multi-user.target"]})


def is_dynamic(said: Mapping[str, Any]) -> bool:
    """Whether a service's user is made at each start; ``said`` has the last value of each directive."""
    return str(said.get("DynamicUser") or "").lower() in YES
