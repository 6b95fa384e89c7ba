# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a running HAProxy by its runtime socket (management guide, section 9.3), in bounded time and bytes."""

from __future__ import annotations

import os
import socket
import stat
import time
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from typing import Callable

# How long one answer may take, in seconds, and how long it may be: 1,000 servers in 200 backends are some 40 MB.
SECONDS = 10.0
_MOST_BYTES = 64 << 20
_CHUNK = 1 << 16


def asker(path: str, seconds: float = SECONDS) -> Callable[[str], str]:
    """Return what sends a command to the socket at this path, and returns the answer.

    It raises OllamaError, in a sentence, where nobody listens, or the answer is late, too long or no text.
    """

    def ask(command: str) -> str:
        _require_socket(path)
        until = time.monotonic() + seconds
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.settimeout(seconds)
                connection.connect(path)
                connection.sendall(f"{command}\n".encode())
                answer = _read(connection, path, until, seconds)
            # socket.timeout is a TimeoutError from Python 3.10 on.
            except (socket.timeout, TimeoutError):
                raise OllamaError(_late(path, seconds)) from None
            except OSError as error:
                raise OllamaError(
                    f"socket: nobody answers at {path} ({error.strerror}); is HAProxy running, and this its runtime"
                    " socket (stats socket ... level admin)?"
                ) from None
        try:
            return answer.decode()
        except UnicodeDecodeError:
            raise OllamaError(f"socket: the answer at {path} is not of HAProxy: {_shown(answer)}") from None

    return ask


def _require_socket(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise OllamaError(
            f"socket: {path} cannot be used ({error.strerror}); allowed is the runtime socket of a HAProxy that runs,"
            " and it takes root. Is there a gateway on this host?"
        ) from None
    if not stat.S_ISSOCK(mode):
        raise OllamaError(f"socket: {path} is not a socket; allowed is the runtime socket of a HAProxy that runs")


def _read(connection: socket.socket, path: str, until: float, seconds: float) -> bytes:
    read = bytearray()
    while True:
        left = until - time.monotonic()
        if left <= 0:
            raise OllamaError(_late(path, seconds))
        connection.settimeout(left)
        chunk = connection.recv(_CHUNK)
        if not chunk:
            return bytes(read)
        read += chunk
        if len(read) > _MOST_BYTES:
            raise OllamaError(f"socket: the answer at {path} is longer than {_MOST_BYTES} bytes, and not read further")


def _late(path: str, seconds: float) -> str:
    return f"socket: no whole answer came at {path} within {seconds:g} s"


def _shown(answer: bytes) -> str:
    return repr(one_line(answer[:60].decode(errors="replace"), 60))
