# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of files on this machine that does to a request what a test says: cuts, hangs, redirects, lies."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading

from ansible_collections.inference.ollama.tests.unit.support.web import serving_by


class Files:
    """What a server has, and what it does to the requests, in their order; then it behaves.

    A fault is a function that is called with the connection and the file's bytes. Every request is in ``asked``, as
    (method, path, headers).
    """

    def __init__(self, files=None, *faults, ranges=True, tag='"1"'):
        self.files, self.faults = dict(files or {}), list(faults)
        self.ranges, self.tag = ranges, tag
        self.asked, self.over = [], threading.Event()

    def answer(self, handler):
        path = handler.path.partition("?")[0]
        self.asked.append((handler.command, handler.path, dict(handler.headers)))
        data = self.files.get(path)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            fault(handler, data)
        elif data is None:
            send(handler, 404, b"no such file")
        else:
            self.behave(handler, data)

    def behave(self, handler, data):
        wanted = re.fullmatch("bytes=([0-9]+)-([0-9]*)", handler.headers.get("Range", ""))
        begin = int(wanted[1]) if wanted and self.ranges else 0
        same = handler.headers.get("If-Range") in (None, self.tag)
        tags = {"ETag": self.tag} if self.tag else {}
        if not (wanted and self.ranges and same):
            send(handler, 200, data, tags)
        elif begin >= len(data):
            send(handler, 416, b"")
        else:
            end = int(wanted[2]) + 1 if wanted[2] else len(data)
            send(handler, 206, data[begin:end], {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}", **tags})


def send(handler, status, data, headers=None, length=None):
    """Send an answer that says it has ``length`` bytes."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(data) if length is None else length))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(data)


def cut(at, headers=None):
    """End the answer after so many bytes."""
    return lambda handler, data: send(
        handler, 200, data[:at], {"ETag": '"1"'} if headers is None else headers, len(data)
    )


def status(number, headers=None):
    """Answer with a status."""
    return lambda handler, _data: send(handler, number, b"", headers)


def redirect(url):
    """Lead elsewhere."""
    return status(302, {"Location": url})


def hang(files, begin=b""):
    """Say the beginning and then nothing until the test is over."""

    def hanging(handler, _data):
        handler.wfile.write(begin)
        handler.wfile.flush()
        files.over.wait(20)
        handler.close_connection = True

    return hanging


@contextlib.contextmanager
def serving_files(files):
    """The address of a server with these files."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            files.answer(self)

        do_HEAD = do_GET  # noqa: N815 - so http.server calls it

        def log_message(self, *_args):
            """Requests are not logged."""

    with serving_by(Handler, files.over) as url:
        yield url
