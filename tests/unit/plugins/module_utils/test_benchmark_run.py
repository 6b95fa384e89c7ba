# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements as a whole against a server on this machine: the result, schema 1, and what is doubtful in it."""

from __future__ import annotations

import json
import re
import time

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import run as run_module
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.options import SPEC, check
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.progress import Progress
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.run import World, measure
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.api import fetcher
from ansible_collections.inference.ollama.tests.unit.support.streamed import (
    HEAD,
    Streaming,
    answer,
    last,
    part,
    plain,
    streaming,
)

LOADED = {"name": "m:latest", "digest": "5" * 64, "size": 100, "size_vram": 60, "context_length": 4096}


class Sampler:
    """Notes what it is asked."""

    def __init__(self):
        self.calls = []

    def start(self):
        self.calls.append("start")

    def window(self, begin, end):
        assert begin <= end <= time.monotonic()
        self.calls.append("window")
        return {"count": 0}

    def stop(self):
        self.calls.append("stop")


def measured(server, *, progress=None, sampler=None, own=b"\1\2\3", also=(), **options):
    """The result of a measurement of a few requests."""
    problems = []
    with streaming(server) as url:
        params = {name: entry.get("default") for name, entry in SPEC.items()}
        params.update(urls=[url, *also], model="m", requests=4, output_tokens=3, prompt_tokens=100)
        world = World(fetcher(5), Progress(progress, problems), sampler, "2026-11-27T12:00:00Z", own, problems)
        return measure(check({**params, **options}), world)


def test_a_measurement():
    """The result has every key of the schema; the model was loaded, and its prompts have the length."""
    server = Streaming()
    found = measured(server, concurrency=[1, 2], goodput={"request_latency_ms": 60000})
    assert [*found] == [
        "schema", "began_at", "seconds", "urls", "release", "model", "workload", "load", "points", "problems",
    ]  # fmt: skip
    assert (found["schema"], found["release"], found["problems"]) == (1, "0.34.1", [])
    assert found["model"] == {
        "name": "m", "digest": "5" * 64, "size_bytes": 100, "size_vram_bytes": 60, "context_length": 4096,
    }  # fmt: skip
    assert found["workload"] == {
        "prompt_tokens": 100, "output_tokens": 3, "output_tokens_stdev": 0, "prompt_cache": "defeat",
        "warmup_requests": None, "duration": 30,
        "requests": 4, "request_timeout": 60, "seed": 0, "arrival": "poisson", "goodput": {"request_latency_ms": 60000},
    }  # fmt: skip
    assert found["load"]["already_loaded"] is False
    assert found["load"]["load_duration_ms"] == 12.0
    assert found["load"]["seconds"] > 0
    first, second = found["points"]
    assert [*first] == [
        "profile", "concurrency", "request_rate", "seconds", "stop", "requests", "errors", "request_concurrency",
        "metrics", "windows", "server",
    ]  # fmt: skip
    assert (first["concurrency"], second["concurrency"], first["server"]) == (1, 2, None)
    assert first["stop"] == {"reason": "requests", "message": "4 requests were answered"}
    assert second["requests"]["successful"] == 4
    assert {*first["metrics"]} == {
        "time_to_first_token_ms", "inter_token_latency_ms", "request_latency_ms", "output_token_throughput_per_user",
        "prompt_tokens_per_second", "prompt_tokens", "output_tokens", "output_token_throughput", "request_throughput",
        "goodput",
    }  # fmt: skip
    assert first["metrics"]["output_tokens"]["mean"] == 3
    assert abs(first["metrics"]["prompt_tokens"]["mean"] - 100) <= 2
    json.dumps(found, allow_nan=False)


def test_what_is_asked():
    """Requests are raw and streamed; one that loads asks for one token, the others for what was asked for."""
    server = Streaming()
    measured(server, keep_alive="-1", seed=-3, warmup_requests=1)
    bodies = [request for _path, request in server.posted]
    assert {*bodies[0]} == {"model", "prompt", "raw", "stream", "keep_alive", "options"}
    assert [body["options"]["num_predict"] for body in bodies] == [1, 1, 3, 3, 3, 3, 3]
    assert all(body["raw"] and body["stream"] and body["keep_alive"] == -1 for body in bodies)
    assert {(body["options"]["temperature"], body["options"]["seed"]) for body in bodies} == {(0, (1 << 31) - 3)}
    prompts = [body["prompt"] for body in bodies]
    assert len(set(prompts)) == len(prompts)
    # 66 words are 100 tokens as this server counts.
    assert [len(prompt.split()) for prompt in prompts] == [100, 66, 66, 66, 66, 66, 66]


def test_the_same_seed_gives_the_same_prompts():
    """In the same order, after the words that are each call's own, however fast the server is."""
    first, second, third = Streaming(), Streaming(), Streaming()
    measured(first, own=b"\1\2\3")
    measured(second, own=b"\4\5\6")
    measured(third, own=b"\1\2\3", seed=1)
    orders = [[" ".join(body["prompt"].split()[3:]) for _path, body in each.posted] for each in (first, second, third)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


def test_prompts_that_the_cache_has():
    """All requests that count have one prompt; that the server counts fewer tokens of it is as it should be."""
    counts = iter([67, 100])
    server = Streaming(lambda request, _number: [(0, answer(request["options"]["num_predict"], next(counts, 1)))])
    found = measured(server, prompt_cache="use")
    assert len({body["prompt"] for _path, body in server.posted[-4:]}) == 1
    assert found["problems"] == []


def test_a_model_that_is_in_memory():
    """There is nothing to say of loading it."""
    found = measured(Streaming(memory=[LOADED]))
    assert found["load"] == {"already_loaded": True, "load_duration_ms": None, "seconds": None}


def test_requests_go_to_the_servers_in_turn():
    """Each loads the model, and each answers as many requests; several releases are named."""
    other = Streaming(version="0.33.0")
    server = Streaming()
    with streaming(other) as url:
        found = measured(server, also=[url], concurrency=[2])
    # The first one also found out the length of a prompt.
    assert (len(server.posted), len(other.posted)) == (1 + 1 + 1 + 2, 1 + 1 + 2)
    assert found["points"][0]["requests"]["successful"] == 4
    assert found["problems"] == ["the servers are of several releases: 0.33.0, 0.34.1"]


def test_progress_and_samples(tmp_path):
    """What is under way is in the file, and each point has what was sampled in it."""
    sampler = Sampler()
    found = measured(Streaming(), progress=str(tmp_path / "progress"), sampler=sampler)
    assert sampler.calls == ["start", "window", "stop"]
    assert found["points"][0]["server"] == {"count": 0}
    # On a busy machine a line of the point itself may have come after it.
    assert (tmp_path / "progress").read_text().startswith("point 1 of 1 (concurrency 1): ")


def test_the_line_of_a_running_point(monkeypatch, tmp_path):
    """It has the seconds, the requests and the rate so far."""
    lines = []
    monkeypatch.setattr(Progress, "say", lambda _self, line, **_now: lines.append(line))
    measured(Streaming(), progress=str(tmp_path / "progress"))
    assert lines[0] == "loading m"
    assert lines[-1].startswith("point 1 of 1 (concurrency 1): 0 of 30 s, 4 requests, ")
    assert lines[-1].endswith(" tokens/s")


def test_a_model_that_is_not_there():
    """The call fails with the server's own words, and what samples is stopped."""
    sampler = Sampler()
    server = Streaming(lambda _request, _number: [(0, plain(404, {"error": "model 'm' not found"}))])
    with pytest.raises(OllamaError, match=r"model m: http://.* did not answer: .*status 404: model 'm' not found"):
        measured(server, sampler=sampler)
    assert sampler.calls == ["start", "stop"]


def test_a_server_that_does_not_count():
    """What is not known is named, and parts with text are tokens."""
    end = last(0, 0, eval_count=None, prompt_eval_count=None)
    server = Streaming(lambda request, _number: [(0, HEAD + part("a") * request["options"]["num_predict"] + end)])
    found = measured(server)
    assert found["points"][0]["metrics"]["prompt_tokens"] is None
    assert found["points"][0]["metrics"]["output_tokens"]["mean"] == 3
    assert len(found["problems"]) == 1
    assert "its answer has no prompt_eval_count; prompts have 100 words" in found["problems"][0]


def test_what_makes_figures_doubtful():
    """Shorter answers, prompts from a cache, and a context that is too small are named."""
    server = Streaming(lambda _request, _number: [(0, answer(1, 20))], memory=[{**LOADED, "context_length": 100}])
    problems = measured(server, output_tokens=30)["problems"]
    assert problems == [
        "a prompt and its answer have 130 tokens, and the context of the model 100",
        (
            "prompt_tokens: 100 were asked for, and on average there were 20.0; the server counts only what its prompt"
            " cache did not have, or cuts prompts"
        ),
        "output_tokens: 30 were asked for, and on average there were 1.0; the model ended its answers earlier",
    ]


def test_a_call_that_runs_out_of_time(monkeypatch):
    """Points that are not measured are named, one that is under way is cut, and the call ends."""

    async def nearly_over(run, loop, _last):
        run._deadline = loop.time() + 0.1

    monkeypatch.setattr(run_module.Run, "_calibrate", nearly_over)
    server = Streaming(lambda _request, number: [(60 if number else 0, answer(1, 100))])
    found = measured(server, concurrency=[1, 2], warmup_requests=0)
    assert len(found["points"]) == 1
    point = found["points"][0]
    assert point["stop"]["reason"] == "time_limit"
    assert point["requests"] == {"total": 1, "successful": 0, "errored": 0, "incomplete": 1, "refused": 0}
    assert re.fullmatch(
        r"concurrency 1: no request ended within \d\.\d s, so that only tokens per second are known; a longer duration,"
        r" or fewer output_tokens than 3, would help",
        found["problems"][0],
    )
    assert found["problems"][1] == "max_duration: no time was left for concurrency 2"


def test_a_generator_that_is_too_busy(monkeypatch):
    """Where sending and receiving take nearly a core, the figures may be those of the generator."""
    monkeypatch.setattr(run_module, "_BUSY", -1.0)
    monkeypatch.setattr(run_module, "_LONG", 0.0)
    problems = measured(Streaming())["problems"]
    assert len(problems) == 1
    assert problems[0].startswith("concurrency 1: sending and receiving took ")
