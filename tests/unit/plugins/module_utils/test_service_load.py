# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in and out of a server's memory; tests/unit/plugins/modules/test_model.py does it as a whole."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.api import fetcher
from ansible_collections.inference.ollama.plugins.module_utils._service.load import Memory, same_name
from ansible_collections.inference.ollama.tests.unit.support.processes import fetch
from ansible_collections.inference.ollama.tests.unit.support.web import Ollama, serving

NOW = datetime(2026, 11, 22, 8, 12, 2, tzinfo=timezone.utc)
EMPTY = {"/api/version": {"version": "0.34.1"}, "/api/ps": {"models": []}}


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("a", "a:latest"),
        ("a:8b", "a:8b"),
        ("user/a", "user/a:latest"),
        ("hf.co/user/a:Q4_K_M", "hf.co/user/a:Q4_K_M"),
        ("host:5000/user/a", "host:5000/user/a:latest"),
    ],
)
def test_a_name_has_a_tag(name, whole):
    """A port is not a tag."""
    assert same_name(name) == whole


@pytest.mark.parametrize(
    ("expires_at", "left"),
    [
        ("2026-11-22T08:22:02Z", 600),
        ("2026-11-22T08:22:02.999999999Z", 600),
        ("2026-11-22T10:22:02.5+02:00", 600),
        ("2026-11-22T03:12:03-05:00", 1),
        ("2318-03-04T00:00:00.1Z", -1),
        ("2199-12-31T23:59:59Z", None),
        ("2026-11-22T08:12:02Z", 0),
        ("2026-11-22T08:12:01Z", 0),
        ("0001-01-01T00:00:00Z", 0),
        ("0001-01-01T00:00:00+14:00", 0),
        ("2026-02-30T00:00:00Z", 0),
        ("2026-11-22 08:22:02", 0),
        (None, 0),
        (12, 0),
    ],
)
def test_how_long_a_model_would_have_stayed(expires_at, left):
    """Seconds that are left, -1 for ever; one whose time is over, or unknown, is not brought back."""
    found = Memory("http://h", fetch(EMPTY), NOW).evicted([{"name": "b", "expires_at": expires_at}])
    seconds = [seconds for _model, seconds in found]
    assert seconds == ([left] if left else []) if left is not None else seconds[0] > 1 << 30


def test_a_server_that_does_not_say_what_it_holds():
    """Nothing is loaded or unloaded blindly; the error quotes the answer."""
    with pytest.raises(OllamaError, match=r"the answer has no list models"):
        Memory("http://h", fetch({**EMPTY, "/api/ps": {}}), NOW).models()


def test_what_was_evicted_comes_back():
    """With the time that it has left, and the context that it had."""
    ollama = Ollama(room=2, embedding=["e:latest"])
    before = [
        {"name": "b:8b", "expires_at": "2026-11-22T08:22:02Z", "context_length": 8192},
        {"name": "e:latest", "expires_at": "2318-01-01T00:00:00Z", "context_length": None},
        {"name": "over", "expires_at": "2020-01-01T00:00:00Z"},
    ]
    with serving(ollama) as url:
        memory = Memory(url, fetcher(10), NOW)
        assert memory.bring_back(before) == ["b:8b", "e:latest"]
        assert memory.bring_back(before) == []
        memory.unload("b:8b")
        assert [model["name"] for model in memory.models()] == ["e:latest"]
    assert [(path, posted["keep_alive"]) for path, posted in ollama.posted] == [
        ("/api/generate", 600),
        ("/api/generate", -1),
        ("/api/embed", -1),
        ("/api/generate", 0),
    ]
