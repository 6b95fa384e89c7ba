# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the server's API for its release and the models in memory.

docs/api.md of Ollama: GET /api/version since 0.1.14, GET /api/ps since 0.1.38. No proxy is used, no redirect followed,
and the size of an answer is limited. An answer of another process than the unit's says nothing of the server.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Callable
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.answers import who
from ansible_collections.inference.ollama.plugins.module_utils._service.no_answer import NOT_KNOWN
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import encodable
from ansible_collections.inference.ollama.plugins.module_utils._text import MOST
from ansible_collections.inference.ollama.plugins.module_utils._watch import shut

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.answers import Answer
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

# Gets the JSON at an address, or a sentence with the error; a body is posted.
Fetch = Callable[..., "tuple[Any, str | None]"]

_LARGEST = 1 << 20
_GREATEST = (1 << 63) - 1
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,80}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        """Return None, so that the redirect is an error."""


class _Noting(urllib.request.HTTPHandler):
    """Opens connections and notes them."""

    def __init__(self, opened: list[HTTPConnection]) -> None:
        super().__init__()
        self._opened = opened

    def http_open(self, req: urllib.request.Request) -> Any:  # noqa: ANN401 - as the standard library has it
        return self.do_open(self._connect, req)

    def _connect(self, host: str, **options: Any) -> HTTPConnection:  # noqa: ANN401 - handed on
        connection = HTTPConnection(host, **options)
        self._opened.append(connection)
        return connection


def check_url(url: str) -> None:
    """Raise OllamaError unless this is an address of a server; a password in it is never quoted."""
    allowed = "allowed is http:// or https://, a host, and a port"
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits, parts = False, urlsplit("")
    if "@" in url:
        raise OllamaError(f"url: it holds a user or an @; {allowed}")
    if not fits or parts.query or parts.fragment or re.search(r"[^!-~]", url):
        raise OllamaError(f"url: {url[:80]!r} is not the address of a server; {allowed}")


def fetcher(timeout: float, largest: int = _LARGEST) -> Fetch:
    """A function that asks for JSON of at most ``largest`` bytes.

    A whole exchange, name lookup included, ends after ``timeout`` seconds.
    """

    def fetch(url: str, body: dict[str, Any] | None = None) -> tuple[Any, str | None]:
        said: list[tuple[Any, str | None]] = []
        opened: list[HTTPConnection] = []
        # A server that sends a byte at a time passes every timeout of a socket.
        thread = threading.Thread(target=lambda: said.append(_fetch(url, timeout, body, opened, largest)), daemon=True)
        thread.start()
        thread.join(timeout)
        if said:
            return said[0]
        # One that begins its answer without end would keep the thread busy.
        shut(connection.sock for connection in opened)
        return None, f"{url}: it did not answer within {timeout:g} s"

    return fetch


def _fetch(
    url: str, timeout: float, sent: dict[str, Any] | None, opened: list[HTTPConnection], largest: int
) -> tuple[Any, str | None]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect(), _Noting(opened))
    data = None if sent is None else json.dumps(sent).encode()
    # The address was checked by check_url: http or https.
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with opener.open(request, timeout=timeout) as answer:
            body = answer.read(largest + 1)
            # A body that ends too soon raises nothing by itself.
            missing = answer.length
    except HTTPError as error:
        with error:
            return None, f"{url}: it answered with status {error.code}, expected 200{_reason(error)}"
    except URLError as error:
        return None, f"{url}: it cannot be reached ({error.reason})"
    except (OSError, HTTPException, ValueError) as error:
        return None, f"{url}: the answer is not HTTP ({type(error).__name__})"
    return _decoded(url, body, missing, largest)


def _reason(error: HTTPError) -> str:
    """The text in an error of Ollama, which is JSON."""
    try:
        said = json.loads(error.read(_LARGEST))["error"]
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f": {encodable(said[:300])}" if isinstance(said, str) else ""


def _decoded(url: str, body: bytes, missing: int | None, largest: int) -> tuple[Any, str | None]:
    if len(body) > largest:
        return None, f"{url}: it answered with more than {largest} bytes"
    if missing:
        return None, f"{url}: its answer ended {missing} bytes too soon"
    try:
        return json.loads(body), None
    except (ValueError, RecursionError):
        return None, f"{url}: it answered with {body[:40].decode('utf-8', 'replace')!r}, expected JSON"


def read_api(root: Proc, fetch: Fetch | None, url: str, whose: Callable[[], Answer] | None = None) -> dict[str, Any]:
    """``{url, version, models, own, answered_by}``; None for what is not known. Without ``fetch`` nothing is asked."""
    found: dict[str, Any] = {"url": url, "version": None, "models": None, "own": None, "answered_by": None}
    if fetch is None:
        return found
    base = url.rstrip("/")
    said, problem = fetch(f"{base}/api/version")
    if problem is not None:
        root.problem(problem)
        return found
    if whose is not None:
        answer = whose()
        found["own"], found["answered_by"] = answer.own, None if answer.by is None else who(answer.by)
        if answer.reason is not None:
            why = answer.reason if answer.own is not None else f"{NOT_KNOWN}: {answer.reason}"
            root.problem(f"{base}/api/version: {why}")
        if answer.own is False:
            return found
    version = said.get("version") if isinstance(said, dict) else None
    if isinstance(version, str) and _VERSION.fullmatch(version):
        found["version"] = version
    else:
        root.problem(f"{base}/api/version: the answer has no text version")
    said, problem = fetch(f"{base}/api/ps")
    models = said.get("models") if isinstance(said, dict) else None
    if problem is not None:
        root.problem(problem)
    # Go writes a list that was never made as null.
    elif isinstance(said, dict) and "models" in said and (models is None or isinstance(models, list)):
        entries = [entry for entry in models or [] if isinstance(entry, dict)]
        if len(entries) > MOST:
            root.problem(f"{base}/api/ps: it names {len(entries)} models, of which the first {MOST} were read")
        found["models"] = [_model(root, f"{base}/api/ps", entry) for entry in entries[:MOST]]
    else:
        root.problem(f"{base}/api/ps: the answer has no list models")
    return found


def _model(root: Proc, url: str, entry: dict[str, Any]) -> dict[str, Any]:
    model = {
        "name": _text(entry, "name") or _text(entry, "model"),
        "digest": _text(entry, "digest"),
        "size_bytes": _count(entry, "size"),
        "size_vram_bytes": _count(entry, "size_vram"),
        # Since 0.10.0.
        "context_length": _count(entry, "context_length"),
        "expires_at": _text(entry, "expires_at"),
    }
    for name in ("name", "size_bytes", "size_vram_bytes"):
        if model[name] is None:
            root.problem(f"{url}: a model has no valid {name.replace('_bytes', '')}")
    return model


def _text(entry: dict[str, Any], name: str) -> str | None:
    value = entry.get(name)
    return encodable(value[:512]) if isinstance(value, str) and value else None


def _count(entry: dict[str, Any], name: str) -> int | None:
    value = entry.get(name)
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _GREATEST
    return value if fits else None
