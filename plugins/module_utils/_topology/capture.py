# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""A captured machine as one text: everything the readers read, and nothing else.

Written by capture_record.py, made impersonal by capture_scrub.py, read again by the tests. The text
is UTF-8 and sorted, so that two captures can be compared line by line::

    inference.ollama capture 1
    exists /sys/fs/cgroup/system.slice
    file /proc/meminfo
    | MemTotal:       16265148 kB
    | MemFree:         1482160 kB
    file /sys/devices/system/cpu/online 0-3
    link /sys/bus/pci/devices/0000:03:00.0/driver ../../../../bus/pci/drivers/nvidia
    list /sys/devices/system/node
    | node0 node1 online
    unreadable /proc/driver/nvidia/version EACCES
    program numactl /usr/bin/numactl
    run systemctl --version
    | systemd 257 (257.9-1)
    failed nvidia-smi topo -m
    | nvidia-smi topo -m did not answer within 5 s and was stopped
    end

``exists``      a path that was asked for and is there, its content unknown
``file``        a file's content: on the same line if it is one line, else below. A last line that ends without a line
                break is followed by a line with a single ``\``; a file without content has neither.
``link``        the target of a symbolic link
``list``        the names in a directory
``unreadable``  a path that is there and gave an error instead, with the error's name
``program``     where a program is installed
``run``         a command line with its output, if its exit status was 0
``failed``      a command line with the sentence that the readers got instead
``#``           a line for people; it is skipped

In content ``\\`` is a backslash, ``\t`` a tab, and ``\xNN`` any byte that is not printable text, or a blank at a line's
end; in paths, names and command lines any blank. The line ``end`` shows that nothing is missing.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome

HEADER = "inference.ollama capture 1"
# Below content whose last line ends without a line break.
UNENDED = "\\"
_WIDTH = 110
_SPECIAL = re.compile(r"[^ -\[\]-~]")


class Capture(NamedTuple):
    """Everything read on one machine: files with their contents, links with their targets, folders with their names,
    paths that exist, paths with the name of their error, programs with their paths, and command lines with their
    results. Bytes outside UTF-8 are surrogates in paths and names, as in ``os.fsdecode``.
    """

    files: dict[str, bytes]
    links: dict[str, str]
    lists: dict[str, tuple[str, ...]]
    present: set[str]
    unreadable: dict[str, str]
    programs: dict[str, str]
    runs: dict[tuple[str, ...], Outcome]


def new() -> Capture:
    """An empty capture."""
    return Capture({}, {}, {}, set(), {}, {}, {})


def natural_key(text: str) -> list[tuple[int, str]]:
    """A key that sorts cpu2 before cpu10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split("([0-9]+)", text)]


def dump(capture: Capture) -> str:
    """Write the capture as text."""
    records: list[tuple[Any, str]] = []

    def add(order: int, tail: str, keyword: str, *said: str) -> None:
        records.append(((order, natural_key(said[0]), keyword, said), f"{keyword} {_words(said)}{tail}"))

    for path, data in capture.files.items():
        add(0, _content(data), "file", path)
    for path, target in capture.links.items():
        add(0, "", "link", path, target)
    for path, names in capture.lists.items():
        add(0, _wrap(sorted(names, key=natural_key)), "list", path)
    for path in capture.present:
        add(0, "", "exists", path)
    for path, name in capture.unreadable.items():
        add(0, "", "unreadable", path, name)
    for name, path in capture.programs.items():
        add(1, "", "program", name, path)
    for argv, outcome in capture.runs.items():
        keyword, answer = ("failed", f"{outcome.problem}\n") if outcome.out is None else ("run", outcome.out)
        add(2, _content(answer.encode("utf-8", "surrogateescape"), inline=False), keyword, *argv)
    return "\n".join([HEADER, *(text for _order, text in sorted(records)), "end", ""])


def _escape(data: bytes) -> str:
    """One line of printable text, without a blank at its end."""
    text = _SPECIAL.sub(_escaped, data.decode("utf-8", "surrogateescape"))
    return f"{text[:-1]}\\x20" if text.endswith(" ") else text


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character in "\\\t":
        return "\\\\" if character == "\\" else "\\t"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _words(texts: Iterable[str]) -> str:
    """Words separated by blanks, their own blanks escaped."""
    return " ".join(_escape(text.encode("utf-8", "surrogateescape")).replace(" ", "\\x20") for text in texts)


def _wrap(names: Iterable[str]) -> str:
    """Lines of words for the body of a record."""
    escaped = _words(names)
    lines = textwrap.wrap(escaped, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"\n| {line}" for line in lines)


def _content(data: bytes, *, inline: bool = True) -> str:
    """The content of a record: on the line of its head if it is one line and ``inline``, else below."""
    if not data:
        return ""
    lines = data.split(b"\n")
    if inline and len(lines) == 2 and lines[0] and not lines[1]:
        return f" {_escape(lines[0])}"
    unended = lines.pop()
    texts = [f"| {_escape(line)}" if line else "|" for line in [*lines, *([unended] if unended else [])]]
    return "\n".join(["", *texts, *([UNENDED] if unended else [])])
