# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to a server of files: redirects, proxies and certificates, and an end to all waiting.

Certificates are checked against those of the system; proxies are those of the environment (urllib.request).
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import threading
import urllib.request
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Mapping
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch.address import origin, shown, split
from ansible_collections.inference.ollama.plugins.module_utils._watch import shut

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

# What a server answers that has no time now: timeout, too early, too many requests, errors of it and of a gateway.
_LATER = (408, 425, 429, 500, 502, 503, 504)
# Of the time for an answer, how much one of a host's addresses may take, of which the first may lead nowhere.
_SHARE = 3
# Headers that go with a redirect to another host; any other may be a secret.
_PUBLIC = ("range", "if-range", "user-agent", "accept")
_AGENT = "inference.ollama"
_MOST_WAIT = 60


class FailedAttempt(Exception):  # noqa: N818 - it is not the operator's before it is the last one
    """A sentence on an exchange that failed, whether it may succeed later, and after how many seconds, if it says."""

    def __init__(self, sentence: str, *, again: bool, wait: float | None = None, status: int | None = None) -> None:
        super().__init__(sentence)
        self.again, self.wait, self.status = again, wait, status


class Answer:
    """An answer whose body is still to be read."""

    def __init__(self, response: Any, opened: list[socket.socket]) -> None:  # noqa: ANN401 - http.client's
        self._response, self._opened = response, opened
        self.status: int = response.status
        self.url: str = response.url
        self.headers: Message = response.headers
        # None where the server does not say it.
        self.length: int | None = response.length

    def part(self, most: int) -> bytes:
        """Read what has arrived, at most so many bytes; nothing at the end. Raise FailedAttempt."""
        try:
            data: bytes = self._response.read1(most)
        except (OSError, HTTPException, ValueError, AttributeError) as error:
            # AttributeError: of a TLS connection that was shut down meanwhile.
            raise FailedAttempt(f"{shown(self.url)}: the transfer broke off ({reason(error)})", again=True) from None
        return data

    def shut(self) -> None:
        """End the exchange from another thread, whatever it waits for."""
        shut(self._opened)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._response.close()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, never from https to http, and with nothing secret to another host."""

    def redirect_request(self, req: urllib.request.Request, *said: Any) -> urllib.request.Request:  # noqa: ANN401 - urllib's
        """Return the request that follows; the method stays, since this is about files alone."""
        body, code, _message, _headers, aim = said
        place = urljoin(req.full_url, aim)
        try:
            address = split(place)
        except OllamaError as error:
            body.close()
            raise URLError(f"status {code} leads to {error}") from None
        if req.type == "https" and not address.url.startswith("https:"):
            body.close()
            raise URLError(f"status {code} leads from https to {shown(place)}, which is not followed")
        same = origin(req.full_url) == origin(address.url)
        sent = {name: value for name, value in req.header_items() if same or name.lower() in _PUBLIC}
        return urllib.request.Request(address.url, headers=sent, method=req.get_method())  # noqa: S310 - checked above


def _connected(connection: HTTPConnection, connect: Callable[[], None], opened: list[socket.socket]) -> None:
    whole: Any = connection.timeout
    connection.timeout = whole / _SHARE
    connect()
    connection.timeout = whole
    connection.sock.settimeout(whole)
    opened.append(connection.sock)


class _Plain(HTTPConnection):
    def __init__(self, *args: Any, opened: list[socket.socket], **options: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(*args, **options)
        self._noted = opened

    def connect(self) -> None:
        _connected(self, super().connect, self._noted)


class _Secure(HTTPSConnection):
    def __init__(self, *args: Any, opened: list[socket.socket], **options: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(*args, **options)
        self._noted = opened

    def connect(self) -> None:
        _connected(self, super().connect, self._noted)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, opened: list[socket.socket]) -> None:
        super().__init__()
        self._noted = opened

    def http_open(self, req: urllib.request.Request) -> Any:  # noqa: ANN401 - as the standard library has it
        make: Any = functools.partial(_Plain, opened=self._noted)
        return self.do_open(make, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, opened: list[socket.socket]) -> None:
        super().__init__()
        self._noted = opened

    def https_open(self, req: urllib.request.Request) -> Any:  # noqa: ANN401 - as the standard library has it
        make: Any = functools.partial(_Secure, opened=self._noted)
        return self.do_open(make, req, context=ssl.create_default_context())


def ask(url: str, timeout: float, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request and return the answer, of status 200 or 206, once its headers are there.

    Looking up the name, connecting, redirects and headers together have ``timeout`` seconds, and so has each part of
    the body. Raise FailedAttempt otherwise, OllamaError for what is not an address.
    """
    address = split(url)
    sent = {"User-Agent": _AGENT, **(headers or {})}
    if address.authorization is not None:
        sent["Authorization"] = address.authorization
    request = urllib.request.Request(address.url, headers=sent, method=method)  # noqa: S310 - checked by split()
    opened: list[socket.socket] = []
    said: list[Any] = []
    late = threading.Event()

    def work() -> None:
        try:
            opener = urllib.request.build_opener(_Redirects(), _Http(opened), _Https(opened))
            said.append(opener.open(request, timeout=timeout))
        except Exception as error:  # noqa: BLE001 - judged where it is waited for
            said.append(error)
        if late.is_set() and hasattr(said[0], "close"):
            said[0].close()

    # A server that sends a byte at a time passes every timeout of a socket, and looking up a name has none.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(timeout)
    if not said:
        late.set()
        shut(opened)
        raise FailedAttempt(f"{shown(url)}: it did not answer within {timeout:g} s", again=True)
    if isinstance(said[0], Exception):
        raise _failed(url, said[0])
    return Answer(said[0], opened)


def _failed(url: str, error: Exception) -> Exception:
    """What an exception of urllib means."""
    if isinstance(error, HTTPError):
        with error:
            wait = _seconds(error.headers.get("Retry-After"))
            again = error.code in _LATER
            sentence = f"{shown(url)}: it answered with status {error.code}, expected 200"
            return FailedAttempt(sentence, again=again, wait=wait, status=error.code)
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return FailedAttempt(
            f"{shown(url)}: its certificate is not trusted by this host ({inner.verify_message})", again=False
        )
    if isinstance(error, (OSError, HTTPException, ValueError)):
        # A text is what was refused above.
        again = not isinstance(inner, str) or inner.startswith("Tunnel")
        return FailedAttempt(f"{shown(url)}: it cannot be reached ({reason(inner)})", again=again)
    return error


def reason(error: object) -> str:
    """What an error says, in the words of the system."""
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "nothing arrived for too long"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)[: _MOST_WAIT * 5]


def _seconds(text: str | None) -> float | None:
    """The header Retry-After where it is a number (RFC 9110, 10.2.3), as far as it is followed."""
    return float(min(int(text), _MOST_WAIT)) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
