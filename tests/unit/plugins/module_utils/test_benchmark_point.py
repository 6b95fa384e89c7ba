# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in simulated time: which requests are sent when, and what ends a point."""

from __future__ import annotations

import asyncio
import itertools
import re
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import point as point_module
from ansible_collections.inference.ollama.plugins.module_utils._benchmark import summary
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.point import Load, Point, arrivals
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.simulated import simulate


def load(concurrency=None, rate=None, **more):
    """A point of about 10 s, whose end meets no other event."""
    defaults = {
        "profile": "concurrent" if concurrency else "constant",
        "concurrency": concurrency,
        "request_rate": rate,
        "duration": 9.75,
        "requests": 10000,
        "warmup_requests": 0,
        "give_up_below": None,
        "seed": 0,
        "first_number": 1000,
    }
    return Load(**{**defaults, **more})


class Server:
    """Answers after ``first`` seconds with tokens ``each`` seconds apart, ``slots`` requests at a time."""

    def __init__(self, first=0.1, each=0.1, tokens=5, slots=1000, fails=()):
        self.first, self.each, self.tokens = first, each, tokens
        self.fails = set(fails)
        self.slots = asyncio.Semaphore(slots)
        self.sent, self.in_flight, self.most = [], 0, 0

    async def send(self, record, body):
        loop = asyncio.get_running_loop()
        number = int(body)
        self.sent.append((loop.time(), number))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            async with self.slots:
                await asyncio.sleep(self.first)
                if number in self.fails:
                    record.fail(loop.time(), "busy", "refused")
                    return
                for token in range(self.tokens):
                    await asyncio.sleep(self.each if token else 0)
                    record.arrivals.append(loop.time())
                record.end, record.status = loop.time(), "successful"
        finally:
            self.in_flight -= 1


def run(asked, deadline=1e9, *, warm=False, **server):
    """The point, why it ended, its server, and when it was looked at."""

    async def go():
        serving = Server(**server)
        point = Point(asked, lambda number: str(number).encode(), serving.send, deadline)
        if warm:
            await point.warm_up()
        looked = []
        stop = await point.run(lambda running: looked.append(running.elapsed))
        return point, stop, serving, looked

    return simulate(go())


def test_as_many_requests_as_the_concurrency():
    """Each stream sends the next one when the last is answered; what is in flight at the end is cut."""
    point, stop, server, looked = run(load(4))
    assert stop == ("duration", "9.75 s were over")
    assert server.most == 4
    # 0.1 s to the first of five tokens, and four times 0.1 s.
    assert summary.counts(point.records) == {
        "total": 80, "successful": 76, "errored": 0, "incomplete": 4, "refused": 0,
    }  # fmt: skip
    assert (point.began, point.ended) == (0.0, 9.75)
    assert summary.concurrency(point.records, point.began, point.ended) == pytest.approx(4)
    assert {round(record.time_to_first_token, 6) for record in point.records if record.arrivals} == {0.1}
    assert max(later - earlier for earlier, later in zip(looked, looked[1:])) < 0.3
    assert [number for _time, number in server.sent] == [*range(1000, 1080)]


def test_a_number_of_requests_ends_a_point():
    """All of them are answered, and none is cut."""
    point, stop, _server, _looked = run(load(3, requests=7))
    assert stop == ("requests", "7 requests were answered")
    assert summary.counts(point.records)["successful"] == 7
    assert point.ended == pytest.approx(1.5)


def test_the_warm_up_does_not_count():
    """Its requests have other prompts, at most as many at a time as the point has, and leave no record."""
    point, _stop, server, _looked = run(load(2, warmup_requests=3, requests=1), warm=True)
    assert [number for _time, number in server.sent] == [999, 998, 997, 1000]
    assert (len(point.records), server.most, point.began) == (1, 2, pytest.approx(1.0))


@pytest.mark.parametrize("deadline", [1e9, 3.0])
def test_a_warm_up_ends(deadline):
    """After the duration of the point, or by the deadline."""
    point, stop, _server, _looked = run(load(2, warmup_requests=2), deadline, warm=True, first=1000)
    assert point.began == pytest.approx(min(9.75, deadline))
    assert stop.reason == ("duration" if deadline > 9.75 else "time_limit")


def test_requests_at_a_rate_are_sent_on_time():
    """Whatever the server does; latencies count from then."""
    point, stop, server, _looked = run(load(rate=2.0), first=3.0, each=0.0)
    assert stop.reason == "duration"
    assert [time for time, _number in server.sent] == pytest.approx([number / 2 for number in range(20)])
    assert [record.start for record in point.records] == pytest.approx([number / 2 for number in range(20)])
    assert {round(record.time_to_first_token, 6) for record in point.records if record.arrivals} == {3.0}


def test_a_number_of_requests_at_a_rate():
    """The last one is waited for."""
    point, stop, _server, _looked = run(load(rate=10.0, requests=5))
    assert (stop.reason, summary.counts(point.records)["successful"]) == ("requests", 5)
    assert point.ended == pytest.approx(0.4 + 0.5)


@given(st.integers(), st.floats(0.1, 1000))
@settings(max_examples=examples(20))
def test_arrivals_of_a_poisson_process(seed, rate):
    """They begin at once, keep the rate on average, and are the same for the same seed."""
    asked = load(rate=rate, profile="poisson", seed=seed)
    times = list(itertools.islice(arrivals(asked), 4000))
    assert times[0] == 0
    assert times == sorted(times)
    assert fmean(later - earlier for earlier, later in zip(times, times[1:])) * rate == pytest.approx(1, rel=0.15)
    assert times == list(itertools.islice(arrivals(asked), 4000))
    assert times != list(itertools.islice(arrivals(asked._replace(first_number=5)), 4000))


def test_a_server_that_falls_behind_is_over_saturated():
    """One request a second is answered and three come, so that the point ends soon after 30 s."""
    point, stop, _server, _looked = run(load(rate=3.0, duration=300.0), first=1.0, each=0.0, slots=1)
    assert stop.reason == "over_saturation"
    assert "time to first token" in stop.message
    assert 30 <= point.ended < 40


def test_a_concurrency_is_never_over_saturated():
    """The requests in flight do not grow there, however long each waits."""
    _point, stop, _server, _looked = run(load(50, duration=100.0), first=1.0, each=0.0, slots=1)
    assert stop.reason == "duration"


def test_no_more_requests_are_in_flight_than_files_can_be_open(monkeypatch):
    """A server that answers nothing at a high rate ends the point."""
    monkeypatch.setattr(point_module, "MOST_IN_FLIGHT", 20)
    point, stop, server, _looked = run(load(rate=100.0), first=1000)
    assert (stop.reason, len(point.records), server.most) == ("over_saturation", 20, 20)
    assert stop.message.startswith("20 requests were in flight")


def test_a_server_that_refuses_everything():
    """The point ends soon, and the server is not asked more often than it bears."""
    point, stop, server, _looked = run(load(1, duration=100.0), first=0.001, fails=range(5000))
    assert stop == ("errors", "10 of the 10 requests that ended had failed")
    assert summary.counts(point.records)["refused"] == 10
    times = [time for time, _number in server.sent]
    pauses = [later - earlier for earlier, later in zip(times, times[1:])]
    assert pauses[0] > 0.05
    assert max(pauses) == pytest.approx(1.001)


def test_some_errors_do_not_end_a_point():
    """They are counted, and streams go on."""
    point, stop, _server, _looked = run(load(2), fails=range(1000, 5000, 4))
    assert stop.reason == "duration"
    assert summary.counts(point.records)["refused"] >= 8


def test_a_rate_below_what_is_of_interest():
    """Ten tokens per second are not 100."""
    point, stop, _server, _looked = run(load(1, give_up_below=100.0, duration=60.0))
    assert stop.reason == "too_slow"
    assert re.fullmatch(r"9\.\d+ tokens/s after 15\.\d s, and give_up_below is 100", stop.message)
    assert 15 <= point.ended < 15.3
    assert run(load(1, give_up_below=9.0))[1].reason == "duration"


def test_the_deadline_of_the_call_ends_a_point():
    """The sentence names the option."""
    point, stop, _server, _looked = run(load(1), deadline=4.0)
    assert stop == ("time_limit", "max_duration was reached after 4.0 s of this point")
    assert point.ended == 4.0


@pytest.mark.parametrize("asked", [load(2), load(rate=1.0)])
def test_an_error_of_the_program_is_not_hidden(asked):
    """It ends the point, in place of a figure that would be wrong."""

    async def broken(_record, _body):
        raise KeyError("a bug")

    async def go():
        return await Point(asked, lambda _number: b"", broken, 1e9).run(lambda _point: None)

    with pytest.raises(KeyError, match="a bug"):
        simulate(go())


def test_points_have_names():
    """For progress and problems."""
    assert load(4).text() == "concurrency 4"
    assert load(rate=0.5).text() == "0.5 requests/s, constant"
