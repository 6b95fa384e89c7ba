# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read files of processes, which end while they are read, and hold NUL bytes and text of any encoding.

proc(5).
"""

from __future__ import annotations

import errno
import os
import re

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._text import visible

_LARGEST = 1 << 23
_LONGEST = 1 << 20
_NATURAL = re.compile("[0-9]{1,18}")


def encodable(text: str) -> str:
    """The text as it may be written and shown; JSON may hold lone surrogates, which no encoder accepts."""
    return visible(text)


def natural(text: str | None) -> int | None:
    """A count in decimal digits; None for anything else."""
    return int(text) if text is not None and _NATURAL.fullmatch(text) else None


class Proc(Root):
    """A root that also reads lists separated by NUL, as in /proc/PID/environ."""

    def most(self, path: str) -> int:
        """A process of many gigabytes has a line for each part of them; a command line may be long."""
        return (
            _LARGEST
            if path.endswith(("/numa_maps", "/maps"))
            else _LONGEST
            if path.endswith("/cmdline")
            else super().most(path)
        )

    def _bytes(self, path: str) -> bytes:
        try:
            return super()._bytes(path)
        except ProcessLookupError as error:
            # The process ended between opening and reading.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error

    def strings(self, path: str) -> list[str] | None:
        """The strings of a list that NUL bytes end; None where absent or, with a problem, unreadable."""
        data = self._data(path)
        if data is None:
            return None
        return [encodable(part.decode("utf-8", "replace")) for part in data.rstrip(b"\0").split(b"\0")] if data else []

    def fields(self, path: str) -> dict[str, str]:
        """The lines ``Name: value`` of a file such as /proc/PID/status."""
        found = {}
        for line in (self.text(path) or "").splitlines():
            name, _colon, value = line.partition(":")
            found[name.strip()] = value.strip()
        return found

    def forget(self, folder: str) -> None:
        """Forget the texts and problems of files in a folder, such as one of a process that has ended."""
        self.forget_long()
        self._texts = {path: text for path, text in self._texts.items() if not path.startswith(f"{folder}/")}
        self.problems[:] = [problem for problem in self.problems if not problem.startswith(f"{folder}/")]
