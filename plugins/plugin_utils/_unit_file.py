# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a unit, its drop-ins and its environment files come to, as systemd puts them together.

After systemd.exec(5) "Environment=" and "EnvironmentFile=", systemd.unit(5), and the behaviour of systemd 252 on what
they leave open. What systemd would ignore is named, never guessed at.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Dict, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._systemd.environment_file import parse_environment_file
from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Ignored, Setting, parse_unit
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (
    assignment,
    expand,
    is_variable,
    split_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Override(NamedTuple):
    """An assignment that a later one replaces; ``same`` where both say the same."""

    file: str
    line: int
    same: bool


class Variable(NamedTuple):
    """A variable of the service. ``from_file`` where an EnvironmentFile= sets it; ``overrides`` in the order read."""

    value: str
    file: str
    line: int
    from_file: bool = False
    overrides: Tuple[Override, ...] = ()


class Service(NamedTuple):
    """A unit with its drop-ins: assignments in the order in which they apply, and the environment they come to."""

    settings: Tuple[Setting, ...]
    environment: Dict[str, Variable]
    ignored: Tuple[Ignored, ...]

    def values(self, directive: str) -> list[Setting]:
        """The assignments of a list directive of [Service] that hold: an empty one takes back all before it."""
        found: list[Setting] = []
        for setting in self.settings:
            if (setting.section, setting.directive) == ("Service", directive):
                found = [*found, setting] if setting.value else []
        return found


def read_service(units: Iterable[tuple[str, str]], environment_files: Iterable[tuple[str, str]] = ()) -> Service:
    """The service that these files make up: ``(path, text)`` each, the unit and its drop-ins in any order.

    Drop-ins apply after the unit in the order of their names, whatever their folders; a path in a folder that ends
    in ``.d`` is one. ``environment_files`` are what EnvironmentFile= names, in the order in which systemd reads them.
    """
    settings: list[Setting] = []
    ignored: list[Ignored] = []
    for path, text in sorted(units, key=_rank):
        found, passed_over = parse_unit(text, path)
        settings += found
        ignored += passed_over
    said = _environment(settings, ignored)
    for path, text in environment_files:
        for name, value, line in parse_environment_file(text):
            if is_variable(name):
                said.setdefault(name, []).append(Variable(value, path, line, from_file=True))
            else:
                ignored.append(Ignored(path, line, "", "its name is no name for a variable"))
    environment = {name: _winner(variables) for name, variables in said.items()}
    _unset(settings, environment)
    return Service(tuple(settings), dict(sorted(environment.items())), tuple(ignored))


def file_texts(entries: object, what: str) -> list[tuple[str, str]]:
    """``(path, text)`` of a list of dictionaries with ``path`` and ``content``, or of what ansible.builtin.slurp gives.

    OllamaError names what is wrong with the list, and never shows a content.
    """
    if not isinstance(entries, (list, tuple)):
        raise OllamaError(f"{what}: this is no list; allowed is a list of dictionaries with path and content")
    found = []
    for number, entry in enumerate(entries):
        path = (entry.get("path") or entry.get("source")) if isinstance(entry, Mapping) else None
        if not isinstance(path, str) or not isinstance(entry.get("content"), str):
            raise OllamaError(f"{what}[{number}]: it has no path or no content; allowed is a text for each")
        content = entry["content"]
        if entry.get("encoding") == "base64":
            content = base64.b64decode(content).decode("utf-8", "replace")
        found.append((path, content))
    return found


def _rank(unit: tuple[str, str]) -> tuple[bool, str]:
    folder, _separator, name = unit[0].rpartition("/")
    return folder.endswith(".d"), name


def _environment(settings: Sequence[Setting], ignored: list[Ignored]) -> dict[str, list[Variable]]:
    """Everything that Environment= says of a variable, by name, in order."""
    environment: dict[str, list[Variable]] = {}
    for setting in settings:
        if (setting.section, setting.directive) != ("Service", "Environment"):
            continue
        if not setting.value:
            environment.clear()
        words, problem = split_words(setting.value)
        for word in words:
            found = assignment(expand(word))
            if found is not None:
                environment.setdefault(found[0], []).append(Variable(found[1], setting.file, setting.line))
            else:
                problem = problem or "a word in it is no assignment of the form NAME=value; quote values with blanks"
        if problem:
            ignored.append(Ignored(setting.file, setting.line, "Environment", problem))
    return environment


def _winner(said: Sequence[Variable]) -> Variable:
    last = said[-1]
    return last._replace(overrides=tuple(Override(old.file, old.line, old.value == last.value) for old in said[:-1]))


def _unset(settings: Sequence[Setting], environment: dict[str, Variable]) -> None:
    wanted: list[str] = []
    for setting in settings:
        if (setting.section, setting.directive) == ("Service", "UnsetEnvironment"):
            wanted = [*wanted, *map(expand, split_words(setting.value)[0])] if setting.value else []
    for word in wanted:
        name, separator, value = word.partition("=")
        if name in environment and (not separator or environment[name].value == value):
            del environment[name]


__all__ = ("Override", "Service", "Variable", "file_texts", "read_service")
