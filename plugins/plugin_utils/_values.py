# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a setting's value means what it seems to mean.

One grammar for the lint, the plan and the role. Ollama takes ``off`` for on, ``1d`` for five minutes and ``2GB`` for
nothing, mostly without a word, and llama-server stops on what it cannot read. So a value passes only where the reader
and the operator agree on it.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from typing import TYPE_CHECKING, Callable, Mapping, Union

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._secrets import carries_secret
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import host, hosts, origins, url
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option, Setting

    # Both have type, values, minimum, maximum, pattern, example and acts.
    Rule = Union[Setting, Option]

HIDDEN = "(hidden)"
# The texts that strconv.ParseBool of Go takes.
GO_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
GO_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
LLAMA_TRUE = frozenset({"1", "true", "on", "enabled"})
LLAMA_BOOLEAN = LLAMA_TRUE | {"0", "false", "off", "disabled"}
# Ansible's booleans, in any case of their letters.
_YES, _NO = frozenset({"1", "t", "true", "y", "yes", "on"}), frozenset({"0", "f", "false", "n", "no", "off"})
BOOLEANS = frozenset({"boolean", "llama_boolean", "llama_switch", "ollama_boolean"})
WHOLE = frozenset({"bytes", "integer", "unsigned"})
PATHS = frozenset({"folder", "path", "unit_path"})

# Runners keep numbers in 32 bits; Ollama counts bytes in 64.
_INT_MAX = 2**31 - 1
_BYTES_MAX = 2**63 - 1
_FLOAT_MAX, _FLOAT_MIN = 3.4e38, 1.2e-38

# Go's time.Duration counts nanoseconds in 64 bits: 2562047h47m16.854775807s.
LONGEST = 2**63 - 1
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_AMOUNT = re.compile(rf"([0-9]{{0,30}})(?:\.([0-9]{{0,30}}))?({'|'.join(_UNITS)})")
_DURATION = re.compile(rf"[-+]?(?:(?=\.?[0-9]){_AMOUNT.pattern})+")
_INTEGER = re.compile(r"-?[0-9]{1,30}")
_SECONDS = re.compile(r"[-+]?[0-9]{1,30}")
_NUMBER = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?([eE][-+]?[0-9]{1,4})?")
# A unit names these paths bare: systemd unquotes a program's but halves no $$ in it, and takes EnvironmentFile= for a
# pattern of names (systemd.service(5), systemd.exec(5)).
_NOT_IN_A_UNIT = re.compile(r"""[$"'\\*?\[\]]""")
_HALF = re.compile(r"^has the entry .*?, which ")
_UUID = {"GPU": re.compile(r"GPU-[0-9A-Fa-f-]{4,}"), "MIG": re.compile(r"MIG-[0-9A-Za-z/-]{4,}")}


def check_value(rule: Rule, value: str, release: Release | None = None) -> str | None:
    """None where the value is fine; else a sentence that says what was found and what would be right.

    The sentence never holds a secret. An unknown release takes only what every release takes.
    """
    if not printable(value):
        return "The value holds a line break or another control character; write one line of plain text"
    if rule.type in ("none", "secret", "line"):
        return None
    if not value:
        return "The value is empty, which Ollama takes for unset and libraries for a value; leave the setting out"
    if rule.type != "host" and (value != value.strip() or value[0] in "\"'" or value[-1] in "\"'"):
        # From an address the server strips both.
        return "The value begins or ends with a blank or a quote, which not every reader strips; leave that out"
    if rule.type == "enum":
        return _enum(_choices(rule, release), value)
    return _RULES[rule.type](rule, value)


def canonical(rule: Rule, value: str) -> str:
    """A right value as it is written: booleans as 1 or 0, paths without what means nothing."""
    if rule.type in BOOLEANS:
        return "1" if truth(value) else "0"
    if rule.type in PATHS:
        return "/" + posixpath.normpath(value).lstrip("/")
    return value


def truth(value: str) -> bool | None:
    """Which boolean a text is to the server, the runner or Ansible; None where it is neither."""
    lower = value.lower()
    return True if lower in _YES | {"enabled"} else False if lower in _NO | {"disabled"} else None


def integer(value: str) -> int | None:
    """A plain number, None for any other text."""
    return int(value) if _INTEGER.fullmatch(value) else None


def nanoseconds(value: str) -> int | None:
    """A duration of Go's, or a plain number of seconds; None for any other text."""
    if _DURATION.fullmatch(value):
        total: int = sum(
            int(whole or 0) * _UNITS[unit] + int(part or 0) * _UNITS[unit] // 10 ** len(part)
            for whole, part, unit in _AMOUNT.findall(value)
        )
        return -total if value.startswith("-") else total
    return int(value) * 10**9 if _SECONDS.fullmatch(value) else None


def printable(value: str) -> bool:
    """Whether the text fits on one line of a unit file."""
    return not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value)


def quoted(value: str) -> str:
    """A value as a message shows it, at most one line of it, and nothing of one that holds a secret."""
    if carries_secret(value):
        return HIDDEN
    return repr(value if len(value) <= 80 else value[:77] + "...")


def _choices(rule: Rule, release: Release | None) -> tuple[str, ...]:
    phases = [phase for phase in rule.acts if phase.values and (release is None or phase.covers(release))]
    return tuple(value for value in rule.values if all(value in phase.values for phase in phases))


def _enum(choices: tuple[str, ...], value: str) -> str | None:
    return None if value in choices else f"{quoted(value)} is not one of {', '.join(choices)}"


def _text(_rule: Rule, _value: str) -> None:
    return None


def _ollama_boolean(_rule: Rule, value: str) -> str | None:
    if value in GO_TRUE | GO_FALSE:
        return None
    return f"{quoted(value)} switches it on, as does any text that Ollama does not know; write 1 or 0"


def _llama_boolean(_rule: Rule, value: str) -> str | None:
    return None if value in LLAMA_BOOLEAN else f"{quoted(value)} is neither on nor off to llama-server; write 1 or 0"


def _llama_switch(_rule: Rule, value: str) -> str | None:
    if value in LLAMA_BOOLEAN:
        return None
    return f"{quoted(value)} leaves it off, as does any text but 1, true, on and enabled; write 1, or leave it out"


def _debug_level(_rule: Rule, value: str) -> str | None:
    if value in GO_TRUE | GO_FALSE | {"2"}:
        return None
    return f"{quoted(value)} is not a level of logging; write 0, 1 (debug) or 2 (trace)"


def _presence(_rule: Rule, value: str) -> str | None:
    return None if value == "1" else f"{quoted(value)} switches it on, as does any value; write 1, or leave it out"


def _unsigned(rule: Rule, value: str) -> str | None:
    return _bounded(rule, value, rule.minimum or 0, _INT_MAX, "a plain number without a unit")


def _bytes(rule: Rule, value: str) -> str | None:
    return _bounded(rule, value, rule.minimum or 0, _BYTES_MAX, "a number of bytes without a unit")


def _integer(rule: Rule, value: str) -> str | None:
    if value in rule.values:
        return None
    least = -_INT_MAX if rule.minimum is None else rule.minimum
    return _bounded(rule, value, least, _INT_MAX, " or ".join(["a plain number", *rule.values]))


def _bounded(rule: Rule, value: str, least: int, most: int, right: str) -> str | None:
    if rule.maximum is not None:
        most = rule.maximum
    if _INTEGER.fullmatch(value) is None:
        return f"{quoted(value)} is not {right}"
    return None if least <= int(value) <= most else f"{value} is not in {least} to {most}"


def _integers(rule: Rule, value: str) -> str | None:
    return next(filter(None, (_integer(rule, part) for part in value.split(","))), None)


def _number(_rule: Rule, value: str) -> str | None:
    if _NUMBER.fullmatch(value) is None:
        return f"{quoted(value)} is not a number such as 1 or 0.5"
    size = abs(float(value))
    return None if size == 0 or _FLOAT_MIN < size < _FLOAT_MAX else f"{quoted(value)} does not fit a 32-bit number"


def _numbers(rule: Rule, value: str) -> str | None:
    parts = value.split(",")
    problem = next(filter(None, (_number(rule, part) for part in parts)), None)
    if problem is None and (min(map(float, parts)) < 0 or sum(map(float, parts)) == 0):
        return f"{quoted(value)} is not a list of shares such as 3,1"
    return problem


def _duration(_rule: Rule, value: str) -> str | None:
    count = nanoseconds(value)
    if count is None:
        return (
            f"{quoted(value)} silently means five minutes; write a duration such as 90s or 24h, or a number of seconds"
        )
    return None if abs(count) <= LONGEST else f"{quoted(value)} is longer than the 292 years Ollama can count"


def _path(_rule: Rule, value: str) -> str | None:
    if ".." in value.split("/"):
        return f"{quoted(value)} has .. in it, which leads elsewhere through a link; write the path out"
    return _absolute(value)


def _folder(rule: Rule, value: str) -> str | None:
    return _path(rule, value) or (None if value.strip("/.") else f"{quoted(value)} is the root of all files")


def _unit_path(rule: Rule, value: str) -> str | None:
    found = _NOT_IN_A_UNIT.search(value)
    if found is not None:
        return f"{quoted(value)} has {found[0]} in it, which systemd does not read as a part of a name"
    return _folder(rule, value)


def _paths(_rule: Rule, value: str) -> str | None:
    return next(filter(None, (_absolute(part) for part in value.split(":"))), None)


def _absolute(value: str) -> str | None:
    return None if value.startswith("/") else f"{quoted(value)} is not a path from / on; nothing expands ~ or variables"


def _release(_rule: Rule, value: str) -> str | None:
    try:
        parse_release(value)
    except OllamaError as error:
        return str(error)
    return None


def _boolean(_rule: Rule, value: str) -> str | None:
    return None if value.lower() in _YES | _NO else f"{quoted(value)} is neither true nor false"


def _devices(rule: Rule, value: str) -> str | None:
    if value == "-1":
        return None
    parts = value.split(",")
    forms = [form for form in ("GPU", "MIG") if form in rule.values]
    right = " or ".join(["indexes such as 0,1", *(f"{form}- UUIDs" for form in forms), "-1 for none"])
    indexes = all(re.fullmatch(r"0|[1-9][0-9]{0,3}", part) for part in parts)
    if not indexes and not all(any(_UUID[form].fullmatch(part) for form in forms) for part in parts):
        return f"{quoted(value)} is not a list of one kind: {right}"
    return None if len(set(parts)) == len(parts) else f"{quoted(value)} names a card twice, which hides all cards"


def _pattern(rule: Rule, value: str) -> str | None:
    if value in rule.values or re.fullmatch(rule.pattern or "", value):
        return None
    return f"{quoted(value)} is not of the form {rule.example}"


def _address(check: Callable[[str], str | None]) -> Callable[[Rule, str], str | None]:
    def rule(_rule: Rule, value: str) -> str | None:
        problem = check(value)
        # What stands before an @ in an address can be a password, and the problem may quote a part of it.
        hides = "@" in value or carries_secret(value)
        return problem and (f"{quoted(value)} {problem}" if not hides else f"The value {_HALF.sub('', problem)}")

    return rule


_RULES: Mapping[str, Callable[[Rule, str], str | None]] = {
    "boolean": _boolean,
    "bytes": _bytes,
    "debug_level": _debug_level,
    "devices": _devices,
    "duration": _duration,
    "folder": _folder,
    "host": _address(host),
    "hosts": _address(hosts),
    "integer": _integer,
    "integers": _integers,
    "llama_boolean": _llama_boolean,
    "llama_switch": _llama_switch,
    "number": _number,
    "numbers": _numbers,
    "ollama_boolean": _ollama_boolean,
    "origins": _address(origins),
    "path": _path,
    "paths": _paths,
    "pattern": _pattern,
    "presence": _presence,
    "release": _release,
    "text": _text,
    "unit_path": _unit_path,
    "unsigned": _unsigned,
    "url": _address(url),
}
# What settings.yml may give as a type.
TYPES = frozenset(_RULES) | {"enum", "line", "none", "secret"}
