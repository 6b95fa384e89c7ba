# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read kernel files under a root that can be moved.

The same code reads the running host (root ``/``) and the captured tree of another machine.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._bounded import Files
from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._process import find
from ansible_collections.inference.ollama.plugins.module_utils._text import MOST, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Pattern

# A line of a unit goes on below a backslash, beyond comments (systemd.syntax(7)).
_CONTINUED = re.compile(r"\\\r?\n(?:[ \t]*[#;][^\n]*\n)*")
_INTEGER = re.compile(r"-?(?:0x)?[0-9a-fA-F]{1,20}")
# The greatest number that the kernel can count to in one word.
_GREATEST = (1 << 63) - 1
_LONGEST_WORD = 256
# As much of a host's text as a problem quotes, and as much as a problem says.
_QUOTED = 80
_LONGEST_PROBLEM = 500
# Long texts that differ are kept up to so many bytes in all. Those of a sound host are short, or the same many times.
_LONG = 1 << 10
_MOST_IN_ALL = 1 << 24
_ABSENT = (errno.ENOENT, errno.ENODEV, errno.ENXIO)


def printable(text: str) -> bool:
    """Whether a text is one line of printable, decoded characters."""
    return text.isprintable() and "\ufffd" not in text


def brief(text: object) -> str:
    """The beginning of a text that stands in a problem without quotation marks, such as a set of CPUs."""
    text = str(text)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def chosen(text: str) -> str | None:
    """The word in brackets of a setting with several; None where there is none or more than one.

    Documentation/admin-guide/mm/transhuge.rst: ``always [madvise] never``.
    """
    found = re.findall(r"\[([^\[\]\s]+)\]", text)
    return str(found[0]) if len(found) == 1 else None


class Root(Files):
    """Reads files under ``path``, each once, and keeps what went wrong in ``problems``.

    A file that is not there is absent: None, and no problem, since most files of sysfs are optional.
    A file that is there and cannot be read or understood is None and a problem that names the path,
    what was read and what was expected.
    """

    def __init__(self, path: str = "/") -> None:
        super().__init__(path)
        self.problems: list[str] = []
        self._texts: dict[str, str | None] = {}
        self._long: dict[str, str] = {}
        self._left = _MOST_IN_ALL
        # CPUs of a core, a socket or a node name the same set.
        self._sets: dict[tuple[Callable[[str], CpuSet], str], CpuSet] = {}

    @property
    def asks_servers(self) -> bool:
        """Whether a server may be asked in place of its program; not where answers are recorded."""
        return self.live

    def problem(self, text: str) -> None:
        """Record a sentence on what could not be read, once."""
        if len(self.problems) < MOST:
            text = one_line(text, _LONGEST_PROBLEM)
            self.problems += [] if text in self.problems else [text]

    def names(self, path: str) -> list[str]:
        """Names in a directory, sorted; empty where it is absent."""
        try:
            return sorted(self._list(path))
        except OSError as error:
            if error.errno not in _ABSENT:
                self.problem(f"{path}: cannot be listed ({error.strerror})")
        except ValueError:
            self.problem(f"{path}: cannot be listed (its path is not one)")
        return []

    def text(self, path: str) -> str | None:
        """The file's text without NUL bytes and surrounding blanks; None where absent or unreadable."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        data = self._data(path)
        if data is None:
            return None
        if b"\0" in data:
            # Old kernels padded some lists with NUL bytes.
            data = data.replace(b"\0", b"")
        text = data.decode("utf-8", "replace").strip()
        if "\r" in text:
            # As of a tree that was packed elsewhere; systemd ends lines so too.
            text = text.replace("\r\n", "\n")
        return text if len(text) <= _LONG else self._kept(path, text)

    def _kept(self, path: str, text: str) -> str | None:
        """A long text, of which there is but one where many files have the same; None where there are too many."""
        if text not in self._long:
            if len(text) > self._left:
                self.problem(f"{path}: not read, since the files before it have more than {_MOST_IN_ALL} bytes in all")
                return None
            self._left -= len(text)
            self._long[text] = text
        return self._long[text]

    def forget_long(self) -> None:
        """Begin to count long texts again, where those of before are of no more use."""
        self._long.clear()
        self._left = _MOST_IN_ALL

    def _data(self, path: str, read: Callable[[str], bytes] | None = None) -> bytes | None:
        """The bytes of a file; None where absent or, with a problem, unreadable."""
        try:
            data, whole = self.within(path, (read or self._bytes)(path))
        except OSError as error:
            if error.errno not in _ABSENT:
                self.problem(f"{path}: cannot be read ({error.strerror})")
            return None
        except ValueError:
            self.problem(f"{path}: cannot be read (its path is not one)")
            return None
        if not whole:
            self.problem(f"{path}: only its first {len(data)} bytes were read")
        return data

    def _bytes(self, path: str) -> bytes:
        """The raw file. Recording and replaying override this and ``_list``; what holds secrets is read by ``_raw``."""
        return self._raw(path)

    def program(self, name: str) -> str | None:
        """The path of a program on the running host; None without it. Only callers with a runner use it."""
        return find(name)

    def variable(self, path: str, name: str) -> str | None:
        """The value of one name in a list such as /proc/1/environ (proc(5)); None without it.

        Nothing else of the file is kept, quoted or recorded: environments hold secrets.
        """
        data = self._data(path, self._raw)
        if data is None:
            return None
        entries = data.split(b"\0")
        start = f"{name}=".encode()
        return next((e[len(start) :].decode("utf-8", "replace").strip() for e in entries if e.startswith(start)), None)

    def lines(self, path: str, form: Pattern[str]) -> list[str] | None:
        """The lines of a file that are of this form; None where it is absent or unreadable.

        Nothing else of the file is kept, quoted or recorded: units hold secrets.
        """
        data = self._data(path, self._raw)
        if data is None:
            return None
        text = data.decode("utf-8", "replace")
        # A backslash at its end continues a line, in every file that this is for.
        joined = _CONTINUED.sub(" ", text.removeprefix("\ufeff"))
        return [line for line in joined.split("\n") if form.fullmatch(line)]

    def word(self, path: str, expected: str) -> str | None:
        """A text of one line; None where absent or empty, a problem where it is not a name."""
        text = self.text(path)
        if not text:
            return None
        if len(text) <= _LONGEST_WORD and printable(text):
            return text
        self.problem(f"{path}: read {text[:_QUOTED]!r}, expected {expected}")
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
        self.problem(f"{path}: read {text[:_QUOTED]!r}, expected a whole number")
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
