# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API, asked over a real socket: answers, garbage, redirects, and servers that never end."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.api import check_url, fetcher, read_api
from ansible_collections.inference.ollama.tests.unit.support.processes import API, Planted, fetch


@pytest.fixture
def serve():
    """Start a server that answers a path with (status, headers, body), or by a function of the connection."""
    servers = []

    def serve(answers):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                said = answers.get(self.path, (404, {}, b"404 page not found"))
                if callable(said):
                    said(self)
                    return
                status, headers, body = said
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args):
                """Requests are not logged."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        # It answers no sooner for looking often, and ends no later.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_real_server(serve, monkeypatch):
    """Release and models come over HTTP, whatever proxy the environment names."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    url = serve({path: (200, {}, json.dumps(body).encode()) for path, body in API.items()})
    root = Planted({})
    found = read_api(root, fetcher(10), f"{url}/")
    assert (found["url"], found["version"], root.problems) == (f"{url}/", "0.34.1", [])
    assert found["models"][0]["size_vram_bytes"] == 5000000000


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((500, {}, b"{}"), "it answered with status 500, expected 200"),
        ((302, {"Location": "/api/other"}, b""), "it answered with status 302, expected 200"),
        ((200, {}, b"<html>"), "it answered with '<html>', expected JSON"),
        ((200, {}, b"\xff\xfe"), "expected JSON"),
        ((200, {}, b"[" * 100000), "expected JSON"),
        ((200, {}, b" " * (1 << 20) + b"{}"), "it answered with more than 1048576 bytes"),
        ((200, {"Content-Length": "100"}, b"{}"), "its answer ended 98 bytes too soon"),
        (lambda handler: handler.wfile.write(b"hello\r\n\r\n"), "is no HTTP"),
        (lambda _handler: None, "is no HTTP"),
    ],
)
def test_answers_that_are_none(serve, answer, problem):
    """Each is a sentence with the address, and nothing is guessed."""
    url = serve({"/api/version": answer, "/api/other": (200, {}, b'{"version": "1.2.3"}')})
    root = Planted({})
    found = read_api(root, fetcher(10), url)
    assert (found["version"], found["models"]) == (None, None)
    assert len(root.problems) == 1
    assert problem in root.problems[0]
    assert root.problems[0].startswith(f"{url}/api/version: ")


def test_a_server_that_never_ends(serve):
    """A byte now and then is no answer in time."""
    end = threading.Event()

    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not end.wait(0.02):
            handler.wfile.write(b"x")

    url = serve({"/api/version": drip})
    said = fetcher(0.2)(f"{url}/api/version")
    end.set()
    assert said == (None, f"{url}/api/version: it did not answer within 0.2 s")


def test_nobody_listens():
    """A refused connection is a sentence, and the second question is not asked."""
    root = Planted({})
    assert read_api(root, fetcher(10), "http://127.0.0.1:1")["models"] is None
    assert len(root.problems) == 1
    assert "it cannot be reached" in root.problems[0]


@pytest.mark.parametrize(
    ("answers", "version", "models", "problems"),
    [
        ({"/api/version": [], "/api/ps": {"models": None}}, None, [], 1),
        ({"/api/version": {"version": "a b"}, "/api/ps": {"models": []}}, None, [], 1),
        ({"/api/version": {"version": "1.0"}, "/api/ps": {}}, "1.0", None, 1),
        ({"/api/version": {"version": "1.0"}, "/api/ps": None}, "1.0", None, 1),
        ({"/api/version": {"version": "1.0"}, "/api/ps": {"models": [1]}}, "1.0", [], 0),
    ],
)
def test_other_json(answers, version, models, problems):
    """JSON of another shape is a hole with a reason."""
    root = Planted({})
    found = read_api(root, fetch(answers), "http://h")
    assert (found["version"], found["models"], len(root.problems)) == (version, models, problems)


def test_models_with_values_that_cannot_be():
    """What is no count is null; halves of characters do not break what is printed."""
    model = {"name": "a\ud800", "size": True, "size_vram": -1, "context_length": 1 << 70, "digest": 5}
    root = Planted({})
    found = read_api(root, fetch({"/api/version": {"version": "1"}, "/api/ps": {"models": [model]}}), "http://h")
    assert found["models"] == [
        {"name": "a?", **dict.fromkeys(["digest", "size_bytes", "size_vram_bytes", "context_length", "expires_at"])}
    ]
    assert len(root.problems) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:11434", "https://h", "http://[::1]:11434/", "http://h/prefix"])
def test_addresses(url):
    """Names, addresses of both families, ports and prefixes."""
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h:1",
        "ftp://h",
        "http://",
        "http://h:x",
        "http://h:99999",
        "http://[",
        "http://h/?a",
        "http://h h",
        "file:///etc",
    ],
)
def test_what_is_no_address(url):
    """It is refused before anything is asked."""
    with pytest.raises(OllamaError, match="allowed is"):
        check_url(url)


def test_an_address_with_a_password_is_not_repeated():
    """The refusal does not hold the password."""
    with pytest.raises(OllamaError) as refused:
        check_url("http://me:geheim@h:x")
    assert "geheim" not in str(refused.value)
