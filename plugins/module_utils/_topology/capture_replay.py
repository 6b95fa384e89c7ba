# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A captured machine read again from its text: its files, and the answers of its programs.

Nothing is written, and no file but the text itself is read, whatever its paths and links say.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_parse import parse
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_record import clean_path, key_of

if TYPE_CHECKING:
    from re import Pattern

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._topology.capture import Capture

# Twice what a machine with 2,000 CPUs and eight GPUs takes.
LARGEST = 1 << 23
# As many as the kernel follows; path_resolution(7).
_MOST_LINKS = 40
# In all, for which this program takes some seconds; a machine with 2,000 CPUs takes a tenth.
_MOST_STEPS = 10_000_000
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO)


def replayed(path: str) -> tuple[Root, Runner | None]:
    """The root and the runner of the machine whose capture is in a file; OllamaError with a sentence for any other."""
    try:
        # What is open is judged, and a pipe must not be waited for.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            data = _data(file)
        finally:
            os.close(file)
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OllamaError(f"root: {path!r} is no capture: byte {error.start} is not UTF-8") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise OllamaError(f"root: {path!r} is neither a folder nor a capture that can be read: {why}") from None
    try:
        capture = parse(text)
    except OllamaError as error:
        raise OllamaError(f"root: {path!r} is no text of topology_capture: {error}") from None
    return ReplayedRoot(path, capture), replaying(capture) if capture.runs else None


def _data(file: int) -> bytes:
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise ValueError("it is not a regular file")
    parts: list[bytes] = []
    length = 0
    while length <= LARGEST:
        part = os.read(file, LARGEST + 1 - length)
        if not part:
            return b"".join(parts)
        parts.append(part)
        length += len(part)
    raise ValueError(f"it has more than {LARGEST} bytes")


class ReplayedRoot(Root):
    """The files of a capture in memory. Links are followed below its root, where ``..`` ends."""

    def __init__(self, path: str, capture: Capture) -> None:
        super().__init__(path)
        self._programs = capture.programs
        self._steps = 0
        self._links: dict[str, str] = dict(sorted(capture.links.items()))
        # A link may lie behind another one, which may lie behind a third.
        for _pass in range(2):
            for place, target in [*self._links.items()]:
                self._links[self._itself(place) or place] = target
        self._files: dict[str, bytes] = {}
        self._names: dict[str, set[str]] = {"/": set()}
        for place in filter(None, map(self._itself, capture.links)):
            self._add(place)
        for kind in (capture.lists, capture.files, capture.unreadable, capture.present):
            for end in filter(None, map(self._leads_to_or_none, kind)):
                self._add(end)
        self._errors = self._by_end(capture.unreadable)
        for end, names in self._by_end(capture.lists).items():
            self._names.setdefault(end, set()).update(names)
        self._files = self._by_end(capture.files)
        # What is there and no folder has a content that nobody asked for.
        self._empty = {end for end in map(self._leads_to_or_none, capture.present) if end not in self._names}

    def _by_end(self, found: dict[str, Any]) -> dict[str, Any]:
        """The same by what each path leads to, without those that lead nowhere."""
        ends = ((self._leads_to_or_none(path), value) for path, value in found.items())
        return {end: value for end, value in ends if end is not None}

    @property
    def live(self) -> bool:
        """False: no program of this host is asked."""
        return False

    @property
    def asks_servers(self) -> bool:
        """False: programs answer as they did on the machine."""
        return False

    def is_same_file(self, path: str, other: str) -> bool:
        return self.exists(path) and self.exists(other) and self._leads_to(path) == self._leads_to(other)

    def exists(self, path: str) -> bool:
        end = self._leads_to_or_none(path)
        return end is not None and self._is_there(end)

    def target(self, path: str) -> str | None:
        place = self._itself(path)
        return None if place is None else self._links.get(place)

    def program(self, name: str) -> str | None:
        return self._programs.get(name)

    def variable(self, path: str, name: str) -> str | None:
        entries = (self._whole(path) or b"").split(b"\0")
        start = f"{name}=".encode()
        return next((e[len(start) :].decode("utf-8", "replace").strip() for e in entries if e.startswith(start)), None)

    def lines(self, path: str, form: Pattern[str]) -> list[str] | None:
        data = self._whole(path)
        if data is None:
            return None
        text = data.decode("utf-8", "replace")
        return [line for line in text.replace("\\\n", " ").split("\n") if form.fullmatch(line)]

    def _whole(self, path: str) -> bytes | None:
        try:
            return self._bytes(path)
        except OSError as error:
            if error.errno not in _ABSENT:
                self.problem(f"{path}: cannot be read ({error.strerror})")
            return None

    def _bytes(self, path: str) -> bytes:
        end = self._known(path)
        if end in self._files:
            return self._files[end]
        if end in self._empty:
            return b""
        raise _error(errno.EISDIR, path)

    def _raw(self, path: str) -> bytes:
        return self._bytes(path)

    def _list(self, path: str) -> list[str]:
        end = self._known(path)
        if end in self._files or end in self._empty:
            raise _error(errno.ENOTDIR, path)
        return list(self._names.get(end, ()))

    def _known(self, path: str) -> str:
        """Where a path ends. Raises OSError as the machine did."""
        end = self._leads_to(path)
        if end in self._errors:
            raise _error(getattr(errno, self._errors[end]), path)
        if not self._is_there(end):
            raise _error(errno.ENOENT, path)
        return end

    def _is_there(self, end: str) -> bool:
        folder, _slash, name = end.rpartition("/")
        return end == "/" or end in self._names or end in self._files or name in self._names.get(folder or "/", ())

    def _add(self, place: str) -> None:
        """Make the folders above a path, and its name in the last of them."""
        while place != "/":
            folder, _slash, name = place.rpartition("/")
            folder = folder or "/"
            if name in self._names.setdefault(folder, set()):
                return
            self._names[folder].add(name)
            place = folder

    def _itself(self, path: str) -> str | None:
        """The path itself, with the links before its last part followed; None where they never end."""
        folder, _slash, name = clean_path(path).rpartition("/")
        if name in ("", ".."):
            return self._leads_to_or_none(path)
        above = self._leads_to_or_none(folder or "/")
        return None if above is None else f"{'' if above == '/' else above}/{name}"

    def _leads_to_or_none(self, path: str) -> str | None:
        try:
            return self._leads_to(path)
        except OSError:
            return None

    def _leads_to(self, path: str) -> str:
        """What a path leads to, through all links. Raises OSError where they never end."""
        left = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        here, followed = "", 0
        while left:
            part = left.pop()
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise OllamaError(f"root: {self.path!r}: the links of the capture lead too far to be followed")
            if part == "..":
                here = here.rpartition("/")[0]
                continue
            target = self._links.get(f"{here}/{part}")
            if target is None:
                here = f"{here}/{part}"
                continue
            followed += 1
            if followed > _MOST_LINKS:
                raise _error(errno.ELOOP, path)
            left += [word for word in reversed(target.split("/")) if word not in ("", ".")]
            here = "" if target.startswith("/") else here
        return here or "/"


def replaying(capture: Capture) -> Runner:
    """A runner with the answers of the captured machine's programs."""

    def run(argv: list[str], *_account: str | None) -> Outcome:
        key = key_of(argv)
        known = capture.runs.get(key)
        return known or Outcome(None, f"{' '.join(key)} was not run when this machine was captured")

    return run


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
