# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a line such as ExecStart=, as systemd takes it apart.

Source: systemd.service(5), "Command lines".
"""

from __future__ import annotations

import re
from typing import NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import expand, split_words

# Those without which a service does not start.
STARTING = ("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost")
# The characters before a program; | is one from 258 on.
_PREFIXES = re.compile(r"(?:[-@:|]|\+|!!?)*")


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
            prefixes = prefixes_of(current[0])
            words = [expand(each) for each in (current[0][len(prefixes) :], *current[1:])]
            if "@" in prefixes and len(words) > 1:
                # Behind @ stands the name by which the program is to know itself.
                del words[1]
            found.append(Command(prefixes, tuple(words)))
        current = []
    return found


def prefixes_of(word: str) -> str:
    """The characters before the program, each kind of them at most once."""
    found = ""
    for sign in re.findall(r"!!|[-@:|+!]", _PREFIXES.match(word)[0]):  # type: ignore[index] # it matches any text
        if sign in found or (sign[0] in "+!" and set("+!") & set(found)):
            break
        found += sign
    return found
