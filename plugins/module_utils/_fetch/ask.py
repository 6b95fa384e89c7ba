# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small questions to a server of files: how large is one, what does a short one say, where does an address lead."""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch.address import shown
from ansible_collections.inference.ollama.plugins.module_utils._fetch.exchange import FailedAttempt, ask
from ansible_collections.inference.ollama.plugins.module_utils._fetch.watch import watching

# RFC 9110, 14.4.
RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
# What servers answer that have a file and do not know the method.
_NO_HEAD = (400, 403, 405, 501)
_PART = 1 << 16


def head(url: str, timeout: float) -> int | None:
    """The size of a file in bytes, None where the server does not say it. Raise OllamaError where there is none."""
    try:
        try:
            answer = ask(url, timeout, method="HEAD")
        except FailedAttempt as failed:
            if failed.status not in _NO_HEAD:
                raise
            answer = ask(url, timeout, headers={"Range": "bytes=0-0"})
    except FailedAttempt as failed:
        raise OllamaError(str(failed)) from None
    answer.close()
    if answer.status == 206:
        found = RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        return int(found[3]) if found else None
    size = answer.headers.get("Content-Length", "")
    return int(size) if re.fullmatch("[0-9]{1,18}", size) else None


def read(url: str, timeout: float, largest: int) -> bytes:
    """A file of at most so many bytes. Raise OllamaError for a longer one, or where it takes too long."""
    data = bytearray()
    try:
        answer = ask(url, timeout)
        with watching(answer, timeout) as watch:
            part = answer.part(_PART)
            while part and len(data) <= largest:
                data += part
                part = answer.part(_PART)
    except FailedAttempt as failed:
        raise OllamaError(str(failed)) from None
    if watch.late:
        raise OllamaError(f"{shown(url)}: it was not there as a whole within {timeout:g} s")
    if len(data) > largest:
        raise OllamaError(f"{shown(url)}: it has more than {largest} bytes")
    if answer.length is not None and len(data) < answer.length:
        raise OllamaError(f"{shown(url)}: it ended after {len(data)} of {answer.length} bytes")
    return bytes(data)


def leads_to(url: str, timeout: float) -> str:
    """The address that a server's redirects lead to. Raise OllamaError where they end in an error."""
    try:
        answer = ask(url, timeout, method="HEAD")
    except FailedAttempt as failed:
        raise OllamaError(str(failed)) from None
    answer.close()
    return answer.url
