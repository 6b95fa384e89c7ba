# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that a gateway must not let through, for their framing: of two minds, too large, or never ended."""

from __future__ import annotations

from fleet_requests import CLOSED, MALFORMED, Attack, Draw, chunk, head, request

CODINGS = (
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding:\x0bchunked",
    "Transfer-Encoding: \x00chunked",
    "Transfer-Encoding\r\n : chunked",
    "X: x\nTransfer-Encoding: chunked",
    " Transfer-Encoding: chunked",
    "Transfer-Encoding: CHUNKED",
    'Transfer-Encoding: "chunked"',
    "Transfer_Encoding: chunked",
    "Transfer-Encoding: chunked;q=0.5",
    "Transfer-Encoding: gzip, chunked",
)


def smuggled(draw: Draw) -> Attack:
    """A second request, without a key, in what one side takes for the body of the first."""
    key = draw.any_of((draw.known.key, draw.known.key, ""))
    inner = request(
        draw,
        path=f"{draw.any_of(('/api/tags', '/api/pull', '/api/delete'))}?{draw.mark}",
        headers=(f"X-Mark: {draw.mark}",),
        body=draw.any_of((b"", b"x=1")),
    )
    outer = draw.body()
    own = [f"Host: {draw.known.host}", *([f"Authorization: Bearer {key}"] if key else [])]
    coding = draw.any_of(CODINGS)
    kind = draw.any_of(("cl.te", "te.cl", "te.te", "cl.cl", "cl.0", "chunk", "line"))
    if kind == "cl.te":  # the first goes by the length, the second by chunks
        rest = b"0\r\n\r\n" + inner
        framing, data = [f"Content-Length: {len(rest)}", coding], rest
    elif kind == "te.cl":
        size = len(b"%x\r\n" % len(inner))
        framing, data = [coding, f"Content-Length: {size}"], chunk(inner) + b"0\r\n\r\n"
    elif kind == "te.te":
        framing, data = ["Transfer-Encoding: chunked", coding], chunk(outer) + b"0\r\n\r\n" + inner
    elif kind == "cl.cl":
        lengths = [len(outer), len(outer) + len(inner)]
        draw.chance.shuffle(lengths)
        together = draw.any_of((0, 1))
        framing = (
            [f"Content-Length: {lengths[0]}, {lengths[1]}"] if together else [f"Content-Length: {n}" for n in lengths]
        )
        data = outer + inner
    elif kind == "cl.0":
        length = draw.any_of(("0", "+0", "-1", "0x0", "", " ", f"0{len(outer)}", f"{len(outer)}e0", "1" * 30))
        framing, data = [f"Content-Length: {length}"], outer + inner
    elif kind == "chunk":  # a length of a chunk that two programs read differently
        size = draw.any_of(("0x5", "5;" + "a" * 300, "-1", "FFFFFFFFFFFFFFFF", "5 ", "\n5", "0_5", "5\n", "g", ""))
        framing, data = ["Transfer-Encoding: chunked"], f"{size}\r\n".encode() + outer[:5] + b"\r\n0\r\n\r\n" + inner
    else:  # lines that end otherwise
        end = draw.any_of(("\n", "\r", "\r\r\n", "\n\r\n", "\x00\r\n"))
        framing, data = [f"X-End: a{end}{inner.decode('latin-1')}"], b""
    made = head("POST /api/generate HTTP/1.1", [*own, *framing]) + data
    # The outer request may be a good one, and then is answered; the inner one has no key.
    return Attack("smuggled", (made,), frozenset({200, 502, 503, *MALFORMED}))


def oversized(draw: Draw) -> Attack:
    """More than anybody needs, in each place; with and without a key."""
    key = draw.any_of((draw.known.key, ""))
    mark = (f"X-Mark: {draw.mark}",)
    kind = draw.any_of(("url", "header", "headers", "key", "host", "length", "method"))
    if kind == "url":
        made = request(draw, path=f"/api/tags?{draw.mark}&{'a' * draw.chance.randint(20000, 200000)}", key=key)
    elif kind == "header":
        headers = (*mark, f"X-Long: {'b' * draw.chance.randint(20000, 200000)}")
        made = request(draw, path="/api/tags", headers=headers, key=key)
    elif kind == "headers":
        many = [f"X-{number}: {draw.mark}" for number in range(draw.chance.randint(2000, 6000))]
        made = request(draw, path="/api/tags", headers=many, key=key)
    elif kind == "key":
        made = request(draw, path=f"/api/tags?{draw.mark}", key="k" * draw.chance.randint(20000, 100000))
    elif kind == "host":
        made = request(draw, path=f"/api/tags?{draw.mark}", host="h" * draw.chance.randint(300, 30000), key=key)
    elif kind == "length":  # the announced length alone is too much
        length = draw.any_of((1 << 36, 1 << 50, (1 << 63) - 1))
        own = [f"Host: {draw.known.host}", *([f"Authorization: Bearer {key}"] if key else []), *mark]
        made = head("POST /api/generate HTTP/1.1", [*own, f"Content-Length: {length}"]) + b'{"model": "'
    else:
        made = request(draw, path=f"/api/tags?{draw.mark}", method="M" * draw.chance.randint(300, 30000), key=key)
    return Attack("oversized", (made,), frozenset(MALFORMED))


def slow(draw: Draw) -> Attack:
    """A request that never ends, a piece now and then."""
    own = head(f"POST /api/generate?{draw.mark} HTTP/1.1", [f"Host: {draw.known.host}"])[:-2]
    kind = draw.any_of(("line", "headers", "body"))
    if kind == "line":
        parts = tuple(own[place : place + 1] for place in range(30))
    elif kind == "headers":
        parts = (own, *(f"X-{number}: {draw.letters(1, 9)}\r\n".encode() for number in range(30)))
    else:
        started = b"Authorization: Bearer %s\r\nContent-Length: 100000\r\n\r\n" % draw.known.key.encode()
        # Refused or served, it must not hold a place for ever; the model says that it must not arrive.
        parts = (own + started, b'{"model": "', *([b"a"] * 30))
    return Attack("slow", parts, frozenset({400, 401, 403, 404, 408, CLOSED}), pause=1.0)
