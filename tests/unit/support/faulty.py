# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System calls that fail or never return: the n-th call of a program fails, or is where the program is killed."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from unittest.mock import patch

_WRITES = os.O_CREAT | os.O_WRONLY | os.O_RDWR
# Calls that change a disk, and those that only read it.
CHANGING = (
    "write",
    "replace",
    "link",
    "unlink",
    "mkdir",
    "rmdir",
    "chmod",
    "fchmod",
    "fchown",
    "fsync",
    "symlink",
    "link",
    "ftruncate",
)
READING = ("read", "fstat", "stat", "lstat", "listdir", "readlink")
ERRORS = {name: getattr(errno, name) for name in ("ENOSPC", "EROFS", "EIO", "EDQUOT")}
KILL = "kill"


class Killed(BaseException):
    """The program is killed here: nothing that it does after this reaches the disk."""


class Faults:
    """Counts the calls; the one with the number ``at`` meets the ``fault``, with ``on`` every later one too.

    Calls that only read are counted with ``reads``. A full disk does not keep anybody from removing, renaming and
    reading; a broken one fails everything.
    """

    def __init__(self, fault=None, at=0, *, on=False, reads=False):
        self.fault, self.at, self.on, self.reads = fault, at, on, reads
        self.calls = 0
        self.dead = False

    def _meets(self, name, changing):
        if self.dead:
            raise Killed
        if not (changing or self.reads):
            return self.fault == "EIO" and self.on and self.calls >= self.at
        self.calls += 1
        if self.fault is None or self.calls < self.at or (self.calls > self.at and not self.on):
            return False
        full = self.fault in ("ENOSPC", "EDQUOT")
        return not (full and self.calls > self.at and name in ("unlink", "replace", "rmdir", "ftruncate", "fchmod"))

    def _strike(self):
        if self.fault == KILL:
            self.dead = True
            raise Killed
        raise OSError(ERRORS[self.fault], os.strerror(ERRORS[self.fault]))

    def _wrap(self, name, *, changing):
        real = getattr(os, name)

        def call(*args, **kwargs):
            if self._meets(name, changing):
                if name == "write":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                self._strike()
            return real(*args, **kwargs)

        return call

    @contextmanager
    def acting(self):
        """Within it the calls of os are counted and fail."""
        real = os.open

        def opening(path, flags, *args, **kwargs):
            if self._meets("open", bool(flags & _WRITES)):
                self._strike()
            return real(path, flags, *args, **kwargs)

        calls = {name: self._wrap(name, changing=True) for name in CHANGING}
        calls.update({name: self._wrap(name, changing=False) for name in READING})
        with patch.multiple(os, open=opening, **calls):
            yield self
