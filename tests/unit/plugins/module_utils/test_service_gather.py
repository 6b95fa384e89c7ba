# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole service: its unit, processes, API and log, intact and damaged."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._service.gather import PARTS, Host, Wanted, observe
from ansible_collections.inference.ollama.tests.unit.support import processes as host
from ansible_collections.inference.ollama.tests.unit.support.examples import examples

URL = "http://127.0.0.1:11434"
ALL = Wanted(PARTS, 2000)


def read(files=None, run=None, answers=None, wanted=ALL, units=(("ollama.service", URL),)):
    root = host.Planted(host.files() if files is None else files, host.links())
    api = host.fetch(host.API if answers is None else answers)
    return observe(Host(root, host.Programs() if run is None else run, api), units, wanted)


@pytest.fixture(scope="module")
def service():
    return read()


@pytest.fixture(scope="module")
def one(service):
    return service["instances"][0]


def test_an_undamaged_host_has_no_problems(service, one):
    """Everything is read, and nothing is complained of."""
    assert service["schema"] == 1
    assert service["problems"] == one["problems"] == []


def test_the_unit_as_systemd_has_it(one):
    """States, files in their order, and the environment without the password."""
    assert (one["load_state"], one["active_state"], one["sub_state"]) == ("loaded", "active", "running")
    assert one["unit_file_state"] == "enabled"
    assert (one["restarts"], one["main_pid"], one["need_daemon_reload"]) == (2, 100, False)
    assert (one["fragment_path"], one["dropins"]) == (host.UNIT, [host.DROPIN])
    assert one["environment"] == {
        "PATH": "/usr/bin",
        "OLLAMA_ORIGINS": "http://a http://b",
        "HTTPS_PROXY": "http://***@proxy:3128",
    }


def test_who_overrides_whom(one):
    """The last file of a variable or directive holds; what adds up is no override until it is taken back."""
    assert one["overrides"] == [
        {"name": "OLLAMA_HOST", "kept": host.SECRETS, "lost": [host.UNIT, host.DROPIN]},
        {"name": "ExecStart", "kept": host.DROPIN, "lost": [host.UNIT]},
        {"name": "RestartSec", "kept": host.DROPIN, "lost": [host.UNIT]},
    ]


def test_the_server_and_its_runner(one):
    """The server comes first, and what looks for GPUs is left out."""
    server, runner = one["processes"]
    assert (server["kind"], server["pid"], server["model"]) == ("server", 100, None)
    assert server["exe"] == "/usr/local/bin/ollama (deleted)"
    assert server["environment"] == {"OLLAMA_API_KEY": "***", "PATH": "/usr/bin"}
    assert (runner["kind"], runner["pid"], runner["model"]) == ("runner", 111, host.MODEL)
    assert runner["command_line"][-2:] == ["--api-key", "***"]


def test_what_the_runner_uses(one):
    """CPUs, threads, memory by node and by size of page, limits."""
    runner = one["processes"][1]
    assert (runner["cpus_allowed"], runner["mems_allowed"]) == ("14-27,42-55", "0-1")
    assert (runner["threads"], runner["compute_threads"]) == (5, 3)
    assert runner["memory_by_node"] == {"0": 14 * 4096, "1": 500 * 4096 + (2 << 20)}
    assert runner["memory_policy"] == "bind:1"
    assert (runner["resident_bytes"], runner["locked_bytes"]) == (1 << 20, 1 << 16)
    assert (runner["anonymous_huge_bytes"], runner["file_huge_bytes"]) == (2 << 20, 4 << 20)
    assert (runner["shared_huge_bytes"], runner["hugetlb_bytes"]) == (0, 4 << 20)
    assert runner["limits"] == {"nofile": {"soft": 65535, "hard": 65536}, "memlock": {"soft": 1 << 23, "hard": None}}
    assert (runner["oom_score"], runner["oom_score_adjust"]) == (666, -500)
    assert runner["started_seconds"] > 0


def test_the_models_in_memory(one):
    """Release, size and the share on GPUs."""
    assert one["api"]["version"] == "0.34.1"
    assert one["api"]["models"] == [
        {
            "name": "qwen3:8b",
            "digest": "500a",
            "size_bytes": 6591830464,
            "size_vram_bytes": 5000000000,
            "context_length": 8192,
            "expires_at": "2318-01-01T00:00:00Z",
        }
    ]


def test_what_was_logged(one):
    """Settings, devices, and the last start; what a process that looks for GPUs logs is not a start's."""
    log = one["journal"]
    assert log["server_config"]["OLLAMA_ORIGINS"] == "[http://localhost https://localhost:* app://*]"
    assert log["server_config"]["HTTPS_PROXY"] == "http://***@proxy:3128"
    assert log["devices"][0]["name"] == "NVIDIA GeForce RTX 4090"
    assert len(log["starts"]) == 1
    assert log["threads"] == {"used": 14, "batch": 28, "of": 56}
    assert log["offloaded"] == {"layers": 30, "of": 37}
    assert log["kv_cache"] == {"bytes": 576 << 20, "cells": 8192, "k_type": "q8_0", "v_type": "f16"}
    assert (log["flash_attention"], log["prompt_cache_mib"]) == ("enabled", 8192)
    assert [warning["code"] for warning in log["warnings"]] == ["driver-too-old", "no-parallel"]


def test_no_secret_leaves(service):
    """Neither the key nor the password stands anywhere in the result."""
    text = json.dumps(service)
    assert host.KEY not in text
    assert "hunter22" not in text


@pytest.mark.parametrize("part", PARTS)
def test_parts_that_are_not_asked_for_are_null(part):
    """One part is read, all others are null, and every key is there."""
    found = read(wanted=Wanted((part,), 10))["instances"][0]
    assert list(found) == list(read()["instances"][0])
    assert (found["load_state"] is not None) == (part == "unit")
    assert {name for name in PARTS[1:] if found[name] is not None} == {part} - {"unit"}
    assert found["problems"] == []


def test_only_the_api_needs_no_program():
    """Where only the API is asked for, no program is run."""
    run = host.Programs()
    read(run=run, wanted=Wanted(("api",), 10))
    assert run.calls == []


def test_a_problem_of_all_servers_is_reported_once():
    """A host without systemctl is one problem, not one for each server."""
    gone = host.Programs(Outcome(None, "systemctl is not installed"))
    found = read(run=gone, units=[("a.service", URL), ("b.service", URL)])
    assert found["problems"][0] == "systemctl is not installed"
    assert not any("systemctl" in problem for each in found["instances"] for problem in each["problems"])


def test_without_root_everything_else_is_read():
    """What only root may read is null and named; all else is there."""
    files = host.files()
    for path in files:
        if path.startswith("/proc/1") and path.endswith(("environ", "numa_maps", "smaps_rollup")):
            files[path] = PermissionError(13, "Permission denied")
    found = read(files)["instances"][0]
    runner = found["processes"][1]
    assert runner["environment"] is runner["memory_by_node"] is runner["anonymous_huge_bytes"] is None
    assert (runner["threads"], runner["locked_bytes"], runner["cpus_allowed"]) == (5, 1 << 16, "14-27,42-55")
    assert "/proc/111/environ: cannot be read (Permission denied)" in found["problems"]
    assert "/proc/111/numa_maps: cannot be read (Permission denied)" in found["problems"]


def ended(files):
    """Whether the result holds nothing of the runner but that it has ended."""
    found = read(files)["instances"][0]
    problems = [problem for problem in found["problems"] if "111" in problem]
    return [each["pid"] for each in found["processes"]] == [100] and problems == [
        "/proc/111: the process ended while it was read, or this user may not see it"
    ]


def test_a_process_that_ends_while_it_is_read():
    """It is left out, and one problem reports that it ended."""
    files = host.files()
    assert ended({path: text for path, text in files.items() if not path.startswith("/proc/111/") or "cmdline" in path})


def test_a_process_that_turns_into_a_zombie_while_it_is_read():
    """Its command line is gone then, and what was read of it after that moment is nothing: it has ended."""
    files = host.files()

    def environ():
        files["/proc/111/cmdline"] = ""
        return ""

    files["/proc/111/environ"] = environ
    assert ended(files)


def test_a_runner_that_its_server_is_just_starting():
    """Before it runs its own program it is a copy of the server; what counts is what it has become."""
    files = host.files()
    before = host.process(111, "ollama", host.SERVER, 100, environment={"PATH": "/usr/bin"})
    after = {path: files[path] for path in before if path in files}
    copied = {**{path: text for path, text in files.items() if not path.startswith("/proc/111/")}, **before}

    def last_file():
        copied.update(after)
        return before["/proc/111/oom_score_adj"]

    copied["/proc/111/oom_score_adj"] = last_file
    found = read(copied)["instances"][0]
    assert [(each["kind"], each["pid"]) for each in found["processes"]] == [("server", 100), ("runner", 111)]
    assert found["processes"][1]["environment"] == {"LLAMA_ARG_THREADS": "3"}
    assert found["problems"] == []


def test_a_runner_that_is_a_copy_of_its_server_all_the_while():
    """No server starts a second one, so it does not count as a server; a problem reports that it was not read."""
    files = {path: text for path, text in host.files().items() if not path.startswith("/proc/111/")}
    files.update(host.process(111, "ollama", host.SERVER, 100))
    found = read(files)["instances"][0]
    assert [each["pid"] for each in found["processes"]] == [100]
    assert (
        "/proc/111: a child of the server that does not run its own program yet, so it was not read"
        in found["problems"]
    )


def test_a_second_server_that_somebody_else_started():
    """It is reported, whatever its command line."""
    files = {path: text for path, text in host.files().items() if not path.startswith("/proc/111/")}
    files.update(host.process(111, "ollama", host.SERVER, 1))
    found = read(files)["instances"][0]
    assert [(each["kind"], each["pid"]) for each in found["processes"]] == [("server", 100), ("server", 111)]


def test_a_process_that_is_another_one_at_each_look():
    """It is given up after a few looks, and named."""
    files, looks = host.files(), iter(range(1000))
    files["/proc/111/cmdline"] = lambda: f"llama-server\0--model\0/m{next(looks)}\0"
    found = read(files)["instances"][0]
    assert [each["pid"] for each in found["processes"]] == [100]
    assert "/proc/111: its command line changed each of the 3 times that it was read" in found["problems"]


def test_hidden_processes_are_named():
    """With hidepid another user's processes are not visible: they are unknown, and a problem has the reason."""
    files = {path: text for path, text in host.files().items() if not path.startswith("/proc/1")}
    found = read(files)["instances"][0]
    assert found["processes"] is None
    assert any("/proc/100: the process ended" in problem for problem in found["problems"])


def test_a_server_that_has_just_ended_is_not_hidden():
    """Its group no longer lists it: the list is empty, and no problem asks for root."""
    gone = ("/proc/100/", "/proc/111/")
    files = {path: text for path, text in host.files().items() if not path.startswith(gone)}
    found = read({**files, f"{host.GROUP}/cgroup.procs": "120"})["instances"][0]
    assert found["processes"] == []
    assert not [problem for problem in found["problems"] if "hidepid" in problem]


def test_processes_without_control_groups():
    """Where the group cannot be read, the main process and all below it are the unit's."""
    files = {path: text for path, text in host.files().items() if not path.startswith("/sys")}
    files |= host.process(999, "llama-server", host.RUNNER, 1)
    assert [each["pid"] for each in read(files)["instances"][0]["processes"]] == [100, 111]


def test_a_unit_that_is_not_there():
    """It is reported as systemd reports it, without processes or log."""
    run = host.Programs(
        "LoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\nMainPID=0\nNRestarts=0\n"
    )
    found = read({}, run, {})["instances"][0]
    assert (found["load_state"], found["processes"], found["journal"]) == ("not-found", [], None)
    assert found["main_pid"] is found["fragment_path"] is found["unit_file_state"] is None


def test_without_systemd_the_files_tell():
    """Where no program is run, the unit's files and the usual control group tell what they can."""
    root = host.Planted(host.files(), host.links())
    found = observe(Host(root, None, None), [("ollama.service", URL)], ALL)["instances"][0]
    assert (found["fragment_path"], found["dropins"]) == (host.UNIT, [host.DROPIN])
    assert found["active_state"] is found["environment"] is found["journal"] is None
    assert found["api"] == {"url": URL, "version": None, "models": None, "own": None, "answered_by": None}
    assert [each["kind"] for each in found["processes"]] == ["server", "runner"]


GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([
        b"", b"\0", b"\xff\xfe\0", b"-1", b"9" * 5000, b"[" * 5000, b"null", b"{}", b"=", b"\n" * 99,
        b"N0=99999999999999999999 N0=1", b'map["', b"0-99999999", b"((((", b")))) 1 2 3", b'{"MESSAGE": [300]}',
    ]),
)  # fmt: skip
BROKEN = st.sampled_from([PermissionError(13, "Permission denied"), OSError(5, "Input/output error"), None])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "models", "name", "size", "size_vram", "digest"]), inner, max_size=4
        )
    ),
    max_leaves=9,
)


def spoiled(data, text):
    """A text with a part of it replaced by something else."""
    raw = text.encode()
    start = data.draw(st.integers(0, len(raw)))
    return raw[:start] + data.draw(GARBAGE) + raw[data.draw(st.integers(start, len(raw))) :]


@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_whatever_a_host_answers_there_is_a_result(data):
    """Files gone, unreadable or spoiled, answers of any kind: the shape stays."""
    files = host.files()
    for path in data.draw(st.lists(st.sampled_from(sorted(files)), max_size=6, unique=True)):
        broken = data.draw(st.booleans())
        files[path] = data.draw(BROKEN) if broken else spoiled(data, files[path])
        if files[path] is None:
            del files[path]
    show = spoiled(data, host.SHOW).decode("utf-8", "replace") if data.draw(st.booleans()) else host.SHOW
    log = (
        [spoiled(data, line).decode("utf-8", "replace") for line in host.LOG] if data.draw(st.booleans()) else host.LOG
    )
    output = host.journal(log)
    if data.draw(st.booleans()):
        output = spoiled(data, output).decode("utf-8", "replace")
    answers = {path: data.draw(JSON | st.just(good)) for path, good in host.API.items()}
    found = read(files, host.Programs(show, output), answers)
    assert list(found["instances"][0]) == list(read()["instances"][0])
    # What Ansible prints is read by others.
    json.dumps(found, allow_nan=False)
    json.dumps(found, ensure_ascii=False).encode()
