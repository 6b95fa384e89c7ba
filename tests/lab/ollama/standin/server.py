# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP API, as far as the collection and its tests use it."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import sys
import time
from typing import Any, Callable, Iterator

from standin import cards, completion, create, environment, faults, log, models, received, registry
from standin.runners import MODEL, SIZE, LoadError, Runners
from standin.slots import GoneError, QueueFullError

_BLOBS, _JSON = "/api/blobs/", "application/json; charset=utf-8"
_HOST = socket.gethostname()


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; the runners and the version hang on the class that serve() makes."""

    runners: Runners
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a token goes out when it comes

    def log_message(self, *_args: Any) -> None:
        """Requests are not logged."""

    def parse_request(self) -> bool:
        """Count the request too, where it is one."""
        known = super().parse_request()
        if known and self.path != received.PATH:
            received.count(self.command, self.path, self.headers)
        return known

    def end_headers(self) -> None:
        """Say which host it was, for tests of what stands in front of several."""
        self.send_header("X-Standin-Host", _HOST)
        super().end_headers()

    def _send(self, body: Any, status: int = 200, kind: str = _JSON) -> None:
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def do_GET(self) -> None:
        if self.path == "/":
            self._send("Ollama is running", kind="text/plain; charset=utf-8")
        elif self.path == "/api/version":
            self._send({"version": self.runners.version})
        elif self.path == "/api/ps":
            self._send({"models": self.runners.shown()})
        elif self.path == "/api/tags":
            self._send({"models": self._tags()})
        elif self.path == received.PATH:
            self._send(received.shown())
        else:
            self._send("404 page not found", 404, "text/plain")

    def do_HEAD(self) -> None:
        if self.path.startswith(_BLOBS):
            digest = self.path[len(_BLOBS) :]
            self._answered(lambda: None if os.path.exists(self._models.blob(digest)) else _no_blob(digest))
        else:
            self.do_GET()

    def do_POST(self) -> None:
        try:
            body = received.body(self.rfile, self.headers)
            request = {} if self.path.startswith(_BLOBS) else received.parsed(body)
        except ValueError as error:
            self.close_connection = True
            self._send({"error": str(error)}, 400)
            return
        if self.path.startswith(_BLOBS):
            self._answered(lambda: self._models.put(self.path[len(_BLOBS) :], body))
            return
        named = received.named(request)
        received.asked(self.path, named)
        if self.path in ("/api/generate", "/api/embed"):
            self._generate(request)
        elif self.path == "/api/pull":
            self._stream(request, registry.pull(self._models, named, os.environ))
        elif self.path == "/api/create":
            self._stream(request, create.create(self._models, request, os.environ, self.runners.version))
        elif self.path == "/api/show":
            self._answered(lambda: self._models.show(named))
        elif self.path == "/api/copy":
            self._answered(lambda: self._models.copy(request.get("source"), request.get("destination")))
        else:
            self._send("404 page not found", 404, "text/plain")

    def do_DELETE(self) -> None:
        named = received.named(received.parsed(received.body(self.rfile, self.headers)))
        received.asked(self.path, named)
        self._answered(lambda: self._models.delete(named))

    @property
    def _models(self) -> models.Models:
        return models.Models(self.runners.settings.models)

    def _tags(self) -> list[dict[str, Any]]:
        """The models of the store, and the stand-in's own one, which is there without a store."""
        found = self._models.tags()
        if not any(model["name"] == MODEL for model in found):
            details = {"format": "gguf", "family": "standin", "parameter_size": "1M"}
            own = {"name": MODEL, "model": MODEL, "size": SIZE, "digest": "0" * 64, "details": details}
            found.append({**own, "modified_at": "2026-01-01T00:00:00Z"})
        return found

    def _answered(self, ask: Callable[[], Any]) -> None:
        """Send what a function returns, nothing for None, or the error that it raises."""
        try:
            found = ask()
        except models.ApiError as error:
            self._send({"error": str(error)}, error.status)
            return
        self._send("" if found is None else found, kind="text/plain" if found is None else _JSON)

    def _stream(self, request: dict[str, Any], said: Iterator[dict[str, Any]]) -> None:
        """The lines of a pull or a creation, or only the last where no stream is asked for."""
        if request.get("stream", True):
            self._send_lines(_lines(said))
            return

        def last() -> Any:
            return list(said)[-1]

        self._answered(last)

    def _asked_for(self, request: dict[str, Any]) -> models.Name:
        """The model of a request; ApiError where there is none, or where it does not do what is asked."""
        name = models.parse(request.get("model"))
        if self._models.data(name) is None and str(name).partition(":")[0] != MODEL.partition(":")[0]:
            raise models.ApiError(f"model '{request.get('model')}' not found", 404)
        if self.path == "/api/generate" and self._models.embeds(name) and request.get("prompt"):
            raise models.ApiError(f'"{name}" does not support generate', 400)
        return name

    def _generate(self, request: dict[str, Any]) -> None:
        if "die" in faults.asked(os.environ):
            faults.die()
        try:
            parsed = self._asked_for(request)
        except models.ApiError as error:
            self._send({"error": str(error)}, error.status)
            return
        name = str(parsed)
        asked = request.get("keep_alive")
        keep_alive = self.runners.settings.keep_alive if asked is None else environment.duration(str(asked))
        prompt = request.get("prompt", "")
        answer = {"model": request["model"], "created_at": _now(), "response": "", "done": True}
        if not prompt and asked is not None and keep_alive == 0:
            self.runners.unload(name)
            self._send({**answer, "done_reason": "unload"})
            return
        # Those of the request win over the model's own.
        options = {**self._models.options(parsed), **(request.get("options") or {})}
        try:
            if self.path == "/api/embed":
                self.runners.load(name, options, keep_alive)
                self._send({"model": request["model"], "embeddings": [[0.0]]})
                return
            if not prompt:
                self.runners.load(name, options, keep_alive)
                self._send({**answer, "done_reason": "load"})
                return
            with self.runners.in_use(name, options, keep_alive, lambda: completion.hung_up(self.connection)) as spent:
                if request.get("stream", True):
                    said = self.runners.stream(name, prompt, options, self.connection)
                    predict = int(options.get("num_predict") or completion.PREDICT)
                    lines = completion.lines(request["model"], said, predict, lambda: _durations(spent))
                    self._send_lines(lines)
                else:
                    found = self.runners.complete(name, prompt, options)
                    self._send({**answer, **_durations(spent), **found, "done_reason": "stop"})
        except QueueFullError as error:
            self._send({"error": str(error)}, 503)
        except LoadError as error:
            self._send({"error": str(error)}, 500)
        except (GoneError, ConnectionError):
            self.close_connection = True

    def _send_lines(self, lines: Iterator[bytes]) -> None:
        """A chunk for each line; an error before the first is a status, one after it a line."""
        begun = False
        try:
            for line in lines:
                if not begun:
                    begun = True
                    self.send_response(200)
                    self.send_header("Content-Type", "application/x-ndjson")
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                self._chunk(line)
        except (completion.CompletionError, models.ApiError) as error:
            if not begun and isinstance(error, models.ApiError):
                self._send({"error": str(error)}, error.status)
                return
            if not begun:
                raise LoadError(str(error)) from None
            self._chunk(json.dumps({"error": str(error)}).encode() + b"\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


def _lines(said: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    return (json.dumps(line).encode() + b"\n" for line in said)


def _no_blob(digest: str) -> None:
    raise models.ApiError(f'blob "{digest}" not found', 404)


def _durations(spent: dict[str, int]) -> dict[str, int]:
    """Nanoseconds since the request came, and those of the load."""
    return {"total_duration": time.monotonic_ns() - spent["began"], "load_duration": spent["load_duration"]}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _announce(settings: environment.Settings, version: str) -> None:
    listening = settings.address._replace(host=settings.address.host or "::")
    log.line("routes.go:2102", f"Listening on {listening} (version {version})")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = cards.fields()
    for fields in found:
        log.line("types.go:60", "inference compute", fields)
    fields = 'id=cpu library=cpu compute="" name=cpu description=cpu libdirs=ollama driver="" pci_id=""'
    if not found:
        log.line("types.go:60", "inference compute", fields, total=f"{total / 2**30:.1f} GiB")
    log.line("routes.go:2152", "vram-based default context", total_vram="0 B", default_num_ctx=4096)


def serve(version: str, binary: str) -> int:
    """Serve until a signal; 1 with Ollama's own words where it cannot start."""
    try:
        settings = environment.read(os.environ, os.path.expanduser("~"))
    except ValueError as error:
        sys.stderr.write(f"panic: {error}\n")
        return 2
    log.line("routes.go:2049", "server config", env=environment.shown(os.environ, settings))
    for fields in environment.warnings(os.environ):
        log.line("config.go:271", "invalid environment variable, using default", fields, level="WARN")
    try:
        os.makedirs(f"{settings.models}/blobs", exist_ok=True)
    except OSError as error:
        sys.stderr.write(f"Error: mkdir {error.filename}: {(error.strerror or '').lower()}\n")
        return 1
    asked = faults.asked(os.environ)
    if "refuse" in asked:
        sys.stderr.write("Error: this setting is one that the lab's server shall not start with\n")
        return 1
    handler = type("BoundHandler", (Handler,), {"runners": Runners(settings, version, binary)})
    host, port = settings.address.host, settings.address.port
    if "elsewhere" in asked:
        port += faults.ELSEWHERE
        settings = settings._replace(address=settings.address._replace(port=port))
    kind = type("Server", (http.server.ThreadingHTTPServer,), {
        "address_family": socket.AF_INET6 if ":" in host else socket.AF_INET,
        "request_queue_size": 1024,
        "daemon_threads": True,
    })  # fmt: skip
    try:
        server = kind((host, port), handler)
    except OSError as error:
        sys.stderr.write(f"Error: listen tcp {settings.address}: bind: {(error.strerror or '').lower()}\n")
        return 1

    def end(*_signal: Any) -> None:
        handler.runners.stop_all()
        os._exit(0)  # at once, as Go does: no thread is waited for

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    _announce(settings, version)
    server.serve_forever()
    return 0
