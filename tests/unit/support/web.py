# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers on this machine: one with the answers that a test gives it, and one that answers as Ollama does."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from datetime import datetime, timedelta, timezone


@contextlib.contextmanager
def serving(answer):
    """The address of a server; ``answer`` is called with the connection and what was posted, None for GET."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self, None)

        def do_POST(self):
            answer(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, *_args):
            """Requests are not logged."""

    with serving_by(Handler) as url:
        yield url


@contextlib.contextmanager
def serving_by(handler, over=None):
    """The address of a server with this handler of requests; the event ``over`` is set before it ends."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    # It answers no sooner for looking often, and ends no later.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        if over is not None:
            over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def respond(handler, status, body, headers=None):
    """Send an answer; what is not bytes as JSON."""
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())


class Ollama:
    """A server that has room for some models; loading one more takes out the oldest.

    ``memory`` maps names to entries of /api/ps, ``posted`` is what was posted, ``embedding`` the models that only
    embed, ``broken`` maps a name to a status and a body in place of an answer, None for a closed connection.
    """

    def __init__(self, room=1, embedding=(), broken=None):
        self.room, self.embedding, self.broken = room, embedding, broken or {}
        self.memory, self.posted = {}, []

    def holds(self, name, *, seconds=600, context=4096):
        """Put a model into memory, as a request would; None for ever."""
        end = datetime(2318, 1, 1, tzinfo=timezone.utc)
        if seconds is not None:
            end = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        self.memory[name] = {
            "name": name,
            "model": name,
            "size": 100,
            "size_vram": 0,
            "digest": "5",
            "expires_at": end.isoformat().replace("+00:00", "Z"),
            "context_length": context,
        }
        while len(self.memory) > self.room:
            del self.memory[next(iter(self.memory))]

    def __call__(self, handler, posted):
        if posted is None:
            answers = {"/api/version": {"version": "0.34.1"}, "/api/ps": {"models": list(self.memory.values())}}
            respond(handler, 200, answers[handler.path])
            return
        self.posted.append((handler.path, posted))
        name = posted["model"] if ":" in posted["model"] else f"{posted['model']}:latest"
        if name in self.broken:
            if self.broken[name] is not None:
                respond(handler, *self.broken[name])
            return
        stays = posted["keep_alive"]
        if stays == 0:
            self.memory.pop(name, None)
        elif isinstance(stays, str) and stays.lstrip("-").isdigit():
            # api/types.go, Duration: a text is read by time.ParseDuration, which wants a unit.
            respond(handler, 400, {"error": f'time: missing unit in duration "{stays}"'})
            return
        elif handler.path == "/api/generate" and name in self.embedding:
            respond(handler, 400, {"error": f'"{name}" does not support generate'})
            return
        else:
            seconds = {"10m": 600}.get(stays, stays)
            self.holds(name, seconds=None if seconds < 0 else seconds, context=posted["options"].get("num_ctx", 4096))
        respond(handler, 200, {"done": True})
