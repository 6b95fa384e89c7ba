# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests, models, tokens, memory (_plan/capacity.py; M1 to M5), address and limits (_plan/service.py; S1 to S6)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.tests.unit.support.plans import (
    OLLAMA,
    SOFTWARE,
    card,
    codes,
    decision,
    environment,
    plan,
    topology,
    workstation,
    xeon,
)

GIB = 1 << 30


def cards(gib, count=1, **facts):
    return workstation(*[card(index, memory_bytes=gib * GIB, **facts) for index in range(count)], memory_gib=64)


@pytest.mark.parametrize(
    ("machine", "numbers"),
    [
        (topology(cores=4), (1, 1, 2)),
        (topology(cores=8), (1, 2, 4)),
        (cards(8), (1, 1, 2)),
        (cards(24), (1, 2, 4)),
        (cards(80), (1, 4, 8)),
    ],
    ids=["4 cores", "8 cores", "8 GiB", "24 GiB", "80 GiB"],
)
def test_parallel_requests_follow_the_objective_and_the_hardware(machine, numbers):
    """latency is one, throughput is twice balanced."""
    found = [
        environment(machine, objective=objective)["OLLAMA_NUM_PARALLEL"]
        for objective in ("latency", "balanced", "throughput")
    ]
    assert found == [str(number) for number in numbers]


@pytest.mark.parametrize(("machine", "models"), [(xeon(), 3), (cards(8, 2), 2), (cards(24, 2), 6)])
def test_models_in_memory_follow_the_cards(machine, models):
    """The number is a total, so it grows with the cards."""
    assert environment(machine)["OLLAMA_MAX_LOADED_MODELS"] == str(models)


@pytest.mark.parametrize(
    ("machine", "keep"),
    [
        (xeon(), "-1"),
        (topology(cores=4, memory_gib=16), "1h"),
        (cards(24), "-1"),
        (cards(8, 2, display_active=True), "1h"),
    ],
)
def test_models_stay_where_nothing_else_wants_their_memory(machine, keep):
    """A display or a small host gets its memory back after an hour."""
    assert environment(machine)["OLLAMA_KEEP_ALIVE"] == keep


@pytest.mark.parametrize(
    ("machine", "context"),
    [(cards(6), 4096), (cards(8), 8192), (cards(24), 8192), (cards(80), 16384), (cards(141), 32768), (xeon(), 32768)],
)
def test_context_follows_the_memory_of_one_slot(machine, context):
    """Never the sum of all cards, from which the release would choose."""
    assert environment(machine)["OLLAMA_CONTEXT_LENGTH"] == str(context)


@pytest.mark.parametrize(
    ("release", "text"),
    [
        ("0.6.6", "takes 2048"),
        ("0.15.4", "takes 4096"),
        ("0.34.1", "takes 262144 from 48.0 GiB"),
        (None, "would depend on the release"),
    ],
)
def test_the_reason_for_the_context_says_what_would_be_without(release, text):
    """The defaults of the releases differ by a factor of 128."""
    machine = cards(24, 2)
    machine["software"] = {**SOFTWARE, "ollama": {**OLLAMA, "version": None}}
    assert text in decision(plan(machine, release), "OLLAMA_CONTEXT_LENGTH")["reason"]


def test_context_is_withheld_where_no_variable_sets_it():
    """Before 0.5.13 only a model or a request can."""
    assert "OLLAMA_CONTEXT_LENGTH" not in environment(xeon(), "0.5.12", context_length=8192)


@pytest.mark.parametrize(("gib", "mib"), [(256, 8192), (16, 682), (1, 42)])
def test_prompt_caches_take_at_most_an_eighth_of_memory_together(gib, mib):
    """Without a bound three models would keep 24 GiB beside themselves."""
    assert environment(topology(cores=8, memory_gib=gib))["LLAMA_ARG_CACHE_RAM"] == str(mib)


def test_unread_memory_leaves_the_prompt_cache_alone():
    """No share of an unknown whole."""
    machine = xeon(memory=None, allowed={"cpus": "0-55", "cpu_quota": None, "memory_bytes": None})
    assert "LLAMA_ARG_CACHE_RAM" not in environment(machine)


def test_a_memory_limit_counts_as_the_host_s_memory():
    """A service in a slice of 8 GiB has no 256."""
    machine = xeon(allowed={"cpus": "0-55", "cpu_quota": None, "memory_bytes": 8 * GIB})
    found = environment(machine)
    assert (found["OLLAMA_KEEP_ALIVE"], found["LLAMA_ARG_CACHE_RAM"]) == ("1h", "341")


def test_every_wish_of_capacity_is_written_as_given():
    """What the operator says wins over every rule."""
    made = plan(
        xeon(), num_parallel=5, max_loaded_models=7, keep_alive="2h", context_length=9999, cache_ram_bytes=512 << 20
    )
    names = ["OLLAMA_NUM_PARALLEL", "OLLAMA_MAX_LOADED_MODELS", "OLLAMA_KEEP_ALIVE", "OLLAMA_CONTEXT_LENGTH"]
    found = [decision(made, name) for name in [*names, "LLAMA_ARG_CACHE_RAM"]]
    assert [entry["value"] for entry in found] == ["5", "7", "2h", "9999", "512"]
    assert {entry["source"] for entry in found} == {"operator"}


@pytest.mark.parametrize(
    ("host", "url", "exposed"),
    [
        ("127.0.0.1:11434", "http://127.0.0.1:11434", False),
        ("localhost", "http://localhost:11434", False),
        ("0.0.0.0:8080", "http://127.0.0.1:8080", True),
        ("[::]:11434", "http://[::1]:11434", True),
        ("[::1]:11434", "http://[::1]:11434", False),
        ("10.1.2.3", "http://10.1.2.3:11434", True),
    ],
)
def test_an_address_for_others_is_warned_of_and_asked_on_the_local_one(host, url, exposed):
    """No release checks a key, so the operator hears it whenever others can reach the API."""
    made = plan(xeon(), host=host)
    assert made["instances"][0]["url"] == url
    assert ("exposed-without-authentication" in codes(made)) is exposed


def test_the_key_stays_out_of_the_plan():
    """The plan knows that there is one, names its file and says what the key is for."""
    made = plan(xeon(), api_key=True)
    assert made["instances"][0]["service"]["EnvironmentFile"] == "/etc/ollama/secrets.env"
    assert "OLLAMA_API_KEY" not in made["instances"][0]["environment"]
    assert "api-key-protects-nothing" in codes(made)


def test_limits_of_a_server():
    """Locked memory, open files, and last in line when memory runs out."""
    service = plan(xeon())["instances"][0]["service"]
    assert (service["LimitMEMLOCK"], service["LimitNOFILE"], service["OOMScoreAdjust"]) == ("infinity", 65535, -500)


@pytest.mark.parametrize(
    "machine", [topology(cores=4, memory_gib=16), cards(8, display_active=True)], ids=["small", "display"]
)
def test_a_desktop_is_not_killed_in_the_server_s_place(machine):
    """On a host that somebody sits at, the server is the one to go."""
    assert "OOMScoreAdjust" not in plan(machine)["instances"][0]["service"]


def test_limits_of_the_operator_s_win():
    """Also where the rule would write nothing."""
    service = plan(topology(cores=4), limit_nofile=4096, oom_score_adjust=-1000)["instances"][0]["service"]
    assert (service["LimitNOFILE"], service["OOMScoreAdjust"]) == (4096, -1000)


def test_a_named_binary_is_started():
    """The unit's own command stands unless there is a reason to replace it."""
    service = plan(topology(cores=4), binary_path="/opt/ollama/bin/ollama")["instances"][0]["service"]
    assert service["ExecStart"] == ["/opt/ollama/bin/ollama", "serve"]
    assert "ExecStart" not in plan(topology(cores=4), binary_path="/usr/local/bin/ollama")["instances"][0]["service"]


def test_load_mode_says_where_it_does_not_act():
    """Before 0.32.6 nobody reads it; on a host without GPU the server's own argument wins."""
    assert "load-mode-not-settable" in codes(plan(xeon(), "0.31.0", load_mode="mlock"))
    assert "load-mode-overridden" in codes(plan(xeon(), load_mode="mlock"))
    made = plan(cards(24), load_mode="mmap+mlock")
    assert made["instances"][0]["environment"]["LLAMA_ARG_LOAD_MODE"] == "mmap+mlock"
    assert "load-mode-overridden" not in codes(made)
    assert "locks" in decision(made, "LimitMEMLOCK")["reason"]
