# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send requests to servers and take the time at which the parts of the answers arrive.

A connection is an ``asyncio.Protocol``, which has the bytes as soon as the kernel has them: no stream, no buffer and no
task lies between. Connections are kept and used again, as Ollama keeps them. No proxy is used, no redirect followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.exchange import Exchange
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.record import REFUSED, Record
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

if TYPE_CHECKING:
    import ssl
    from typing import Any

_RESOLVE_SECONDS = 10.0


class Target(NamedTuple):
    """A server: its address as it is connected to, and the beginning of each request."""

    url: str
    address: str
    port: int
    name: str
    tls: ssl.SSLContext | None
    head: bytes

    def request(self, body: bytes) -> bytes:
        """Return the bytes of a request with this JSON."""
        return b"%s%d\r\n\r\n%s" % (self.head, len(body), body)


def target(url: str) -> Target:
    """Look up the name of a server once; OllamaError where that fails or takes too long."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = f"{parts.path.rstrip('/')}/api/generate"
    headers = (
        f"POST {path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "User-Agent: inference.ollama",
        "Accept: application/x-ndjson",
        "Content-Type: application/json",
        "Content-Length: ",
    )
    head = "\r\n".join(headers).encode("ascii")
    return Target(url, _address(url, name, port), port, name, _context() if parts.scheme == "https" else None, head)


def _context() -> ssl.SSLContext:
    import ssl  # noqa: PLC0415 - most servers are asked without TLS

    return ssl.create_default_context()


def _address(url: str, name: str, port: int) -> str:
    found: list[str] = []
    problems: list[str] = []

    def look() -> None:
        try:
            found.append(str(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][4][0]))
        except (OSError, UnicodeError) as error:
            problems.append(str(error))

    # The resolver has no time limit of its own.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(_RESOLVE_SECONDS)
    if not found:
        why = problems[0] if problems else f"no answer within {_RESOLVE_SECONDS:g} s"
        raise OllamaError(f"urls: the name {name} in {url} cannot be looked up: {why}")
    return found[0]


class Connection(asyncio.Protocol):
    """A connection that carries one exchange at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: Any = None
        self._exchange: Exchange | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.usable = True
        self.why = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def exchange(self, request: bytes, exchange: Exchange) -> asyncio.Future[None]:
        """Send a request; the result is there when the exchange is over."""
        self._exchange, self._waiter = exchange, self._loop.create_future()
        self._transport.write(request)
        return self._waiter

    def data_received(self, data: bytes) -> None:
        now = self._loop.time()
        exchange = self._exchange
        if exchange is None:
            self.abort()
            return
        exchange.feed(data, now)
        if exchange.over:
            self._finish(usable=exchange.response.keep and exchange.response.done)

    def connection_lost(self, exc: Exception | None) -> None:
        exchange, self.why = self._exchange, _why(exc)
        # One that has not begun may be sent again.
        if exchange is not None and exchange.begun:
            exchange.close(self._loop.time(), self.why)
        self._finish(usable=False)

    def abort(self) -> None:
        """End the connection at once, so that the server stops to answer."""
        self.usable = False
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, *, usable: bool) -> None:
        self._exchange = None
        self.usable = self.usable and usable
        if not self.usable:
            self._transport.abort()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Client:
    """Sends requests to the targets, with kept connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._kept: dict[str, list[Connection]] = {}

    async def send(self, target: Target, body: bytes, record: Record, output_tokens: int, timeout: float) -> None:
        """Fill the record, whatever the server does, within ``timeout`` seconds of its start.

        Cancelled, it ends the connection and leaves the record incomplete.
        """
        expired: list[bool] = []
        task = asyncio.current_task()

        def expire() -> None:
            expired.append(True)
            if task is not None:
                task.cancel()

        timer = self._loop.call_at(max(record.start, self._loop.time()) + timeout, expire)
        try:
            await self._send(target, body, record, output_tokens)
        except asyncio.CancelledError:
            if not expired:
                raise
            record.fail(self._loop.time(), f"the answer was not complete within {timeout:g} s")
        except ConnectionRefusedError:
            record.fail(self._loop.time(), "the connection was refused", REFUSED)
        except (OSError, ValueError) as error:
            record.fail(self._loop.time(), f"no connection: {_why(error)}")
        finally:
            timer.cancel()

    async def _send(self, target: Target, body: bytes, record: Record, output_tokens: int) -> None:
        kept = self._kept.setdefault(target.url, [])
        request = target.request(body)
        while True:
            used = bool(kept)
            connection = kept.pop() if used else await self._connect(target)
            if not connection.usable:
                continue
            exchange = Exchange(record, output_tokens)
            try:
                await connection.exchange(request, exchange)
            except asyncio.CancelledError:
                connection.abort()
                raise
            if connection.usable:
                kept.append(connection)
            if exchange.over:
                return
            if not used:
                why = f" ({connection.why})" if connection.why else ""
                record.fail(self._loop.time(), f"the connection ended before an answer{why}")
                return
            # The server closed a kept connection just then; a new one is tried.

    async def _connect(self, target: Target) -> Connection:
        name = target.name if target.tls else None
        _transport, connection = await self._loop.create_connection(
            lambda: Connection(self._loop), target.address, target.port, ssl=target.tls, server_hostname=name
        )
        return connection

    def close(self) -> None:
        """End all kept connections."""
        for connections in self._kept.values():
            for connection in connections:
                connection.abort()
        self._kept.clear()


def _why(error: BaseException | None) -> str:
    if error is None:
        return ""
    with contextlib.suppress(AttributeError):
        text = error.strerror  # type: ignore[attr-defined]
        if text:
            return str(text)
    return str(error) or type(error).__name__
