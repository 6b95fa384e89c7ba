# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of HTTP/1.1 in pieces of any size, and what a hostile server sends in place of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.response import Response
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.tests.unit.support.streamed import HEAD, chunk

LARGEST = 1000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(data, cuts=(), *, close=False):
    """The body of an answer that arrives in pieces, and the response."""
    response, body, places = Response(LARGEST), b"", sorted({0, *cuts, len(data)})
    for begin, end in zip(places, places[1:]):
        body += response.feed(data[begin:end])
    if close:
        response.close()
    return body, response


pieces = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


@given(pieces, st.sets(st.integers(0, 600), max_size=30), st.sampled_from([b"", b";name=value"]), st.booleans())
def test_a_body_in_chunks_is_the_same_however_it_arrives(parts, cuts, extension, trailer):
    """Chunks may be cut anywhere, their lines too; extensions and trailers say nothing of the body."""
    framed = b"".join(b"%X%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
    data = CHUNKED + framed + (b"0\r\nX-Trailer: 1\r\n\r\n" if trailer else b"0\r\n\r\n")
    body, response = read(data, [cut for cut in cuts if cut < len(data)])
    assert (body, response.status, response.done, response.keep) == (b"".join(parts), 200, True, True)


@given(st.binary(max_size=200), st.sets(st.integers(0, 300), max_size=10))
def test_a_body_with_a_length_is_the_same_however_it_arrives(said, cuts):
    """It is complete with its last byte."""
    data = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)
    body, response = read(data, [cut for cut in cuts if cut < len(data)])
    assert (body, response.status, response.done, response.keep) == (said, 404, True, True)


def test_byte_by_byte():
    """An answer that comes a byte at a time is complete with its last byte, and not before."""
    data = HEAD + chunk(b"one\n") + chunk(b"two\n") + b"0\r\n\r\n"
    body, response = read(data, range(len(data)))
    assert (body, response.done) == (b"one\ntwo\n", True)
    assert not read(data[:-1])[1].done


def test_a_body_up_to_the_end_of_the_connection():
    """Without a length the body ends with the connection, which carries nothing more."""
    body, response = read(b"HTTP/1.0 200 OK\r\n\r\nall of it", close=True)
    assert (body, response.done, response.keep) == (b"all of it", True, False)


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200", CHUNKED, CHUNKED + b"5\r\nab", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"]
)
def test_a_connection_that_ends_too_soon(data):
    """What is not complete then is an error."""
    with pytest.raises(OllamaError, match="ended before the answer was complete"):
        read(data, close=True)


@pytest.mark.parametrize(
    ("data", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", True),
        (b"HTTP/1.1 204\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore", False),
    ],
)
def test_answers_without_a_body(data, keep):
    """An announced answer is waited for; a connection that closes or goes on unasked is not used again."""
    body, response = read(data)
    assert (body, response.done, response.keep) == (b"", True, keep)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"SSH-2.0-OpenSSH_9.9\r\n", "begins with"),
        (b"HTTP/2 200\r\n", "begins with"),
        (b"\0" * 70000, "bytes of headers"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20000, "bytes of headers"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 10000, "bytes of headers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9x\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, "more than 1000 bytes"),
        (CHUNKED + b"zz\r\n", "no size of a chunk"),
        (CHUNKED + b"-5\r\n", "no size of a chunk"),
        (CHUNKED + b"\r\n", "no size of a chunk"),
        (CHUNKED + b"f" * 17 + b"\r\n", "no size of a chunk"),
        (CHUNKED + b"ffffffffffffffff\r\n", "more than 1000 bytes"),
        (CHUNKED + b"1" * 300, "has no end"),
        (CHUNKED + b"1\r\nabc\r\n", "longer than its size"),
        (CHUNKED + b"1\r\na\r\n" * 1001, "more than 1000 bytes"),
        (CHUNKED + b"0\r\n" + b"A: b\r\n" * 20000, "bytes of headers"),
    ],
)
def test_what_is_no_answer(data, what):
    """Whatever is sent, it is refused with a sentence before it takes memory."""
    for cuts in ((), range(0, len(data), 997)):
        with pytest.raises(OllamaError, match=what):
            read(data, cuts)


@given(st.binary(max_size=300), st.sets(st.integers(0, 300), max_size=5))
def test_any_bytes_are_read_or_refused(data, cuts):
    """Nothing else than a sentence is raised."""
    try:
        read(CHUNKED + data, cuts, close=True)
        read(data, [cut for cut in cuts if cut < len(data)], close=True)
    except OllamaError:
        pass
