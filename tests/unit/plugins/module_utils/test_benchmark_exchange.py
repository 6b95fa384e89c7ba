# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of /api/generate as they arrive: the record of a request, and what is wrong in an answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.exchange import Exchange
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.record import Record
from ansible_collections.inference.ollama.tests.unit.support.streamed import HEAD, answer, chunk, last, part, plain


def take(data, cuts=(), *, output_tokens=8, close=False):
    """The exchange after an answer that began at second 1 and came in pieces a second apart."""
    exchange, places, now = Exchange(Record(1.0), output_tokens), sorted({0, *cuts, len(data)}), 1.0
    for begin, end in zip(places, places[1:]):
        now += 1
        exchange.feed(data[begin:end], now)
    if close:
        exchange.close(now + 1)
    return exchange


def facts(record):
    return record.status, record.tokens, len(record.arrivals), record.prompt_tokens, record.load_seconds


@given(st.sets(st.integers(0, 900), max_size=40))
def test_a_record_is_the_same_however_the_answer_arrives(cuts):
    """Its counts are those of the server; a time is that of the piece which completes a line."""
    data = answer(5, 300)
    exchange = take(data, [cut for cut in cuts if cut < len(data)])
    assert facts(exchange.record) == ("successful", 5, 5, 300, 0.012)
    assert exchange.over
    assert exchange.response.keep
    assert list(exchange.record.arrivals) == sorted(exchange.record.arrivals)


def test_byte_by_byte():
    """The first token is there with the end of its line, the last one before the counts."""
    data = answer(2, 10)
    record = take(data, range(len(data))).record
    first = len(HEAD) + len(part(" word")) - 2
    assert record.arrivals[0] == 1.0 + first
    assert record.arrivals[1] == 1.0 + first + len(part(" word"))
    assert record.end == 1.0 + len(data) - len(b"\r\n0\r\n\r\n")


def test_what_a_record_tells():
    """Latencies are from the start on, the time between tokens is that after the first one."""
    exchange = Exchange(Record(1.0), 8)
    for now, data in ((2.0, HEAD + part("a")), (4.0, part("b")), (6.0, part("c")), (7.0, last(5, 50))):
        exchange.feed(data, now)
    record = exchange.record
    assert (record.time_to_first_token, record.latency, record.inter_token_latency) == (1.0, 6.0, 1.0)
    assert record.prompt_rate == 500.0


def test_lines_need_no_chunk_and_no_end():
    """A line may be in several chunks, several lines in one, and the last one without a line break."""
    lines = b'{"response":"a","done":false}\n\n{"response":"","done":true,"eval_count":1}'
    parts = b"".join(chunk(lines[place : place + 7]) for place in range(0, len(lines), 7))
    assert facts(take(HEAD + parts + b"0\r\n\r\n").record) == ("successful", 1, 1, None, None)
    assert facts(take(b"HTTP/1.1 200 OK\r\n\r\n" + lines, close=True).record) == ("successful", 1, 1, None, None)


def test_thoughts_are_tokens():
    """A model that thinks sends text under another name."""
    assert take(HEAD + part("", thinking="hm") + last(1, 1)).record.tokens == 1


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"eval_count": None}, 2),
        ({"eval_count": -1}, 2),
        ({"eval_count": True}, 2),
        ({"eval_count": 1.5}, 2),
        ({"eval_count": 1 << 60}, 2),
        ({"eval_count": 3}, 3),
    ],
)
def test_counts_that_are_none(counts, expected):
    """Without a count of the server its parts with text are counted."""
    assert take(HEAD + part("a") + part("b") + last(2, 1, **counts)).record.tokens == expected


STATUS, LINE = "the server answered with status", "a line of the answer is"


@pytest.mark.parametrize(
    ("data", "status", "error"),
    [
        (plain(503, {"error": "server busy"}), "refused", f"{STATUS} 503: server busy"),
        (plain(404, {"error": "model 'm' not found"}), "errored", f"{STATUS} 404: model 'm' not found"),
        (plain(500, b"Internal\nError"), "errored", f"{STATUS} 500: Internal Error"),
        (plain(500, b'{"error": 5}'), "errored", f"{STATUS} 500: an error without a text"),
        (plain(302, b""), "errored", f"{STATUS} 302"),
        (HEAD + chunk(b'{"error":"runner died"}\n'), "errored", "the server answered in the stream: runner died"),
        (HEAD + chunk(b"garbage\n"), "errored", f"{LINE} 'garbage', expected a JSON object"),
        (HEAD + chunk(b"[1]\n"), "errored", f"{LINE} '[1]', expected a JSON object"),
        (HEAD + chunk(b"[" * 100000 + b"\n"), "errored", f"{LINE} '{'[' * 40}', expected a JSON object"),
        (HEAD + chunk(b"9" * 1000 + b"\n"), "errored", f"{LINE} '{'9' * 40}', expected a JSON object"),
        (HEAD + part("a") + b"0\r\n\r\n", "errored", "the answer ended before its last line"),
        (answer(1, 1)[: -len(b"0\r\n\r\n")] + part("b"), "errored", "the answer goes on after its last line"),
        (b"SSH-2.0\r\n", "errored", "the answer is not HTTP: it begins with 'SSH-2.0'"),
        (HEAD + chunk(b"x" * 600000) * 2, "errored", "a line of the answer has more than 1048576 bytes"),
        (HEAD + part("a") * 200, "errored", "the answer has more than 96 parts"),
    ],
)
def test_answers_that_are_errors(data, status, error):
    """The record ends with a sentence at once; a second error, or the end of the connection, changes nothing."""
    exchange = take(data)
    assert (exchange.record.status, exchange.record.error) == (status, error)
    exchange.feed(answer(1, 1), 99.0)
    exchange.close(99.0)
    assert (exchange.record.end, exchange.record.error) == (2.0, error)


def test_a_connection_that_ends():
    """The reason of the system is named where there is one."""
    exchange = take(HEAD + part("a"))
    assert not exchange.over
    exchange.close(3.0, "Connection reset by peer")
    assert exchange.record.error == "the connection ended before the answer was complete (Connection reset by peer)"
    assert take(HEAD + part("a"), close=True).record.error == "the connection ended before the answer was complete"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
names = st.sampled_from(["response", "done", "error", "eval_count", "prompt_eval_count", "load_duration", "thinking"])


@given(st.lists(st.dictionaries(names, json_values, max_size=4), max_size=4))
def test_any_lines_are_read_or_refused(lines):
    """Whatever JSON a server sends, the record is one of those that there are."""
    body = b"".join(chunk(json.dumps(line).encode() + b"\n") for line in lines)
    record = take(HEAD + body + b"0\r\n\r\n").record
    assert record.status in ("successful", "errored")
    assert record.tokens >= 0


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    """Nothing is raised."""
    assert take(HEAD + data, close=True).over
    assert take(data, close=True).over
