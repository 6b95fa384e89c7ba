# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a child makes of a prompt, token by token: POST /completion of llama-server, and Ollama's lines made of it.

Written for many streams at once: a read of the socket, a look at the client and a few string operations a token.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from typing import Any, Callable, Dict, Iterator

from standin.slots import GoneError

# Without an end in sight a real Ollama goes on for ten contexts.
PREDICT = 16
# The options of a request that the child gets by the same name.
PASSED = ("temperature", "seed", "top_k", "top_p")
LIMIT_S = 600


class CompletionError(Exception):
    """The child answered with an error, or not at all."""


def body(prompt: str, options: Dict[str, Any], *, stream: bool) -> Dict[str, Any]:
    """The child's request. Streams are as long as asked for, whatever the model says."""
    asked: Dict[str, Any] = {"prompt": prompt, "n_predict": int(options.get("num_predict") or PREDICT)}
    if stream:
        asked.update(stream=True, ignore_eos=True, **{name: options[name] for name in PASSED if name in options})
    return asked


def counts(timings: Dict[str, Any]) -> Dict[str, int]:
    """What was computed and in which time, by the names of /api/generate."""
    return {
        "prompt_eval_count": timings.get("prompt_n", 1),
        "prompt_eval_duration": int(timings.get("prompt_ms", 1) * 1e6),
        "eval_count": timings.get("predicted_n", 1),
        "eval_duration": int(timings.get("predicted_ms", 1) * 1e6),
    }


def hung_up(client: socket.socket) -> bool:
    """Return whether the other side has closed the connection; what it has sent stays unread."""
    if not select.select([client], [], [], 0)[0]:
        return False
    with contextlib.suppress(BlockingIOError):
        try:
            return not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except ConnectionError:
            return True
    return False


class _Reader:
    """The bytes of the child's answer, without the lengths of its chunks."""

    def __init__(self, child: socket.socket, client: socket.socket | None) -> None:
        self._child, self._client, self._buffer = child, client, b""

    def _more(self) -> None:
        if self._client is not None:
            ready = select.select([self._child, self._client], [], [], LIMIT_S)[0]
            if self._client in ready:
                if hung_up(self._client):
                    raise GoneError
                self._client = None  # it has sent its next request early, and shows as readable from now on
        data = self._child.recv(65536)
        if not data:
            raise CompletionError("the runner closed the connection")
        self._buffer += data

    def line(self) -> bytes:
        while b"\n" not in self._buffer:
            self._more()
        found, _newline, self._buffer = self._buffer.partition(b"\n")
        return found.rstrip(b"\r")

    def exactly(self, length: int) -> bytes:
        while len(self._buffer) < length:
            self._more()
        found, self._buffer = self._buffer[:length], self._buffer[length:]
        return found

    def chunks(self, headers: Dict[bytes, bytes]) -> Iterator[bytes]:
        """The body in the pieces in which it comes."""
        if b"chunked" not in headers.get(b"transfer-encoding", b""):
            yield self.exactly(int(headers.get(b"content-length", b"0")))
            return
        while True:
            length = int(self.line().partition(b";")[0] or b"0", 16)
            if not length:
                return
            yield self.exactly(length)
            self.line()


def _events(chunks: Iterator[bytes]) -> Iterator[Dict[str, Any]]:
    """The server-sent events of an answer; one event may lie in several chunks."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                yield json.loads(line[6:])
            elif line.startswith(b"error: "):
                raise CompletionError(line[7:].decode(errors="replace"))


def answers(port: int, asked: Dict[str, Any], client: socket.socket | None = None) -> Iterator[Dict[str, Any]]:
    """What the child says, in pieces, the last with ``stop`` and ``timings``; GoneError where the client hangs up."""
    raw = json.dumps(asked).encode()
    try:
        child = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
    except OSError as error:
        raise CompletionError(str(error)) from None
    try:
        child.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST /completion HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        child.sendall(f"{head}Content-Length: {len(raw)}\r\nConnection: close\r\n\r\n".encode() + raw)
        reader = _Reader(child, client)
        status = int(reader.line().split()[1])
        headers = dict(iter(lambda: _header(reader.line()), (b"", b"")))
        if status == 200 and b"event-stream" in headers.get(b"content-type", b""):
            yield from _events(reader.chunks(headers))
            return
        whole = json.loads(b"".join(reader.chunks(headers)))
        if status != 200:
            raise CompletionError(str(whole.get("error", whole)))
        yield {"content": whole.get("content", "ok"), "stop": True, "timings": whole.get("timings", {})}
    except (OSError, ValueError, IndexError) as error:
        raise CompletionError(str(error)) from None
    finally:
        child.close()


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _colon, value = line.partition(b":")
    return name.strip().lower(), value.strip()


def lines(
    model: str, said: Iterator[Dict[str, Any]], predict: int, durations: Callable[[], Dict[str, int]]
) -> Iterator[bytes]:
    """The lines of a streamed answer of /api/generate: one for each piece of text, then the counts."""
    begin = b'{"model":' + json.dumps(model).encode() + b',"created_at":"'
    timings: Dict[str, Any] = {}
    for piece in said:
        if piece.get("content"):
            text = json.dumps(piece["content"]).encode()
            yield begin + now().encode() + b'","response":' + text + b',"done":false}\n'
        if "error" in piece:
            raise CompletionError(str(piece["error"]))
        timings = piece.get("timings", timings) if piece.get("stop") else timings
    found = counts(timings)
    reason = "length" if found["eval_count"] >= predict else "stop"
    last = {"model": model, "created_at": now(), "response": "", "done": True, "done_reason": reason}
    yield json.dumps({**last, **durations(), **found}, separators=(",", ":")).encode() + b"\n"


def now() -> str:
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06d}Z"
