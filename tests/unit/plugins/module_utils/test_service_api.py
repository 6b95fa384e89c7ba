# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API, asked over a real socket: answers, garbage, redirects, and servers that never end."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.api import check_url, fetcher, read_api
from ansible_collections.inference.ollama.tests.unit.support.processes import API, Planted, fetch
from ansible_collections.inference.ollama.tests.unit.support.web import respond, serving


@pytest.fixture
def serve():
    """Start a server that answers a path with (status, headers, body), or by a function of the connection."""
    with contextlib.ExitStack() as servers:

        def serve(answers):
            def answer(handler, posted):
                reply = answers.get(handler.path, (404, {}, b"404 page not found"))
                if callable(reply):
                    reply(*([handler] if posted is None else [handler, posted]))
                    return
                status, headers, body = reply
                respond(handler, status, body, headers)

            return servers.enter_context(serving(answer))

        yield serve


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
        (lambda handler: handler.wfile.write(b"hello\r\n\r\n"), "is not HTTP"),
        (lambda _handler: None, "is not HTTP"),
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
    outcome = fetcher(0.2)(f"{url}/api/version")
    end.set()
    assert outcome == (None, f"{url}/api/version: it did not answer within 0.2 s")


def test_what_is_posted(serve):
    """A body goes as JSON, and the answer comes as it does otherwise; without one it is asked for."""
    seen = []

    def answer(handler, posted=None):
        seen.append((handler.command, handler.headers["Content-Type"], posted))
        respond(handler, 200, {"done": True})

    url = serve({"/api/generate": answer})
    assert fetcher(10)(f"{url}/api/generate", {"model": "\u00e4", "keep_alive": 0}) == ({"done": True}, None)
    assert fetcher(10)(f"{url}/api/generate", {}) == ({"done": True}, None)
    assert fetcher(10)(f"{url}/api/generate") == ({"done": True}, None)
    assert seen == [
        ("POST", "application/json", {"model": "\u00e4", "keep_alive": 0}),
        ("POST", "application/json", {}),
        ("GET", "application/json", None),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "model \'x\' not found"}', ": model 'x' not found"),
        (b'{"error": "a\\ud800b"}', ": a\\ud800b"),
        (b'{"error": "' + b"x" * 900 + b'"}', ": " + "x" * 300),
        (b'{"error": {"message": "x"}}', ""),
        (b'{"error": 1}', ""),
        (b"{}", ""),
        (b"[]", ""),
        (b"null", ""),
        (b"404 page not found", ""),
        (b"\xff", ""),
        (b"[" * 100000, ""),
        (b"", ""),
    ],
)
def test_the_words_of_an_error(serve, body, words):
    """What the server says of it comes after the status; what is no text of Ollama's is left out."""
    url = serve({"/api/generate": (404, {}, body)})
    _said, problem = fetcher(10)(f"{url}/api/generate", {"model": "x"})
    assert problem == f"{url}/api/generate: it answered with status 404, expected 200{words}"


def test_an_error_whose_words_end_too_soon(serve):
    """The status is reported anyway."""
    url = serve({"/api/generate": (500, {"Content-Length": "900"}, b'{"error": "x')})
    _said, problem = fetcher(10)(f"{url}/api/generate", {"model": "x"})
    assert problem == f"{url}/api/generate: it answered with status 500, expected 200"


def test_nobody_listens():
    """A refused connection is a problem, and the second request is not sent."""
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
        {
            "name": "a\\ud800",
            **dict.fromkeys(["digest", "size_bytes", "size_vram_bytes", "context_length", "expires_at"]),
        }
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


@pytest.mark.parametrize("entry", [{}, {"name": "a", "size": 1, "size_vram": 1}])
def test_a_list_without_end_is_read_up_to_a_limit(entry):
    """No host has more than a thousand models in memory; the rest is counted and not read."""
    root = Planted({})
    said = {"/api/version": {"version": "1"}, "/api/ps": {"models": [entry] * 20000}}
    assert len(read_api(root, fetch(said), "http://h")["models"]) == 1000
    assert root.problems[0] == "http://h/api/ps: it names 20000 models, of which the first 1000 were read"


def test_an_answer_that_only_begins_ends(hold):
    """A server that promises an answer without end is left, and its connection closed, so that no thread goes on."""
    before = threading.active_count()
    port = hold(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    said, problem = fetcher(0.3)(f"http://127.0.0.1:{port}/api/version")
    assert (said, "did not answer within 0.3 s" in problem) == (None, True)
    end = time.monotonic() + 10
    while threading.active_count() > before + 1 and time.monotonic() < end:
        select.select([], [], [], 0.01)
    assert threading.active_count() <= before + 1


@pytest.fixture
def hold():
    """Send the same without end to whoever connects; return the port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def start(data):
        def send():
            with contextlib.suppress(OSError):
                client, _address = listening.accept()
                with client:
                    while True:
                        client.sendall(data)

        threading.Thread(target=send, daemon=True).start()
        return listening.getsockname()[1]

    yield start
    listening.close()
