# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""A captured machine as one text: everything the readers read, and nothing else.

Written by capture_record.py, made impersonal by capture_scrub.py, put back into files by capture_replay.py. The text
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

In content ``\\`` is a backslash, ``\t`` a tab, and ``\xNN`` any byte that is no printable text, or a blank at a line's
end; in paths, names and command lines any blank. The line ``end`` shows that nothing is missing.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import errno
import re
from typing import Any, Callable, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_text import (
    Record,
    content_of,
    join_words,
    parse_words,
    records_of,
    unwrap,
    wrap,
    write_content,
)

HEADER = "inference.ollama capture 1"


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
        records.append(((order, natural_key(said[0]), keyword, said), f"{keyword} {join_words(said)}{tail}"))

    for path, data in capture.files.items():
        add(0, write_content(data), "file", path)
    for path, target in capture.links.items():
        add(0, "", "link", path, target)
    for path, names in capture.lists.items():
        add(0, wrap(sorted(names, key=natural_key)), "list", path)
    for path in capture.present:
        add(0, "", "exists", path)
    for path, name in capture.unreadable.items():
        add(0, "", "unreadable", path, name)
    for name, path in capture.programs.items():
        add(1, "", "program", name, path)
    for argv, outcome in capture.runs.items():
        keyword, answer = ("failed", f"{outcome.problem}\n") if outcome.out is None else ("run", outcome.out)
        add(2, write_content(answer.encode("utf-8", "surrogateescape"), inline=False), keyword, *argv)
    return "\n".join([HEADER, *(text for _order, text in sorted(records)), "end", ""])


def parse(text: str) -> Capture:
    """Read a capture from its text.

    Raises OllamaError, with the line's number, for what ``dump`` would not write: another version, a text that was cut
    short, a path that leads out of the machine's root, a file that is a folder too.
    """
    capture = new()
    try:
        found = records_of(text, HEADER)
    except ValueError as error:
        raise OllamaError(f"capture: {error}") from None
    for record in found:
        problem = _add(capture, record)
        if problem is not None:
            line = f"{record.keyword} {record.rest}"[:80]
            raise OllamaError(f"capture, line {record.number}: read {line!r}: {problem}")
    _check_folders(capture)
    return capture


def _add(capture: Capture, record: Record) -> str | None:
    """Add a record; return the error in it, if any."""
    read = _READERS.get(record.keyword)
    if read is None:
        return f"expected one of {', '.join(sorted(_READERS))}"
    try:
        read(capture, record)
    except ValueError as error:
        return str(error)
    return None


def _file(capture: Capture, record: Record) -> None:
    head, blank, line = record.rest.partition(" ")
    _put(capture.files, _path(*_words(head, 1)), content_of(line if blank else None, record.body))


def _link(capture: Capture, record: Record) -> None:
    path, target = _words(record.rest, 2, record.body)
    if "\0" in target:
        raise ValueError("a link cannot have that target")
    _put(capture.links, _path(path), target)


def _list(capture: Capture, record: Record) -> None:
    names = tuple(sorted(_name(name) for name in unwrap(record.body)))
    _put(capture.lists, _path(*_words(record.rest, 1)), names)


def _exists(capture: Capture, record: Record) -> None:
    capture.present.add(_path(*_words(record.rest, 1, record.body)))


def _unreadable(capture: Capture, record: Record) -> None:
    path, name = _words(record.rest, 2, record.body)
    if name not in errno.errorcode.values():
        raise ValueError(f"{name!r} is not the name of an error such as EACCES")
    _put(capture.unreadable, _path(path), name)


def _program(capture: Capture, record: Record) -> None:
    name, path = _words(record.rest, 2, record.body)
    _put(capture.programs, name, _path(path))


def _run(capture: Capture, record: Record) -> None:
    out = content_of(None, record.body).decode("utf-8", "surrogateescape")
    _put(capture.runs, tuple(parse_words(record.rest)), Outcome(out, None))


def _failed(capture: Capture, record: Record) -> None:
    problem = content_of(None, record.body).decode("utf-8", "surrogateescape").rstrip("\n")
    _put(capture.runs, tuple(parse_words(record.rest)), Outcome(None, problem))


_READERS: dict[str, Callable[[Capture, Record], None]] = {
    "exists": _exists,
    "failed": _failed,
    "file": _file,
    "link": _link,
    "list": _list,
    "program": _program,
    "run": _run,
    "unreadable": _unreadable,
}


def _put(into: dict[Any, Any], key: Any, value: Any) -> None:  # noqa: ANN401 keys and values of all kinds
    if key in into:
        raise ValueError("this was said before")
    into[key] = value


def _words(text: str, count: int, body: tuple[str, ...] = ()) -> list[str]:
    found = parse_words(text)
    if len(found) != count or body:
        raise ValueError(f"expected {count} words" if not body else "expected nothing below this line")
    return found


def _path(text: str) -> str:
    parts = text.split("/")
    if parts[0] or len(parts) < 2 or any(part in ("", ".", "..") or "\0" in part for part in parts[1:]):
        raise ValueError(f"{text!r} is not an absolute path without '.', '..' and '//'")
    return text


def _name(text: str) -> str:
    if text in ("", ".", "..") or "/" in text or "\0" in text:
        raise ValueError(f"{text!r} is not a name in a folder")
    return text


def _check_folders(capture: Capture) -> None:
    """A path is a file or a folder, never both."""
    folders = set(capture.lists)
    for path in (*capture.files, *capture.links, *capture.lists, *capture.present, *capture.unreadable):
        above = path.rpartition("/")[0]
        while above and above not in folders:
            folders.add(above)
            above = above.rpartition("/")[0]
    both = sorted(folders.intersection(capture.files))
    if both:
        raise OllamaError(f"capture: {both[0]} is a file with content and a folder too")


__all__ = ("HEADER", "Capture", "dump", "natural_key", "new", "parse")
