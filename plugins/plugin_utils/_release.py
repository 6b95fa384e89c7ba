# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ollama's release numbers."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

# What `git describe --long --dirty` makes of a tag is what a build from a checkout calls itself.
_RELEASE = re.compile(
    r"v?([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})"
    r"(?:-rc([0-9]{1,6}))?"
    r"(?:-([0-9]{1,6})-g([0-9a-f]{4,40}))?"
    r"(?:-dirty)?"
)
# Sorts a finished release behind all its candidates.
_FINAL = 10**6


@dataclass(frozen=True, order=True)
class Release:
    """A release, a release candidate, or a build some commits after either.

    The order is that of publication: 0.33.0-rc2, 0.33.0, 0.33.0-5-gabcdef (five commits later), 0.33.1. A candidate is
    promised nothing of the release that it leads to and nothing that ended before, because the facts about settings are
    those of finished releases.
    """

    base: Tuple[int, int, int]
    candidate: int = _FINAL
    commits: int = 0
    commit: str = field(default="", compare=False)

    def __str__(self) -> str:
        """The number without the leading v, ``0.33.0-rc2``."""
        text = ".".join(map(str, self.base))
        if self.candidate != _FINAL:
            text += f"-rc{self.candidate}"
        return f"{text}-{self.commits}-g{self.commit}" if self.commits else text


# settings.yml names the same few releases in hundreds of places.
@functools.lru_cache(maxsize=256)
def parse_release(text: str) -> Release:
    """Read ``0.34.1``, ``v0.33.0-rc2`` or ``0.5.13-0-gabcdef``; OllamaError on anything else."""
    match = _RELEASE.fullmatch(text.strip())
    if match is None:
        raise OllamaError(f"{_short(text)} is not an Ollama release such as 0.34.1 or 0.33.0-rc2")
    base = (int(match[1]), int(match[2]), int(match[3]))
    if base == (0, 0, 0):
        raise OllamaError(
            f"{_short(text)} is what an Ollama built without a version calls itself; "
            "name the release that it was built from, such as 0.34.1"
        )
    return Release(
        base,
        _FINAL if match[4] is None else int(match[4]),
        int(match[5] or 0),
        match[6] or "",
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
