# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tokens per second are counted, and how arrangements are compared."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import itertools
import json
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
import speed
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator


class Child(http.server.BaseHTTPRequestHandler):
    """Streams ``made`` tokens of so many milliseconds, and then leaves the connection open until it is released."""

    made: int
    each_ms: float
    status: int
    asked: list[Any]
    released: threading.Event

    def log_message(self, *_args: Any) -> None:
        """Nothing is logged."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(asked)
        self.send_response(self.status)
        self.end_headers()
        for number in range(1, self.made + 1):
            part = {"content": "x", "timings": {"predicted_n": number, "predicted_ms": self.each_ms * number}}
            self.wfile.write(f"data: {json.dumps(part)}\n\n".encode())
        if self.made < asked["n_predict"] and self.status == 200:
            self.released.wait(30)


@contextlib.contextmanager
def child(made: int, status: int = 200, each_ms: float = 10.0) -> Iterator[tuple[int, list[Any]]]:
    asked: list[Any] = []
    released = threading.Event()
    own = {"made": made, "each_ms": each_ms, "status": status, "asked": asked, "released": released}
    kind = type("BoundChild", (Child,), own)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            released.set()
            server.shutdown()
            thread.join()


def test_an_answer_counts_by_the_clock_of_the_runner() -> None:
    """The time of the connection and of the prompt is not in it."""
    with child(made=20) as (port, asked):
        answer = speed.generate(port, 20, limit=60)
    assert (answer.tokens, answer.seconds, answer.cut) == (20, 0.2, False)
    assert answer.rate == 100.0
    assert asked[0]["n_predict"] == 20
    assert asked[0]["ignore_eos"] is True


def test_an_answer_that_takes_too_long_counts_with_the_tokens_that_it_had(monkeypatch) -> None:
    """A runner that stalls is slow, not absent, and the time that it was waited for counts."""
    clock = itertools.count(step=10)
    monkeypatch.setattr(speed.time, "monotonic", lambda: next(clock))
    with child(made=15) as (port, _asked):
        answer = speed.generate(port, 20, limit=50)
    assert answer.cut
    assert 1 <= answer.tokens <= 5
    assert answer.seconds > 50


def test_a_runner_that_gives_nothing_has_no_speed() -> None:
    with child(made=0) as (port, _asked):
        assert speed.generate(port, 20, limit=0.1).rate == 0.0


def test_a_runner_that_refuses_is_an_error() -> None:
    """A wrong request must not look like a slow runner."""
    with child(made=0, status=400) as (port, _asked), pytest.raises(http.client.HTTPException, match="400"):
        speed.generate(port, 20, limit=60)


def test_several_runners_answer_in_the_order_in_which_they_were_named() -> None:
    with child(made=20) as (one, _asked), child(made=20, each_ms=20.0) as (other, _asked_too):
        answers = speed.generate_at_once([other, one], 20, limit=60)
    assert [answer.rate for answer in answers] == [50.0, 100.0]


def test_an_error_of_one_of_several_runners_is_an_error_of_all() -> None:
    refused = pytest.raises(http.client.HTTPException, match="500")
    with child(made=20) as (whole, _asked), child(made=0, status=500) as (broken, _asked_too), refused:
        speed.generate_at_once([whole, broken], 20, limit=60)


def test_as_many_tokens_are_asked_for_as_fill_the_time() -> None:
    """A hundred a second are what the child makes."""
    with child(made=16) as (port, _asked):
        assert speed.tokens_for(port, 2.0) == 200


def test_a_process_that_computes_is_seen_to_want_a_cpu() -> None:
    """A program that does nothing else is watched while this process waits for it to go on."""
    program = subprocess.Popen(speed.COMPUTE)
    try:
        with speed.watch([program.pid]) as seen:
            speed.wait_until_computed([program.pid], 0.1)
    finally:
        program.kill()
        program.wait()
    assert seen[0].programs == 1
    assert seen[0].wanted > speed.ALWAYS
    assert 0 < seen[0].computed <= seen[0].wanted


def test_a_process_that_does_not_compute_is_an_error() -> None:
    """A measurement beside programs that are not busy would show nothing."""
    program = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with program, pytest.raises(TimeoutError, match=f"process {program.pid} has not computed"):
        speed.wait_until_computed([program.pid], 1.0, limit=0.1)


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 1e6)), min_size=1))
def test_a_ratio_is_one_of_a_round(pairs: list[tuple[float, float]]) -> None:
    """Speeds of different rounds are never divided by each other."""
    seen = speed.ratios([{"alone": alone, "beside": beside} for alone, beside in pairs], "beside", "alone")
    own = sorted(beside / alone for alone, beside in pairs)
    assert (seen["min"], seen["max"]) == (own[0], own[-1])
    assert own[0] <= seen["median"] <= own[-1]


def test_no_speed_alone_is_an_error() -> None:
    """Nothing can be said of a host on which the runner did not compute at all."""
    with pytest.raises(ZeroDivisionError):
        speed.ratios([{"alone": 0.0, "beside": 1.0}], "beside", "alone")
