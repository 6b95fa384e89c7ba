# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module benchmark, as Ansible runs it, against a server on this machine."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.tests.unit.support.streamed import Streaming, streaming


def test_a_measurement(run):
    """It changes nothing, and the result is a fact too."""
    server = Streaming()
    with streaming(server) as url:
        code, result = run(urls=[url], model="m", requests=3, output_tokens=2)
    assert (code, result["changed"]) == (0, False)
    assert result["benchmark"]["points"][0]["requests"]["successful"] == 3
    assert result["ansible_facts"] == {"ollama_benchmark": result["benchmark"]}


def test_check_mode_asks_nothing(run):
    """It says what a run would do."""
    server = Streaming()
    with streaming(server) as url:
        code, result = run(urls=[url], model="m", _ansible_check_mode=True)
    assert (code, result["changed"], server.connections) == (0, False, 0)
    assert "benchmark" not in result
    assert len(result["would"]) == 4
    assert url in result["would"][0]


@pytest.mark.parametrize("check_mode", [False, True])
def test_wrong_options_are_refused(run, check_mode):
    """All at once, in check mode too."""
    code, result = run(model="m", concurrency=[0], duration=0, _ansible_check_mode=check_mode)
    assert code == 1
    assert result["msg"].splitlines() == [
        "duration: 0 is not a number of seconds from 1 to 86400",
        "concurrency: 0 is not a number from 1 to 4096",
    ]


def test_a_server_that_is_not_there(run):
    """It fails with the address and the reason."""
    code, result = run(urls=["http://127.0.0.1:9"], model="m")
    assert (code, result["msg"]) == (
        1,
        "model m: http://127.0.0.1:9 did not answer: the connection was refused",
    )


def test_units_are_sampled(run, monkeypatch):
    """The sampler is given the units, and each point has what it saw."""
    name = "ansible_collections.inference.ollama.plugins.module_utils._benchmark.sampling"
    stand_in = ModuleType(name)

    class Sampler:
        def __init__(self, units):
            self.units = list(units)

        def start(self):
            """Nothing is to be started."""

        def window(self, _begin, _end):
            return {"units": self.units}

        def stop(self):
            """Nothing is to be stopped."""

    stand_in.Sampler = Sampler
    monkeypatch.setitem(sys.modules, name, stand_in)
    with streaming(Streaming()) as url:
        _code, result = run(urls=[url], model="m", requests=1, units=["ollama.service"])
    assert result["benchmark"]["points"][0]["server"] == {"units": ["ollama.service"]}
