# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy as a module meets it: what answers at its runtime socket, by a fake and by the program itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

HAPROXY = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="no haproxy")

_STATE = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight\n{}\n\n"
_STAT = "# pxname,svname,qcur,scur,status,tracked,type,\n{}\n\n"
BITS = {"ready": (2, 0), "starting": (1, 0), "down": (0, 0), "drained": (2, 8), "followed": (2, 16), "maint": (0, 1)}


class Fake:
    """A HAProxy of memory: ``rows`` are ``[backend, server, state, sessions, queued, tracked]``.

    ``said`` has what was set.
    """

    def __init__(self, rows):
        self.rows, self.said = [list(row) for row in rows], []

    def __call__(self, command):
        if command == "show servers state":
            lines = (f"3 {row[0]} 1 {row[1]} 127.0.0.1 {BITS[row[2]][0]} {BITS[row[2]][1]} 1" for row in self.rows)
            return _STATE.format("\n".join(lines))
        if command == "show stat":
            own = [f"{back},{name},{queued},{now},UP,{of},2," for back, name, _state, now, queued, of in self.rows]
            return _STAT.format("\n".join(["f,FRONTEND,,1,OPEN,,0,", *own, "servers,BACKEND,0,0,UP,,1,"]))
        self.said.append(command)
        _set, _server, place, _state, word = command.split()
        for row in self.rows:
            if f"{row[0]}/{row[1]}" == place or row[5] == place:
                row[2] = {"ready": "ready", "drain": "followed" if row[5] else "drained"}[word]
        return "\n"


@contextlib.contextmanager
def listening(path, answer):
    """A socket at a path that gives each connection ``answer(connection, command)``."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(8)

    def serve():
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                answer(connection, connection.recv(4096).decode().strip())

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


class Upstream:
    """A server of HTTP that sends the beginning of an answer, and its end once ``release`` is set."""

    def __init__(self):
        self.release, self._socket = threading.Event(), socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            if connection.recv(4096):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\na")
                self.release.wait(60)
                connection.sendall(b"b")

    def close(self):
        self.release.set()
        self._socket.close()


@contextlib.contextmanager
def running(upstreams, extra=""):
    """HAProxy before servers ``{name: port}``, with a second backend that tracks them; its socket and its port."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        own = "\n".join(f"  server {name} 127.0.0.1:{at} check inter 100" for name, at in upstreams.items())
        tracked = "\n".join(f"  server {name} 127.0.0.1:{at} track servers/{name}" for name, at in upstreams.items())
        config = Path(folder) / "haproxy.cfg"
        config.write_text(
            f"global\n  stats socket {folder}/admin.sock mode 600 level admin\n"
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
            f"frontend f\n  bind 127.0.0.1:{port}\n  default_backend model-1\n"
            f"backend servers\n{own}\nbackend model-1\n{tracked}\n{extra}",
            encoding="utf-8",
        )
        process = subprocess.Popen([HAPROXY, "-db", "-f", str(config)], stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 20
            # A connection to a port of one's own that nobody listens at may succeed with itself.
            while not (Path(folder) / "admin.sock").exists() or not _listens(port):
                assert time.monotonic() < until, "HAProxy did not start"
            yield f"{folder}/admin.sock", port
        finally:
            process.kill()
            process.wait()


def _listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def begun(port):
    """A request through HAProxy whose answer has begun."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    read = b""
    while not read.endswith(b"\r\n\r\na"):
        read += connection.recv(4096)
    return connection
