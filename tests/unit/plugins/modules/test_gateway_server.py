# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module gateway_server: what it refuses, and what it does with HAProxy itself."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.modules.gateway_server import reach
from ansible_collections.inference.ollama.tests.unit.support.haproxy import (
    Fake,
    Upstream,
    begun,
    listening,
    needs_haproxy,
    running,
)

ASKED = {"socket": "/nonexistent/admin.sock", "servers": ["a:1"], "state": "drained", "timeout": 0}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"timeout": -1}, "timeout: -1 is not in 0 to 86400"),
        ({"timeout": float("nan")}, "timeout: nan is not in"),
        ({"servers": ["a:1; shutdown"]}, "is no name of a server"),
        ({"servers": ["*"]}, "is no name of a server"),
        ({"servers": []}, "with state: drained it names servers"),
        ({}, "/nonexistent/admin.sock cannot be used"),
    ],
)
def test_what_cannot_be_done_is_refused(wrong, says):
    """In a sentence with the option in it."""
    with pytest.raises(OllamaError, match=says):
        reach({**ASKED, **wrong}, check_mode=False)


def test_the_module_answers_and_refuses_in_its_own_words(run, tmp_path):
    """A dry run sets nothing, and says that a real one would."""
    fake = Fake([("servers", "a:1", "ready", 1, 0, "")])
    with listening(tmp_path / "s", lambda connection, command: connection.sendall(fake(command).encode())):
        status, answer = run(**{**ASKED, "socket": str(tmp_path / "s"), "_ansible_check_mode": True})
        assert (status, answer["changed"], answer["settled"], fake.said) == (0, True, False, [])
        status, answer = run(**{**ASKED, "socket": str(tmp_path / "s")})
        assert (status, answer["changed"], answer["servers"][0]["state"]) == (0, True, "drained")
        status, answer = run(socket=str(tmp_path / "s"))
        assert (status, answer["changed"], answer["settled"]) == (0, False, False)
    status, answer = run(**ASKED)
    assert (status, "cannot be used" in answer["msg"], answer["absent"]) == (1, True, True)
    status, answer = run(**{**ASKED, "socket": str(tmp_path)})
    assert (status, "is not a socket" in answer["msg"], answer["absent"]) == (1, True, False)


@needs_haproxy
def test_a_stream_ends_before_a_drain_does():
    """New requests go to the other server meanwhile, in a backend that tracks too; the one that had begun is whole."""
    upstreams = {"a:ollama": Upstream(), "b:ollama": Upstream()}
    with running({name: each.port for name, each in upstreams.items()}) as (path, port):
        asked = {"socket": path, "servers": ["a:*"], "state": "drained", "timeout": 0}
        everything = {**asked, "servers": ["a:*", "b:*"], "state": "ready", "timeout": 30}
        assert reach(everything, check_mode=False)["settled"]
        streams = [begun(port), begun(port)]
        had = {each["name"]: each["sessions"] for each in reach({**asked, "state": None}, check_mode=False)["servers"]}
        assert had == {"a:ollama": 1}
        done = reach(asked, check_mode=False)
        assert (done["changed"], done["settled"], done["stranded"]) == (True, False, [])
        assert done["servers"] == [{"name": "a:ollama", "state": "drained", "sessions": 1, "queued": 0}]
        streams += [begun(port), begun(port)]
        assert reach({**asked, "timeout": 0.1}, check_mode=False)["servers"][0]["sessions"] == 1
        threading.Timer(0.3, upstreams["a:ollama"].release.set).start()
        done = reach({**asked, "timeout": 30}, check_mode=False)
        assert (done["changed"], done["settled"]) == (False, True)
        upstreams["b:ollama"].release.set()
        assert [stream.recv(1) for stream in streams] == [b"b"] * 4
        ready = reach({**asked, "state": "ready", "timeout": 30}, check_mode=False)
        assert (ready["changed"], ready["settled"], ready["servers"][0]["state"]) == (True, True, "ready")
        assert not reach({**asked, "state": "ready", "timeout": 30}, check_mode=False)["changed"]
        for each in (*streams, *upstreams.values()):
            each.close()


@needs_haproxy
def test_a_server_that_does_not_answer_is_not_ready():
    """The wait for it ends, and says so; the other one is all that is left."""
    upstream = Upstream()
    with running({"a:1": upstream.port, "b:1": 1}) as (path, _port):
        asked = {"socket": path, "servers": ["b:1"], "state": "ready", "timeout": 0.5}
        down = threading.Event()
        while not down.wait(0.05) and reach({**asked, "timeout": 0}, check_mode=False)["settled"]:
            pass
        found = reach(asked, check_mode=False)
        assert (found["settled"], found["servers"][0]["state"]) == (False, "down")
        alone = {**asked, "servers": ["a:1"], "state": "drained"}
        assert reach(alone, check_mode=True)["stranded"] == ["servers", "model-1"]
        assert reach(alone, check_mode=False)["stranded"] == ["servers", "model-1"]
    upstream.close()
