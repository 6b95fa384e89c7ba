# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of a unit as systemd has it loaded.

systemctl(1) "show"; org.freedesktop.systemd1(5) for the properties of units and services.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

_STATE = r"[a-z-]{1,40}"
_COUNT = r"[0-9]{1,10}"
# The form of each property's value; None for lists, which have a method each.
_FORMS: dict[str, str | None] = {
    # systemctl(1), "--state=help".
    "LoadState": r"stub|loaded|not-found|bad-setting|error|merged|masked",
    "ActiveState": _STATE,
    "SubState": _STATE,
    "UnitFileState": _STATE,
    "Result": _STATE,
    "NRestarts": _COUNT,
    "MainPID": _COUNT,
    "InvocationID": r"[0-9a-f]{32}",
    "ActiveEnterTimestamp": r"[\w: .+-]{1,60}",
    "NeedDaemonReload": r"yes|no",
    "FragmentPath": r"/.*",
    "ControlGroup": r"(?!.*/\.\.(?:/|$))/.*",
    "User": r".+",
    "Group": r".+",
    "ExecStart": r".*argv\[\]=.* ; ignore_errors=.*",
    "DropInPaths": None,
    "Environment": None,
    "EnvironmentFiles": None,
}
# What systemctl of systemd 245 and older calls EnvironmentFiles.
_OLD_FILES = "EnvironmentFile"
_IGNORE_ERRORS = re.compile(r" \(ignore_errors=(?:yes|no)\)$")
_ARGV = re.compile(r"(?:path=(\S*) ; )?argv\[\]=(\S*)(.*?) ; ignore_errors=")


class Properties(NamedTuple):
    """Printed values by property, and sentences on what systemd would not print. No problem quotes an environment.

    ``failure`` says why systemctl printed nothing at all.
    """

    values: Dict[str, Tuple[str, ...]]
    problems: Tuple[str, ...] = ()
    failure: Optional[str] = None

    def text(self, name: str) -> str | None:
        return self.values[name][-1] if name in self.values else None

    def number(self, name: str) -> int | None:
        return int(self.values[name][-1]) if name in self.values else None

    def command(self) -> str | None:
        """The words of the last ExecStart= with blanks between them, without its prefixes; the program is its path."""
        match = _ARGV.search(self.text("ExecStart") or "")
        return f"{match[1] or match[2]}{match[3]}" if match else None

    def dropins(self) -> tuple[str, ...] | None:
        """The drop-ins in systemd's order; None if the list is damaged."""
        paths = _words(self.text("DropInPaths"))
        fits = paths is not None and all(path.startswith("/") and printable(path) for path in paths)
        return tuple(paths) if paths is not None and fits else None

    def environment(self) -> dict[str, str] | None:
        """The variables of all Environment= together; None if the list is damaged."""
        words = _words(self.text("Environment"))
        pairs = (word.partition("=") for word in words or ())
        return None if words is None else {name: value for name, equals, value in pairs if name and equals}

    def environment_files(self) -> tuple[str, ...]:
        return tuple(_IGNORE_ERRORS.sub("", file).lstrip("-") for file in self.values.get("EnvironmentFiles", ()))


def show(run: Runner, unit: str, names: Sequence[str]) -> Properties:
    """Ask systemctl for some properties of a unit."""
    asked = [word for name in names for word in ("-p", name)]
    shown = run(["systemctl", "show", unit, *asked])
    if shown.out is None:
        # The list of properties helps nobody.
        return Properties({}, failure=(shown.problem or "").replace(f" {' '.join(asked)}", ""))
    return parse_show(unit, shown.out, names)


def parse_show(unit: str, text: str, names: Sequence[str]) -> Properties:
    """The output of ``systemctl show``, a property a line."""
    lines: dict[str, list[str]] = {}
    stray = "LoadState" in names and not re.search("^LoadState=.", text, re.MULTILINE)
    for line in filter(None, text.split("\n")):
        name, equals, value = line.partition("=")
        name = "EnvironmentFiles" if name == _OLD_FILES else name
        if not equals or name not in names:
            stray = True
        elif value and value != "[not set]":
            lines.setdefault(name, []).append(value)
    values = {name: tuple(found) for name, found in lines.items()}
    problems = []
    if stray:
        problems.append("read a line that is not a property, or no LoadState; expected properties, one a line")
    for name, form in _FORMS.items():
        value = values.get(name, ("",))[-1]
        if form and value and not (printable(value) and re.fullmatch(form, value)):
            problems.append(f"read {value[:80]!r} for {name}, expected the form {form}")
            del values[name]
    found = Properties(values)
    if found.dropins() is None:
        problems.append("DropInPaths is not a list of paths")
    if not all(file.startswith("/") and printable(file) for file in found.environment_files()):
        problems.append("EnvironmentFiles is not a path")
        del values["EnvironmentFiles"]
    if found.environment() is None:
        problems.append("Environment ends inside a quotation")
    return found._replace(problems=tuple(f"systemctl show {unit}: {problem}" for problem in problems))


def _words(value: str | None) -> list[str] | None:
    """The words of a list, which systemctl quotes as a shell does; None for a quotation that does not end."""
    if not value or not re.search(r"[\"'\\]", value):
        return [word for word in (value or "").split(" ") if word]
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (  # noqa: PLC0415 compiled only where needed
        split_words,
    )

    words, problem = split_words(value, printed=True)
    return None if problem else words
