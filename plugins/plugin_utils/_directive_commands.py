# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether systemd takes the command lines of ExecStart= and the like.

Source: systemd.service(5), "Command lines", and what systemd-analyze of 252 refuses (config_parse_exec in
src/core/load-fragment.c).
"""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.plugins.module_utils._systemd.command_line import prefixes_of
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (
    depends_on_host,
    expand,
    split_words,
    unknown_specifiers,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._directive_paths import FATAL, FINE, LINE, WORD

# What no path of a program may have.
_UNSAFE = re.compile(r"[\x01-\x1f\x7f\"'\\]")


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
            prefixes = prefixes_of(word)
            bad = LINE if "-" in prefixes else FATAL
            following = words[place + 1 : place + 2]
            if not _is_program(word[len(prefixes) :]) or ("@" in prefixes and following in ([], [";"])):
                return bad
            first = False
        elif unknown_specifiers(word):
            return bad
    # A command that does not even begin is left out, one that does not end is wrong.
    return FINE if not problem else WORD if first else bad


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
