# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths, users, units and other names as systemd reads them in values of directives, and what a wrong one does.

Source: systemd.unit(5), systemd.exec(5), and what systemd-analyze of 252 refuses (src/core/load-fragment.c).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable

from ansible_collections.inference.ollama.plugins.module_utils._systemd.numbers import words
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (
    SPECIFIERS,
    depends_on_host,
    expand,
    split_words,
    unknown_specifiers,
)
from ansible_collections.inference.ollama.plugins.plugin_utils import _directive_words as lists

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a wrong value does: nothing wrong, systemd passes over the line, over some words of it, or refuses the unit.
FINE, LINE, WORD, FATAL = "", "line", "word", "fatal"
# In names of units and of devices a part of them.
_NAME_LETTERS = frozenset("ABGHIJMNPUWabgijlmnopuvw%")
_LONGEST = 4095
_UNIT_NAME = re.compile(rf"(?!@)[A-Za-z0-9:_.\\@-]+\.(?:{'|'.join(lists.UNIT_KINDS)})")
_FOLDER = re.compile(r"(?!/)[^\0]+")


def is_path(text: str) -> bool:
    """Whether systemd takes a text without specifiers, or with such as are not known, for a path."""
    if unknown_specifiers(text):
        return False
    plain = expand(text)
    return plain.startswith("/") and ".." not in plain.split("/") and len(plain.encode("utf-8", "replace")) <= _LONGEST


def _path(bad: str, prefixes: Sequence[str] = ()) -> Callable[[str], str]:
    def judge(value: str) -> str:
        for prefix in prefixes:
            value = value.removeprefix(prefix)
        return FINE if is_path(value) or _unknown_start(value) else bad

    return lambda value: FINE if not value else judge(value)


def _unknown_start(value: str) -> bool:
    """Whether the path begins with a specifier that only the host or the instance decides."""
    return value[:1] == "%" and value[1:2] in SPECIFIERS and depends_on_host(value[:2])


def _working_directory(value: str) -> str:
    plain = value.removeprefix("-")
    if value == "" or plain == "~" or is_path(plain) or _unknown_start(plain):
        return FINE
    return LINE if value.startswith("-") else FATAL


def _listed(right: Callable[[str], object]) -> Callable[[str], str]:
    """A list with escapes, of which systemd passes over the words that it cannot read."""

    def judge(value: str) -> str:
        found, problem = split_words(value)
        bad = [word for word in found if not right(word)]
        if not bad and not problem:
            return FINE
        return WORD if len(bad) < len(found) else LINE

    return judge


def _sandbox_path(word: str) -> bool:
    return _path(LINE)(word.removeprefix("-").removeprefix("+")) == FINE and word.strip("-+") != ""


def _bind(word: str) -> bool:
    source, colon, rest = word.removeprefix("-").partition(":")
    target, more, options = rest.partition(":")
    fine = is_path(source) or _unknown_start(source)
    if colon:
        fine = fine and (is_path(target) or _unknown_start(target))
    known = {"rbind", "norbind", "idmap", "noidmap", "recursive", "norecursive"}
    return fine and (not more or options in known | {""})


def _folder(word: str, *, alone: bool = False) -> bool:
    if unknown_specifiers(word):
        return False
    parts = word.split(":")
    if alone and len(parts) > 1:
        return False
    return all(_is_folder(part) for part in parts[:2]) and len(parts) <= 3


def _is_folder(text: str) -> bool:
    plain = expand(text)
    names = [name for name in plain.split("/") if name]
    return (
        bool(names)
        and _FOLDER.fullmatch(plain) is not None
        and not {".", ".."} & set(plain.split("/"))
        and names[0] != "private"
    )


def is_user(value: str) -> bool:
    """A name or number of a user or group as systemd takes it, which is more than useradd(8) does."""
    if unknown_specifiers(value):
        return False
    name = expand(value)
    if depends_on_host(value) or not name:
        return True
    if re.fullmatch("0|[1-9][0-9]*", name):
        return len(name) <= 10 and int(name) < (1 << 32) - 1 and int(name) != (1 << 16) - 1
    if name.isdigit() or re.fullmatch("-[0-9]+", name) or name in (".", ".."):
        return False
    return not re.search(r"[:/\x00-\x1f\x7f]", name) and name == name.strip() and len(name) <= 255


def _units(value: str) -> str:
    found = value.split()
    bad = [word for word in found if unknown_specifiers(word, _NAME_LETTERS) or not _unit(word)]
    return FINE if not bad else WORD if len(bad) < len(found) else LINE


def _unit(word: str) -> bool:
    known = expand(word) if not depends_on_host(word) else re.sub("%[A-Za-z]", "x", word)
    return _UNIT_NAME.fullmatch(known) is not None and len(known) < 256


def _slice(value: str) -> bool:
    return _unit(value) and value.endswith(".slice") and not unknown_specifiers(value, _NAME_LETTERS)


def _stream(names: frozenset[str], kinds: tuple[str, ...]) -> Callable[[str], str]:
    def judge(value: str) -> str:
        kind = next((each for each in kinds if value.startswith(each)), None)
        if kind:
            return _path(LINE)(value.removeprefix(kind)) if value != kind else LINE
        return FINE if value in names or re.fullmatch("fd:[^:\0]+", value) else LINE

    return judge


def _device(value: str) -> str:
    parts = value.split(None, 1)
    if not parts:
        return FINE
    node = expand(parts[0])
    known = node.startswith(("/dev/", "/run/systemd/inaccessible/", "char-", "block-")) or depends_on_host(parts[0])
    rights = parts[1] if len(parts) > 1 else ""
    return FINE if known and not set(rights) - set("rwm") and not unknown_specifiers(parts[0]) else LINE


def _condition_path(value: str) -> str:
    if not value:
        return FINE
    rest = value.removeprefix("|").lstrip().removeprefix("!").lstrip()
    return FINE if is_path(rest) or _unknown_start(rest) else LINE


def _colons(value: str) -> str:
    found = [part for part in value.split(":") if part]
    bad = [part for part in found if not is_path(part) and not _unknown_start(part)]
    return FINE if not bad else WORD if len(bad) < len(found) else LINE


def _users(value: str) -> str:
    return FINE if all(is_user(word) for word in words(value) or []) else FATAL


def _text(value: str) -> str:
    return LINE if unknown_specifiers(value) else FINE


_ABSOLUTE = "a path that begins with / and has no quotes and no .. in it"
_PATHS = "paths that begin with /, with blanks between them"
_UNITS = "names of units such as network-online.target, with blanks between them"
GRAMMARS: dict[str, tuple[Callable[[str], str], str]] = {
    "text": (_text, "%% for a percent sign"),
    "path": (_path(LINE), _ABSOLUTE),
    "filter_path": (_path(LINE), _ABSOLUTE),
    "path_fatal": (_path(FATAL), _ABSOLUTE),
    "path_colons": (_colons, "paths that begin with /, with colons between them"),
    "condition_path": (_condition_path, f"{_ABSOLUTE}, behind ! or | where that is meant"),
    "pid_file": (
        lambda value: LINE if ".." in value.split("/") or unknown_specifiers(value) else FINE,
        "a path in /run",
    ),
    "reboot": (lambda value: FINE if value.isascii() and not unknown_specifiers(value) else LINE, "plain text"),
    "working_directory": (_working_directory, f"{_ABSOLUTE}, or ~"),
    "environment_file": (_path(LINE, ("-",)), f"{_ABSOLUTE}, behind - where the file may be absent"),
    "absolute_paths": (_listed(lambda word: is_path(word) or _unknown_start(word)), _PATHS),
    "sandbox_paths": (_listed(_sandbox_path), f"{_PATHS}, each behind - where it may be absent"),
    "binds": (_listed(_bind), "SOURCE or SOURCE:TARGET, paths that begin with /"),
    "temporary": (_listed(lambda word: is_path(word.partition(":")[0])), "paths that begin with /"),
    "directories": (_listed(_folder), "names of folders without / before them"),
    "directories_alone": (_listed(lambda word: _folder(word, alone=True)), "names of folders without / before them"),
    "user": (lambda value: FINE if is_user(value) else FATAL, "a name or a number"),
    "users": (_users, "names or numbers of groups, with blanks between them"),
    "units": (_units, _UNITS),
    "slice": (lambda value: FINE if _slice(value) else LINE, "the name of a slice such as ollama.slice"),
    "sockets": (
        lambda value: FINE if all(word.endswith(".socket") and _unit(word) for word in value.split()) else WORD,
        "names of sockets such as ollama.socket",
    ),
    "bus_name": (
        lambda value: FINE if re.fullmatch(r"[A-Za-z_%-][\w%-]*(?:\.[A-Za-z_%-][\w%-]*)+", value, re.ASCII) else LINE,
        "a name such as org.example.ollama",
    ),
    "delegate_subgroup": (lambda value: FINE if "/" not in value else LINE, "a name without /"),
    "device": (_device, "a device such as /dev/nvidia0 or char-drm, and rwm"),
    "input": (_stream(lists.INPUTS, ("file:",)), "null, or file: and a path"),
    "output": (_stream(lists.OUTPUTS, lists.FILES), "journal, inherit, null, or file: or append: and a path"),
}
