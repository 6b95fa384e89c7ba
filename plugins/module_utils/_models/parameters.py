# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of a model: what somebody asks for, what /api/show says, and whether the two are the same.

api/types.go (Options, FromMap) and server/routes.go (GetModelInfo) of Ollama 0.32.15. The server takes any name and any
value when a model is created, and fails when it is loaded. It shows a parameter a line, as Go prints a value by %#v: a
number as a float64, so that 1048576 is 1.048576e+06, and a list as a line for each of its items.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

# Parameters of 0.24 to 0.32.15, and those of earlier releases that models may still have.
_WHOLE = frozenset(
    {
        *("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "seed", "num_predict", "top_k"),
        *("repeat_last_n", "draft_num_predict", "mirostat", "num_gqa"),
    }
)
_NUMBERS = frozenset(
    {
        *("top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"),
        *("tfs_z", "mirostat_tau", "mirostat_eta", "rope_frequency_base", "rope_frequency_scale"),
    }
)
_TRUTHS = frozenset(
    {"use_mmap", "use_mlock", "numa", "low_vram", "f16_kv", "vocab_only", "logits_all", "penalize_newline"}
)
_LISTS = frozenset({"stop"})
KNOWN = _WHOLE | _NUMBERS | _TRUTHS | _LISTS
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST, _LONGEST, _LARGEST = 100, 4096, 1 << 53
_MOST_LINES = 1000

# Each value as a list, since a list of one item looks like the item; truth values are not numbers.
Canonical = Dict[str, Tuple[Tuple[str, Any], ...]]

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?")


def wanted(parameters: Mapping[Any, Any]) -> dict[str, Any]:
    """What somebody asks for, as a request has it. Raise OllamaError with a sentence for each value that is wrong.

    A number or a truth value may be a text that says it, as templates of playbooks make them.
    """
    checked = {str(name): _checked(str(name), value) for name, value in parameters.items()}
    wrong = [
        f"parameters: {name[:80]} is {str(value)[:80]!r}, expected {checked[name][1]}"
        for name, value in ((str(name), value) for name, value in parameters.items())
        if checked[name][1] is not None
    ]
    if len(parameters) > _MOST:
        wrong.append(f"parameters: there are {len(parameters)} of them, expected {_MOST} at most")
    if wrong:
        raise OllamaError("; ".join(wrong))
    return {name: value for name, (value, _expected) in checked.items()}


def unknown(parameters: Mapping[str, Any]) -> list[str]:
    """The names among them that no known release reads, in order."""
    return sorted(name for name in parameters if name not in KNOWN)


def _checked(name: str, value: object) -> tuple[Any, str | None]:
    """The value of the kind of the parameter, and what was expected where it is of no such kind."""
    if not _NAME.fullmatch(name):
        return value, "a name of small letters, digits and underscores"
    for names, read, expected in _KINDS:
        if name in names:
            found = read(value)
            return found, expected if found is None else None
    plain = isinstance(value, (bool, str)) or (isinstance(value, (int, float)) and math.isfinite(value))
    found = value if plain else _texts(value)
    return found, "a text, a number, true or false, or a list of texts" if found is None else None


def _whole(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST else None


def _number(value: object) -> int | float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return value
    return None


def _truth(value: object) -> bool | None:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value if isinstance(value, bool) else None


def _texts(value: object) -> list[str] | None:
    items: list[Any] = value if isinstance(value, list) else [value]
    fit = all(isinstance(item, str) and 0 < len(item) <= _LONGEST for item in items)
    return items if fit and 0 < len(items) <= _MOST else None


_KINDS: tuple[tuple[frozenset[str], Callable[[object], Any], str], ...] = (
    (_WHOLE, _whole, "a whole number"),
    (_NUMBERS, _number, "a number"),
    (_TRUTHS, _truth, "true or false"),
    (_LISTS, _texts, f"a text, or a list of {_MOST} texts at most, each of {_LONGEST} characters at most"),
)


def canonical(parameters: Mapping[str, Any]) -> Canonical:
    """Parameters in a form in which those that the server takes for the same are equal."""
    return {
        name: tuple(map(_item, value if isinstance(value, list) else [value])) for name, value in parameters.items()
    }


def _item(value: object) -> tuple[str, Any]:
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, (int, float)):
        return ("number", float(value))
    return ("text", str(value))


def shown(text: object) -> Canonical:
    """The same of the field ``parameters`` of /api/show; what is not of its form is taken as a text."""
    found: dict[str, list[tuple[str, Any]]] = {}
    # Not splitlines(): Go escapes the line breaks that it knows, and a text may hold others.
    for line in text.split("\n")[:_MOST_LINES] if isinstance(text, str) else []:
        name, _blank, value = line.strip(" \r").partition(" ")
        if name:
            found.setdefault(name, []).append(_read(value.strip(" ")))
    return {name: tuple(values) for name, values in found.items()}


def _read(text: str) -> tuple[str, Any]:
    if text in ("true", "false"):
        return ("truth", text == "true")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return ("text", _ESCAPE.sub(_unescaped, text[1:-1]))
    return ("number", float(text)) if _NUMBER.fullmatch(text) else ("text", text)


def _unescaped(match: re.Match[str]) -> str:
    byte, short, long, char = match.groups()
    if char is not None:
        return _ESCAPES.get(char, match[0])
    number = int(byte or short or long, 16)
    return chr(number) if number < 0x110000 else match[0]


def lines(parameters: Canonical) -> list[str]:
    """A line for each value, in order of the names, as a difference shows them."""
    found: List[str] = []
    for name in sorted(parameters):
        for kind, value in parameters[name]:
            found.append(f"{name} {_short(value) if kind == 'number' else json.dumps(value, ensure_ascii=False)}")
    return found


def _short(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) <= _LARGEST else repr(value)
