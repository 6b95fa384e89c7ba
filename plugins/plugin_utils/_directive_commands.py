# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines of ExecStart= and the like, as systemd takes them apart.

Source: systemd.service(5), "Command lines", and what systemd-analyze of 252 refuses (config_parse_exec in
src/core/load-fragment.c).
"""

from __future__ import annotations

import re
from typing import NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (
    depends_on_host,
    expand,
    split_words,
    unknown_specifiers,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._directive_paths import FATAL, FINE, LINE, WORD

# The characters before a program; | is one from 258 on.
_PREFIXES = re.compile(r"(?:[-@:|]|\+|!!?)*")
# What no path of a program may have.
_UNSAFE = re.compile(r"[\x01-\x1f\x7f\"'\\]")


class Command(NamedTuple):
    """One command of a line: the characters before its program, and its words, that program first."""

    prefixes: str
    words: Tuple[str, ...]


def commands(value: str) -> list[Command]:
    """The commands of a line, with specifiers expanded as far as they are the same on every host."""
    found: list[Command] = []
    current: list[str] = []
    for word in [*split_words(value, command=True)[0], ";"]:
        if word != ";":
            current.append(";" if word == "\\;" else word)
            continue
        if current:
            prefixes = _prefixes(current[0])
            words = [expand(each) for each in (current[0][len(prefixes) :], *current[1:])]
            if "@" in prefixes and len(words) > 1:
                # Behind @ stands the name by which the program is to know itself.
                del words[1]
            found.append(Command(prefixes, tuple(words)))
        current = []
    return found


def judge_command(value: str) -> str:
    """What is wrong with a line, as the grammars of _directive_values.py."""
    words, problem = split_words(value, command=True)
    if not words:
        # Of a line whose first word does not end nothing is read.
        return LINE if problem else FINE
    first = True
    for place, word in enumerate(words):
        if word == ";":
            first = True
            continue
        if first:
            prefixes = _prefixes(word)
            bad = LINE if "-" in prefixes else FATAL
            following = words[place + 1 : place + 2]
            if not _is_program(word[len(prefixes) :]) or ("@" in prefixes and following in ([], [";"])):
                return bad
            first = False
        elif unknown_specifiers(word):
            return bad
    # A command that does not even begin is left out, one that does not end is wrong.
    return FINE if not problem else WORD if first else bad


def _prefixes(word: str) -> str:
    """The characters before the program, each kind of them at most once."""
    found = ""
    for sign in re.findall(r"!!|[-@:|+!]", _PREFIXES.match(word)[0]):  # type: ignore[index] # it matches any text
        if sign in found or (sign[0] in "+!" and set("+!") & set(found)):
            break
        found += sign
    return found


def _is_program(text: str) -> bool:
    if not text or unknown_specifiers(text):
        return False
    plain = expand(text)
    if _UNSAFE.search(plain):
        return False
    if depends_on_host(text):
        return True
    if plain.startswith("/"):
        return not plain.endswith("/") and ".." not in plain.split("/")[-1:]
    return "/" not in plain and plain not in (".", "..")
