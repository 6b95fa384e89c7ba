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
    depends_on_host,
    expand,
    is_variable,
    split_words,
    unknown_specifiers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Assignment(NamedTuple):
    """An assignment to a variable, in order of effect; one without a value takes back all before it.

    ``known`` is false for a value with a specifier that only the host or the instance of a template decides.
    """

    value: Optional[str]
    file: str
    line: int
    from_file: bool = False
    known: bool = True


class Override(NamedTuple):
    """An assignment that a later one replaces; ``same`` if both have the same value."""

    file: str
    line: int
    same: bool


class Variable(NamedTuple):
    """A variable of the service. ``from_file`` if an EnvironmentFile= sets it; ``overrides`` in the order read.

    ``known`` is false where the value has a specifier that only the host or the instance of a template decides.
    """

    value: str
    file: str
    line: int
    from_file: bool = False
    overrides: Tuple[Override, ...] = ()
    known: bool = True


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
    files = sorted(units, key=_rank)
    for path, text in files:
        found, passed_over = parse_unit(text, path)
        settings += found
        ignored += passed_over
    unit = unit_name(files[0][0]) if files else ""
    assignments: dict[str, list[Assignment]] = {}
    _read_environment(settings, assignments, ignored, unit)
    for path, text in environment_files:
        for name, value, line in parse_environment_file(text):
            if is_variable(name):
                assignments.setdefault(name, []).append(Assignment(value, path, line, from_file=True))
            else:
                ignored.append(_no_variable(path, line, name))
    for word, setting in _words(_in_effect(settings, "UnsetEnvironment"), unit):
        name, separator, value = word.partition("=")
        history = assignments.get(name)
        if history and (not separator or history[-1].value == value):
            _take_back(history, setting)
    return Service(tuple(settings), {name: tuple(history) for name, history in assignments.items()}, tuple(ignored))


def unit_name(path: str) -> str:
    """The name of the unit that a path of a unit file or a drop-in belongs to."""
    folder, _slash, name = path.rpartition("/")
    return folder.rpartition("/")[2].removesuffix(".d") if folder.endswith(".d") else name


def _no_variable(path: str, line: int, name: str) -> Ignored:
    """Why systemd passes over an assignment of an environment file, by what stands before its equals sign."""
    words = name.split()
    if len(words) == 2 and words[0] in ("export", "set", "setenv", "declare", "local") and is_variable(words[1]):
        reason = f"{words[0]} is no part of the syntax of an environment file, so {words[1]} is not set"
        return Ignored(path, line, words[1], reason, f"leave {words[0]} out: {words[1]}=...")
    remedy = "write NAME=value, a line for each variable, with letters, digits and underscores in the name"
    return Ignored(path, line, "", "its name is not one that a variable can have", remedy)


def _rank(unit: tuple[str, str]) -> tuple[bool, str]:
    folder, _separator, name = unit[0].rpartition("/")
    return folder.endswith(".d"), name


def _in_effect(settings: Sequence[Setting], directive: str) -> list[Setting]:
    found: list[Setting] = []
    for setting in settings:
        if (setting.section, setting.directive) == ("Service", directive):
            found = [*found, setting] if setting.value else []
    return found


def _words(settings: Iterable[Setting], unit: str) -> Iterator[tuple[str, Setting]]:
    return ((expand(word, unit), setting) for setting in settings for word in split_words(setting.value)[0])


def _read_environment(
    settings: Sequence[Setting], assignments: dict[str, list[Assignment]], ignored: list[Ignored], unit: str
) -> None:
    for setting in settings:
        if (setting.section, setting.directive) != ("Service", "Environment"):
            continue
        if not setting.value:
            for history in assignments.values():
                _take_back(history, setting)
        words, problem = split_words(setting.value)
        for word in words:
            found = assignment(expand(word, unit))
            wrong = _wrong(word, found)
            if found is not None and not wrong:
                known = not depends_on_host(word, unit)
                each = Assignment(found[1], setting.file, setting.line, known=known)
                assignments.setdefault(found[0], []).append(each)
            problem = problem or wrong
        if problem:
            ignored.append(Ignored(setting.file, setting.line, "Environment", problem))


def _wrong(word: str, found: tuple[str, str] | None) -> str | None:
    """Why systemd passes over a word of Environment=."""
    unknown = unknown_specifiers(word)
    if unknown:
        return f"it has the specifier {unknown[0]}, which systemd does not know; write %% for a percent sign"
    if found is not None:
        return None
    if word.startswith("#"):
        return "a comment cannot stand behind a value; give it a line of its own"
    return "a word in it is not of the form NAME=value; quote values with blanks"


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
    return Variable(last.value or "", last.file, last.line, last.from_file, replaced, last.known)
