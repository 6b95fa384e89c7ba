# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognize secrets by name, and passwords in addresses.

Hiding has one rule, and reporting a narrower one within it: hiding too much costs a value that somebody would have
liked to see, reporting too much costs a false alarm.
"""

from __future__ import annotations

import re

_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASS(?:W|PHRASE|CODE|_|$)|CREDENTIAL|AUTHORIZATION|BEARER|COOKIE|_PWD|(?<!^OLLAMA)_AUTH$",
    re.IGNORECASE,
)
# The same as whole words: TOKENIZERS_PARALLELISM, KEYBOARD and BYPASS have other meanings.
_WHOLE = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASSCODE)S?(?![A-Z])|_(?:PASS|PWD)$", re.IGNORECASE
)
# Neither a path to a secret nor a number of tokens is a secret.
_PLACE = re.compile(r"_(FILE|PATH|DIR|SOCK)$", re.IGNORECASE)
_COUNT = re.compile(r"TOKENS(_|$)", re.IGNORECASE)
# The part before the host; addresses of proxies may have no scheme.
_PASSWORD = re.compile(r"(?:^|://)[^/@\s:]*:[^/@\s]+@")


def is_secret(name: str, value: str) -> bool:
    """Whether a variable or an option of this name holds a secret; an empty value does not."""
    name = _variable(name)
    if not value or _NAME.search(name) is None:
        return False
    if _PLACE.search(name) and value.startswith(("/", ".")):
        return False
    return not (_COUNT.search(name) and re.fullmatch("-?[0-9]{1,9}", value))


def is_surely_secret(name: str, value: str) -> bool:
    """The same where no other meaning of the name is likely, for reports."""
    name = _variable(name)
    return is_secret(name, value) and _WHOLE.search(name) is not None and _PLACE.search(name) is None


def mentions_secret(text: str) -> bool:
    """Whether a text names a secret, or has a password in an address; for texts shown as a whole or not at all."""
    return _NAME.search(_variable(text)) is not None or any(map(carries_password, text.split()))


def carries_password(text: str) -> bool:
    """Whether an address, its scheme left out or not, has a password before its host."""
    return _PASSWORD.search(text) is not None


def _variable(name: str) -> str:
    """The name of an option in the form of a variable."""
    return name.lstrip("-").replace("-", "_")
