# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of one of the role's variables: whether it is right, and what it means.

YAML, the command line and templates give different types for the same value, so each is judged as the text that would
be written, by the rules that hold for a unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._secrets import carries_secret, is_secret
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._values import (
    BOOLEANS,
    HIDDEN,
    WHOLE,
    canonical,
    check_value,
    integer,
    printable,
    truth,
)

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option

AUTO = "auto"
# Their values hold the names and values of others, in whatever form: of a wrong one the form alone is shown.
_NESTED = frozenset({"environment", "instances"})


def read(option: Option, value: object) -> object:
    """The value as the plan uses it, None for auto and for nothing; ValueError says what is allowed.

    Numbers become int, booleans bool, devices a tuple, which is empty for no device; a secret becomes whether there is
    one. Everything else becomes the text that is written.
    """
    text = _text(option, value)
    text = option.words.get(text, text)
    if _leaves_it_open(option, text):
        return None
    if option.type == "secret":
        # The plan has no use for the secret itself, only for whether there is one.
        if isinstance(value, bool):
            return value
        if not printable(text):
            raise ValueError(allowed(option))
        return True
    if check_value(option, text) is not None:
        raise ValueError(allowed(option))
    if option.type == "devices":
        return () if text == "-1" else tuple(text.split(","))
    if option.type in BOOLEANS:
        return truth(text)
    number = integer(text) if option.type in WHOLE else None
    return canonical(option, text) if number is None else number


def _text(option: Option, value: object) -> str:
    if isinstance(value, bool) and option.type in BOOLEANS:
        return "1" if value else "0"
    if isinstance(value, (list, tuple)) and option.type == "devices":
        return ",".join(map(str, value))
    text = str(value)
    number = integer(text) if option.type in WHOLE else None
    return text if number is None else str(number)


def _leaves_it_open(option: Option, text: str) -> bool:
    if option.type == "enum":
        # The role's argument_specs list the choices, auto among them, and take nothing else.
        return option.auto and text == AUTO
    return (option.auto and text.lower() in (AUTO, "")) or (not text and option.default == "")


def allowed(option: Option) -> str:
    """What the value may be, as the end of a sentence."""
    text = option.allowed or load().types[option.type]
    if option.allowed is None and option.type == "enum":
        text = f"one of {', '.join(value for value in option.values if value != AUTO)}"
    elif option.allowed is None and option.type in WHOLE:
        text = f"a whole number from {option.minimum or 0} to {option.maximum}"
    if option.auto:
        return f"{AUTO}, or {text}"
    return f"{text}, or nothing" if option.default == "" else text


def shown(option: Option, value: object) -> str:
    """The value as a message shows it, without secrets and at most one line of it."""
    if option.type == "secret":
        return "the value"
    if option.type == "secrets":
        return f"the value, {form_of(value)},"
    plain = isinstance(value, str) and re.fullmatch(r"[a-z_]{0,20}", value)
    if option.type in _NESTED and not plain:
        return f"the value, {form_of(value)}," if value else repr(value)
    text = repr(without_secrets(value))
    return text if len(text) <= 120 else f"{text[:119]}…"


def holds_secret(value: object) -> bool:
    """Whether a value, nested or not, has the form of a secret or holds one."""
    if isinstance(value, Mapping):
        return any(map(holds_secret, (*value, *value.values())))
    if isinstance(value, (list, tuple)):
        return any(map(holds_secret, value))
    return isinstance(value, str) and carries_secret(value)


def form_of(value: object) -> str:
    """What a value is, without its contents."""
    number = f"{len(value)} " if isinstance(value, (Mapping, list, tuple)) else ""
    if isinstance(value, Mapping):
        return f"a mapping of {number}names"
    if isinstance(value, (list, tuple)):
        return f"a list of {number}entries"
    kinds: dict[type, str] = {str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "of another type")


def without_secrets(value: object) -> object:
    """The value with what is a secret replaced, at any depth."""
    if isinstance(value, Mapping):
        return {
            without_secrets(name): HIDDEN if is_secret(str(name), str(content)) else without_secrets(content)
            for name, content in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(entry) for entry in value]
    return HIDDEN if isinstance(value, str) and carries_secret(value) else value
