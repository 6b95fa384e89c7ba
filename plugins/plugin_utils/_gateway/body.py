# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expression that a body has to match whose key may use some models alone.

A server reads the last of several fields whose names differ in the case of letters or in escapes alone
(encoding/json, Unmarshal), HAProxy the first that is spelled so. Where both have to mean the same, the whole body
must be one JSON object with exactly one field of that name, no escape in any name at its top, and a plain text as
the field's value. What is not so is refused, so that nothing depends on how either reads it.

The quantifiers are possessive, so that the time is linear in the body's length and no memory is taken for going back
(pcre2pattern(3), ATOMIC GROUPING AND POSSESSIVE QUANTIFIERS).
"""

from __future__ import annotations

_TEXT = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_NUMBER = r"-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_OBJECT = r"\{(?&w)(?:(?&s)(?&w):(?&w)(?&v)(?&w)(?:,(?&w)(?&s)(?&w):(?&w)(?&v)(?&w))*+)?+\}"
_ARRAY = r"\[(?&w)(?:(?&v)(?&w)(?:,(?&w)(?&v)(?&w))*+)?+\]"


def one_field(names: str) -> str:
    """Return the expression for a body with exactly one field of these names, which have ``|`` between them."""
    other = rf'"(?!(?i:{names})")[ !#-\[\]-~]*+"(?&w):(?&w)(?&v)(?&w)'
    return (
        rf"(?(DEFINE)(?<w>[ \t\r\n]*+)(?<s>{_TEXT})"
        rf"(?<v>(?>(?&s)|{_NUMBER}|true|false|null|{_OBJECT}|{_ARRAY}))(?<o>{other}))"
        rf'^(?&w)\{{(?&w)(?:(?&o),(?&w))*+"(?:{names})"(?&w):(?&w)"[^"\\\x00-\x1f]++"(?&w)(?:,(?&w)(?&o))*+\}}(?&w)$'
    )
