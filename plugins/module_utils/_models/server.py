# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a server about its models and to change them: short questions, answers in lines, and files as blobs.

docs/api.md and server/routes.go of Ollama 0.32.15. No proxy is used and no redirect followed; every line and every
answer has a greatest length, and all waiting an end.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.inference.ollama.plugins.module_utils._models.failures import Failure
from ansible_collections.inference.ollama.plugins.module_utils._watch import Watch, shut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

# A template and the metadata of a model are in an answer; a line of a pull has some 200 bytes.
_LARGEST, _LONGEST_LINE = 1 << 24, 1 << 16
_PART = 1 << 20
# How many bytes a second a slow host sums up by SHA-256, of which the server says nothing until it is done.
SUMMED_BYTES = 50_000_000
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json, application/x-ndjson"}


class Server:
    """A server at an address; ``timeout`` is how many seconds it may be silent."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self.url, self.timeout = url.rstrip("/"), timeout
        self._secure, self._prefix = parts.scheme == "https", parts.path.rstrip("/")
        self._host, self._port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_local(self) -> bool:
        """Whether it is on this host, so that its paths are those of this host."""
        return self._host in ("localhost", "::1") or self._host.startswith("127.")

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The object that is answered, empty where nothing is; Failure for anything but status 200 or 201."""
        with self._exchange(method, path, None if body is None else json.dumps(body).encode()) as (answer, _watch):
            data = answer.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise Failure(f"{path}: the answer has more than {_LARGEST} bytes", again=False)
        return self._object(path, data) if data.strip() else {}

    def lines(
        self, path: str, body: dict[str, Any], quiet: Callable[[dict[str, Any]], float | None]
    ) -> Iterator[dict[str, Any]]:
        """The objects of an answer, a line each. Failure at the error that one of them says, or where the last is cut.

        ``quiet`` is asked with each line for how many seconds the next news may take; None where it was no news.
        """
        with self._exchange("POST", path, json.dumps(body).encode()) as (answer, watch):
            while True:
                line = answer.readline(_LONGEST_LINE + 1)
                if not line:
                    return
                if len(line) > _LONGEST_LINE:
                    raise Failure(f"{path}: a line of the answer has more than {_LONGEST_LINE} bytes", again=False)
                if not line.strip():
                    continue
                said = self._object(path, line, cut=not line.endswith(b"\n"))
                if "error" in said:
                    raise Failure(str(said["error"]))
                seconds = quiet(said)
                if seconds is not None:
                    watch.put_off(seconds)
                yield said

    def has_blob(self, digest: str) -> bool:
        """Whether the server has the blob of a digest in hex."""
        try:
            self.ask("HEAD", f"/api/blobs/sha256:{digest}")
        except Failure as failure:
            if failure.status == 404:
                return False
            raise
        return True

    def put_blob(self, digest: str, file: BinaryIO, size: int, progress: Callable[[int, int], None]) -> None:
        """Give the server a file. Its digest is checked there, which takes a while after the last byte."""

        def parts(watch: Watch) -> Iterator[bytes]:
            sent = 0
            part = file.read(_PART)
            while part:
                yield part
                sent += len(part)
                # What is sent is also what has to be summed up before the answer.
                watch.put_off(self.timeout + sent / SUMMED_BYTES)
                progress(sent, size)
                part = file.read(_PART)

        with self._exchange("POST", f"/api/blobs/sha256:{digest}", parts, size) as (answer, _watch):
            answer.read(_LARGEST)

    @contextlib.contextmanager
    def _exchange(
        self, method: str, path: str, body: bytes | Callable[[Watch], Iterator[bytes]] | None, size: int | None = None
    ) -> Iterator[tuple[http.client.HTTPResponse, Watch]]:
        """An answer of status 200 or 201, and what ends the waiting for it. Failure for any other and for none."""
        connection = self._connection()
        # That of the connection is noted: http.client forgets it where an answer is the last one on it.
        opened: list[Any] = []
        watch = Watch(self.timeout, lambda: shut(opened))
        try:
            connection.connect()
            opened.append(connection.sock)
            headers = _HEADERS if size is None else {**_HEADERS, "Content-Length": str(size)}
            sent: Any = body(watch) if callable(body) else body
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                # A server that refuses a file answers before it has read all of it.
                connection.request(method, self._prefix + path, sent, headers)
            with connection.getresponse() as answer:
                if answer.status not in (200, 201):
                    raise Failure(_reason(answer), status=answer.status)
                yield answer, watch
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # AttributeError: of a connection that was shut meanwhile.
            # The socket's own limit is the same, and either may come first; before Python 3.10 it is no TimeoutError.
            if watch.late or isinstance(error, (socket.timeout, TimeoutError)):
                raise Failure(f"{self.url}{path}: no news for too long", again=True) from None
            raise Failure(
                f"{self.url}{path}: it cannot be reached, or broke off ({_words(error)})", again=True
            ) from None
        finally:
            watch.stop()
            connection.close()
        # A connection that is shut ends an answer that has no length as if it were whole.
        if watch.late:
            raise Failure(f"{self.url}{path}: no news for too long", again=True)

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self.timeout, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self.timeout)

    @staticmethod
    def _object(path: str, data: bytes, *, cut: bool = False) -> dict[str, Any]:
        try:
            said = json.loads(data, parse_int=_whole)
        except (ValueError, RecursionError):
            if cut:
                raise ValueError("its last line is not whole") from None
            said = None
        if not isinstance(said, dict):
            beginning = data[:40].decode("utf-8", "replace")
            raise Failure(f"{path}: the server answered with {beginning!r}, expected a JSON object", again=False)
        return said


def _whole(text: str) -> int:
    """Read a number of at most 64 bits; longer ones would take long."""
    if len(text) > 20:
        raise ValueError(text[:20])
    return int(text)


def _reason(answer: http.client.HTTPResponse) -> str:
    """The words of an error, which are JSON, and the status where there are none."""
    try:
        said = json.loads(answer.read(_LONGEST_LINE))["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        said = None
    return said if isinstance(said, str) and said else f"status {answer.status}, expected 200"


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)[:160]
