# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet's load and attack send and believe, and what the stand-in's canary sees of it."""

from __future__ import annotations

import collections
import io
import json
import re

import pytest
from fleet_attack import KINDS, attack
from fleet_load import lengths, percentiles
from fleet_requests import CLOSED, Draw, Known, good
from fleet_stream import Stream
from standin import received

KNOWN = Known(host="gateway.test", key="good-key-0123456789", limited="limited-key-987654")
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Standin-Host: box-1\r\n\r\n"


def chunk(**said):
    line = json.dumps(said).encode() + b"\n"
    return b"%x\r\n%s\r\n" % (len(line), line)


def word(text):
    return chunk(response=f" {text}", done=False)


def answered(*parts, tokens=2, closes=False):
    """A stream after these pieces, the connection closed at the end or not."""
    stream = Stream(tokens, 0.0)
    for number, part in enumerate(parts, 1):
        stream.feed(part, float(number))
    if closes:
        stream.closed(9.0, "")
    return stream


LAST = chunk(response="", done=True, eval_count=2)


def test_stream_is_whole_with_every_word_the_last_line_and_the_end_of_its_framing():
    stream = answered(HEAD, word("one"), word("two"), LAST, b"0\r\n\r\n")
    assert (stream.outcome, stream.answer.host, stream.first) == ("whole", "box-1", 2.0)


@pytest.mark.parametrize(
    ("parts", "outcome"),
    [
        ([HEAD, word("one"), word("two"), LAST], "cut"),
        ([HEAD, word("one")], "cut"),
        ([HEAD, word("one"), word("two"), b"0\r\n\r\n"], "cut"),
        ([HEAD, word("two")], "wrong"),
        ([HEAD, word("one"), word("one")], "wrong"),
        ([HEAD, word("one"), LAST], "wrong"),
        ([HEAD, word("one"), chunk(error="runner ended")], "wrong"),
        ([HEAD, word("one"), word("two"), LAST, word("three")], "wrong"),
        ([], "lost"),
        ([b"HTTP/1.1 20"], "lost"),
        ([b"HTTP/1.1 503 x\r\nRetry-After: 5\r\nContent-Length: 2\r\n\r\n{}"], "status"),
    ],
)
def test_stream_that_is_not_whole_says_how_it_ended(parts, outcome):
    """Cut, lost, wrong and refused are separate outcomes, since only some of them are a gateway's fault."""
    stream = answered(*parts, closes=True)
    assert stream.outcome == outcome
    assert stream.shown(0.0)["outcome"] == outcome


def test_refused_stream_says_when_to_come_again():
    stream = answered(b'HTTP/1.1 503 x\r\nRetry-After: 5\r\nContent-Length: 13\r\n\r\n{"error": "x"}'[:-1])
    assert (stream.answer.retry_after, stream.answer.status) == (5, 503)


def test_lengths_have_shares_and_percentiles_go_by_rank():
    assert lengths("4=0.9,80=0.1").lengths == ((4, 0.9), (80, 0.1))
    assert percentiles([3.0, 1.0, 2.0]) == {"p50": 2.0, "p90": 3.0, "p99": 3.0, "max": 3.0}
    assert percentiles([]) == {}


def test_attacks_are_the_same_for_the_same_seed_and_of_all_kinds():
    first, again = ([attack(KNOWN, 7, number) for number in range(800)] for _time in range(2))
    assert first == again
    assert first != [attack(KNOWN, 8, number) for number in range(800)]
    assert len(collections.Counter(each.kind for each in first)) == len(KINDS)


def test_every_attack_has_its_mark():
    """What arrives is recognised, also where chunks divide it."""
    for number in range(1500):
        sent = b"".join(attack(KNOWN, 3, number).parts)
        whole = re.sub(rb"\r\n[0-9a-f]+\r\n", b"", sent)
        assert f"attack-{number}".encode() in sent + whole, sent[:300]


def test_nobody_without_keys_is_given_attacks_that_need_one():
    known = Known(host="gateway.test")
    kinds = {attack(known, 1, number).kind for number in range(300)}
    assert kinds == {"keyless", "wrong key", "oversized"}


def test_no_kind_of_attack_expects_success_but_the_outer_request_of_a_smuggled_one():
    for make, _share, _needs in KINDS:
        for number in range(40):
            made = make(Draw(KNOWN, 5, number))
            assert 200 not in made.allowed or made.kind == "smuggled"
            assert made.allowed & {CLOSED, 400, 401, 403, 404, 421}


def test_good_request_has_no_mark():
    assert b"attack" not in good(KNOWN)


def test_canary_reads_a_body_by_its_chunks_even_where_a_length_says_otherwise():
    """What is smuggled in a body is a body to it, as to a server that keeps to RFC 9112."""
    file = io.BytesIO(b'8;x=y\r\n{"model"\r\n6\r\n: "a"}\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1\r\n')
    body = received.body(file, {"Transfer-Encoding": "chunked", "Content-Length": "3"})
    assert received.parsed(body) == {"model": "a"}
    assert file.read() == b"GET / HTTP/1.1\r\n"
    assert received.body(io.BytesIO(b"abcdef"), {"Content-Length": "3"}) == b"abc"


@pytest.mark.parametrize("text", ['{"model":"a","Model":"b"}', '{"model":"a","model":"b"}', '{"m\\u006fdel":"b"} {}'])
def test_canary_reads_fields_as_go_does(text):
    """The last one counts, whatever its case, and one object alone is read."""
    assert received.named(received.parsed(text.encode())) == "b"


@pytest.mark.parametrize("body", [b"[1]", b"", b"{", b"7"])
def test_canary_refuses_what_is_no_object(body):
    with pytest.raises(ValueError, match=r".+"):
        received.parsed(body)


def test_canary_counts_requests_and_keeps_marked_ones():
    before = received.shown()
    received.count("GET", "/api/tags?x=1", {"Host": "a"})
    received.count("GET", "/api/tags?attack-1", {"Host": "a", "X-Mark": "attack-2"})
    received.asked("/api/generate", "standin:other-attack-3")
    received.asked("/api/generate", "standin")
    after = received.shown()
    assert after["requests"] - before["requests"] == 2
    assert after["marked"] - before["marked"] == 2
    assert after["paths"]["GET /api/tags"] - before["paths"].get("GET /api/tags", 0) == 2
    assert {"line": "/api/generate", "model": "standin:other-attack-3"} in after["first"]
