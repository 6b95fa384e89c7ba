# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No connection becomes a tunnel, in which nobody looks at the requests, asked of a real HAProxy."""

from __future__ import annotations

import re
import socket
import struct

import pytest

from ansible_collections.inference.ollama.tests.unit.support.gateway import ALICE, SECONDS, Seen, running, server

OFFERS = {
    "h2c": {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABk"},
    "websocket": {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    },
}


@pytest.fixture(scope="module")
def seen():
    return Seen()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, seen):
    with server(seen) as port, running(tmp_path_factory.mktemp("gw"), [port]) as found:
        yield found


@pytest.fixture(autouse=True)
def forget(seen):
    seen.clear()


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_the_offer_of_another_protocol_is_not_passed_on(gateway, seen, offer):
    """The request is answered as one without the offer, as a server may do (RFC 9110, 7.8); Java's client makes one."""
    assert gateway.status("/api/tags", headers=offer) == 200
    (request,) = seen
    assert {"upgrade", "http2-settings"} & {name for name, _value in request["headers"]} == set()
    assert "upgrade" not in dict(request["headers"]).get("connection", "").lower()


def test_a_server_that_changes_the_protocol_gets_no_tunnel(tmp_path, seen):
    """What follows on the connection reaches no server as it is, whatever a server answers."""
    head = f"Host: localhost\r\nAuthorization: Bearer {ALICE}\r\n"
    later = f"POST /api/pull HTTP/1.1\r\n{head}Content-Length: 0\r\nConnection: close\r\n\r\n"
    read = []

    def switch(handler, _body):
        if handler.path != "/api/tags":
            return False
        handler.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        handler.connection.settimeout(1)
        try:
            read.append(handler.rfile.readline())
        except TimeoutError:
            read.append(b"")
        handler.close_connection = True
        return True

    offer = "".join(f"{name}: {value}\r\n" for name, value in OFFERS["websocket"].items())
    first = f"GET /api/tags HTTP/1.1\r\n{head}{offer}\r\n"
    with server(seen, answer=switch) as port, running(tmp_path, [port]) as gateway:
        answer = gateway.raw((first + later).encode())
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"502", b"403"]
    assert read == [b""]


def test_a_websocket_of_http2_is_not_passed_on(gateway, seen):
    """CONNECT with :protocol (RFC 8441) reaches a server as a plain request at most."""
    fields = {
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":scheme": "http",
        ":path": "/api/tags",
        ":authority": "localhost",
        "authorization": f"Bearer {ALICE}",
    }
    # Literal fields that are not indexed, without Huffman coding (RFC 7541, 6.2.2); frames of RFC 9113, 4.1.
    block = b"".join(b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in pair) for pair in fields.items())
    settings = struct.pack(">IBBI", 0, 4, 0, 0)[1:]
    headers = struct.pack(">IBBI", len(block), 1, 4, 1)[1:] + block
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + headers)
        stream = connection.makefile("rb")
        kind, number = None, None
        while (kind, number) not in ((1, 1), (3, 1)):
            head = stream.read(9)
            assert len(head) == 9
            kind, number = head[3], int.from_bytes(head[5:9], "big")
            stream.read(int.from_bytes(head[:3], "big"))
    for request in seen:
        assert {"upgrade", "sec-websocket-key"} & {name for name, _value in request["headers"]} == set()
