# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a capture read again; its form is in capture.py. Whoever sent it may have written anything.

Errors in a text are ValueErrors that complete a sentence.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Any, List, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture import HEADER, UNENDED, new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._topology.capture import Capture

_ESCAPED = re.compile(r"\\(?:(\\)|(t)|x([0-9a-f]{2})|)")
# A machine with 2,000 CPUs has about 15,000 records, one of 56,000 lines. Linux takes no longer path.
_MOST_RECORDS = 50_000
_MOST_LINES = 200_000
_LONGEST_PATH = 4096
_DEEPEST = 64
_QUOTED = 80
# The number of the first line below the header.
_FIRST = 2


class Record(NamedTuple):
    """One record: the number of its first line, the first word there, what follows it, and the lines below."""

    number: int
    keyword: str
    rest: str
    body: List[str]


def parse(text: str) -> Capture:
    """Read a capture from its text.

    Raises OllamaError, with the line's number, for what ``dump`` would not write: another version, a text that was cut
    short, a path that leads out of the machine's root, a file that is a folder too.
    """
    capture = new()
    try:
        for record in records_of(text):
            problem = _add(capture, record)
            if problem is not None:
                line = f"{record.keyword} {record.rest}"[:_QUOTED]
                raise OllamaError(f"capture, line {record.number}: read {line!r}: {problem}")
    except ValueError as error:
        raise OllamaError(f"capture: {error}") from None
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
    if "\0" in target or len(target) > _LONGEST_PATH or target.count("/") >= _DEEPEST:
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
        raise ValueError(f"{name[:_QUOTED]!r} is not the name of an error such as EACCES")
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


def _put(into: dict[Any, Any], key: object, value: object) -> None:
    if key in into:
        raise ValueError("this record is a repetition")
    into[key] = value


def _words(text: str, count: int, body: Iterable[str] = ()) -> list[str]:
    found = parse_words(text)
    if len(found) != count or body:
        raise ValueError(f"expected {count} words" if not body else "expected nothing below this line")
    return found


def _path(text: str) -> str:
    parts = text.split("/")
    if parts[0] or len(parts) < 2 or any(part in ("", ".", "..") or "\0" in part for part in parts[1:]):
        raise ValueError(f"{text[:_QUOTED]!r} is not an absolute path without '.', '..' and '//'")
    if len(text) > _LONGEST_PATH or len(parts) > _DEEPEST:
        raise ValueError(f"expected a path of at most {_LONGEST_PATH} characters and {_DEEPEST - 1} parts")
    return text


def _name(text: str) -> str:
    if text in ("", ".", "..") or "/" in text or "\0" in text:
        raise ValueError(f"{text[:_QUOTED]!r} is not a name in a folder")
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
        raise OllamaError(f"capture: {both[0][:_QUOTED]} is a file with content and a folder too")


def records_of(text: str) -> Iterator[Record]:
    """The records between the header and the line ``end``, one after the other."""
    lines = enumerate(_lines(text), 1)
    _number, before = next(lines, (1, ""))
    if before != HEADER:
        raise ValueError(f"the first line is {before[:_QUOTED]!r}, expected {HEADER!r}")
    record, count = None, 0
    # Only the last line is the end, so each is a record's once there is another one.
    for number, following in lines:
        line, before = (before if number > _FIRST else "#"), following
        if line.startswith("#"):
            continue
        if line[:1] in ("|", UNENDED):
            _below(record, number - 1, line)
            continue
        if record is not None:
            yield record
        count += 1
        if count > _MOST_RECORDS:
            raise ValueError(f"it has more than {_MOST_RECORDS} records")
        keyword, _blank, rest = line.partition(" ")
        record = Record(number - 1, keyword, rest, [])
    if before != "end":
        raise ValueError(f"the last line is {before[:_QUOTED]!r}, expected 'end': the text was cut short")
    if record is not None:
        yield record


def _below(record: Record | None, number: int, line: str) -> None:
    if record is None:
        raise ValueError(f"line {number} belongs to nothing")
    if len(record.body) >= _MOST_LINES:
        raise ValueError(f"line {number}: a record has more than {_MOST_LINES} lines")
    record.body.append(line)


def _lines(text: str) -> Iterator[str]:
    # A capture may have travelled through a program that ends lines its own way; none of its own bytes is a bare CR.
    text = text.replace("\r\n", "\n").rstrip("\n")
    begin = 0
    while begin <= len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        yield text[begin:end]
        begin = end + 1


def unescape_bytes(text: str) -> bytes:
    """The bytes of an escaped text."""
    parts, end = [], 0
    for match in _ESCAPED.finditer(text):
        backslash, tab, number = match.groups()
        if backslash is None and tab is None and number is None:
            raise ValueError(
                f"{text[match.start() : match.start() + 4]!r} is not an escape; a backslash is written twice"
            )
        parts.append(text[end : match.start()].encode("utf-8"))
        parts.append(b"\\" if backslash else b"\t" if tab else bytes([int(number, 16)]))
        end = match.end()
    return b"".join([*parts, text[end:].encode("utf-8")])


def parse_words(text: str) -> list[str]:
    """Escaped words, at least one."""
    found = [unescape_bytes(word).decode("utf-8", "surrogateescape") for word in text.split(" ")]
    if "" in found:
        raise ValueError("expected words with a single blank between them")
    return found


def unwrap(body: Iterable[str]) -> list[str]:
    """The words in a record's body."""
    if not all(line.startswith("| ") for line in body):
        raise ValueError("expected lines of names below")
    return [word for line in body for word in parse_words(line[2:])]


def content_of(line: str | None, body: list[str]) -> bytes:
    """The content of a record; ``line`` is the content on the line of its head."""
    if line is not None:
        if body or not line:
            raise ValueError("expected content either on this line or below it")
        return unescape_bytes(line) + b"\n"
    unended = body[-1:] == [UNENDED]
    texts = body[:-1] if unended else body
    if not all(text == "|" or text.startswith("| ") for text in texts) or (unended and not texts):
        raise ValueError("expected lines of content below, each '| ' and text")
    return b"\n".join(unescape_bytes(text[2:]) for text in texts) + (b"\n" if texts and not unended else b"")
