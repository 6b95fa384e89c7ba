# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let through to which endpoint, asked of a real HAProxy with the configuration of the role."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.routes import (
    INFERENCE,
    MANAGEMENT,
    READ,
    ROUTES,
)
from ansible_collections.inference.ollama.tests.unit.support.gateway import ALICE, ROOT, Seen, running, server

CHAT = {"model": "m", "messages": []}
EVIL = "evil.example.org"


@pytest.fixture(scope="module")
def seen():
    return Seen()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, seen):
    values = {"server_names": ["llm.example.org"], "request_timeout": 1}
    with server(seen) as port, running(tmp_path_factory.mktemp("gw"), [port], **values) as found:
        yield found


@pytest.fixture(autouse=True)
def forget(seen):
    seen.clear()


@pytest.mark.parametrize("key", [None, "", "nobody-0123456789-0123456789", ALICE[:-1], f"{ALICE}x", ALICE.upper(), "*"])
def test_without_a_right_key_nothing_is_let_through(gateway, seen, key):
    """A key that is missing, empty or not whole is answered with 401, in Ollama's own form."""
    status, headers, body = gateway.ask("/api/chat", CHAT, key=key)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert "a key is needed" in json.loads(body)["error"]
    assert seen == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"bearer  {ALICE}"},
        {"x-api-key": ALICE},
        {"X-API-KEY": ALICE, "Authorization": f"Bearer {ALICE}"},
    ],
    ids=["bearer", "x-api-key", "both"],
)
def test_a_key_comes_in_either_header(gateway, seen, headers):
    """Clients of OpenAI send Authorization, those of Anthropic x-api-key, some both; no server sees any of them."""
    assert gateway.status("/v1/messages", CHAT, key=None, headers=headers) == 200
    assert not {"authorization", "x-api-key"} & dict(seen[0]["headers"]).keys()
    assert dict(seen[0]["headers"])["x-ollama-key-name"] == "alice"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Basic {ALICE}"},
        {"Authorization": f"Bearer {ALICE} {ALICE}"},
        {"Authorization": f"Bearer {ALICE},Bearer {ROOT}"},
        {"Authorization": ALICE},
        {"x-api-key": f"Bearer {ALICE}"},
        {"x-api-key": ALICE, "Authorization": f"Bearer {ROOT}"},
        {"x-api-key": ALICE, "Authorization": "Basic eDp5"},
        {"x-api-key": "nobody-0123456789-0123456789", "Authorization": f"Bearer {ALICE}"},
    ],
)
def test_what_is_not_one_key_in_its_form_is_refused(gateway, seen, headers):
    """Another scheme, two keys, and headers that contradict each other let nobody through."""
    assert gateway.status("/api/chat", CHAT, key=None, headers=headers) == 401
    assert seen == []


@pytest.mark.parametrize("name", ["Authorization: Bearer", "x-api-key:"])
def test_a_header_that_is_there_twice_is_refused(gateway, seen, name):
    """Two lines could mean two keys, of which only one is looked at."""
    lines = f"{name} {ALICE}\r\n" * 2
    answer = gateway.raw(
        f"GET /api/tags HTTP/1.1\r\nHost: llm.example.org\r\n{lines}Connection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert seen == []


def requests_of(kind):
    return [(method, route.path) for route in ROUTES if route.kind == kind for method in route.methods]


@pytest.mark.parametrize(("method", "path"), [*requests_of(INFERENCE), *requests_of(READ)])
def test_any_key_may_ask_models_and_read(gateway, seen, method, path):
    """What answers, and what tells what a server has, is open to each key without limits."""
    path = f"{path}m" if path.endswith("/models/") else path
    assert gateway.status(path, CHAT if method == "POST" else None, method=method) == 200
    assert seen[0]["line"] == f"{method} {path} HTTP/1.1"


UNKNOWN = [
    *(("POST", path) for path in ("/api/new", "/api//pull", "/api/./pull", "/API/pull", "/api/pull/", "/api/%70ull")),
    *(("GET", path) for path in ("/debug/pprof/", "/v1", "/v1/models/a/b", "/api/chat", "//api/tags", "/api/tags;x")),
    *((method, "/api/chat") for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND")),
    ("HEAD", "/api/ps"),
    ("DELETE", "/api/tags"),
]


@pytest.mark.parametrize(("method", "path"), [*requests_of(MANAGEMENT), *UNKNOWN])
def test_everything_else_needs_an_admin_key(gateway, seen, method, path):
    """What changes what a server has, and what nobody knows, is closed to other keys and open to an admin's."""
    assert gateway.status(path, b"" if method == "POST" else None, method=method) == 403
    assert seen == []
    assert gateway.status(path, b"" if method == "POST" else None, method=method, key=ROOT) == 200
    assert seen[0]["line"] == f"{method} {path} HTTP/1.1"


@pytest.mark.parametrize("host", ["llm.example.org", "LLM.example.org:8080", "127.0.0.1:1", "localhost"])
def test_own_names_are_served(gateway, seen, host):
    """The names that the operator has named, and the address itself, with any port; a server sees one that it takes."""
    assert gateway.status("/api/tags", headers={"Host": host, "Origin": f"http://{EVIL}"}) == 200
    headers = dict(seen[0]["headers"])
    assert headers["host"] == "localhost"
    assert "origin" not in headers


@pytest.mark.parametrize(
    "host", [EVIL, f"llm.example.org.{EVIL}", f"x@{EVIL}", "", "127.0.0.2", "llm.example.org:80:80"]
)
def test_other_names_are_misdirected(gateway, seen, host):
    """A web page that has its own name resolved to the gateway's address gets 421, key or not (DNS rebinding)."""
    assert gateway.status("/api/tags", headers={"Host": host}) == 421
    assert seen == []


@pytest.mark.parametrize(
    "request_line",
    [
        f"GET http://{EVIL}/api/tags HTTP/1.1\r\nHost: llm.example.org",
        f"GET http://llm.example.org/api/tags HTTP/1.1\r\nHost: {EVIL}",
        f"GET /api/tags HTTP/1.1\r\nHost: llm.example.org\r\nHost: {EVIL}",
        "GET /api/tags HTTP/1.1",
        "GET api/tags HTTP/1.1\r\nHost: llm.example.org",
        "OPTIONS * HTTP/1.1\r\nHost: llm.example.org",
        f"CONNECT {EVIL}:443 HTTP/1.1\r\nHost: {EVIL}:443",
        f"GET /api/tags HTTP/1.1\r\nHost: llm.example.org\0.{EVIL}",
        f"GET /api/tags HTTP/1.1\r\nHost: 127.0.0.1\0{EVIL}",
    ],
)
def test_a_second_name_in_a_request_is_no_way_round(gateway, seen, request_line):
    """A request whose line and header name two hosts, or none, is refused, with the right key too."""
    answer = gateway.raw(f"{request_line}\r\nAuthorization: Bearer {ROOT}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 421 "))
    assert seen == []


def test_a_request_line_with_the_own_name_reaches_no_server_with_it(gateway, seen):
    """A server would take the host from the absolute form; it is refused, as by HAProxy 2.6, or goes on without."""
    line = "GET http://llm.example.org/api/tags?x=1 HTTP/1.1\r\nHost: llm.example.org\r\nConnection: close"
    answer = gateway.raw(f"{line}\r\nAuthorization: Bearer {ALICE}\r\n\r\n".encode())
    assert (b" 400 " in answer) == (seen == [])
    assert [each["line"] for each in seen] in ([], ["GET /api/tags?x=1 HTTP/1.1"])


SMUGGLED = "GET /api/delete HTTP/1.1\r\nHost: localhost\r\n\r\n"
FRAMES = {
    "length and chunks": f"Content-Length: {len(SMUGGLED)}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "chunks and length": f"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "two lengths": f"Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "list of lengths": f"Content-Length: 0, {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "length with sign": f"Content-Length: +{len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "other coding": f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "coding in a list": f"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "two codings": f"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "blank before colon": f"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "tab in the value": f"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "folded": f"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "chunk with sign": f"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n{SMUGGLED}",
    "long chunk size": f"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n{SMUGGLED}",
    "extension with newline": f"Transfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n{SMUGGLED}",
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_no_second_request_is_smuggled(gateway, seen, frame):
    """Whatever a request says of its length, a server sees none that has had no key."""
    head = f"POST /api/chat HTTP/1.1\r\nHost: llm.example.org\r\nAuthorization: Bearer {ALICE}\r\n"
    last = (
        f"GET /api/ps HTTP/1.1\r\nHost: llm.example.org\r\nAuthorization: Bearer {ALICE}\r\nConnection: close\r\n\r\n"
    )
    gateway.raw(f"{head}{frame}{last}".encode("latin-1"))
    assert {each["line"] for each in seen} <= {"POST /api/chat HTTP/1.1", "GET /api/ps HTTP/1.1"}
    assert gateway.status("/api/tags") == 200


def test_a_long_header_is_refused(gateway, seen):
    """What a client may send beside a body has a limit."""
    assert gateway.status("/api/tags", headers={"X-Long": "x" * 20_000}) == 431
    assert seen == []


def test_the_log_has_the_name_of_the_key_and_never_the_key(gateway):
    """A line tells who asked which model, how it ended and how long it took; a key or a query is in none."""
    gateway.ask("/api/chat?api_key=query-secret", {"model": 'm" key="root', "messages": ["body-secret"]})
    gateway.ask("/api/chat", CHAT, key="wrong-secret-0123456789-0123")
    text = gateway.log()
    assert 'key="alice" method=POST path="/api/chat" model="m\\" key=\\"root" status=200' in text
    assert "server=servers/h1:ollama" in text
    assert not [secret for secret in (ALICE, ROOT, "query-secret", "body-secret", "wrong-secret") if secret in text]


def test_path_that_nobody_needs_is_refused(gateway, seen):
    """A limit of its own, since a buffer takes bodies of hundreds of kilobytes."""
    assert gateway.status(f"/api/tags?{'a' * 9000}") == 414
    assert seen == []
