# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge a unit, its drop-ins and its environment files as systemd does.

After systemd.exec(5) "Environment=" and "EnvironmentFile=", systemd.unit(5), and the behaviour of systemd 252 on what
they leave open. Lines that systemd ignores are reported, never guessed at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._systemd.environment_file import parse_environment_file
from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Ignored, Setting, parse_unit
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (
    assignment,
    expand,
    is_variable,
    split_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Assignment(NamedTuple):
    """An assignment to a variable, in order of effect; one without a value takes back all before it."""

    value: Optional[str]
    file: str
    line: int
    from_file: bool = False


class Override(NamedTuple):
    """An assignment that a later one replaces; ``same`` if both have the same value."""

    file: str
    line: int
    same: bool


class Variable(NamedTuple):
    """A variable of the service. ``from_file`` if an EnvironmentFile= sets it; ``overrides`` in the order read."""

    value: str
    file: str
    line: int
    from_file: bool = False
    overrides: Tuple[Override, ...] = ()


class Service(NamedTuple):
    """A unit with its drop-ins: settings in the order in which they apply, and all assignments to each variable."""

    settings: Tuple[Setting, ...]
    assignments: Dict[str, Tuple[Assignment, ...]]
    ignored: Tuple[Ignored, ...]

    def values(self, directive: str) -> list[Setting]:
        """The settings in effect of a list directive of [Service]: an empty one takes back all before it."""
        return _in_effect(self.settings, directive)

    @property
    def environment(self) -> dict[str, Variable]:
        """The variables that the service gets, sorted by name."""
        found = ((name, _last(history)) for name, history in sorted(self.assignments.items()))
        return {name: variable for name, variable in found if variable is not None}


def read_service(units: Iterable[tuple[str, str]], environment_files: Iterable[tuple[str, str]] = ()) -> Service:
    """Merge files, ``(path, text)`` each: the unit and its drop-ins in any order, then the environment files in theirs.

    Drop-ins apply after the unit in the order of their names, whatever their folders; a path in a folder that ends
    in ``.d`` is one.
    """
    settings: list[Setting] = []
    ignored: list[Ignored] = []
    for path, text in sorted(units, key=_rank):
        found, passed_over = parse_unit(text, path)
        settings += found
        ignored += passed_over
    assignments: dict[str, list[Assignment]] = {}
    _read_environment(settings, assignments, ignored)
    for path, text in environment_files:
        for name, value, line in parse_environment_file(text):
            if is_variable(name):
                assignments.setdefault(name, []).append(Assignment(value, path, line, from_file=True))
            else:
                ignored.append(Ignored(path, line, "", "its name is not one that a variable can have"))
    for word, setting in _words(_in_effect(settings, "UnsetEnvironment")):
        name, separator, value = word.partition("=")
        history = assignments.get(name)
        if history and (not separator or history[-1].value == value):
            _take_back(history, setting)
    return Service(tuple(settings), {name: tuple(history) for name, history in assignments.items()}, tuple(ignored))


def _rank(unit: tuple[str, str]) -> tuple[bool, str]:
    folder, _separator, name = unit[0].rpartition("/")
    return folder.endswith(".d"), name


def _in_effect(settings: Sequence[Setting], directive: str) -> list[Setting]:
    found: list[Setting] = []
    for setting in settings:
        if (setting.section, setting.directive) == ("Service", directive):
            found = [*found, setting] if setting.value else []
    return found


def _words(settings: Iterable[Setting]) -> Iterator[tuple[str, Setting]]:
    return ((expand(word), setting) for setting in settings for word in split_words(setting.value)[0])


def _read_environment(
    settings: Sequence[Setting], assignments: dict[str, list[Assignment]], ignored: list[Ignored]
) -> None:
    for setting in settings:
        if (setting.section, setting.directive) != ("Service", "Environment"):
            continue
        if not setting.value:
            for history in assignments.values():
                _take_back(history, setting)
        words, problem = split_words(setting.value)
        for word in words:
            found = assignment(expand(word))
            if found is not None:
                assignments.setdefault(found[0], []).append(Assignment(found[1], setting.file, setting.line))
            else:
                problem = problem or "a word in it is not of the form NAME=value; quote values with blanks"
        if problem:
            ignored.append(Ignored(setting.file, setting.line, "Environment", problem))


def _take_back(history: list[Assignment], setting: Setting) -> None:
    if history[-1].value is not None:
        history.append(Assignment(None, setting.file, setting.line))


def _last(history: Sequence[Assignment]) -> Variable | None:
    """The variable after these assignments, with those that it overrides."""
    overrides: list[Assignment] = []
    for each in history:
        overrides = [] if each.value is None else [*overrides, each]
    if not overrides:
        return None
    last = overrides.pop()
    replaced = tuple(Override(each.file, each.line, each.value == last.value) for each in overrides)
    return Variable(last.value or "", last.file, last.line, last.from_file, replaced)
