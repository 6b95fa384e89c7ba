# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each place where a setting shows, and its check: server and runners, the API, the log, files, the kernel."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    BOUND,
    GPU,
    MODEL,
    OURS,
    SAME,
    api,
    changed,
    check,
    journal,
    running,
    seen_on,
)
from ansible_collections.inference.ollama.tests.unit.support.found import found_unit
from ansible_collections.inference.ollama.tests.unit.support.plans import instances, plan, xeon

# What the server and its runners make of a value.


def test_the_servers_own_word():
    """A value in the environment that the server did not take."""
    config = {**journal()["server_config"], "OLLAMA_KEEP_ALIVE": "5m0s", "OLLAMA_HOST": "***"}
    found = seen_on(journal=journal(server_config=config))
    row = check(found, "OLLAMA_KEEP_ALIVE")
    assert (row["verdict"], row["seen"]) == ("fail", "5m0s")
    assert "server config" in row["evidence"]
    assert check(found, "OLLAMA_HOST")["verdict"] == "pass"
    line = 'msg="invalid environment variable, using default" key=OLLAMA_NUM_PARALLEL value=x'
    warned = seen_on(journal=journal(warnings=[{"code": "invalid-value", "line": line}]))
    assert line in check(warned, "OLLAMA_NUM_PARALLEL")["evidence"]
    assert check(warned, "OLLAMA_KEEP_ALIVE")["verdict"] == "pass"


def test_a_runner_with_another_environment():
    """It is named with its own file."""
    row = check(changed(runner={"environment": {"LLAMA_ARG_CACHE_RAM": "4096"}}), "LLAMA_ARG_CACHE_RAM")
    assert (row["verdict"], row["seen"], row["evidence"]) == ("fail", "4096", "/proc/900/environ")
    assert check(changed(runner={"environment": None}), "LLAMA_ARG_CACHE_RAM")["verdict"] == "unknown"


def test_what_the_models_show():
    """A value that no model runs with is unknown, since requests and models have options of their own."""
    argv = ["llama-server", "--model", MODEL, "-c", "8192", "-np", "1", "--flash-attn", "off", "--cache-ram=1"]
    found = changed(runner={"command_line": argv})
    assert check(found, "OLLAMA_NUM_PARALLEL")["verdict"] == "unknown"
    assert (check(found, "OLLAMA_FLASH_ATTENTION")["verdict"], check(found, "OLLAMA_FLASH_ATTENTION")["seen"]) == (
        "unknown",
        "off",
    )
    line = 'msg="flash attention enabled but not supported by model"'
    warned = changed(
        runner={"command_line": argv}, journal=journal(warnings=[{"code": "flash-attention", "line": line}])
    )
    assert check(warned, "OLLAMA_FLASH_ATTENTION")["verdict"] == "fail"
    assert line in check(warned, "OLLAMA_FLASH_ATTENTION")["evidence"]
    auto = [*argv[:-2], "auto", "--parallel"]
    assert check(changed(runner={"command_line": auto}), "OLLAMA_FLASH_ATTENTION")["verdict"] == "pass"
    switch = [*argv[:-2]]
    assert check(changed(runner={"command_line": switch}), "OLLAMA_FLASH_ATTENTION")["seen"] == "1"
    right = [*argv[:6], "--flash-attn=on", *argv[3:4]]
    assert check(changed(runner={"command_line": right}), "OLLAMA_FLASH_ATTENTION")["seen"] == "on"


def test_the_context_that_models_have():
    """The API tells it for each; one of them is enough."""
    models = [{"name": "a", "context_length": 2048}, {"name": "b", "context_length": None}]
    row = check(seen_on(api=api(models=models)), "OLLAMA_CONTEXT_LENGTH")
    assert (row["verdict"], row["seen"]) == ("unknown", "2048")
    assert "model a" in row["evidence"]
    models[1]["context_length"] = int(instances(BOUND)[0]["environment"]["OLLAMA_CONTEXT_LENGTH"])
    assert check(seen_on(api=api(models=models)), "OLLAMA_CONTEXT_LENGTH")["verdict"] == "pass"
    unlogged = seen_on(api=api(models=models[:1]), journal=None)
    assert check(unlogged, "OLLAMA_CONTEXT_LENGTH")["verdict"] == "unknown"


def test_the_context_on_a_command_line_is_that_of_all_slots():
    """Ollama multiplies it by the slots."""
    argv = ["llama-server", "--model", MODEL, "-c", "65536", "-np", "2"]
    found = changed(runner={"command_line": argv}, api=None)
    assert (check(found, "OLLAMA_CONTEXT_LENGTH")["verdict"], check(found, "OLLAMA_CONTEXT_LENGTH")["seen"]) == (
        "pass",
        "32768",
    )
    assert "cmdline" not in check(changed(runner={"command_line": argv[:-2]}), "OLLAMA_CONTEXT_LENGTH")["evidence"]


def test_what_was_logged_at_the_start():
    """The limit of the prompt cache, and the type of the KV cache on an older release."""
    start = {"model": MODEL, "threads": {"used": 14}, "prompt_cache_mib": 4096}
    row = check(seen_on(journal=journal(starts=[start])), "LLAMA_ARG_CACHE_RAM")
    assert (row["verdict"], row["seen"]) == ("unknown", "4096")
    made = plan(xeon(), "0.24.0", kv_cache_type="q8_0")
    service = running(made)
    service["instances"][0]["journal"]["starts"][0]["kv_cache"] = {"k_type": "q8_0"}
    row = check(verify(made, service, SAME), "OLLAMA_KV_CACHE_TYPE")
    assert row["verdict"] == "pass"
    assert "at the start of the runner 900" in row["evidence"]


def test_memory_that_is_locked():
    """The kernel tells it, in the status of the runner."""
    made = plan(xeon(), environment={"LLAMA_ARG_MLOCK": "1"})
    assert check(changed(made), "LLAMA_ARG_MLOCK")["verdict"] == "pass"
    row = check(changed(made, runner={"locked_bytes": 0}), "LLAMA_ARG_MLOCK")
    assert (row["verdict"], row["seen"]) == ("unknown", "0")


@pytest.mark.parametrize("mode", ["mlock", "mmap+mlock"])
def test_a_load_mode_that_locks(mode):
    """What the kernel has locked counts before the runner's own word, which comes before it tries."""
    made = plan(xeon(), "0.40.2", load_mode=mode)
    started = journal(starts=[{"model": MODEL, "threads": {"used": 14}, "load_mode": mode}])
    row = check(seen_on(made, journal=started), "LLAMA_ARG_LOAD_MODE")
    assert (row["verdict"], row["seen"]) == ("pass", "4096")
    assert row["evidence"] == "/proc/900/environ, /proc/900/status"
    line = "warning: failed to mlock 4464640-byte buffer (after previously locking 0 bytes): Cannot allocate memory"
    row = check(changed(made, runner={"locked_bytes": 0}, journal=started), "LLAMA_ARG_LOAD_MODE")
    assert (row["verdict"], row["seen"]) == ("unknown", "0")
    started["warnings"] = [{"code": "mlock", "line": line}]
    row = check(changed(made, runner={"locked_bytes": 0}, journal=started), "LLAMA_ARG_LOAD_MODE")
    assert row["verdict"] == "fail"
    assert line in row["evidence"]


@pytest.mark.parametrize(("logged", "verdict"), [("mmap", "pass"), ("none", "unknown")])
def test_a_load_mode_that_locks_nothing(logged, verdict):
    """The runner's own word: Ollama may have chosen another mode on the command line."""
    made = plan(xeon(), "0.40.2", load_mode="mmap")
    found = seen_on(made, journal=journal(starts=[{"model": MODEL, "threads": {"used": 14}, "load_mode": logged}]))
    row = check(found, "LLAMA_ARG_LOAD_MODE")
    assert (row["verdict"], row["seen"]) == (verdict, logged)
    assert "at the start of the runner 900" in row["evidence"]


# Directives, files, the kernel.


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        ("LimitNOFILE", {"limits": {"nofile": {"soft": 1024, "hard": 524288}}}),
        ("LimitMEMLOCK", {"limits": {"memlock": {"soft": 8388608, "hard": 8388608}}}),
        ("OOMScoreAdjust", {"oom_score_adjust": 0}),
        ("ExecStart", {"command_line": ["/opt/ollama", "serve"]}),
    ],
)
def test_directives_that_a_process_shows(setting, changes):
    """They fail by what the kernel says, and are unknown where it says nothing."""
    made = plan(xeon(), numa_node=1, load_mode="mlock")
    row = check(changed(made, server=changes), setting)
    assert row["verdict"] == "fail"
    assert row["evidence"].startswith("/proc/812/")
    empty = {"limits": None, "oom_score_adjust": None, "command_line": None}
    assert check(changed(made, server=empty), setting)["verdict"] == "unknown"


def test_affinity_shows_in_the_server():
    """CPUAffinity= of a plan without numactl."""
    made = plan(xeon(), numa_node=1, bind_method="affinity")
    assert check(changed(made), "CPUAffinity")["verdict"] == "pass"
    row = check(changed(made, server={"cpus_allowed": "0-55"}), "CPUAffinity")
    assert (row["verdict"], row["seen"]) == ("fail", "0-55")
    assert check(changed(made, server={"cpus_allowed": None}), "CPUAffinity")["verdict"] == "unknown"


def difference(**row):
    """What unit_drift tells of one."""
    return {"schema": 1, "differences": [{"unit": "ollama.service", "instance": "ollama", "path": OURS, **row}]}


def test_directives_that_only_files_show():
    """The file says it, systemd has loaded it, and nothing overrides it."""
    assert check(seen_on(), "Restart")["evidence"].startswith(OURS)
    assert check(seen_on(GPU), "After")["verdict"] == "pass"
    assert check(seen_on(drift=None), "Restart")["verdict"] == "unknown"
    edited = difference(setting="Restart", kind="differs", on_host="no", planned="always")
    row = check(seen_on(drift=edited), "Restart")
    assert (row["verdict"], row["seen"]) == ("fail", "no")
    assert "changed by hand" in row["remedy"]
    after = difference(setting="[Unit]After", kind="missing", on_host=None, planned="a")
    assert check(seen_on(GPU, drift=after), "After")["seen"] == "nothing"
    missing = difference(setting=None, kind="file-missing")
    assert "is not there" in check(seen_on(drift=missing), "Restart")["seen"]
    assert check(seen_on(dropins=[]), "Restart")["seen"] == "not loaded"
    assert check(seen_on(dropins=None), "Restart")["verdict"] == "unknown"
    assert check(seen_on(need_daemon_reload=None), "Restart")["verdict"] == "unknown"
    unloaded = changed(server={"environment": {"OLLAMA_KEEP_ALIVE": "5m"}}, dropins=[], environment={})
    assert "has not loaded" in check(unloaded, "OLLAMA_KEEP_ALIVE")["remedy"]
    unset = changed(server={"environment": {"OLLAMA_KEEP_ALIVE": "5m"}}, environment={})
    assert "look at" in check(unset, "OLLAMA_KEEP_ALIVE")["remedy"]


def test_files_that_were_edited_by_hand():
    """A difference counts for the drop-in or for the template unit, and one in comments alone does not count."""
    edited = difference(setting="LimitCORE", kind="extra", on_host="0")
    row = check(seen_on(drift=edited), "unit_files")
    assert (row["verdict"], row["seen"], row["evidence"]) == ("fail", "LimitCORE: extra", OURS)
    assert check(seen_on(drift=difference(setting=None, kind="text")), "unit_files")["verdict"] == "pass"
    assert check(seen_on(drift=None), "unit_files")["verdict"] == "unknown"
    template = difference(unit="ollama@.service", instance=None, setting="Restart", kind="differs", on_host="no")
    found = seen_on(drift=template)
    assert check(found, "unit_files")["seen"] == "Restart: differs"
    assert check(found, "Restart")["verdict"] == "pass"


def test_files_of_an_earlier_plan_and_the_kernel():
    """They count for the host."""
    made = plan(xeon(), transparent_hugepage="always", numa_balancing=0)
    stale = {"schema": 1, "differences": [{"unit": None, "kind": "stale", "path": "/etc/x"}]}
    found = seen_on(made, drift=stale, kernel={"transparent_hugepage": "madvise", "numa_balancing": False})
    assert check(found, "stale_files")["seen"] == "/etc/x"
    assert (check(found, "transparent_hugepage")["verdict"], check(found, "transparent_hugepage")["instance"]) == (
        "fail",
        None,
    )
    assert check(found, "numa_balancing")["verdict"] == "pass"
    assert check(seen_on(made), "numa_balancing")["verdict"] == "unknown"
    found = seen_on(made, kernel={"transparent_hugepage": None, "numa_balancing": True})
    assert check(found, "transparent_hugepage")["verdict"] == "unknown"
    assert (check(found, "numa_balancing")["verdict"], check(found, "numa_balancing")["seen"]) == ("fail", "1")


def test_what_could_not_be_read_is_reported():
    """The reader's own problem is the evidence."""
    problem = "/proc/812/environ: cannot be read (Permission denied)"
    found = changed(server={"environment": None}, problems=[problem])
    assert problem in check(found, "OLLAMA_HOST")["evidence"]
    assert check(found, "OLLAMA_HOST")["verdict"] == check(found, "processes_current")["verdict"] == "unknown"
    unread = seen_on(processes=None, problems=["systemctl is not installed"])
    assert "systemctl is not installed" in check(unread, "binding")["evidence"]
    nothing = seen_on(load_state=None, active_state=None, need_daemon_reload=None, processes=None)
    assert [check(nothing, name)["verdict"] for name in ("unit", "unit_reloaded", "processes_current")] == [
        "unknown"
    ] * 3


def test_names_that_the_contract_does_not_know():
    """They are looked for in the server."""
    made = copy.deepcopy(BOUND)
    made["decisions"].append({"instance": "ollama", "setting": "MY_OWN", "kind": "variable", "value": "1"})
    assert check(verify(made, running(made), SAME), "MY_OWN")["verdict"] == "pass"


# What other files of the unit set.


def found_plan(**directives):
    """The plan for a host whose drop-in has these directives."""
    return make_plan(xeon(), {"numa_node": 1}, "0.34.1", found_unit({}, directives))


@pytest.mark.parametrize(("text", "hard"), [("4096", 4096), ("1024:4096", 4096), ("infinity", None)])
def test_a_limit_of_another_file_is_read_as_systemd_reads_it(text, hard):
    """Soft and hard limit; a count has no units."""
    made = found_plan(LimitNOFILE=text)
    service = running(made)
    for process in service["instances"][0]["processes"]:
        process["limits"]["nofile"] = {"soft": 1024, "hard": hard}
    assert check(verify(made, service, SAME), "LimitNOFILE")["verdict"] == "pass"
    for process in service["instances"][0]["processes"]:
        process["limits"]["nofile"] = {"soft": 1024, "hard": 5}
    assert check(verify(made, service, SAME), "LimitNOFILE")["verdict"] == "fail"


def test_a_size_of_another_file_counts_in_1024():
    """As the limits of sizes do, and those of counts, which systemd then passes over, do not."""
    made = found_plan(LimitMEMLOCK="4K")
    service = running(made)
    for process in service["instances"][0]["processes"]:
        process["limits"]["memlock"] = {"soft": 4096, "hard": 4096}
    assert check(verify(made, service, SAME), "LimitMEMLOCK")["verdict"] == "pass"
    assert "found-unread" in {warning["code"] for warning in found_plan(LimitNOFILE="4K")["warnings"]}


def test_a_directive_of_another_file_holds_where_systemd_has_read_it():
    """Our file does not have it, so that its own state says nothing of it."""
    made = found_plan(Restart="on-failure", OOMScoreAdjust="7", Slice="llm.slice")
    for setting in ("Restart", "OOMScoreAdjust", "Slice"):
        service = running(made)
        for process in service["instances"][0]["processes"]:
            process["oom_score_adjust"] = 7
        assert check(verify(made, service, SAME), setting)["verdict"] == "pass"
    assert "another file" in check(verify(made, running(made), SAME), "Restart")["evidence"]
    for state, verdict in ((True, "fail"), (None, "unknown")):
        service = running(made)
        service["instances"][0]["need_daemon_reload"] = state
        assert check(verify(made, service, SAME), "Restart")["verdict"] == verdict


@pytest.mark.parametrize("logged", [True, False])
@pytest.mark.parametrize("release", ["0.24.0", "0.34.1"])
def test_a_quantised_cache_that_no_model_has_is_a_failed_check(release, logged):
    """No request can ask for another type, so that f16 is not what was planned, whether the log says why or not."""
    made = plan(xeon(), release, kv_cache_type="q8_0")
    service = running(made)
    line = 'level=WARN msg="OLLAMA_FLASH_ATTENTION must be enabled to use a quantized OLLAMA_KV_CACHE_TYPE" type=q8_0'
    start = service["instances"][0]["journal"]["starts"][0]
    start["kv_cache"] = {"k_type": "f16"}
    start["warnings"] = [{"code": "kv-cache-type", "line": line}] if logged else []
    row = check(verify(made, service, SAME), "OLLAMA_KV_CACHE_TYPE")
    assert (row["verdict"], row["seen"]) == ("fail", "f16")
    assert (line in row["evidence"]) is logged


# Containers.


def test_a_container_is_proven_by_its_processes_and_its_file():
    """CPUs show in the server; image and folders are as the file has them, which systemd has loaded."""
    podman = {"deployment": "podman", "image": f"docker.io/ollama/ollama:0.34.1@sha256:{'0' * 64}", "numa_node": 1}
    made = make_plan(xeon(), podman)
    found = verify(made, running(made), SAME)
    assert [check(found, name)["verdict"] for name in ("AllowedCPUs", "image", "mounts")] == ["pass"] * 3
    assert check(found, "image")["seen"].startswith("docker.io/ollama/ollama@sha256:")
    elsewhere = running(made)
    for process in elsewhere["instances"][0]["processes"]:
        process["cpus_allowed"] = "0-55"
    assert check(verify(made, elsewhere, SAME), "AllowedCPUs")["verdict"] == "fail"
    assert check(verify(made, running(made)), "image")["verdict"] == "unknown"
