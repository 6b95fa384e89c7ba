# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide secrets in environments, command lines and texts before anything leaves the host.

By name (``OLLAMA_API_KEY``, ``--hf-token``), by form (``http://user:password@host``, ``Bearer abc``) and by the
file that sets it. A value that was hidden once is hidden wherever else it occurs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._secrets import (
    MASK,
    hide_in_text,
    hide_in_value,
    is_secret,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("MASK", "Redactor")

# Short values, words and paths could be part of anything, and are hidden only under the name of a secret.
_PLAIN = re.compile(r".{0,7}|[A-Za-z_]{0,15}|[0-9.]{0,11}|[./].*", re.DOTALL)


class Redactor:
    """Hides secrets, and remembers them so that they are hidden everywhere."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._names: set[str] = set()

    def learn(self, variables: Iterable[tuple[str, str]]) -> None:
        """Hide these variables, whatever their names, and their values wherever they occur."""
        for name, value in variables:
            self._names.add(name)
            self._hidden(value)

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
                found.append(self._word(name, value) if equals else hide_in_value(word, self._hidden))
            option = word if word.startswith("-") and not equals else ""
        return found

    def text(self, text: str) -> str:
        """Any text, such as a line of a log, without secrets."""
        return hide_in_text(text, self._hidden)

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
        return (
            self._hidden(value) if is_secret(name, value) or name in self._names else hide_in_value(value, self._hidden)
        )

    def _word(self, name: str, value: str) -> str:
        return self.text(f"{name}={hide_in_value(value, self._hidden)}")

    def _hidden(self, value: str) -> str:
        if _PLAIN.fullmatch(value) is None:
            self._secrets.add(value)
        return MASK
