# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of units below a prefix, whose links stay below it.

Links of a staged tree mean its own files: an absolute one begins at the prefix.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import posixpath
import stat

from ansible_collections.inference.ollama.plugins.module_utils._bounded import listed
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

# A unit, a drop-in or an environment file has a few kilobytes.
LARGEST = 1 << 20
# path_resolution(7): as many links as the kernel follows.
_MOST_LINKS = 40
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


class UnreadableError(OllamaError):
    """A file that is there and cannot be read; the message is a clause such as ``it cannot be read (…)``."""


def resolve(prefix: str, path: str) -> str:
    """A path below a prefix without links, ``..`` and doubled slashes; what cannot be followed stays as it is.

    Raises OSError for links without an end.
    """
    left, place, links = path.split("/")[::-1], "", 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            place = posixpath.dirname(place).rstrip("/")
            continue
        try:
            target = os.readlink(f"{prefix}{place}/{part}")
        except OSError:
            place = f"{place}/{part}"
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        place = "" if target.startswith("/") else place
        left += target.split("/")[::-1]
    return place or "/"


class Tree:
    """Reads below ``prefix``, ``""`` for the running host. Every path begins with a slash and is one of the host's."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix.rstrip("/")

    def shown(self, path: str) -> str:
        """The path on the machine that runs this code."""
        # A name that is not UTF-8 is none that JSON can carry.
        return os.fsencode(self._prefix + path).decode("utf-8", "replace")

    def resolve(self, path: str) -> str:
        """The path without links, ``..`` and doubled slashes; what cannot be followed stays as it is.

        Raises UnreadableError for links without an end.
        """
        try:
            return resolve(self._prefix, path)
        except OSError:
            raise UnreadableError("its links have no end") from None

    def there(self, path: str) -> bool:
        """Whether the path is there, be it a link to nothing."""
        folder, _slash, name = path.rpartition("/")
        try:
            return os.path.lexists(f"{self._prefix}{self.resolve(folder)}/{name}")
        except (UnreadableError, ValueError):
            return False

    def is_folder(self, path: str) -> bool:
        """Whether the path is a folder, or a link to one."""
        try:
            return os.path.isdir(self._prefix + self.resolve(path))
        except (UnreadableError, ValueError):
            return False

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted; none where it cannot be listed."""
        try:
            return sorted(listed(self._prefix + self.resolve(folder)))
        except (OSError, UnreadableError, ValueError):
            return []

    def matching(self, pattern: str) -> list[str]:
        """The paths that a pattern of glob(7) names, sorted; the path itself where it is no pattern."""
        found = [""]
        for part in filter(None, pattern.split("/")):
            if any(character in part for character in "*?["):
                found = [
                    f"{place}/{name}"
                    for place in found
                    for name in self.names(place or "/")
                    if fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
                ]
            else:
                found = [f"{place}/{part}" for place in found]
        return found if found == [pattern] else [path for path in found if self.there(path)]

    def is_masked(self, path: str) -> bool:
        """Whether the path is a link to /dev/null or an empty file, by which systemd takes a unit or drop-in away."""
        try:
            place = self.resolve(path)
            return place == "/dev/null" or (os.path.isfile(self._prefix + place) and not self.read(path))
        except (UnreadableError, ValueError):
            return False

    def read(self, path: str) -> str | None:
        """The text of a file, None where it is absent. Raises UnreadableError."""
        try:
            # What is open is judged: a path may name another file a moment later. A pipe must not be waited for.
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
            file = os.open(self._prefix + self.resolve(path), flags)
            try:
                return _text(file)
            finally:
                os.close(file)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise UnreadableError(f"it cannot be read ({error.strerror})") from None
        except ValueError:
            raise UnreadableError("it cannot be read (its path is not one)") from None


def _text(file: int) -> str:
    facts = os.fstat(file)
    if not stat.S_ISREG(facts.st_mode):
        raise UnreadableError("it is not a regular file")
    data = part = os.read(file, LARGEST)
    while part and len(data) <= LARGEST:
        part = os.read(file, LARGEST)
        data += part
    if len(data) > LARGEST:
        raise UnreadableError(f"it has more than {LARGEST} bytes")
    return data.decode("utf-8", "replace")
