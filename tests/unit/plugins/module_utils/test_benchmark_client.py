# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests over real sockets: kept connections, and servers that refuse, stall, reset or never end."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import subprocess
import threading

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import client as client_module
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.client import Client, target
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.record import Record
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.tests.unit.support.streamed import (
    HEAD,
    Streaming,
    answer,
    chunk,
    part,
    plain,
    streaming,
)

BODY = json.dumps({"model": "m", "prompt": "one two", "options": {"num_predict": 3}}).encode()


def ask(url, times=1, *, timeout=20.0, tokens=8, aim=target):
    """The records of requests, one after the other."""

    async def go():
        client = Client(asyncio.get_running_loop())
        records = []
        for _number in range(times):
            records.append(Record(asyncio.get_running_loop().time()))
            await client.send(aim(url), BODY, records[-1], tokens, timeout)
        client.close()
        await asyncio.sleep(0)
        return records

    return asyncio.run(go())


def test_a_connection_is_kept():
    """Three requests need one, and arrive whole."""
    server = Streaming()
    with streaming(server) as url:
        records = ask(f"{url}/", 3)
    assert [(record.status, record.tokens, record.prompt_tokens) for record in records] == [("successful", 3, 4)] * 3
    assert server.connections == 1
    assert server.posted == [("/api/generate", json.loads(BODY))] * 3
    assert all(record.start <= record.arrivals[0] <= record.arrivals[-1] <= record.end for record in records)


def test_a_path_before_the_api():
    """A server behind a proxy may have one."""
    server = Streaming()
    with streaming(server) as url:
        ask(f"{url}/ollama/")
    assert server.posted[0][0] == "/ollama/api/generate"


def test_a_connection_that_the_server_closed_meanwhile():
    """The request goes over a new one, and is no error."""
    server = Streaming(lambda _request, _number: [(0, answer(3, 4)), (0, None)])
    with streaming(server) as url:
        records = ask(url, 3)
    assert [record.status for record in records] == ["successful"] * 3
    assert server.connections == 3


def test_an_answer_that_closes_its_connection():
    """As answers of HTTP/1.0 do."""
    whole = answer(1, 1).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    server = Streaming(lambda _request, _number: [(0, whole)])
    with streaming(server) as url:
        records = ask(url, 2)
    assert [record.status for record in records] == ["successful"] * 2
    assert server.connections == 2


def test_a_port_that_nobody_listens_at():
    """It is refused, which is another thing than an error."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        record = ask(f"http://127.0.0.1:{port}")[0]
    assert (record.status, record.error) == ("refused", "the connection was refused")


def endless_headers(_request, _number):
    return [(0, b"HTTP/1.1 200 OK\r\n"), *[(0, b"X-More: " + b"x" * 1000 + b"\r\n")] * 100]


HOSTILE = {
    "closed at once": (
        lambda _request, _number: [(0, None)],
        "errored",
        "the connection ended before an answer",
    ),
    "closed in the headers": (
        lambda _request, _number: [(0, b"HTTP/1.1 200 OK\r\nA: b\r\n"), (0, None)],
        "errored",
        "the connection ended before the answer was complete",
    ),
    "closed in the stream": (
        lambda _request, _number: [(0, HEAD + part("a")), (0, None)],
        "errored",
        "the connection ended before the answer was complete",
    ),
    "endless headers": (endless_headers, "errored", "the answer has more than 65536 bytes of headers"),
    "garbage": (lambda _request, _number: [(0, b"\0\1\2\n")], "errored", "the answer is not HTTP: it begins with"),
    "garbage JSON": (
        lambda _request, _number: [(0, HEAD + chunk(b"{{{{\n"))],
        "errored",
        "a line of the answer is '{{{{', expected a JSON object",
    ),
    "a huge chunk": (
        lambda _request, _number: [(0, HEAD + b"FFFFFFFFFFFFFFF\r\nx")],
        "errored",
        "the answer has more than",
    ),
    "a stream without end": (
        lambda _request, _number: [(0, HEAD), *[(0, part("a") * 100)] * 100],
        "errored",
        "the answer has more than 96 parts",
    ),
    "an error in the stream": (
        lambda _request, _number: [(0, HEAD + part("a") + chunk(b'{"error":"out of memory"}\n') + b"0\r\n\r\n")],
        "errored",
        "the server answered in the stream: out of memory",
    ),
    "busy": (lambda _request, _number: [(0, plain(503, {"error": "busy"}))], "refused", "with status 503: busy"),
}


@pytest.mark.parametrize(("script", "status", "error"), [*HOSTILE.values()], ids=[*HOSTILE])
def test_a_hostile_server(script, status, error):
    """Whatever it sends, the request ends with a sentence, and the next one is sent all the same."""
    with streaming(Streaming(script)) as url:
        records = ask(url, 2)
    assert [record.status for record in records] == [status] * 2
    assert all(error in record.error for record in records)


@pytest.mark.parametrize("begun", [b"", HEAD, HEAD + part("a")])
def test_a_server_that_stalls(begun):
    """The request ends after its time, with the tokens that it has."""
    with streaming(Streaming(lambda _request, _number: [(0, begun), (60, b"")])) as url:
        record = ask(url, timeout=0.05)[0]
    assert (record.status, record.error) == ("errored", "the answer was not complete within 0.05 s")
    assert len(record.arrivals) == begun.count(b"response")


def test_a_reset():
    """The reason of the system is in the sentence."""
    listening = socket.create_server(("127.0.0.1", 0))

    async def reset():
        loop = asyncio.get_running_loop()
        listening.settimeout(0)
        client, record = Client(loop), Record(loop.time())
        aim = target(f"http://127.0.0.1:{listening.getsockname()[1]}")
        sending = asyncio.ensure_future(client.send(aim, BODY, record, 8, 20.0))
        connection, _address = await loop.sock_accept(listening)
        await loop.sock_recv(connection, 10)
        # Closing without lingering resets.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        await sending
        return record

    with listening:
        record = asyncio.run(reset())
    assert (record.status, record.error) == (
        "errored",
        "the connection ended before an answer (Connection reset by peer)",
    )


def test_a_request_that_is_cut():
    """Its connection ends, so that the server stops to answer, and its record stays incomplete."""

    async def cut():
        loop = asyncio.get_running_loop()
        client, record = Client(loop), Record(loop.time())
        task = asyncio.ensure_future(client.send(target(url), BODY, record, 8, 20.0))
        while not record.arrivals:  # noqa: ASYNC110 - the record tells nobody
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return record

    with streaming(Streaming(lambda _request, _number: [(0, HEAD + part("a")), (60, b"")])) as url:
        record = asyncio.run(cut())
    assert (record.status, record.end, len(record.arrivals)) == ("incomplete", None, 1)


def test_bytes_that_nobody_asked_for():
    """A kept connection on which they come is not used again."""
    server = Streaming(lambda _request, number: [(0, answer(1, 1)), *([] if number else [(0.02, b"HTTP/1.1 ")])])

    async def go():
        loop = asyncio.get_running_loop()
        client, aim = Client(loop), target(url)
        for _number in range(2):
            record = Record(loop.time())
            await client.send(aim, BODY, record, 8, 20.0)
            assert record.status == "successful"
            kept = client._kept[url][0]
            if len(server.posted) == 1:
                while kept.usable:  # noqa: ASYNC110 - same
                    await asyncio.sleep(0)
        client.close()

    with streaming(server) as url:
        asyncio.run(go())
    assert server.connections == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 and its key, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    argv = [
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
    argv += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    argv += ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"]
    subprocess.run(argv, check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"


def test_tls(certificate):
    """A server whose certificate is known is asked, and another one is an error with its reason."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    trusted = ssl.create_default_context(cafile=certificate[0])
    with streaming(Streaming(), ssl=context) as url:
        record = ask(url, aim=lambda url: target(url)._replace(tls=trusted))[0]
        unknown = ask(url)[0]
    assert (record.status, record.tokens) == ("successful", 3)
    assert unknown.status == "errored"
    assert "certificate verify failed" in unknown.error


def test_ports_that_go_without_saying():
    """They are those of the scheme; a name is looked up once, and TLS is asked for it and not for its address."""
    assert (target("http://127.0.0.1").port, target("https://localhost/x").port) == (80, 443)
    found = target("https://localhost:8443/x/")
    assert (found.port, found.name) == (8443, "localhost")
    assert b"Host: localhost:8443\r\n" in found.head
    assert found.head.startswith(b"POST /x/api/generate HTTP/1.1\r\n")
    assert target("http://[::1]:11434").address == "::1"


def test_a_name_that_is_not_known(monkeypatch):
    """The sentence has the resolver's reason, or that there was none in time."""
    with pytest.raises(
        OllamaError, match=r"urls: the name nowhere\.invalid in http://nowhere\.invalid cannot be looked"
    ):
        target("http://nowhere.invalid")
    monkeypatch.setattr(client_module, "_RESOLVE_SECONDS", 0.0)
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: [(None, None, None, None, [over.wait()])])
    with pytest.raises(OllamaError, match="no answer within 0 s"):
        target("http://slow.invalid")
    over.set()
