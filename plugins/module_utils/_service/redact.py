# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide secrets in environments, command lines and texts before anything leaves the host.

By name (``OLLAMA_API_KEY``, ``--hf-token``) and by form (``http://user:password@host``, ``Bearer abc``). A
value that was hidden once is hidden wherever else it occurs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._secrets import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MASK = "***"

# Short values, words and paths could be part of anything, and are hidden only under the name of a secret.
_PLAIN = re.compile(r".{0,7}|[A-Za-z_]{0,15}|[0-9.]{0,11}|[./].*", re.DOTALL)

# Every repetition is bounded, by a number or by what ends it, so that no text takes long.
_USER = re.compile(r"(://)([^\s\"'<>]{0,1024})@")
# A value that is an address may leave out the scheme (_secrets.py); in a longer text that could be anything.
_ADDRESS = re.compile(r"(^|://)([^/@\s:]*:[^/\s]+)@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)( +)[\w.~+/=-]{6,}")
_WORDS = r"(?:[_.-]key|apikey|token|secret|passw(?:or)?d|passphrase|credentials?|authorization)"
_VALUE = r"""("(?:\\.|[^"\\])*"|'[^']*'|[^\s,;&\]}"'\\]+)"""
_PAIR = re.compile(rf"(?i)(?<![\w.-])([\w.-]{{0,128}}{_WORDS}\\?[\"']?\s{{0,3}}[=:]\s{{0,3}}\\?){_VALUE}")
_FLAG = re.compile(rf"(?i)(?<![\w.-])(--[\w-]{{0,128}}{_WORDS} )([^\s\"'\\]+)")
_KNOWN = re.compile(r"\b(sk-|hf_|ghp_|github_pat_|glpat-|xox[abp]-)[\w-]{12,}")


class Redactor:
    """Hides secrets, and remembers them so that they are hidden everywhere."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {name: self._value(name, value) for name, value in variables.items()}

    def command_line(self, argv: Iterable[str]) -> list[str]:
        """A command line with the values of secret options hidden: ``--api-key ***``."""
        found: list[str] = []
        option = ""
        for word in argv:
            name, equals, value = word.partition("=")
            if option and is_secret(option, word):
                found.append(self._hidden(word))
            elif equals and is_secret(name, value) and re.fullmatch(r"[\w.-]+", name):
                found.append(f"{name}={self._hidden(value)}")
            else:
                found.append(self.text(f"{name}={self._address(value)}" if equals else self._address(word)))
            option = word if word.startswith("-") and not equals else ""
        return found

    def text(self, text: str) -> str:
        """Any text, such as a line of a log, without secrets."""
        text = _USER.sub(self._user, text)
        text = _BEARER.sub(rf"\1\2{MASK}", text)
        text = _PAIR.sub(self._pair, text)
        text = _FLAG.sub(self._pair, text)
        return _KNOWN.sub(MASK, text)

    def everywhere(self, value: Any) -> Any:  # noqa: ANN401 - any nested value
        """A nested value without any secret that was seen; keys stay."""
        if isinstance(value, str):
            for secret in sorted(self._secrets, key=len, reverse=True):
                value = value.replace(secret, MASK)
            return value
        if isinstance(value, dict):
            return {key: self.everywhere(inner) for key, inner in value.items()}
        return [self.everywhere(inner) for inner in value] if isinstance(value, list) else value

    def _value(self, name: str, value: str) -> str:
        return self._hidden(value) if is_secret(name, value) else self.text(self._address(value))

    def _address(self, value: str) -> str:
        return _ADDRESS.sub(self._user, value)

    def _hidden(self, value: str) -> str:
        if _PLAIN.fullmatch(value) is None:
            self._secrets.add(value)
        return MASK

    def _user(self, match: re.Match[str]) -> str:
        self._hidden(match[2].partition(":")[2])
        return f"{match[1]}{MASK}@"

    def _pair(self, match: re.Match[str]) -> str:
        self._hidden(match[2].strip("\"'"))
        return f"{match[1]}{MASK}"
