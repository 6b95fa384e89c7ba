# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that an operator may set, and the errors for all others (_plan/policy.py, _plan/environment.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import split_host
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import environment
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy, option_errors, parse
from ansible_collections.inference.ollama.tests.unit.support import plans

GOOD = [
    ("num_threads", 14, 14),
    ("num_threads", "14", 14),
    ("numa_node", 0, 0),
    ("numa_node", "none", "none"),
    ("flash_attention", True, True),
    ("flash_attention", "false", False),
    ("hardening", "off", False),
    ("max_loaded_models", 0, None),
    ("host", "http://127.0.0.1:80", "http://127.0.0.1:80"),
    ("keep_alive", "+5m", "+5m"),
    ("keep_alive", -1, "-1"),
    ("keep_alive", "24h", "24h"),
    ("keep_alive", "1h30m", "1h30m"),
    ("kv_cache_type", "q8_0", "q8_0"),
    ("cuda_visible_devices", "0,1", ("0", "1")),
    ("cuda_visible_devices", [1, 0], ("1", "0")),
    ("cuda_visible_devices", "none", ()),
    ("cuda_visible_devices", -1, ()),
    ("models_path", "/srv/models/", "/srv/models"),
    ("host", "[::1]:11434", "[::1]:11434"),
    ("oom_score_adjust", -1000, -1000),
    ("cache_ram_bytes", 0, 0),
    ("environment", {"B": True, "A": 1}, {"A": "1", "B": "1"}),
]
BAD = [
    ("num_threads", -4),
    ("num_threads", 0),
    ("num_threads", 1.5),
    ("num_threads", True),
    ("num_threads", 100000),
    ("numa_node", -1),
    ("numa_node", "one"),
    ("num_parallel", 0),
    ("flash_attention", "maybe"),
    ("flash_attention", "off"),
    ("flash_attention", "on"),
    ("keep_alive", "300000000000000000000h"),
    ("host", "-x-:1"),
    ("models_path", '/srv/models"'),
    ("models_path", " /srv/models"),
    ("cuda_visible_devices", "00"),
    ("cuda_visible_devices", "0, 1"),
    ("cuda_visible_devices", "0,GPU-8932f937"),
    ("cache_ram_bytes", 2**31 << 20),
    ("keep_alive", "1d"),
    ("keep_alive", "forever"),
    ("keep_alive", True),
    ("kv_cache_type", "q5"),
    ("objective", "speed"),
    ("cuda_visible_devices", "0,0"),
    ("cuda_visible_devices", "first"),
    ("cuda_visible_devices", "0,"),
    ("models_path", "models"),
    ("models_path", "/srv/../etc"),
    ("models_path", "/srv/a\nb"),
    ("host", "http://0.0.0.0"),
    ("host", "127.0.0.1:99999"),
    ("oom_score_adjust", 1001),
    ("limit_nofile", 10),
    ("dropin_name", "override"),
    ("dropin_name", "../x.conf"),
    ("instances", "per_socket"),
    ("objective", "auto"),
]


@pytest.mark.parametrize(("key", "value", "parsed"), GOOD)
def test_an_allowed_value_is_read_as_it_is_meant(key, value, parsed):
    """YAML and the command line give different types for the same value; both are understood."""
    found, errors = parse({key: value})
    assert (getattr(found, key), errors) == (parsed, [])


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_wrong_value_is_refused_by_name_value_and_what_is_allowed(key, value):
    """The error names the variable, its value and the allowed ones."""
    found, (error,) = parse({key: value})
    assert found == Policy()
    assert error.startswith(f"ollama_{key}: {value!r} is not allowed; allowed is ")


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("A=1", "a text"),
        ({"A B": 1}, "a mapping of 1 names"),
        ({"A": ["x"]}, "a mapping of 1 names"),
        (["A=1"], "a list"),
    ],
)
def test_a_wrong_environment_is_described_and_not_shown(value, form):
    """Nobody knows which part of a text or a list is the value of a secret."""
    _found, (error,) = parse({"environment": value})
    assert error.startswith(f"ollama_environment: the value, {form}")
    assert "is not allowed; allowed is " in error


def test_every_error_is_in_one_message():
    """Nobody has to run the plan again to find the next mistake."""
    with pytest.raises(OllamaError, match=r"(?s)3 settings.*ollama_num_threads.*ollama_keep_alive.*ollama_numa_node"):
        plans.plan(plans.xeon(), num_threads=-4, keep_alive="1d", numa_node=7)


def test_an_unknown_variable_is_refused():
    """A slip in a name would otherwise be a setting that does nothing."""
    _found, (error,) = parse({"num_thread": 4})
    assert "ollama_num_thread: no such variable" in error
    assert "ollama_num_threads" in error


@pytest.mark.parametrize("value", [None, "auto", "Auto", ""])
def test_auto_and_nothing_set_no_option(value):
    """An empty variable lets an inventory undo a group's value."""
    assert parse({"num_threads": value, "models_path": value}) == (Policy(), [])


@pytest.mark.parametrize("option", load().options.values(), ids=lambda option: option.name)
def test_every_option_takes_its_default(option):
    """What the role passes on if nobody sets the variable is right."""
    assert parse({option.name: option.default}) == (Policy(), [])


@given(st.dictionaries(st.sampled_from(sorted(load().options)), st.none() | st.booleans() | st.integers() | st.text()))
def test_no_value_ends_in_an_exception(options):
    """Any value in an inventory gives a policy and errors in words."""
    found, errors = parse(options)
    assert isinstance(found, Policy)
    assert all(error.startswith("ollama_") for error in errors)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0.0.0.0", ("0.0.0.0", 11434)),
        (":8080", ("0.0.0.0", 8080)),
        ("::", ("::", 11434)),
        ("::1", ("::1", 11434)),
        ("[::1]", ("::1", 11434)),
        ("'0.0.0.0'", ("0.0.0.0", 11434)),
        ('"[::1]:8080"', ("::1", 8080)),
        ("http://0.0.0.0:8080/", ("0.0.0.0", 8080)),
        ("[fe80::1%eth0]:8080", ("fe80::1%eth0", 8080)),
        ("fe80::1%eth0", ("fe80::1%eth0", 11434)),
        ("[fe80::1%eth0]", None),
        ("[::]:80", ("::", 80)),
        ("gpu1.example.org:443", ("gpu1.example.org", 443)),
        ("", None),
        ("a b", None),
        ("127.0.0.1:0", None),
    ],
)
def test_hosts_are_read_as_the_server_reads_them(text, parts):
    """Without a port it is 11434; without an address it is every one, and never silently the loopback one."""
    assert split_host(text) == parts


def test_the_environment_speaks_for_a_variable_left_alone():
    """Ollama's own name of a setting that has a variable counts as that variable."""
    made = plans.plan(plans.xeon(), environment={"OLLAMA_NUM_PARALLEL": 6})
    assert plans.decision(made, "OLLAMA_NUM_PARALLEL")["source"] == "operator"
    assert plans.instances(made)[0]["environment"]["OLLAMA_NUM_PARALLEL"] == "6"


def test_the_environment_may_not_contradict_a_variable():
    """With two values for one setting neither is surely right."""
    with pytest.raises(
        OllamaError, match=r"ollama_environment\.OLLAMA_NUM_PARALLEL: '4' contradicts ollama_num_parallel: 2"
    ):
        plans.plan(plans.xeon(), num_parallel=2, environment={"OLLAMA_NUM_PARALLEL": 4})


def test_saying_the_same_twice_is_no_contradiction():
    """An inventory in transition says things twice."""
    assert (
        plans.environment(plans.xeon(), num_parallel=2, environment={"OLLAMA_NUM_PARALLEL": "2"})["OLLAMA_NUM_PARALLEL"]
        == "2"
    )


def test_a_name_that_no_release_reads_is_left_out_with_what_to_use():
    """OLLAMA_NUM_THREADS is in half of all guides and in no release."""
    made = plans.plan(plans.xeon(), environment={"OLLAMA_NUM_THREADS": 14})
    assert "OLLAMA_NUM_THREADS" not in plans.instances(made)[0]["environment"]
    (warning,) = [entry for entry in made["warnings"] if "OLLAMA_NUM_THREADS" in entry["message"]]
    assert "ollama_num_threads" in warning["remedy"]


def test_a_strict_operator_has_inert_names_refused():
    """With ollama_lint_level inert a name that does nothing stops the role."""
    with pytest.raises(OllamaError, match=r"ollama_environment\.OLLAMA_NUM_THREADS: .*ollama_num_threads"):
        plans.plan(plans.xeon(), lint_level="inert", environment={"OLLAMA_NUM_THREADS": 14})


def test_a_free_name_is_set_and_marked():
    """What the contract has no objection to is the operator's own business."""
    made = plans.plan(
        plans.xeon(), environment={"OLLAMA_MAX_QUEUE": 64, "HTTPS_PROXY": "http://proxy.example.org:3128"}
    )
    assert plans.instances(made)[0]["environment"]["HTTPS_PROXY"] == "http://proxy.example.org:3128"
    assert plans.decision(made, "OLLAMA_MAX_QUEUE")["source"] == "operator"


def test_a_free_name_wins_over_a_rule():
    """A value given always wins, and the plan keeps the rule's reason beside it."""
    gpus = plans.workstation(plans.card(0), plans.card(1))
    made = plans.plan(gpus, environment={"CUDA_DEVICE_ORDER": "FASTEST_FIRST"})
    found = plans.decision(made, "CUDA_DEVICE_ORDER")
    assert (found["value"], found["source"]) == ("FASTEST_FIRST", "operator")
    assert "the rule:" in found["reason"]


def test_every_named_variable_of_the_environment_is_a_field():
    """The table of names points at variables that exist."""
    assert set(load().named.values()) <= set(vars(Policy()))


def test_parsed_values_are_shown_as_an_operator_writes_them():
    """Messages speak the inventory's language."""
    assert [environment.shown(value) for value in (True, ("0", "1"), (), 3)] == ["true", "0,1", "none", "3"]


def test_of_two_names_for_one_thing_the_inert_one_is_left_out():
    """What a warning calls left out must not be written after all."""
    made = plans.plan(plans.xeon(), environment={"OLLAMA_KV_CACHE_TYPE": "q8_0", "LLAMA_ARG_CACHE_TYPE_K": "q4_0"})
    found = plans.instances(made)[0]["environment"]
    left_out = [entry["message"] for entry in made["warnings"] if "left out" in entry["message"]]
    assert "OLLAMA_KV_CACHE_TYPE" in found
    assert any("LLAMA_ARG_CACHE_TYPE_K" in text for text in left_out)
    assert "LLAMA_ARG_CACHE_TYPE_K" not in found


def test_a_variable_for_another_release_does_not_become_an_option():
    """LLAMA_ARG_THREADS does nothing before 0.30.0, so it does not set the threads there."""
    made = plans.plan(plans.xeon(), release="0.24.0", environment={"LLAMA_ARG_THREADS": "3"})
    assert plans.instances(made)[0]["compute_threads"] != 3
    assert "LLAMA_ARG_THREADS" not in plans.instances(made)[0]["environment"]


@pytest.mark.parametrize("name", ["binary_path", "secrets_path"])
@pytest.mark.parametrize("end", ["$HOME", "'", '"', "\\", "*", "?", "[a]", " ", "\t", "/.."])
def test_a_path_that_a_unit_would_read_otherwise_is_refused(name, end):
    """systemd halves no $$ in a program's path, takes EnvironmentFile= for a pattern, and drops blanks at the end."""
    (error,) = option_errors({name: f"/opt/x{end}"})
    assert error.startswith(f"ollama_{name}: ")
    assert "allowed is " in error


@pytest.mark.parametrize("path", ["/opt/my 100%/ollama", "/opt/a;b#c/ollama", "/opt/ü,{a}~/ollama", "/opt/-a@b:c+d=e"])
def test_a_path_that_a_unit_reads_as_it_is_passes(path):
    """Blanks inside, specifiers and signs of other languages can be written."""
    assert option_errors({"binary_path": path, "secrets_path": path}) == []
