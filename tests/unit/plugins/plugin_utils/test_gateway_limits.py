# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits, queues, health, reloads and TLS of a real HAProxy with the configuration of the role."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import select
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._gateway import keeper
from ansible_collections.inference.ollama.plugins.module_utils._gateway.runtime import asker
from ansible_collections.inference.ollama.tests.unit.support.gateway import (
    ALICE,
    KEYS,
    SECONDS,
    Seen,
    free_port,
    made,
    running,
    server,
)

CHAT = {"model": "m"}
BOB = "bob-0123456789-0123456789-0"
LIMITED = [
    {"name": "alice", "key": ALICE},
    {"name": "few", "key": f"few-{BOB}", "requests": 2},
    {"name": "slow", "key": f"slow-{BOB}", "rate": 3},
    {"name": "first", "key": f"first-{BOB}", "priority": 1},
    {"name": "last", "key": f"last-{BOB}", "priority": 9},
]


class Held:
    """A server's answers that wait until they are let go."""

    def __init__(self):
        self.gate = threading.Event()

    def answer(self):
        def answer(handler, _body):
            if handler.path != "/api/version":
                assert self.gate.wait(SECONDS)
            return False

        return answer


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def held(seen):
    gate = Held()
    with server(seen, answer=gate.answer()) as port:
        gate.port = port
        try:
            yield gate
        finally:
            gate.gate.set()


def until(condition):
    """Wait until something is so, and return it."""
    end = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < end
        threading.Event().wait(0.01)
    return found


def stat(gateway, proxy, name, column):
    """A number of HAProxy's statistics."""
    head, *rows = asker(gateway.socket)("show stat").splitlines()
    for row in rows:
        fields = dict(zip(head.lstrip("# ").split(","), row.split(",")))
        if (fields.get("pxname"), fields.get("svname")) == (proxy, name):
            return fields[column]
    return None


def later(moment):
    return time.monotonic() > moment


def queued(gateway, proxy="servers"):
    return int(stat(gateway, proxy, "BACKEND", "qcur"))


@pytest.fixture
def asking():
    with ThreadPoolExecutor(16) as pool:
        yield lambda gateway, *args, **kwargs: pool.submit(gateway.ask, *args, **kwargs)


def test_a_full_queue_answers_at_once(tmp_path, held, seen, asking):
    """Requests beyond the slots wait here and not at the server; one more than may wait gets 503 with Retry-After."""
    rows = [{"host": "h1", "address": "127.0.0.1", "port": held.port, "slots": 2}]
    with running(tmp_path, rows, LIMITED, queue=2) as gateway:
        answers = [asking(gateway, "/api/chat", CHAT) for _ in range(4)]
        until(lambda: queued(gateway) == 2)
        status, headers, body = gateway.ask("/api/chat", CHAT)
        assert (status, headers["retry-after"]) == (503, "5")
        assert "as many requests wait as may" in json.loads(body)["error"]
        assert len(seen) == 2
        # What is about no model waits for no slot.
        held.gate.set()
        assert [answer.result()[0] for answer in answers] == [200] * 4
        assert len(seen) == 4


def test_without_a_queue_no_request_waits(tmp_path, held, seen, asking):
    """With 0 a request is taken where a slot is free, and answered with 503 where none is."""
    with running(tmp_path, [held.port], LIMITED, queue=0) as gateway:
        answer = asking(gateway, "/api/chat", CHAT)
        seen.wait(1)
        assert gateway.status("/api/chat", CHAT) == 503
        assert gateway.status("/api/version") == 200
        held.gate.set()
        assert answer.result()[0] == 200


def test_a_request_waits_so_long_and_no_longer(tmp_path, held, seen, asking):
    """After its time in the queue it is answered with 503 and Retry-After."""
    with running(tmp_path, [held.port], LIMITED, queue_timeout=1) as gateway:
        first = asking(gateway, "/api/chat", CHAT)
        seen.wait(1)
        start = time.monotonic()
        status, headers, body = gateway.ask("/api/chat", CHAT)
        assert 0.9 < time.monotonic() - start < SECONDS
        assert (status, headers["retry-after"]) == (503, "5")
        assert "no server is free in time" in json.loads(body)["error"]
        held.gate.set()
        assert first.result()[0] == 200


def test_who_comes_first_in_the_queue(tmp_path, held, seen, asking):
    """A key of a better class is served before others that have waited longer."""
    with running(tmp_path, [held.port], LIMITED) as gateway:
        answers = [asking(gateway, "/api/chat", CHAT)]
        seen.wait(1)
        for number, name in enumerate(("last", "alice", "first"), 1):
            key = ALICE if name == "alice" else f"{name}-{BOB}"
            answers.append(asking(gateway, "/api/chat", CHAT, key=key))
            until(lambda number=number: queued(gateway) == number)
        held.gate.set()
        assert [answer.result()[0] for answer in answers] == [200] * 4
    assert [dict(each["headers"])["x-ollama-key-name"] for each in seen] == ["alice", "first", "alice", "last"]


def test_a_key_has_so_many_requests_under_way(tmp_path, held, seen, asking):
    """One more is answered with 429 and Retry-After; other keys are not held up, and an end makes room."""
    rows = [{"host": "h1", "address": "127.0.0.1", "port": held.port, "slots": 9}]
    with running(tmp_path, rows, LIMITED) as gateway:
        answers = [asking(gateway, "/api/chat", CHAT, key=f"few-{BOB}") for _ in range(2)]
        seen.wait(2)
        status, headers, body = gateway.ask("/api/chat", CHAT, key=f"few-{BOB}")
        assert (status, headers["retry-after"]) == (429, "1")
        assert "under way" in json.loads(body)["error"]
        held.gate.set()
        assert gateway.status("/api/chat", CHAT) == 200
        assert [answer.result()[0] for answer in answers] == [200] * 2
        assert until(lambda: gateway.status("/api/chat", CHAT, key=f"few-{BOB}") == 200)


def test_a_key_begins_so_many_requests_a_minute(tmp_path, seen):
    """What is refused does not count, so that a client that goes on trying gets in again."""
    with server(seen) as port, running(tmp_path, [port], LIMITED) as gateway:
        found = [gateway.status("/api/chat", CHAT, key=f"slow-{BOB}") for _ in range(6)]
        assert found == [200, 200, 200, 429, 429, 429]
        assert gateway.ask("/api/chat", CHAT, key=f"slow-{BOB}")[1]["retry-after"] == "10"
        assert gateway.status("/api/chat", CHAT) == 200
    assert len(seen) == 4


def test_slow_requests_end(tmp_path, seen):
    """A header and a body that do not arrive in time get 408, and hold no slot."""
    with server(seen) as port, running(tmp_path, [port], request_timeout=1) as gateway:
        head = f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ALICE}\r\n"
        assert gateway.raw(head.encode()).startswith(b"HTTP/1.1 408 ")
        answer = gateway.raw(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'{"error": "the request took too long to arrive"}' in answer
        assert seen == []


def test_one_address_has_so_many_connections(tmp_path, seen):
    """More are closed without an answer; where one ends another one may come."""
    with server(seen) as port, running(tmp_path, [port], connections_per_address=3) as gateway:
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port)))
            until(lambda: "conn_cur=3" in asker(gateway.socket)("show table addresses"))
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                assert gateway.raw(b"GET /api/tags HTTP/1.1\r\n\r\n") == b""
        until(lambda: "conn_cur=0" in asker(gateway.socket)("show table addresses"))
        assert gateway.status("/api/tags") == 200


def test_a_stream_comes_as_it_is_made(tmp_path, seen):
    """Each part of an answer arrives before the next one is made, also after a silence longer than other waits."""
    step = threading.Semaphore(0)

    def answer(handler, _body):
        if handler.path == "/api/version":
            return False
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for number in range(3):
            handler.wfile.write(b"2\r\n%d\n\r\n" % number)
            assert step.acquire(timeout=SECONDS)
        handler.wfile.write(b"0\r\n\r\n")
        return True

    with server(seen, answer=answer) as port, running(tmp_path, [port], request_timeout=1, queue_timeout=1) as gateway:
        connection = gateway.connect()
        connection.request("POST", "/api/chat", json.dumps(CHAT), {"Authorization": f"Bearer {ALICE}"})
        response = connection.getresponse()
        for number in range(3):
            assert response.readline() == b"%d\n" % number
            if number == 1:
                until(functools.partial(later, time.monotonic() + 1.2))
            step.release()
        assert response.read() == b""
        connection.close()


def test_what_had_not_begun_is_sent_to_another_server(tmp_path, seen):
    """A server that is gone, or ends before its answer begins, loses no request."""

    def dies(handler, _body):
        if handler.path == "/api/version":
            return False
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    # Bound and not listened on, so that nobody else gets the port meanwhile.
    with server(seen, "dying", dies) as bad, server(seen, "good") as good, socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        rows = [bad, gone.getsockname()[1], good]
        with running(tmp_path, rows) as gateway:
            found = [gateway.ask("/api/chat", CHAT) for _ in range(6)]
            log = gateway.log()
    assert {(status, json.loads(body).get("server")) for status, _headers, body in found} == {(200, "good")}, log


def test_without_a_server_there_is_an_answer(tmp_path):
    """Clients get 503 in Ollama's form, and when to come again."""
    with running(tmp_path, [free_port()], check_interval=1) as gateway:
        status, headers, body = gateway.ask("/api/chat", CHAT)
        assert (status, headers["retry-after"]) == (503, "5")
        assert json.loads(body) == {"error": "no server is free in time, or none answers"}


def test_a_model_that_does_not_answer_takes_its_server_out(tmp_path, seen):
    """A server that only tells its release is not healthy; one whose slots are taken is."""

    def answering(status):
        def answer(handler, _body):
            if handler.path != "/api/generate":
                return False
            handler.reply(status, {})
            return True

        return answer

    with contextlib.ExitStack() as stack:
        servers = (server(seen, answer=answering(503)), server([], answer=answering(500)))
        ports = [stack.enter_context(each) for each in servers]
        gateway = stack.enter_context(running(tmp_path, ports, check_model="llama3.2"))
        until(lambda: stat(gateway, "servers", "h2:ollama", "status") == "DOWN")
        assert stat(gateway, "others", "h2:ollama", "status").startswith("DOWN")
        assert stat(gateway, "servers", "h1:ollama", "status") == "UP"
        assert stat(gateway, "servers", "h1:ollama", "check_status") == "L7OK"
    asked = json.loads(seen[0]["body"])
    assert asked == {"model": "llama3.2", "prompt": "1", "stream": False, "options": {"num_predict": 1}}


def test_one_key_stays_with_one_server(tmp_path, seen):
    """So that the cache of its prompts is of use; with another key it may be another server."""
    keys = [{"name": f"k{number}", "key": f"{number}-{BOB}"} for number in range(12)]
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(server(seen, name)) for name in ("one", "two")]
        gateway = stack.enter_context(running(tmp_path, ports, keys, balance="key"))
        for key in keys * 3:
            assert gateway.status("/api/chat", CHAT, key=key["key"]) == 200
    servers = {(dict(each["headers"])["x-ollama-key-name"], each["server"]) for each in seen}
    assert len(servers) == len(keys)
    assert {name for _key, name in servers} == {"one", "two"}


def reload(gateway, found, keys=KEYS):
    """What the unit does: keep the state of the servers, check, and have the master load the files again."""
    gateway.write(found, keys)
    config = str(gateway.folder / "haproxy.cfg")
    assert keeper.main(["keep", gateway.socket, config, gateway.state]) == 0
    gateway.process.send_signal(signal.SIGUSR2)
    gateway.wait()


def test_a_revoked_key_ends_and_streams_go_on(tmp_path, held, seen, asking):
    """A reload cuts nothing, keeps which server is drained, takes new ports, and the revoked key gets 401."""
    with server(seen, "two") as two, server(seen, "three") as three:
        values = {
            "metrics_bind": "",
            "upstreams": [
                {"host": "h1", "address": "127.0.0.1", "port": held.port, "slots": 2},
                {"host": "h2", "address": "127.0.0.1", "port": two},
            ],
        }
        keys = [{"name": "alice", "key": ALICE}, {"name": "bob", "key": BOB}]
        with running(tmp_path, [], keys, **values) as gateway:
            asker(gateway.socket)("set server servers/h2:ollama state drain")
            answer = asking(gateway, "/api/chat", CHAT, key=BOB)
            seen.wait(1)
            asker(gateway.socket)("set server servers/h1:ollama state drain")
            asker(gateway.socket)("set server servers/h2:ollama state ready")
            values["upstreams"][1]["port"] = three
            values["bind"] = f"127.0.0.1:{gateway.port}"
            reload(gateway, made(keys[:1], **values), keys[:1])
            assert gateway.status("/api/chat", CHAT, key=BOB) == 401
            for _ in range(4):
                assert json.loads(gateway.ask("/api/chat", CHAT)[2]) == {"server": "three"}
            held.gate.set()
            assert answer.result()[0] == 200


def certificate(path, name):
    """A certificate of its own with its key, as an operator's ACME client writes it."""
    made_by = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
    ]
    key = path.with_suffix(".key.new")
    subprocess.run([*made_by, "-subj", f"/CN={name}", "-keyout", key, "-out", path], check=True, capture_output=True)
    path.write_text(path.read_text(encoding="ascii") + key.read_text(encoding="ascii"), encoding="ascii")
    key.unlink()


def test_tls_has_its_minimum_and_takes_a_renewed_certificate(tmp_path, seen):
    """TLS 1.2 and later, HTTP/2 by ALPN; after a reload the new certificate is shown."""
    path = tmp_path / "tls.pem"
    certificate(path, "first")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])

    def shown():
        with socket.create_connection(("127.0.0.1", gateway.port)) as plain, context.wrap_socket(plain) as connection:
            return connection.version(), connection.selected_alpn_protocol(), connection.getpeercert(binary_form=True)

    with server(seen) as port, running(tmp_path / "gw", [port], certificate=str(path)) as gateway:
        version, protocol, first = shown()
        assert (version, protocol) == ("TLSv1.3", "h2")
        certificate(path, "second")
        rows = [{"host": "h1", "address": "127.0.0.1", "port": port}]
        values = {"bind": f"127.0.0.1:{gateway.port}", "metrics_bind": "", "upstreams": rows, "certificate": str(path)}
        # Another setting too, by which the new process differs from the old one.
        reload(gateway, made(queue=7, **values))
        assert shown()[2] != first
        # Python warns of the version, which is the point.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError, match=r"."):
            shown()


def test_a_client_that_begins_no_handshake_is_closed(tmp_path, seen):
    """After twice the time for a request, and not after that of a silent stream: it needs no key to hold a place."""
    path = tmp_path / "tls.pem"
    certificate(path, "first")
    values = {"certificate": str(path), "request_timeout": 1, "idle_timeout": 3600}
    with server(seen) as port, running(tmp_path / "gw", [port], **values) as gateway:
        assert gateway.raw(b"") == b""


def test_a_stream_may_be_silent_for_longer_than_a_client(tmp_path, seen):
    """What a server takes to think is not counted as the client's."""

    def answer(handler, _body):
        if handler.path != "/api/chat":
            return False
        for part in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"xx"):
            # A client that were closed would have the gateway end this connection.
            assert select.select([handler.connection], [], [], 2.5)[0] == []
            handler.wfile.write(part)
        return True

    with server(seen, answer=answer) as port, running(tmp_path, [port], request_timeout=1) as gateway:
        assert gateway.ask("/api/chat", CHAT)[::2] == (200, b"xx")


def test_metrics_are_read_without_a_key(tmp_path, seen):
    """HAProxy's own exporter has each server, and nothing else is at that port."""
    port = free_port()
    with server(seen) as one, running(tmp_path, [one], metrics_bind=f"127.0.0.1:{port}") as gateway:
        assert gateway.status("/api/chat", CHAT) == 200
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
            text = answer.read().decode()
        assert re.search(r'haproxy_server_sessions_total\{proxy="servers",server="h1:ollama"\} 1', text)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=SECONDS)
