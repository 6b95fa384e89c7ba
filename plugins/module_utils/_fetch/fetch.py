# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Download a file: resumed, tried again, checked while it arrives, and under its name only when it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from typing import TYPE_CHECKING, Callable, Mapping, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch.address import shown, split
from ansible_collections.inference.ollama.plugins.module_utils._fetch.ask import RANGE
from ansible_collections.inference.ollama.plugins.module_utils._fetch.exchange import FailedAttempt, ask
from ansible_collections.inference.ollama.plugins.module_utils._fetch.partial import FULL, Partial, opened
from ansible_collections.inference.ollama.plugins.module_utils._fetch.watch import watching
from ansible_collections.inference.ollama.plugins.module_utils._folders import free_bytes

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._fetch.exchange import Answer
    from ansible_collections.inference.ollama.plugins.module_utils._watch import Watch

# Called with the bytes that are there, and with those that the file has where the server says it.
Progress = Callable[[int, Optional[int]], None]

_PART = 1 << 18
_READ = 1 << 20
# Seconds before the second attempt, doubled before each later one up to the most.
_FIRST_WAIT, _MOST_WAIT = 1.0, 30.0
# So many new bytes make up for a failure: a line that drops now and then does not use up the attempts.
_ENOUGH = 1 << 23
_OTHER_CONTENT = 416


class Fetched(NamedTuple):
    """A file that is there: its bytes, how many of them were there before, and its SHA-256 in hexadecimal."""

    bytes: int
    resumed_bytes: int
    sha256: str


class _Wanted(NamedTuple):
    url: str
    timeout: float
    ends: Optional[float]
    largest: Optional[int]
    progress: Optional[Progress]
    headers: Mapping[str, str]
    # Without a checksum only the server's word tells that the rest is of the same content.
    checked: bool


def fetch(  # noqa: PLR0913 - the options of a download
    url: str,
    path: str,
    *,
    sha256: str | None = None,
    timeout: float = 60,
    retries: int = 5,
    progress: Progress | None = None,
    headers: Mapping[str, str] | None = None,
    within: float | None = None,
    largest: int | None = None,
) -> Fetched:
    """Download a file to a path, whose folder is there and belongs to the caller alone.

    A connection that is silent for ``timeout`` seconds is given up and tried again, at most ``retries`` times in a
    row without news, all in all at most ``within`` seconds. What has arrived stays as PATH.partial for the next call,
    where the server can tell that its file is the same. ``sha256`` is hexadecimal; a file at the path that has it is
    not downloaded. Raise OllamaError: not reached, refused, cut off, too long, another checksum, a full disk.
    """
    split(url)
    sha256 = sha256 and sha256.lower()
    there = _is(path, sha256)
    if sha256 and there is not None:
        return Fetched(there, there, sha256)
    ends = None if within is None else time.monotonic() + within
    wanted = _Wanted(url, timeout, ends, largest, progress, headers or {}, sha256 is not None)
    try:
        with opened(path, url) as part:
            return _whole(part, wanted, retries, sha256)
    except OSError as error:
        raise OllamaError(f"{path}: cannot be written ({error.strerror})") from None


def _whole(part: Partial, wanted: _Wanted, retries: int, sha256: str | None) -> Fetched:
    while True:
        try:
            _complete(part, wanted, retries)
        except OSError as error:
            raise _disk(part, error) from None
        found = part.digest.hexdigest()
        if sha256 in (None, found):
            part.finish()
            return Fetched(part.size, part.resumed, found)
        if not part.resumed:
            part.drop()
            raise OllamaError(
                f"{shown(wanted.url)}: its SHA-256 is {found}, expected {sha256}; nothing of it was used, and the"
                " download was removed"
            )
        # What was there before was of another file, or damaged.
        part.begin(None, None)


def _complete(part: Partial, wanted: _Wanted, retries: int) -> None:
    """Bring a part to its end. Raise OllamaError or OSError."""
    failures, reached, wait = 0, part.size, _FIRST_WAIT
    failed = _attempt(part, wanted)
    while failed is not None:
        if part.size >= reached + _ENOUGH:
            failures, reached, wait = 0, part.size, _FIRST_WAIT
        failures += 1
        pause = wait if failed.wait is None else failed.wait
        late = wanted.ends is not None and time.monotonic() + pause >= wanted.ends
        if not failed.again or failures > retries or late:
            raise OllamaError(f"{failed}{_tried(failures, late=late)}{_kept(part)}") from None
        time.sleep(pause)
        wait = min(2 * wait, _MOST_WAIT)
        failed = _attempt(part, wanted)


def _attempt(part: Partial, wanted: _Wanted) -> FailedAttempt | None:
    try:
        _ask(part, wanted)
    except FailedAttempt as failed:
        return failed
    return None


def _ask(part: Partial, wanted: _Wanted) -> None:
    """Ask for what is missing and append it. Raise FailedAttempt."""
    if part.size and part.size == part.total:
        return
    headers = dict(wanted.headers)
    if part.size and part.total is not None and (part.validator is not None or wanted.checked):
        headers["Range"] = f"bytes={part.size}-"
        if part.validator is not None:
            headers["If-Range"] = part.validator
    left = None if wanted.ends is None else max(0.1, wanted.ends - time.monotonic())
    try:
        answer = ask(wanted.url, wanted.timeout if left is None else min(left, wanted.timeout), headers=headers)
    except FailedAttempt as failed:
        if failed.status == _OTHER_CONTENT:
            part.begin(None, None)
            raise FailedAttempt(str(failed), again=True) from None
        raise
    with watching(answer, None if wanted.ends is None else wanted.ends - time.monotonic()) as watch:
        if not _goes_on(part, answer):
            _begin(part, wanted, answer)
        _receive(part, wanted, answer, watch)


def _goes_on(part: Partial, answer: Answer) -> bool:
    """Whether an answer has the rest of the same content. Raise FailedAttempt for one that nobody asked for."""
    if answer.status != 206:
        return False
    found = RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if found and part.size and int(found[1]) == part.size and int(found[3]) == part.total:
        return True
    part.begin(None, None)
    raise FailedAttempt(f"{shown(answer.url)}: it answered with another part than the one asked for", again=True)


def _begin(part: Partial, wanted: _Wanted, answer: Answer) -> None:
    size = answer.length
    if size is not None and wanted.largest is not None and size > wanted.largest:
        raise OllamaError(f"{shown(wanted.url)}: it has {size} bytes, at most {wanted.largest} are taken")
    tag = answer.headers.get("ETag", "")
    # A weak one does not tell that every byte is the same.
    strong = tag if re.fullmatch(r'"[!-~]{1,200}"', tag) and tag.isascii() else None
    part.begin(strong or answer.headers.get("Last-Modified") or None, size)
    free = free_bytes(os.path.dirname(part.path) or ".")
    if size is not None and free is not None and size > free:
        part.drop()
        raise OllamaError(
            f"{part.path}: the file has {size} bytes, and {free} are free there; nothing was downloaded, and right is"
            f" room for {size - free} more"
        )


def _receive(part: Partial, wanted: _Wanted, answer: Answer, watch: Watch) -> None:
    while part.total is None or part.size < part.total:
        most = _PART if part.total is None else min(_PART, part.total - part.size)
        try:
            data = answer.part(most)
        except FailedAttempt:
            if not watch.late:
                raise
            data = b""
        if watch.late:
            raise FailedAttempt(f"{shown(wanted.url)}: it was not there as a whole in the time it has", again=False)
        if not data:
            break
        part.add(data)
        if wanted.largest is not None and part.size > wanted.largest:
            part.drop()
            raise OllamaError(f"{shown(wanted.url)}: it has more than {wanted.largest} bytes, which are not taken")
        if wanted.progress is not None:
            wanted.progress(part.size, part.total)
    if part.total is not None and part.size < part.total:
        raise FailedAttempt(f"{shown(wanted.url)}: it ended after {part.size} of {part.total} bytes", again=True)


def _tried(failures: int, *, late: bool) -> str:
    times = f" ({failures} attempts)" if failures > 1 else ""
    return f"{times}; its time is over" if late else times


def _kept(part: Partial) -> str:
    if not part.size or part.total is None:
        return ""
    return f"; {part.size} of {part.total} bytes are in {part.path}, and another run goes on from there"


def _disk(part: Partial, error: OSError) -> OllamaError:
    """A sentence on a disk that does not take the file; one that it filled is as before."""
    if error.errno not in FULL:
        return OllamaError(f"{part.path}: cannot be written ({error.strerror})")
    size = part.size
    with contextlib.suppress(OSError):
        part.drop()
    whole = "" if part.total is None else f" of {part.total}"
    return OllamaError(
        f"{part.path}: no space is left after {size}{whole} bytes ({error.strerror}); the part was removed, so that the"
        " disk is not left full"
    )


def _is(path: str, sha256: str | None) -> int | None:
    """How many bytes a file has whose checksum is this one; None for any other."""
    if sha256 is None:
        return None
    digest, size = hashlib.sha256(), 0
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(number, "rb") as file:
            for part in iter(lambda: file.read(_READ), b""):
                digest.update(part)
                size += len(part)
    except OSError:
        return None
    return size if digest.hexdigest() == sha256 else None
