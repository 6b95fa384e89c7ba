# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record a machine while it is read.

The readers are those of topology_facts, with a root and a runner that record.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture import Capture, dump, new
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_scrub import Scrubber
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.module_utils._topology.vendors import NVML

if TYPE_CHECKING:
    from re import Pattern

    from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome, Runner

# How captures name the question to NVIDIA's library, which once was a program of Python's.
_NVML = ("python3", "-c", "(nvidia-ml-py)")

_ABSENT = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
_ARCHITECTURE = "/proc/sys/kernel/arch"


class RecordingRoot(Root):
    """A root that adds everything that is read to ``capture``."""

    def __init__(self, path: str, capture: Capture) -> None:
        super().__init__(path)
        self.capture = capture

    @property
    def asks_servers(self) -> bool:
        """False, since a capture holds what programs say."""
        return False

    def exists(self, path: str) -> bool:
        found = super().exists(path)
        if found:
            self.capture.present.add(clean_path(path))
        return found

    def target(self, path: str) -> str | None:
        target = super().target(path)
        if target is not None:
            self.capture.links[clean_path(path)] = target
        return target

    def program(self, name: str) -> str | None:
        where = super().program(name)
        if where is not None:
            self.capture.programs[name] = where
        return where

    def variable(self, path: str, name: str) -> str | None:
        before = len(self.problems)
        value = super().variable(path, name)
        if value is not None:
            # This one variable only: the others may be secrets.
            self.capture.files[clean_path(path)] = f"{name}={value}\0".encode()
        elif len(self.problems) > before:
            self.capture.unreadable[clean_path(path)] = "EACCES"
        return value

    def lines(self, path: str, form: Pattern[str]) -> list[str] | None:
        before = len(self.problems)
        found = super().lines(path, form)
        if found is not None:
            # These lines only: the others may be secrets. A text that a reader needed whole stays whole.
            self.capture.files.setdefault(clean_path(path), "".join(f"{line}\n" for line in found).encode())
        elif len(self.problems) > before:
            self.capture.unreadable[clean_path(path)] = "EACCES"
        return found

    def _bytes(self, path: str) -> bytes:
        try:
            data = super()._bytes(path)
        except OSError as error:
            if not (path == _ARCHITECTURE and self.live and error.errno in _ABSENT):
                self._note(path, error)
                raise
            # Kernels before 6.1 have no such file; a capture needs one.
            data = f"{os.uname().machine}\n".encode()
        self.capture.files[clean_path(path)] = data
        return data

    def _list(self, path: str) -> list[str]:
        try:
            names = super()._list(path)
        except OSError as error:
            self._note(path, error)
            raise
        self.capture.lists[clean_path(path)] = tuple(sorted(names))
        return names

    def _note(self, path: str, error: OSError) -> None:
        if error.errno is not None and error.errno not in _ABSENT:
            self.capture.unreadable[clean_path(path)] = errno.errorcode.get(error.errno, "EIO")


def clean_path(path: str) -> str:
    """The path without doubled slashes, which mount points such as ``/`` cause."""
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


def key_of(argv: list[str]) -> tuple[str, ...]:
    """A command line as a capture has it."""
    return _NVML if argv == [NVML] else tuple(argv)


def recording(run: Runner, capture: Capture) -> Runner:
    """A runner that adds the output of programs to ``capture``."""

    def remember(argv: list[str], *account: str | None) -> Outcome:
        outcome = capture.runs[key_of(argv)] = run(argv, *account)
        return outcome

    return remember


def capture_of(path: str, run: Runner | None) -> str:
    """The text of the machine under ``path``, scrubbed."""
    root = Root(path)
    hostname = root.text("/proc/sys/kernel/hostname") or root.text("/etc/hostname") or ""
    return dump(Scrubber(hostname).capture(record(path, run)))


def record(path: str, run: Runner | None) -> Capture:
    """Record the machine under ``path`` with all readers; without ``run`` from files alone."""
    capture = new()
    root = RecordingRoot(path, capture)
    if run is not None:
        gather(root, recording(run, capture), set(SUBSETS))
    # Without programs (again): where one answered, the files with the same facts were not read, and a capture that is
    # planted in a folder has files alone. Nothing is read twice.
    gather(root, None, set(SUBSETS))
    capture.present.difference_update(_implied(capture))
    return capture


def _implied(capture: Capture) -> set[str]:
    """Paths of which more is known than that they exist."""
    known = {*capture.files, *capture.lists}
    for path in {*known, *capture.links, *capture.unreadable, *capture.present}:
        above = path.rpartition("/")[0]
        while above and above not in known:
            known.add(above)
            above = above.rpartition("/")[0]
    return known
