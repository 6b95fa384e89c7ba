# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in streams, queues and refuses as Ollama does: a server and its child, as processes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
import zipapp
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from standin import faults, runners, slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAB = Path(__file__).resolve().parents[2] / "lab"
FAST = {"cpus": 8, "base": 500.0, "thread_knee": 8, "prompt_gain": 100.0}
BUSY = "server busy, please try again.  maximum pending requests exceeded"


class Server:
    """A stand-in that runs, and how to ask it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def post(self, **request: Any) -> tuple[int, list[dict[str, Any]]]:
        """Status and lines of an answer of /api/generate."""
        return self.ask("/api/generate", **{"model": "standin", **request})

    def ask(self, path: str, **request: Any) -> tuple[int, list[dict[str, Any]]]:
        """Status and lines of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(request))
            answer = connection.getresponse()
            return answer.status, [json.loads(line) for line in answer.read().splitlines()]

    def loaded(self) -> list[str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/api/ps")
            return [model["name"] for model in json.load(connection.getresponse())["models"]]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the stand-in as llama-server."""
    folder = tmp_path_factory.mktemp("library")
    zipapp.create_archive(LAB / "ollama", folder / "llama-server", interpreter=sys.executable)
    # Before 0.30 a runner is the program itself.
    (folder / "ollama").symlink_to("llama-server")
    return folder


@pytest.fixture
def start(library: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server with a curve and an environment."""
    with contextlib.ExitStack() as stack:

        def started(
            curve: dict[str, Any] | None = None,
            log: Any = subprocess.DEVNULL,
            *,
            packed: bool = False,
            **environment: str,
        ) -> Server:
            if curve is not None:
                (tmp_path / "speed").write_text(json.dumps(curve))
            port = runners.free_port()
            env = {
                **os.environ,
                "OLLAMA_STANDIN_FOLDER": str(tmp_path),
                "OLLAMA_STANDIN_LIBRARY": str(library),
                "OLLAMA_MODELS": str(tmp_path / "models"),
                "OLLAMA_HOST": f"127.0.0.1:{port}",
                "LLAMA_ARG_THREADS": "2",
                **environment,
            }
            command = [str(library / "ollama"), "serve"] if packed else [sys.executable, str(LAB / "ollama"), "serve"]
            process = stack.enter_context(subprocess.Popen(command, env=env, stderr=log))
            stack.callback(process.terminate)
            while True:
                with (
                    contextlib.suppress(OSError),
                    contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as it,
                ):
                    it.request("GET", "/")
                    return Server(port)
                assert process.poll() is None, "the server has ended"
                time.sleep(0.02)

        yield started


def test_a_prompt_is_answered_in_a_line_for_each_token_and_one_with_the_counts(start: Callable[..., Server]) -> None:
    status, lines = start(FAST).post(prompt="one two three", options={"num_predict": 5})
    *tokens, last = lines
    assert status == 200
    assert [sorted(token) for token in tokens] == [["created_at", "done", "model", "response"]] * 5
    assert all(token["response"] and token["done"] is False for token in tokens)
    assert (last["done"], last["done_reason"], last["response"]) == (True, "length", "")
    assert (last["prompt_eval_count"], last["eval_count"]) == (3, 5)
    assert 0 < last["load_duration"] < last["total_duration"]
    assert last["eval_duration"] > 0
    assert last["prompt_eval_duration"] > 0


def test_the_answer_without_streaming_is_one_map_with_the_same_fields(start: Callable[..., Server]) -> None:
    server = start(FAST)
    _status, (whole,) = server.post(prompt="one two three", options={"num_predict": 5}, stream=False)
    _status, (*tokens, last) = server.post(prompt="four five six", options={"num_predict": 5})
    assert sorted(whole) == sorted(last)
    assert whole["response"] == "".join(token["response"] for token in tokens)
    assert whole["eval_count"] == last["eval_count"] == 5


def test_without_a_curve_the_child_says_ok_at_once(start: Callable[..., Server]) -> None:
    _status, (token, last) = start().post(prompt="one")
    assert (token["response"], last["done"], last["eval_count"]) == ("ok", True, 1)


def test_what_a_slot_has_read_is_not_read_again(start: Callable[..., Server]) -> None:
    server = start(FAST)
    read = [
        server.post(prompt=prompt, options={"num_predict": 1})[1][-1]["prompt_eval_count"]
        for prompt in ("a b c d", "a b c d", "a b x y", "c d")
    ]
    assert read == [4, 1, 2, 2]


def test_requests_above_slots_and_queue_are_refused_and_those_that_wait_come_in_their_order() -> None:
    places, served, waiting = slots.Slots(2, 3), [], []

    def wait(number: int) -> None:
        with places.slot(lambda: False):
            served.append(number)

    first = contextlib.ExitStack()
    with contextlib.ExitStack() as second:
        first.enter_context(places.slot(lambda: False))
        second.enter_context(places.slot(lambda: False))
        for number in range(3):
            waiting.append(threading.Thread(target=wait, args=(number,)))
            waiting[-1].start()
            wait_for(lambda: len(places._waiting) == len(waiting))
        with pytest.raises(slots.QueueFullError, match=BUSY), places.slot(lambda: False):
            pass
    for thread in waiting:
        thread.join()
    assert served == [0, 1, 2]
    first.close()
    with places.slot(lambda: False), places.slot(lambda: False):
        pass


def test_a_client_that_hangs_up_leaves_its_slot_to_the_next(start: Callable[..., Server]) -> None:
    server = start({**FAST, "base": 1.0, "prompt_gain": 1.0}, OLLAMA_MAX_QUEUE="0")
    server.post(keep_alive="5m")

    def is_refused() -> bool:
        return server.post(prompt="one", options={"num_predict": 1})[0] == 503

    with contextlib.closing(hold(server, is_refused)):
        assert server.post(prompt="one") == (503, [{"error": BUSY}])
    wait_for(lambda: not is_refused())


def hold(server: Server, is_taken: Callable[[], bool]) -> http.client.HTTPConnection:
    """A request that keeps the only slot for hours; where another one came before it and it was refused, once more."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("POST", "/api/generate", json.dumps({"model": "standin", "prompt": "word " * 100000}))
        while not select.select([connection.sock], [], [], 0)[0]:
            if is_taken():
                return connection
        connection.close()
    raise AssertionError("no request has got the slot")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline


def test_a_model_is_kept_while_it_answers_and_ends_after_it_where_it_is_not_to_be_kept(
    start: Callable[..., Server],
) -> None:
    server = start(FAST)
    status, lines = server.post(prompt="one", keep_alive=0, options={"num_predict": 5})
    assert (status, len(lines)) == (200, 6)
    assert server.loaded() == []


@pytest.mark.parametrize(
    ("curve", "environment"),
    [
        ({"fails": [["num_threads", 2]]}, {}),
        ({"fails": [["num_parallel", 3]]}, {"OLLAMA_NUM_PARALLEL": "3"}),
        ({"no_such_field": 1}, {}),
        ({}, {"OLLAMA_FLASH_ATTENTION": "0", "OLLAMA_KV_CACHE_TYPE": "q8_0"}),
    ],
)
def test_settings_that_fail_end_the_load_with_an_error(
    start: Callable[..., Server], curve: dict[str, Any], environment: dict[str, str]
) -> None:
    server = start(curve, **environment)
    status, lines = server.post(prompt="one")
    assert (status, lines) == (500, [{"error": "llama runner process has terminated: exit status 1"}])
    assert server.loaded() == []


@pytest.mark.parametrize(("version", "threads"), [("0.24.0", "NumThreads:3"), ("0.32.15", "-t 3")])
def test_a_models_own_num_thread_reaches_its_runner(
    start: Callable[..., Server], tmp_path: Path, version: str, threads: str
) -> None:
    """By the load request before 0.30, by the command line afterwards; the model was created by a request."""
    (tmp_path / "version").write_text(version)
    (tmp_path / "registry").write_text(json.dumps({"llama:3b": {"bytes": 400000}}))
    with (tmp_path / "log").open("wb") as log:
        server = start(log=log, packed=version == "0.24.0")
        status, lines = server.ask("/api/pull", model="llama:3b")
        assert (status, lines[-1]) == (200, {"status": "success"})
        created = {"model": "llama:3b-ollama", "from": "llama:3b", "parameters": {"num_thread": 3}}
        assert server.ask("/api/create", **created, stream=False) == (200, [{"status": "success"}])
        status, _lines = server.post(model="llama:3b-ollama", keep_alive=60)
    assert (status, server.loaded()) == (200, ["llama:3b-ollama"])
    assert threads in (tmp_path / "log").read_text()


def test_an_error_of_a_pull_is_a_line_of_its_stream_or_the_status_of_an_answer(start: Callable[..., Server]) -> None:
    server = start()
    unknown = {"error": "pull model manifest: file does not exist"}
    assert server.ask("/api/pull", model="nowhere") == (200, [{"status": "pulling manifest"}, unknown])
    assert server.ask("/api/pull", model="nowhere", stream=False) == (500, [unknown])
    assert server.ask("/api/show", model="nowhere") == (404, [{"error": "model 'nowhere:latest' not found"}])
    assert server.ask("/api/copy", source="standin:x", destination="b")[0] == 404


def test_held_stream_ends_when_it_is_released(tmp_path):
    """All but the last piece come at once, and the last once the file is there."""
    release = tmp_path / "release"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        said = faults.held(iter("abc"), theirs, str(release))
        assert [next(said), next(said)] == ["a", "b"]
        release.touch()
        assert list(said) == ["c"]


def test_held_stream_of_nobody_ends(tmp_path):
    """A client that hangs up before the release leaves no thread behind."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        said = faults.held(iter("ab"), theirs, str(tmp_path / "release"))
        assert next(said) == "a"
        ours.close()
        with pytest.raises(slots.GoneError):
            next(said)
