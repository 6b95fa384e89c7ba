# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files under a root that can be moved: regular ones alone, of a bounded length, and none that a link leads out to."""

from __future__ import annotations

import errno
import os
import stat
from itertools import islice

# More than this is no file that somebody writes by hand, and more than any of the kernel has that is read here.
_LARGEST_TEXT = 1 << 20
# Most files of sysfs are a page at most, and the largest page of a kernel has as many bytes.
_PART = 1 << 16
_PAGE = 1 << 12
_SYSFS = "/sys/"
_KERNEL = (_SYSFS, "/proc/")
# Each CPU has a block of lines here, which the kernel asks it for; the first parts tell all that is asked.
_FIRST_PART = "/proc/cpuinfo"
# Hosts with thousands of containers have a line or more for each of them behind those that are asked for.
_BEGINNING = "/proc/mounts"
# The largest folders of a sound host have an entry for each CPU or process.
_MOST_NAMES = 1 << 16
# A pipe must not be waited for, and a terminal not become this process's own.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_NOTHING = "/dev/null"
# PATH_MAX of the kernel.
_LONGEST_PATH = 4096
# A file of sysfs is less deep.
_DEEP = 40
# What is linked is not absent: somebody, or a capture, meant something to be there.
_DANGLING = "it is a link to nothing"
_IRREGULAR = "it is not a regular file"


def _irregular(status: os.stat_result) -> bytes:
    """What is read of /dev/null; OSError for any other file that is not a regular one."""
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3):
        return b""
    raise OSError(errno.EINVAL, _IRREGULAR)


def listed(folder: str) -> list[str]:
    """The names in a folder of this machine, in no order. Raises OSError, for one with very many names too."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, _MOST_NAMES + 1)]
    if len(names) > _MOST_NAMES:
        raise OSError(errno.EFBIG, f"it has more than {_MOST_NAMES} entries")
    return names


class Files:
    """The files under ``path``; every path that is asked for is the host's, and begins with a slash.

    Below another root than ``/`` every link stays there: an absolute one begins at the root, and ``..`` ends at it.
    """

    def __init__(self, path: str = "/") -> None:
        self.path = path
        self._folder = path.rstrip("/")
        # The place of each path below a root of its own, without links; the kernel finds its own.
        self._places: dict[str, str] | None = None if self.live else {}
        # Links to nothing, and what would be below them.
        self._dangling: set[str] = set()

    @property
    def live(self) -> bool:
        """Whether this is the running host, where programs may be asked too."""
        return os.path.realpath(self.path) == "/"

    def is_same_file(self, path: str, other: str) -> bool:
        """Whether two paths lead to one file, through all links."""
        try:
            return os.path.samefile(self._end(path), self._end(other))
        except (OSError, ValueError):
            return False

    def most(self, path: str) -> int:
        """The greatest number of bytes that a file may have."""
        if path.startswith(_KERNEL) and path != _BEGINNING and not path.endswith("/environ"):
            return _PART
        return _LARGEST_TEXT

    def _end(self, path: str) -> str:
        """The path on the machine that runs this code of what a path leads to, which begins with a slash."""
        if self._places is None:
            return self._folder + path
        place = self._places.get(path)
        if place is None:
            if len(path) > _LONGEST_PATH:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            place = self._places[path] = self._resolve(path)
        return place

    def _resolve(self, path: str) -> str:
        folder, _slash, name = path.rpartition("/")
        # Most folders are no links, and lie in one that is known.
        if name not in ("", ".", "..") and path.count("/") < _DEEP:
            place = f"{self._end(folder) if folder else self._folder}/{name}"
            try:
                os.readlink(place)
            except OSError:
                if folder in self._dangling:
                    self._dangling.add(path)
                return place
        from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import (  # noqa: PLC0415 compiled only where needed
            resolve,
        )

        place = self._folder + resolve(self._folder, path)
        if not os.path.lexists(place):
            self._dangling.add(path)
        return place

    def _place(self, path: str) -> str:
        """The same of the path itself, be it a link."""
        folder, _slash, name = path.rpartition("/")
        if self._places is None:
            return self._folder + path
        if name in ("", ".", ".."):
            return self._end(path)
        return f"{self._end(folder) if folder else self._folder}/{name}"

    def exists(self, path: str) -> bool:
        if self._places is None:
            return os.path.exists(self._folder + path)
        try:
            if not stat.S_ISLNK(os.lstat(self._place(path)).st_mode):
                return True
            end = self._end(path)
            return end == self._folder + _NOTHING or os.path.lexists(end)
        except (OSError, ValueError):
            return False

    def kind(self, path: str) -> str:
        """What is at a path itself: ``absent``, ``file``, ``folder``, ``link`` or ``other``."""
        try:
            mode = os.lstat(self._place(path)).st_mode
        except (OSError, ValueError):
            return "absent"
        kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
        return kinds.get(stat.S_IFMT(mode), "other")

    def target(self, path: str) -> str | None:
        """The target of a symbolic link, as in ``../../bus/pci/drivers/nvidia``; None for other files."""
        try:
            return os.readlink(self._place(path))
        except (OSError, ValueError):
            return None

    def link(self, path: str) -> str | None:
        """The last part of a symbolic link's target, as in ``driver -> ../../bus/pci/drivers/nvidia``."""
        target = self.target(path)
        return None if target is None else os.path.basename(target)

    def within(self, path: str, data: bytes) -> tuple[bytes, bool]:
        """The bytes of a file as far as they are looked at, and whether that is all of what is asked for in it.

        Raises OSError for a file that is too long.
        """
        if len(data) <= _PART or len(data) <= self.most(path):
            return data, True
        if path not in (_FIRST_PART, _BEGINNING):
            raise OSError(errno.EFBIG, f"it has more than {self.most(path)} bytes")
        return data[: self.most(path)], path == _FIRST_PART

    def _raw(self, path: str) -> bytes:
        """The raw file, or the beginning of one that is too long."""
        # Hosts of hundreds of CPUs have thousands of these files, and the layers of open() cost more than the kernel.
        try:
            file = os.open(self._folder + path, _FLAGS) if self._places is None else self._open_below(path)
        except OSError as error:
            # Of a socket or a device without a driver: nothing was read yet.
            if error.errno == errno.ENXIO:
                raise OSError(errno.EINVAL, _IRREGULAR) from None
            raise
        try:
            if stat.S_ISREG(os.fstat(file).st_mode):
                data = os.read(file, _PART)
                # What sysfs has of less than a page it gives at once, which saves a question at the end of each file.
                return data if len(data) < _PAGE and path.startswith(_SYSFS) else self._rest(file, path, data)
            return _irregular(os.fstat(file))
        finally:
            os.close(file)

    def _rest(self, file: int, path: str, data: bytes) -> bytes:
        """All of a file that begins so, or as much as shows that it is too long."""
        most, part = self.most(path), data
        while part and len(data) <= most and (len(data) < _PART or path != _FIRST_PART):
            part = os.read(file, _PART)
            data += part
        return data

    def _open_below(self, path: str) -> int:
        try:
            return os.open(self._place(path), _FLAGS | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno == errno.ENOENT and path.rpartition("/")[0] in self._dangling:
                raise OSError(errno.ELOOP, _DANGLING) from None
            if error.errno != errno.ELOOP:
                raise
        end = self._end(path)
        try:
            # By a link to it systemd takes a file away; no captured tree has it.
            return os.open(_NOTHING if end == self._folder + _NOTHING else end, _FLAGS | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise
            raise OSError(errno.ELOOP, _DANGLING) from None

    def _list(self, path: str) -> list[str]:
        try:
            return listed(self._end(path))
        except FileNotFoundError:
            if path not in self._dangling:
                raise
            raise OSError(errno.ELOOP, _DANGLING) from None
