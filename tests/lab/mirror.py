# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve a folder at loopback as a mirror of releases that can fail, and log what is asked.

    mirror.py FOLDER [--port 8099] [--faults FOLDER/faults.json] [--log FOLDER/requests.jsonl]

The file of faults is read at each request: JSON, the fault by the end of a path, {"linux-amd64.tar.zst": "cut"}; the
first that fits holds, and "*" fits all. Faults: "missing" (404), "busy" (503), "checksum" (one byte differs), "cut" (it
never gives what is behind the half), "cut_once" (that, the first time), "short" (one byte too few is announced), "slow"
(100 kB a second), "stall" (the first 64 kB, then nothing), "no_range" (it always begins at the start), "redirect" (to
the same file at another path), "page" (a page of HTML with status 200, as of a portal). The log has a line of JSON for
each request: method, path, range, status, bytes.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import re
import sys
import threading
import time
from typing import Any, NamedTuple

CHUNK = 1 << 16
SLOW_BYTES_PER_SECOND = 100_000
ELSEWHERE = "/elsewhere"
PAGE = b"<!doctype html><title>Sign in</title><p>Sign in to use this network.</p>\n"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Settings(NamedTuple):
    """What is served, and where faults and log lie."""

    folder: str
    faults: str
    log: str


def fault_of(path: str, file: str) -> str:
    """The fault of a path by the file of faults; an empty text where there is none."""
    try:
        with open(file) as opened:
            faults = json.load(opened)
    except FileNotFoundError:
        return ""
    return next((str(fault) for end, fault in faults.items() if path.endswith(end) or end == "*"), "")


def part_asked(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None for a range that the file has not."""
    match = _RANGE.fullmatch(header or "")
    if match is None:
        return 0, size
    first, last = int(match[1]), int(match[2]) + 1 if match[2] else size
    return (first, min(last, size)) if first < min(last, size) else None


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; ``settings``, ``cut`` and ``ended`` hang on the class that make() derives."""

    settings: Settings
    cut: set[str]
    ended: threading.Event
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_args: Any) -> None:
        """Requests are logged by themselves."""

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        fault = fault_of(path, self.settings.faults)
        file = os.path.join(self.settings.folder, os.path.normpath("/" + path.removeprefix(ELSEWHERE)).lstrip("/"))
        if fault in {"missing", "busy"} or not os.path.isfile(file):
            self._text(503 if fault == "busy" else 404, b"no\n", body=body)
        elif fault == "redirect" and not path.startswith(ELSEWHERE):
            self._text(302, b"", body=body, Location=f"{ELSEWHERE}{path}")
        elif fault == "page":
            self._text(200, PAGE, body=body, Content_Type="text/html")
        else:
            with open(file, "rb") as opened:
                self._file(opened.read(), fault, path, body=body)

    def _text(self, status: int, text: bytes, *, body: bool, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        sent = self.wfile.write(text) if body else 0
        self._log(status, sent)

    def _file(self, data: bytes, fault: str, path: str, *, body: bool) -> None:
        size = len(data)
        if fault == "checksum":
            data = data[:-1] + bytes([data[-1] ^ 1])
        asked = part_asked(None if fault == "no_range" else self.headers.get("Range"), size)
        if asked is None:
            self._text(416, b"", body=body, Content_Range=f"bytes */{size}")
            return
        first, behind = asked
        status = 206 if self.headers.get("Range") and fault != "no_range" else 200
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{behind - 1}/{size}")
        if fault != "no_range":
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(behind - first - (fault == "short")))
        self.end_headers()
        sent = self._send(data[: self._end(size, behind, fault, path)], first, fault) if body else 0
        self._log(status, sent)

    def _end(self, size: int, behind: int, fault: str, path: str) -> int:
        """Behind which byte nothing is sent any more."""
        if fault == "cut" or (fault == "cut_once" and path not in self.cut):
            self.cut.add(path)
            self.close_connection = True
            return min(behind, size // 2)
        return behind - (fault == "short")

    def _send(self, data: bytes, first: int, fault: str) -> int:
        sent, began = 0, time.monotonic()
        while first + sent < len(data):
            try:
                sent += self.wfile.write(data[first + sent : first + sent + CHUNK])
            except OSError:
                break  # the client has had enough
            if fault == "stall":
                self.ended.wait()
            elif fault == "slow" and self.ended.wait(max(0.0, began + sent / SLOW_BYTES_PER_SECOND - time.monotonic())):
                break
        return sent

    def _log(self, status: int, sent: int) -> None:
        line = {"method": self.command, "path": self.path, "range": self.headers.get("Range")}
        with open(self.settings.log, "a") as file:
            file.write(json.dumps({**line, "status": status, "bytes": sent}) + "\n")


class Server(http.server.ThreadingHTTPServer):
    """A server whose slow answers end with it."""

    daemon_threads = True

    def __init__(self, settings: Settings, port: int) -> None:
        self.ended = threading.Event()
        attributes = {"settings": settings, "cut": set(), "ended": self.ended}
        super().__init__(("127.0.0.1", port), type("BoundHandler", (Handler,), attributes))

    def server_close(self) -> None:
        self.ended.set()
        super().server_close()


def make(folder: str, port: int = 0, faults: str = "", log: str = "") -> Server:
    """A server that is to be run with serve_forever(); by default its two files lie in the folder."""
    faults, log = faults or os.path.join(folder, "faults.json"), log or os.path.join(folder, "requests.jsonl")
    return Server(Settings(folder, faults, log), port)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--faults", default="")
    parser.add_argument("--log", default="")
    asked = parser.parse_args(arguments)
    with make(asked.folder, asked.port, asked.faults, asked.log) as server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
