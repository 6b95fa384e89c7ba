# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Split the value of a directive into words as systemd does, and lists as systemctl prints them.

After systemd.syntax(7) "Quoting", systemd.unit(5) "Specifiers", and the behaviour of systemd 252, whose
``systemctl show`` quotes what a shell would take for more than one word.
"""

from __future__ import annotations

import re

BLANKS = " \t\n\r"
# What systemd.syntax(7) takes for true, in any case of its letters.
YES = frozenset({"1", "t", "true", "y", "yes", "on"})
_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34, "'": 39, "s": 32}
_CODED = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Specifiers of the system manager that are the same on every host.
_SPECIFIERS = {
    "%": "%",
    "C": "/var/cache",
    "E": "/etc",
    "G": "0",
    "L": "/var/log",
    "S": "/var/lib",
    "T": "/tmp",  # noqa: S108 systemd's value, not a file of ours
    "U": "0",
    "V": "/var/tmp",  # noqa: S108
    "g": "root",
    "h": "/root",
    "t": "/run",
    "u": "root",
}
# Letters of specifiers of 252 to 258; other letters and digits behind % are unknown, other characters are themselves.
_SPECIFIER = re.compile(r"%([A-Za-z0-9%])")
SPECIFIERS = frozenset("ABCDEGHIJLMNPRSTUVWYabcdfghijlmnopqrstuvwy%")


def split_words(value: str, *, printed: bool = False, command: bool = False) -> tuple[list[str], str | None]:
    r"""The words of a value, and why systemd ignores the rest of it, if it does.

    What systemctl has ``printed`` is quoted for a shell: ``$'A=1\n2'``, in old releases ``"A=\$x"``. In a ``command``
    escapes that systemd does not know stay as they are.
    """
    words: list[str] = []
    position = 0
    while True:
        while position < len(value) and value[position] in BLANKS:
            position += 1
        if position == len(value):
            return words, None
        word, position, problem = _word(value, position, printed=printed, command=command)
        if problem:
            return words, f"{problem}, so the rest of the line is ignored"
        words.append(word)


def expand(word: str, unit: str = "") -> str:
    """The word with its specifiers replaced; one that differs from host to host stays as it is.

    With the name of the ``unit`` those of its name are replaced too, unless it is a template, whose instances differ.
    """
    known = {**_SPECIFIERS, **_of_name(unit)} if unit else _SPECIFIERS
    return re.sub(r"%(.)", lambda match: known.get(match[1], match[0]), word, flags=re.DOTALL)


def unknown_specifiers(text: str, letters: frozenset[str] = SPECIFIERS) -> list[str]:
    """The specifiers that systemd does not know, for which it passes over what they stand in."""
    return [f"%{letter}" for letter in _SPECIFIER.findall(text) if letter not in letters]


def depends_on_host(text: str, unit: str = "") -> bool:
    """Whether a part of the text is a specifier whose value neither the text nor the unit's name says."""
    known = {**_SPECIFIERS, **_of_name(unit)} if unit else _SPECIFIERS
    return any(letter not in known for letter in _SPECIFIER.findall(text))


def _of_name(unit: str) -> dict[str, str]:
    name = unit.rpartition("/")[2]
    prefix = name.rpartition(".")[0]
    if "@" in name or "\\" in name or not prefix:
        return {}
    last = prefix.rpartition("-")[2]
    names = {"n": name, "N": prefix, "p": prefix, "P": prefix.replace("-", "/"), "i": "", "I": "", "j": last, "J": last}
    return {**names, "f": f"/{prefix.replace('-', '/')}"}


def assignment(word: str) -> tuple[str, str] | None:
    """Name and value of a word ``NAME=value``; None for any other word."""
    name, separator, value = word.partition("=")
    return (name, value) if separator and is_variable(name) else None


def is_variable(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _word(value: str, position: int, *, printed: bool, command: bool) -> tuple[str, int, str | None]:
    """One word from here on, the position behind it, and what is wrong with it."""
    # Escapes name bytes, and only together are they UTF-8.
    word = bytearray()
    quote = ""
    while position < len(value) and (quote or value[position] not in BLANKS):
        character = value[position]
        position += 1
        if character == "\\":
            found = _escape(value, position) or _unknown_escape(value, position, printed=printed, command=command)
            if found is None:
                return "", position, "it has a backslash that begins no known escape"
            word += found[0]
            position = found[1]
        elif character == quote:
            quote = ""
        elif character in "\"'" and not quote:
            quote = character
        elif printed and not quote and value.startswith("$'", position - 1):
            continue
        else:
            word += character.encode("utf-8", "surrogatepass")
    if quote:
        return "", position, "a quote in it is not closed"
    try:
        return word.decode(), position, None
    except UnicodeDecodeError:
        # systemd passes this word over and reads on.
        return "", position, None


def _unknown_escape(value: str, position: int, *, printed: bool, command: bool) -> tuple[bytes, int] | None:
    if command:
        return b"\\", position
    if printed and position < len(value):
        return value[position].encode("utf-8", "surrogatepass"), position + 1
    return None


def _escape(value: str, position: int) -> tuple[bytes, int] | None:
    """The bytes that the escape means and the position behind it; None for unknown escapes."""
    if value[position : position + 1] in _SIMPLE:
        return bytes([_SIMPLE[value[position]]]), position + 1
    match = _CODED.match(value, position)
    if match is None:
        return None
    byte, short, long, octal = match.groups()
    code = int(octal, 8) if octal else int(byte or short or long, 16)
    if code == 0 or code > (0x10FFFF if short or long else 0xFF) or 0xD800 <= code <= 0xDFFF:
        return None
    return (chr(code).encode() if short or long else bytes([code])), match.end()
