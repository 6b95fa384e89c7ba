# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients ask for says nothing of the plan, and what only the log would contradict does not pass without it."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.failed import failed_checks
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.requests import ASKED
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    BOUND,
    MODEL,
    SAME,
    api,
    changed,
    check,
    journal,
    one,
    running,
    seen_on,
    verdicts,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

WARNED = "warn: {} environment variable is set, but will be overwritten by command line argument {}"
OTHER = "/srv/models/blobs/sha256-0b"
# Each variable that something else puts on the command line, with a value of it and the argument.
ARGUMENTS = {
    "LLAMA_ARG_THREADS": ("14", ["-t", "3"]),
    "LLAMA_ARG_CTX_SIZE": ("8192", ["-c", "4096"]),
    "LLAMA_ARG_N_PARALLEL": ("2", ["-np", "1"]),
    "LLAMA_ARG_N_GPU_LAYERS": ("20", ["-ngl", "0"]),
    "LLAMA_ARG_BATCH": ("256", ["-b", "512"]),
    "LLAMA_ARG_UBATCH": ("256", ["-ub", "512"]),
    "LLAMA_ARG_MAIN_GPU": ("1", ["--split-mode", "none", "--main-gpu", "0"]),
    "LLAMA_ARG_SPLIT_MODE": ("row", ["--split-mode", "none", "--main-gpu", "0"]),
    "LLAMA_ARG_LOAD_MODE": ("mlock", ["--load-mode", "none"]),
    "LLAMA_ARG_FLASH_ATTN": ("on", ["--flash-attn", "auto"]),
    "LLAMA_ARG_CACHE_TYPE_K": ("q8_0", ["--cache-type-k", "f16"]),
    "LLAMA_ARG_CONTEXT_SHIFT": ("0", ["--context-shift"]),
}


def with_variable(name, value):
    """A plan that has the variable, on a release that reads it."""
    made = plan(xeon(), "0.40.2", numa_node=1)
    kept = [row for row in made["decisions"] if row["setting"] != name]
    row = {
        "instance": "ollama",
        "setting": name,
        "kind": "variable",
        "value": value,
        "source": "operator",
        "reason": "",
    }
    return {**made, "decisions": [*kept, row]}


def runners(made, *commands, starts=None):
    """The service with a runner for each of these arguments, each with a start of its own in the log."""
    service = copy.deepcopy(running(made))
    found = service["instances"][0]
    server, first = found["processes"]
    logged = []
    found["processes"] = [server]
    for number, words in enumerate(commands):
        argv = ["llama-server", "--model", MODEL, "--port", str(40000 + number), *words]
        found["processes"].append({**first, "pid": 900 + number, "command_line": argv})
        logged.append({"model": MODEL, "command_line": argv, "threads": {"used": 14}, "warnings": [], "complete": True})
    found["journal"]["starts"] = logged if starts is None else starts
    return service


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument_of_the_runner_is_no_failure_of_the_variable(name):
    """Its verdict is unknown, with the argument, the runner's command line and who asks for it; no check fails."""
    value, argument = ARGUMENTS[name]
    made = with_variable(name, value)
    found = verify(made, runners(made, argument), SAME)
    row = check(found, name)
    assert row["verdict"] == "unknown"
    assert row["seen"].split()[0] in ASKED[name].flags
    assert row["evidence"] == "/proc/900/cmdline"
    assert ASKED[name].by in row["remedy"]
    assert verdicts(found, "fail") == failed_checks(found) == []


def test_a_client_with_its_own_thread_count_fails_nothing():
    """Neither the variable nor the number of threads fails, whatever the log says of this runner and of others."""
    made = plan(xeon(), numa_node=1)
    service = runners(made, ["-t", "3"])
    line = {"code": "overridden", "line": WARNED.format("LLAMA_ARG_THREADS", "-t")}
    log = service["instances"][0]["journal"]
    log["warnings"] = log["starts"][0]["warnings"] = [line]
    log["starts"][0]["threads"] = {"used": 3}
    found = verify(made, service, SAME)
    assert verdicts(found, "fail") == []
    assert (check(found, "compute_threads")["verdict"], check(found, "compute_threads")["seen"]) == ("unknown", "3")
    assert check(found, "LLAMA_ARG_THREADS")["seen"] == "-t 3"
    assert "num_thread" in check(found, "LLAMA_ARG_THREADS")["remedy"]


def test_a_runner_that_is_gone_says_nothing():
    """A line of a runner that has ended counts for none that lives."""
    line = {"code": "overridden", "line": WARNED.format("LLAMA_ARG_THREADS", "-t")}
    gone = {"model": MODEL, "command_line": ["llama-server", "--model", MODEL, "--port", "39999", "-t", "3"]}
    gone.update(warnings=[line], threads={"used": 3})
    service = runners(BOUND, [])
    log = service["instances"][0]["journal"]
    log.update(starts=[*log["starts"], gone], warnings=[line])
    found = verify(BOUND, service, SAME)
    assert check(found, "LLAMA_ARG_THREADS")["verdict"] == check(found, "compute_threads")["verdict"] == "pass"


def test_another_runner_proves_what_a_request_hides():
    """Of two runners the one without the argument counts."""
    made = with_variable("LLAMA_ARG_THREADS", "14")
    found = verify(made, runners(made, ["-t", "3"], []), SAME)
    assert check(found, "LLAMA_ARG_THREADS")["verdict"] == "pass"


def test_the_line_counts_where_the_command_line_was_not_read():
    """The runner's own start has it then, by the line that llama-server wrote."""
    service = runners(BOUND, ["-t", "3"])
    found = service["instances"][0]
    found["journal"]["starts"][0]["warnings"] = [
        {"code": "overridden", "line": WARNED.format("LLAMA_ARG_THREADS", "-t")}
    ]
    found["processes"][1]["command_line"] = None
    found["journal"]["starts"][0]["command_line"] = ["llama-server", "--model", MODEL, "-t", "3"]
    row = check(verify(BOUND, service, SAME), "LLAMA_ARG_THREADS")
    assert (row["verdict"], row["seen"]) == ("unknown", "-t 3")
    assert "at the start of the runner 900" in row["evidence"]


def test_a_variable_that_ollama_always_replaces_is_never_proven():
    """Without a model too."""
    made = with_variable("LLAMA_ARG_CTX_SIZE", "4096")
    service = runners(made)
    assert check(verify(made, service, SAME), "LLAMA_ARG_CTX_SIZE")["verdict"] == "unknown"


def test_the_table_knows_what_the_contract_calls_overridden():
    """Each name that Ollama's command line always replaces has its arguments."""
    names = [setting.name for group in load().groups for setting in group.settings if setting.status == "overridden"]
    assert set(names) <= set(ASKED)


@given(st.lists(st.sampled_from([word for _value, words in ARGUMENTS.values() for word in words]), max_size=8))
def test_no_command_line_fails_a_variable_of_llama_server(words):
    """Whatever clients ask for, in any order, no LLAMA_ARG_* fails by it."""
    found = verify(BOUND, runners(BOUND, words), SAME)
    assert [name for name in verdicts(found, "fail") if name.startswith("LLAMA_ARG_")] == []


# What only the log would contradict.

GONE = (
    "the log of ollama.service: read no start of the runner 900, expected one 60 s ago; journald has dropped it since"
)
LOGGED_ALONE = ["LLAMA_ARG_THREADS", "LLAMA_ARG_CACHE_RAM"]


@pytest.mark.parametrize(
    "starts",
    [
        [],
        [{"model": MODEL, "command_line": ["x", "--model", MODEL, "--port", "1"], "prompt_cache_mib": 8192}],
        [{"model": MODEL, "complete": False}],
        [{"model": OTHER}],
    ],
)
def test_a_start_that_is_out_of_reach_proves_nothing(starts):
    """Rotated away, of another runner, cut, or of another model: what only it would contradict is unknown, and why."""
    service = runners(BOUND, [], starts=starts)
    service["instances"][0]["problems"] = [GONE]
    found = verify(BOUND, service, SAME)
    for name in LOGGED_ALONE:
        assert check(found, name)["verdict"] == "unknown"
        assert GONE in check(found, name)["evidence"]


@pytest.mark.parametrize("log", [None, journal(server_config=None)])
def test_a_server_whose_own_line_is_out_of_reach_proves_nothing(log):
    """What the server made of its variables shows in the log alone, so that none of them passes without it."""
    found = seen_on(journal=log)
    for name in ("OLLAMA_KEEP_ALIVE", "OLLAMA_MAX_LOADED_MODELS", "OLLAMA_HOST"):
        assert check(found, name)["verdict"] == "unknown"
        assert "server config" in check(found, name)["evidence"]


# Without a model in memory.


def test_without_a_model_the_environment_alone_is_configured():
    """What a model would show is configured; what the server's own log shows passes; nothing of it fails."""
    found = seen_on(processes=one(), api=api(models=[]))
    for name in ("OLLAMA_FLASH_ATTENTION", "OLLAMA_NUM_PARALLEL", "OLLAMA_CONTEXT_LENGTH"):
        row = check(found, name)
        assert row["verdict"] == "configured"
        assert "alone" in row["evidence"]
        assert "ollama_verify_model" in row["remedy"]
    assert check(found, "OLLAMA_KEEP_ALIVE")["verdict"] == "pass"
    assert found["counts"]["configured"] == len(verdicts(found, "configured")) > 0
    assert found["verdict"] == "unknown"


@pytest.mark.parametrize("strict", [False, True])
def test_what_is_configured_fails_no_host(strict):
    """Not with strict either, which is about what could not be read."""
    found = seen_on(processes=one(), api=api(models=[]))
    assert not {"configured"} & {row["verdict"] for row in failed_checks(found, strict=strict)}


def test_a_warning_of_another_start_explains_nothing():
    """That one model cannot do it is no reason why another one does not."""
    service = runners(BOUND, ["--flash-attn", "off"])
    line = {"code": "flash-attention", "line": "flash attention enabled but not supported"}
    service["instances"][0]["journal"]["warnings"] = [line]
    assert check(verify(BOUND, service, SAME), "OLLAMA_FLASH_ATTENTION")["verdict"] == "unknown"
    service["instances"][0]["journal"]["starts"][0]["warnings"] = [line]
    assert check(verify(BOUND, service, SAME), "OLLAMA_FLASH_ATTENTION")["verdict"] == "fail"


def test_two_runners_of_one_model_have_their_own_starts():
    """By their ports."""
    service = runners(BOUND, [], [])
    service["instances"][0]["journal"]["starts"][0]["threads"] = {"used": 28}
    row = check(verify(BOUND, service, SAME), "compute_threads")
    assert (row["verdict"], row["evidence"]) == ("fail", "the log of ollama.service at the start of the runner 900")
    assert check(changed(), "compute_threads")["verdict"] == "pass"
