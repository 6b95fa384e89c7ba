# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read kernel files under a root that can be moved.

The same code reads the running host (root ``/``) and the captured tree of another machine.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._process import find
from ansible_collections.inference.ollama.plugins.module_utils._text import MOST, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Pattern

_INTEGER = re.compile(r"-?(?:0x)?[0-9a-fA-F]{1,20}")
# The greatest number that the kernel can count to in one word.
_GREATEST = (1 << 63) - 1
_LONGEST_WORD = 256
# More than this is no file that somebody writes by hand.
_LARGEST_TEXT = 1 << 20
# Most files of sysfs are a page at most.
_PART = 1 << 16
# Each CPU has a block of lines here, which the kernel asks it for; the first parts tell all that is asked.
_FIRST_PART = ("/proc/cpuinfo",)
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO)


def printable(text: str) -> bool:
    """Whether a text is one line of printable, decoded characters."""
    return text.isprintable() and "\ufffd" not in text


def chosen(text: str) -> str | None:
    """The word in brackets of a setting with several; None where there is none or more than one.

    Documentation/admin-guide/mm/transhuge.rst: ``always [madvise] never``.
    """
    found = re.findall(r"\[([^\]\s]+)\]", text)
    return str(found[0]) if len(found) == 1 else None


class Root:
    """Reads files under ``path``, each once, and keeps what went wrong in ``problems``.

    A file that is not there is absent: None, and no problem, since most files of sysfs are optional.
    A file that is there and cannot be read or understood is None and a problem that names the path,
    what was read and what was expected.
    """

    def __init__(self, path: str = "/") -> None:
        self.path = path
        self._folder = path.rstrip("/")
        self.problems: list[str] = []
        self._texts: dict[str, str | None] = {}
        # CPUs of a core, a socket or a node name the same set.
        self._sets: dict[tuple[Callable[[str], CpuSet], str], CpuSet] = {}

    @property
    def live(self) -> bool:
        """Whether this is the running host, where programs may be asked too."""
        return os.path.realpath(self.path) == "/"

    @property
    def asks_servers(self) -> bool:
        """Whether a server may be asked in place of its program; not where answers are recorded."""
        return self.live

    def is_same_file(self, path: str, other: str) -> bool:
        """Whether two paths lead to one file, through all links."""
        try:
            return os.path.samefile(self.real(path), self.real(other))
        except OSError:
            return False

    def problem(self, text: str) -> None:
        """Record a sentence on what could not be read, once."""
        text = one_line(text)
        if text not in self.problems and len(self.problems) < MOST:
            self.problems.append(text)

    def real(self, path: str) -> str:
        """The file's path on the machine that runs this code; ``path`` begins with a slash."""
        return self._folder + path

    def exists(self, path: str) -> bool:
        return os.path.exists(self.real(path))

    def names(self, path: str) -> list[str]:
        """Names in a directory, sorted; empty where it is absent."""
        try:
            return sorted(self._list(path))
        except OSError as error:
            if error.errno not in _ABSENT:
                self.problem(f"{path}: cannot be listed ({error.strerror})")
            return []

    def target(self, path: str) -> str | None:
        """The target of a symbolic link, as in ``../../bus/pci/drivers/nvidia``; None for other files."""
        try:
            return os.readlink(self.real(path))
        except OSError:
            return None

    def link(self, path: str) -> str | None:
        """The last part of a symbolic link's target, as in ``driver -> ../../bus/pci/drivers/nvidia``."""
        target = self.target(path)
        return None if target is None else os.path.basename(target)

    def text(self, path: str) -> str | None:
        """The file's text without NUL bytes and surrounding blanks; None where absent or unreadable."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        try:
            data = self._bytes(path)
        except OSError as error:
            if error.errno not in _ABSENT:
                self.problem(f"{path}: cannot be read ({error.strerror})")
            return None
        # Old kernels padded some lists with NUL bytes.
        return data.replace(b"\0", b"").decode("utf-8", "replace").strip()

    def _bytes(self, path: str) -> bytes:
        """The raw file. Recording and replaying override this and ``_list``, the only calls that read a disk."""
        # Hosts of hundreds of CPUs have thousands of these files, and the layers of open() cost more than the kernel.
        file = os.open(self.real(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = part = os.read(file, _PART)
            while part and (len(data) < _PART or path not in _FIRST_PART):
                part = os.read(file, _PART)
                data += part
        finally:
            os.close(file)
        return data

    def _list(self, path: str) -> list[str]:
        return os.listdir(self.real(path))

    def program(self, name: str) -> str | None:
        """The path of a program on the running host; None without it. Only callers with a runner use it."""
        return find(name)

    def variable(self, path: str, name: str) -> str | None:
        """The value of one name in a list such as /proc/1/environ (proc(5)); None without it.

        Nothing else of the file is kept, quoted or recorded: environments hold secrets.
        """
        try:
            with open(self.real(path), "rb") as file:
                entries = file.read().split(b"\0")
        except OSError as error:
            if error.errno not in _ABSENT:
                self.problem(f"{path}: cannot be read ({error.strerror})")
            return None
        start = f"{name}=".encode()
        return next((e[len(start) :].decode("utf-8", "replace").strip() for e in entries if e.startswith(start)), None)

    def lines(self, path: str, form: Pattern[str]) -> list[str] | None:
        """The lines of a file that are of this form; None where it is absent or unreadable.

        Nothing else of the file is kept, quoted or recorded: units hold secrets.
        """
        try:
            with open(self.real(path), "rb") as file:
                text = file.read(_LARGEST_TEXT).decode("utf-8", "replace")
        except OSError as error:
            if error.errno not in _ABSENT:
                self.problem(f"{path}: cannot be read ({error.strerror})")
            return None
        # A backslash at its end continues a line, in every file that this is for.
        return [line for line in text.replace("\\\n", " ").split("\n") if form.fullmatch(line)]

    def word(self, path: str, expected: str) -> str | None:
        """A text of one line; None where absent or empty, a problem where it is not a name."""
        text = self.text(path)
        if not text:
            return None
        if len(text) <= _LONGEST_WORD and printable(text):
            return text
        self.problem(f"{path}: read {text[:80]!r}, expected {expected}")
        return None

    def required(self, path: str, expected: str) -> str | None:
        """The text of a file that every host has: here absent is a problem too."""
        text = self.text(path)
        if text is None and not self.exists(path):
            self.problem(f"{path}: absent, expected {expected}")
        return text

    def integer(self, path: str, base: int = 10) -> int | None:
        """A whole number; None where absent, a problem where the text is something else."""
        text = self.text(path)
        if text is None:
            return None
        # int() alone would also take "1_0", other scripts' digits and numbers of any length.
        if _INTEGER.fullmatch(text):
            try:
                return int(text, base)
            except ValueError:
                pass
        self.problem(f"{path}: read {text[:80]!r}, expected a whole number")
        return None

    def natural(self, path: str, base: int = 10) -> int | None:
        """A count or a size: from 0 to the largest number that the kernel prints."""
        number = self.integer(path, base)
        if number is None or 0 <= number <= _GREATEST:
            return number
        self.problem(f"{path}: read {number}, expected a count")
        return None

    def cpus(self, path: str) -> CpuSet | None:
        """A CPU set in list format."""
        return self._set(path, CpuSet.parse, "expected a list such as 0-3,8: ")

    def cpu_mask(self, path: str) -> CpuSet | None:
        """A CPU set in mask format."""
        return self._set(path, CpuSet.parse_mask)

    def _set(self, path: str, parse: Callable[[str], CpuSet], expected: str = "") -> CpuSet | None:
        text = self.text(path)
        if text is None:
            return None
        if (parse, text) not in self._sets:
            try:
                self._sets[parse, text] = parse(text)
            except ValueError as error:
                self.problem(f"{path}: {expected}{error}")
                return None
        return self._sets[parse, text]
