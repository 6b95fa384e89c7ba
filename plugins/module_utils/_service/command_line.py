# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options on the command line of a runner.

common/arg.cpp of llama.cpp: a value is the next word or follows an equals sign, and the last of an option counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPTION = re.compile(r"--?[A-Za-z]")


def options_of(argv: Sequence[str]) -> dict[str, str]:
    """Values by option as written, such as ``-c`` or ``--ctx-size``, in the order of effect; empty for a switch."""
    found: dict[str, str] = {}
    for word, following in zip(argv, [*argv[1:], ""]):
        if _OPTION.match(word):
            name, equals, value = word.partition("=")
            found.pop(name, None)
            found[name] = value if equals else "" if _OPTION.match(following) else following
    return found


def last_of(options: dict[str, str], *names: str) -> str | None:
    """The value of an option that has several names; None without any of them."""
    return next((value for name, value in reversed(options.items()) if name in names), None)


def model_of(argv: Sequence[str]) -> str | None:
    """The model's file."""
    return last_of(options_of(argv), "--model", "-m") or None
