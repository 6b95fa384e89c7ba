# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real HAProxy with the configuration of the role, in front of small servers."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._gateway import places
from ansible_collections.inference.ollama.plugins.module_utils._gateway.runtime import asker
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.make import gateway_files, gateway_keys

SECONDS = 10
ALICE, ROOT, SOME = "alice-0123456789-0123456789", "root-0123456789-0123456789", "some-0123456789-0123456789"
KEYS = (
    {"name": "alice", "key": ALICE},
    {"name": "root", "sha256": hashlib.sha256(ROOT.encode()).hexdigest(), "admin": True},
    {"name": "some", "key": SOME, "models": ["llama3.2", "hf.co/user/model:Q4"]},
)
DEFAULTS = {name.removeprefix("gateway_"): option.default for name, option in load().gateway_options.items()}


def options(**values):
    """The variables of the role without their prefix."""
    return {**DEFAULTS, **values}


def made(keys=KEYS, **values):
    """What the decider makes of servers that are named in ``upstreams``."""
    return gateway_files(options(**values), keys, "gw", {"names": []})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def haproxy():
    """The program; where it is missing the test is skipped, but not where all tests count."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if found is None and not os.environ.get("CI"):
        pytest.skip("haproxy is not installed")
    assert found, "haproxy is not installed: apt-get install haproxy"
    return found


class Seen(list):
    """The requests that a server has had: ``{server, line, headers, body}``."""

    def wait(self, count):
        until = time.monotonic() + SECONDS
        while len(self) < count:
            assert time.monotonic() < until, f"{len(self)} of {count} requests arrived"
            threading.Event().wait(0.01)


class Handler(http.server.BaseHTTPRequestHandler):
    """Notes each request but those for its health, and answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seen, name, answer = None, "", None

    def do_POST(self):
        body = self._body()
        checked = self.path == "/api/version" and self.headers.get("X-Ollama-Key-Name") is None
        if not checked:
            lines = [(key.lower(), value) for key, value in self.headers.items()]
            self.seen.append({"server": self.name, "line": self.requestline, "headers": lines, "body": body})
        if self.answer is None or not self.answer(body):
            self.reply(200, {"server": self.name})

    do_GET = do_HEAD = do_DELETE = do_PUT = do_OPTIONS = do_TRACE = do_PROPFIND = do_POST  # noqa: N815 - http.server's

    def reply(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *_args):
        """Requests are not logged."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args):
        """A connection that the gateway closes is no error."""


@contextlib.contextmanager
def server(seen, name="one", answer=None):
    """A server on loopback; ``answer``, called with its handler and the body, may answer, and is true where it has."""
    handler = type("Handler", (Handler,), {"seen": seen, "name": name, "answer": answer})
    httpd = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield httpd.server_port
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


class Gateway:
    """A running gateway: its port, its folder, what it has logged."""

    def __init__(self, folder: Path, port: int, short: str):
        self.folder, self.port = folder, port
        self.socket, self.state = f"{short}/admin.sock", str(folder / "servers.state")
        self.process = None

    def write(self, found, keys=KEYS):
        """Write the files as the role does, with places that a test may write."""
        assert found["refusals"] == []
        for path, text in {**found["files"], places.GATEWAY_KEYS: gateway_keys(keys)}.items():
            if path.startswith(places.GATEWAY_FOLDER):
                (self.folder / Path(path).name).write_text(text, encoding="utf-8")
        config = self.folder / "haproxy.cfg"
        text = config.read_text(encoding="utf-8")
        text = text.replace(places.GATEWAY_SOCKET, self.socket).replace(places.GATEWAY_STATE, self.state)
        config.write_text(re.sub(r"^    (user|group|chroot) .*\n", "", text, flags=re.MULTILINE), encoding="utf-8")

    def start(self):
        config = str(self.folder / "haproxy.cfg")
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([haproxy(), "-W", "-f", config], stdout=log, stderr=log)
        self.wait()

    def wait(self):
        """Wait until the configuration that is written is in force, and the servers are seen."""
        wanted = re.search("description (.*)", (self.folder / "haproxy.cfg").read_text(encoding="utf-8"))[1]
        until = time.monotonic() + SECONDS
        while True:
            with contextlib.suppress(Exception):
                answer = asker(self.socket)("show info")
                if f"\ndescription: {wanted}\n" in answer and self._listens_to_signals():
                    return
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            threading.Event().wait(0.01)

    def _listens_to_signals(self):
        """Whether the master acts on a signal: one that comes before is lost, as it is not under systemd."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        masks = {name: int(re.search(rf"{name}:\s+(\w+)", status)[1], 16) for name in ("SigCgt", "SigBlk")}
        return bool(masks["SigCgt"] & ~masks["SigBlk"] & 1 << (signal.SIGUSR2 - 1))

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(SECONDS)

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def ask(self, path, body=None, *, key=ALICE, method=None, headers=None, chunked=False):  # noqa: PLR0913 - a request has as many parts
        """The status, the headers and the body of an answer; a body that is not bytes is sent as JSON."""
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        connection = self.connect()
        try:
            sent = {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
            # What is refused early is answered before all of it was sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                method = method or ("GET" if body is None else "POST")
                connection.request(method, path, data, sent, encode_chunked=chunked)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def status(self, *args, **kwargs):
        return self.ask(*args, **kwargs)[0]

    def raw(self, data):
        """All that comes back for these bytes, until the gateway closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as connection:
            connection.sendall(data)
            parts = []
            with contextlib.suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    parts.append(part)
            return b"".join(parts)


@contextlib.contextmanager
def running(folder: Path, ports, keys=KEYS, **values):
    """A gateway in front of servers at these ports."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    # The path of a socket has 107 bytes (unix(7)), and a test's folder may have as many.
    short = tempfile.mkdtemp(prefix="gw", dir="/tmp")
    gateway = Gateway(folder, port, short)
    servers = [
        {"host": f"h{number}", "address": "127.0.0.1", "port": each} if isinstance(each, int) else each
        for number, each in enumerate(ports, 1)
    ]
    values = {"bind": f"127.0.0.1:{port}", "metrics_bind": "", "upstreams": servers, **values}
    gateway.write(made(keys, **values), keys)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.stop()
        shutil.rmtree(short)
