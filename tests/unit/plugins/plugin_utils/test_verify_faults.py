# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault of a host is found by name, with the place where it shows and the remedy."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    BOUND,
    GPU,
    LATER,
    MODEL,
    OURS,
    SAME,
    SECRETS,
    UNBOUND,
    api,
    changed,
    check,
    journal,
    one,
    running,
    seen_on,
    text_of,
    verdicts,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    decision,
    instances,
    plan,
    workstation,
    xeon,
)

GPU_CARD = card(0)

# Silent fallback to the CPU.


def test_a_gpu_host_whose_server_found_no_card():
    """It answers, slowly and without an error; the log has the reason."""
    line = 'level=WARN msg="NVIDIA driver too old" required_driver=570'
    found = seen_on(
        GPU,
        journal=journal(
            GPU, devices=[{"id": "cpu", "library": "cpu"}], warnings=[{"code": "driver-too-old", "line": line}]
        ),
    )
    row = check(found, "gpus_found")
    assert (row["verdict"], row["seen"]) == ("fail", "only the CPU")
    assert line in row["evidence"]
    assert "upgrade the driver" in row["remedy"]


def test_a_card_that_is_missing_is_named():
    """One of two cards, the other one by its address."""
    devices = journal(GPU)["devices"]
    row = check(seen_on(GPU, journal=journal(GPU, devices=devices[:1])), "gpus_found")
    assert "not 0000:04:00.0" in row["seen"]
    assert "nvidia-smi" in row["remedy"]
    other = [{**devices[0], "pci_id": "0000:09:00.0"}, devices[1]]
    assert "not 0000:03:00.0" in check(seen_on(GPU, journal=journal(GPU, devices=other)), "gpus_found")["seen"]
    old = [{"id": "GPU-1", "library": "cuda", "name": "Card"}]
    assert check(seen_on(GPU, journal=journal(GPU, devices=old)), "gpus_found")["seen"] == "Card cuda"
    assert check(seen_on(GPU, journal=journal(GPU, devices=old * 2)), "gpus_found")["verdict"] == "pass"


def test_a_model_on_the_cpu_of_a_gpu_host():
    """size_vram 0 is none of the model on a card."""
    models = [
        {"name": "a", "size_bytes": 100, "size_vram_bytes": 100},
        {"name": "b", "size_bytes": 100, "size_vram_bytes": 0},
    ]
    row = check(seen_on(GPU, api=api(GPU, models=models)), "gpu_in_use")
    assert (row["verdict"], row["seen"]) == ("fail", "a 100 %, b 0 %")
    assert "/api/ps" in row["evidence"]


def test_cards_without_a_log_or_a_model_are_unknown():
    """What was not logged, or is not in memory, shows nothing."""
    assert check(seen_on(GPU, journal=None), "gpus_found")["verdict"] == "unknown"
    assert check(seen_on(GPU, journal=journal(GPU, devices=[])), "gpus_found")["verdict"] == "unknown"
    assert "no model is in memory" in check(seen_on(GPU, api=api(GPU, models=[])), "gpu_in_use")["evidence"]
    assert check(seen_on(GPU, api=None), "gpu_in_use")["verdict"] == "unknown"
    odd = [{"name": "a", "size_bytes": None, "size_vram_bytes": 0}]
    assert check(seen_on(GPU, api=api(GPU, models=odd)), "gpu_in_use")["verdict"] == "unknown"
    assert verdicts(seen_on(), "pass").count("gpus_found") == 0


def test_a_card_without_a_driver_is_not_asked_for():
    """Neither a plan nor its verification counts on a card that no driver answers for."""
    dead = {
        **GPU_CARD,
        "index": None,
        "uuid": None,
        "memory_bytes": None,
        "answers": False,
        "pci_bus_id": "0000:0a:00.0",
    }
    made = plan(workstation(GPU_CARD, dead))
    assert instances(made)[0]["gpus"] == ["0000:03:00.0"]
    found = seen_on(made, journal=journal(made, devices=journal(made)["devices"]))
    assert check(found, "gpus_found")["verdict"] == "pass"
    assert "0000:0a:00.0" not in str(found)


def test_a_board_is_asked_for_by_number():
    """A GPU without an address and a UUID is one that the server has to find, whatever it calls it."""
    made = plan(workstation({**GPU_CARD, "integrated": True, "pci_bus_id": None, "uuid": None}))
    device = {"id": "0", "library": "CUDA", "name": "Orin", "pci_id": "0000:00:00.0"}
    assert check(seen_on(made, journal=journal(made, devices=[device])), "gpus_found")["verdict"] == "pass"
    assert check(seen_on(made, journal=journal(made, devices=[{"library": "cpu"}])), "gpus_found")["verdict"] == "fail"


# Files that win over ours.


def test_a_second_dropin_that_overrides_ours():
    """The file is named at the setting that it takes, and as a whole."""
    lost = [{"name": "LLAMA_ARG_THREADS", "kept": LATER, "lost": [OURS]}]
    found = changed(
        server={"environment": {"LLAMA_ARG_THREADS": "28"}},
        runner={"environment": {"LLAMA_ARG_THREADS": "28"}},
        overrides=lost,
        dropins=[OURS, LATER],
        journal=journal(starts=[{"model": MODEL, "threads": {"used": 28}}]),
    )
    row = check(found, "LLAMA_ARG_THREADS")
    assert (row["verdict"], row["planned"], row["seen"]) == ("fail", "14", "28")
    assert row["evidence"] == "/proc/812/environ"
    assert f"{LATER} overrides {OURS}" in row["remedy"]
    assert (check(found, "overridden_by")["verdict"], check(found, "overridden_by")["seen"]) == (
        "fail",
        f"{LATER}: LLAMA_ARG_THREADS",
    )
    threads = check(found, "compute_threads")
    assert (threads["verdict"], threads["seen"]) == ("fail", "28")
    assert LATER in threads["remedy"]


def test_an_override_of_a_directive_and_ones_that_harm_nobody():
    """Ours may override; a later one may not, whatever no process shows of it."""
    assert "fail" not in seen_on(overrides=[{"name": "Restart", "kept": OURS, "lost": ["/etc/a"]}])["verdict"]
    found = seen_on(overrides=[{"name": "Restart", "kept": LATER, "lost": ["/etc/a", OURS]}])
    assert check(found, "Restart")["verdict"] == "fail"
    assert LATER in text_of(check(found, "Restart"))
    other = seen_on(overrides=[{"name": "SyslogIdentifier", "kept": LATER, "lost": [OURS]}])
    assert check(other, "overridden_by")["verdict"] == "pass"
    assert check(seen_on(overrides=None), "overridden_by")["verdict"] == "unknown"


def test_an_environment_file_edited_by_hand():
    """Its variables come after all of Environment=, and those that the plan leaves alone are reported too."""
    lost = [{"name": "OLLAMA_KEEP_ALIVE", "kept": SECRETS, "lost": [OURS]}]
    found = changed(server={"environment": {"OLLAMA_KEEP_ALIVE": "1m", "OLLAMA_MAX_QUEUE": "9"}}, overrides=lost)
    assert SECRETS in check(found, "OLLAMA_KEEP_ALIVE")["remedy"]
    assert check(found, "processes_current")["verdict"] == "pass"
    row = check(found, "unplanned")
    assert (row["verdict"], row["seen"]) == ("fail", "OLLAMA_MAX_QUEUE")
    assert "EnvironmentFile=" in row["remedy"]


def test_settings_beside_the_plan_in_files_of_units():
    """A distribution's unit may set some; with a second drop-in nobody knows who did."""
    loaded = {**instances(BOUND)[0]["environment"], "OLLAMA_NOPRUNE": "1"}
    beside = {"environment": {"OLLAMA_NOPRUNE": "1"}}
    assert check(changed(server=beside, environment=loaded), "unplanned")["verdict"] == "pass"
    row = check(changed(server=beside, environment=loaded, dropins=[OURS, LATER]), "unplanned")
    assert (row["verdict"], row["seen"]) == ("unknown", "OLLAMA_NOPRUNE")
    assert LATER in row["remedy"]
    assert check(changed(server=beside, environment=None), "unplanned")["verdict"] == "unknown"


def test_a_secret_shows_by_its_name_alone():
    """The value is neither compared nor shown."""
    row = check(seen_on(), "OLLAMA_API_KEY")
    assert (row["verdict"], row["seen"], row["planned"]) == ("pass", "***", "***")
    row = check(changed(server={"environment": {"OLLAMA_API_KEY": None}}), "OLLAMA_API_KEY")
    assert (row["verdict"], row["seen"]) == ("fail", "not set")
    assert check(changed(server={"environment": None}), "OLLAMA_API_KEY")["verdict"] == "unknown"
    assert check(changed(processes=[]), "OLLAMA_API_KEY")["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("files", "verdict"),
    [
        ([{"path": SECRETS, "mode": "0600", "user_id": 0}], "pass"),
        ([{"path": SECRETS, "mode": "0640", "user_id": 0}], "fail"),
        ([{"path": SECRETS, "mode": "0600", "user_id": 1000}], "fail"),
        ([], "fail"),
        (None, "unknown"),
    ],
)
@pytest.mark.parametrize("method", ["credentials", "file"])
def test_the_file_of_secrets_is_roots_alone(method, files, verdict):
    """By either way the server's secrets come from a file that nobody else can read."""
    made = plan(xeon(), numa_node=1, api_key=True, secrets_method=method)
    setting = "LoadCredential" if method == "credentials" else "EnvironmentFile"
    assert check(seen_on(made, secret_files=files), setting)["verdict"] == verdict


def test_a_secret_in_a_planned_value_is_not_shown():
    """A proxy with a password is there or not; more is nobody's business."""
    made = plan(xeon(), environment={"HTTPS_PROXY": "http://proxy:3128"})
    decision(made, "HTTPS_PROXY")["value"] = "http://me:hunter22@proxy:3128"
    service = json.loads(json.dumps(running(made)).replace("me:hunter22", "***"))
    found = verify(made, service, SAME)
    assert "hunter22" not in text_of(check(found, "HTTPS_PROXY"))
    assert check(found, "HTTPS_PROXY")["verdict"] == "unknown"
    del service["instances"][0]["processes"][0]["environment"]["HTTPS_PROXY"]
    found = verify(made, service, SAME)
    assert check(found, "HTTPS_PROXY")["verdict"] == "fail"
    assert "hunter22" not in str(found)


# Releases.


def test_a_server_older_than_planned():
    """What it does not read has no effect, whatever its environment says."""
    found = seen_on(api=api(version="0.24.0"))
    row = check(found, "release")
    assert (row["verdict"], row["planned"], row["seen"]) == ("fail", "0.34.1", "0.24.0")
    assert "older than the plan assumed" in row["remedy"]
    assert "0.24.0 does not read it" in check(found, "LLAMA_ARG_THREADS")["seen"]
    assert check(found, "OLLAMA_KEEP_ALIVE")["verdict"] == "pass"


def test_other_releases():
    """A newer one, an invalid one, an unknown one, and a plan without one."""
    assert "newer" in check(seen_on(api=api(version="0.40.0")), "release")["remedy"]
    assert check(seen_on(api=api(version="0.0.0")), "release")["verdict"] == "unknown"
    assert check(seen_on(api=None), "release")["verdict"] == "unknown"
    made = plan(xeon(), None)
    made["release"] = None
    service = running(made)
    assert check(verify(made, service, SAME), "release")["verdict"] == "unknown"
    service["instances"][0]["api"] = None
    assert check(verify(made, service, SAME), "OLLAMA_KEEP_ALIVE")["verdict"] == "pass"


def test_a_release_without_a_thread_count_of_its_own():
    """Before 0.30 no variable sets it; the log shows it."""
    made = plan(xeon(), "0.24.0", numa_node=1)
    service = running(made)
    service["instances"][0]["journal"]["starts"][0]["threads"] = {"used": 28}
    row = check(verify(made, service, SAME), "compute_threads")
    assert row["verdict"] == "fail"
    assert "PARAMETER num_thread 14" in row["remedy"]


# A server that does not answer, and why it ended.

VERSION = "http://127.0.0.1:11434/api/version"
REFUSED = f"{VERSION}: it cannot be reached (Connection refused)"
PANIC = "Error: listen tcp 127.0.0.1:11434: bind: address already in use"
ENDED = [{"code": "server-ended", "line": "panic: older"}, {"code": "other", "line": "x"}]
ENDED += [{"code": "server-ended", "line": PANIC}]


def test_a_server_that_answers():
    """At the address that is planned."""
    row = check(seen_on(), "api")
    url = instances(BOUND)[0]["url"]
    assert (row["verdict"], row["planned"], row["seen"], row["evidence"]) == ("pass", url, url, f"GET {VERSION}")


@pytest.mark.parametrize("log", [None, journal(), journal(warnings=[{"code": "other", "line": PANIC}])])
def test_a_server_that_does_not_answer(log):
    """A unit that runs and serves nobody fails, with the reader's problem as evidence and where to look."""
    found = seen_on(api=api(version=None, models=None), problems=[REFUSED], journal=log)
    row = check(found, "api")
    assert (row["verdict"], row["seen"], row["evidence"]) == ("fail", "no answer", REFUSED)
    assert "journalctl -u ollama.service" in row["remedy"]
    assert check(found, "unit")["verdict"] == "pass"
    assert check(found, "release")["verdict"] == "unknown"


def test_a_server_that_does_not_answer_as_all_of_them():
    """What concerns every server stands at the top of what was read."""
    service = running(BOUND)
    service["instances"][0]["api"] = {"url": "http://127.0.0.1:11434", "version": None, "models": None}
    service["problems"] = [REFUSED]
    assert check(verify(BOUND, service, SAME), "api")["verdict"] == "fail"


def test_an_answer_of_another_process_fails():
    """It is named, and what it says of its release is not the server's."""
    by = "python3 (PID 7, other.service)"
    said = f"{VERSION}: {by} answers there, and is no process of ollama.service"
    found = seen_on(api=api(version=None, models=None, own=False, answered_by=by), problems=[said])
    row = check(found, "api")
    assert (row["verdict"], row["seen"], row["evidence"]) == ("fail", f"an answer of {by}", said)
    assert "stop that process" in row["remedy"]
    assert check(found, "release")["verdict"] == "unknown"
    assert check(seen_on(api=api(own=False)), "api")["verdict"] == "fail"


def test_an_answer_that_may_be_another_process_s_is_unknown():
    """With the reader's reason; one that is the server's own, or was never asked about, passes."""
    said = f"{VERSION}: whose process answers is not known: who is not root does not see it"
    row = check(seen_on(api=api(own=None), problems=[said]), "api")
    assert (row["verdict"], row["evidence"]) == ("unknown", said)
    assert check(seen_on(api=api(own=True), problems=[said]), "api")["verdict"] == "pass"
    assert check(seen_on(), "api")["verdict"] == "pass"


def test_another_address_that_does_not_answer_fails_nothing():
    """Only the planned one counts; without a problem about it the answer is unknown."""
    elsewhere = "http://127.0.0.1:11435/api/version: it cannot be reached"
    for problems in ([], [elsewhere]):
        row = check(seen_on(api=api(version=None), problems=problems), "api")
        assert (row["verdict"], row["seen"]) == ("unknown", None)
        assert f"GET {VERSION} was not read" in row["evidence"]
    assert check(seen_on(api=None), "api")["verdict"] == "unknown"


def test_the_last_words_of_a_server_that_ended():
    """They are the evidence for why the unit does not run and does not answer."""
    found = seen_on(
        active_state="activating",
        sub_state="auto-restart",
        result="exit-code",
        processes=[],
        api=api(version=None, models=None),
        problems=[REFUSED],
        journal=journal(warnings=ENDED),
    )
    assert check(found, "unit")["evidence"] == f"systemctl show ollama.service; it logged: {PANIC}"
    assert check(found, "api")["evidence"] == f"{REFUSED}; it logged: {PANIC}"
    assert verdicts(found, "fail") == ["unit", "api"]


def test_the_last_words_of_a_server_that_runs_again_are_history():
    """A server that answers does not fail because of them."""
    found = seen_on(journal=journal(warnings=ENDED))
    assert verdicts(found, "fail") == []
    assert "it logged" not in check(found, "api")["evidence"] + check(found, "unit")["evidence"]


# Processes of another time.


def test_stale_processes_after_a_failed_restart():
    """The unit says one thing, and the process was started with another."""
    found = changed(server={"environment": {"OLLAMA_KEEP_ALIVE": "5m"}})
    row = check(found, "processes_current")
    assert (row["verdict"], row["evidence"]) == ("fail", "/proc/812/environ")
    assert "'5m'" in row["seen"]
    assert "OLLAMA_KEEP_ALIVE" in row["seen"]
    assert "before the unit said so" in check(found, "OLLAMA_KEEP_ALIVE")["remedy"]
    gone = changed(server={"environment": {"OLLAMA_KEEP_ALIVE": None}})
    assert "is not set" in check(gone, "processes_current")["seen"]


@pytest.mark.parametrize(
    ("server", "runner", "words"),
    [
        ({"exe": "/usr/local/bin/ollama (deleted)"}, {}, "the server's program was replaced"),
        ({}, {"exe": "/x/llama-server (deleted)"}, "the runner's program was replaced"),
        ({}, {"started_seconds": 7200.0}, "the runner 900 is older than the server"),
        ({}, {"kind": "server", "pid": 1}, "2 servers, 812, 1"),
    ],
)
def test_processes_that_are_not_of_the_last_start(server, runner, words):
    """A replaced program, a runner that was left, a second server."""
    row = check(changed(server=server, runner=runner), "processes_current")
    assert row["verdict"] == "fail"
    assert words in row["seen"]
    assert "systemctl restart ollama.service" in row["remedy"]


def test_a_server_outside_of_its_unit():
    """It answers, and the unit has failed."""
    found = seen_on(active_state="failed", sub_state="failed", result="exit-code", processes=[])
    assert check(found, "unit")["seen"] == "loaded, failed, failed, exit-code"
    assert check(found, "processes_current")["verdict"] == "fail"
    assert "runs no server" in check(found, "OLLAMA_HOST")["evidence"]
    assert check(found, "LLAMA_ARG_THREADS")["verdict"] == "unknown"


def test_a_unit_that_was_not_reloaded():
    """Directives that show nowhere else fail with it."""
    found = seen_on(need_daemon_reload=True)
    assert check(found, "unit_reloaded")["seen"] == "yes"
    assert "systemctl daemon-reload" in check(found, "unit_reloaded")["remedy"]
    assert check(found, "Restart")["seen"] == "changed since systemd read it"
    both = changed(server={"environment": {"OLLAMA_KEEP_ALIVE": "5m"}}, need_daemon_reload=True)
    assert "daemon-reload" in check(both, "OLLAMA_KEEP_ALIVE")["remedy"]


@pytest.mark.parametrize(("state", "words"), [("not-found", "install Ollama"), ("masked", "unmask")])
def test_a_unit_that_cannot_be_loaded(state, words):
    """The remedy is that of the state."""
    row = check(seen_on(load_state=state, active_state="inactive"), "unit")
    assert row["verdict"] == "fail"
    assert words in row["remedy"]


def test_an_instance_that_the_state_does_not_have():
    """It fails by its unit alone; its other checks are unknown."""
    found = verify(BOUND, {"schema": 1, "instances": [], "problems": []}, SAME)
    assert verdicts(found, "fail") == ["unit"]
    assert "service_info was not asked for ollama.service" in check(found, "binding")["evidence"]
    assert found["verdict"] == "fail"


@pytest.mark.parametrize(("plan_schema", "state_schema", "name"), [(1, 1, "plan"), (2, None, "service")])
def test_shapes_that_are_not_known_are_refused(plan_schema, state_schema, name):
    """The error names which one it is and what makes the right one."""
    with pytest.raises(OllamaError, match=f"{name}: its schema is"):
        verify({**BOUND, "schema": plan_schema}, {**running(BOUND), "schema": state_schema})


# CPUs, memory, threads.


def test_a_server_that_is_not_bound():
    """On all CPUs in place of a node's."""
    row = check(changed(server={"cpus_allowed": "0-55"}), "binding")
    assert (row["verdict"], row["seen"]) == ("fail", "the server runs on 0-55")
    assert row["planned"] == "14-27,42-55 by numactl"
    narrow = check(changed(UNBOUND, server={"cpus_allowed": "0-3"}), "binding")
    assert "AllowedCPUs=" in narrow["remedy"]
    assert check(changed(UNBOUND, server={"cpus_allowed": "0-99"}), "binding")["verdict"] == "pass"
    assert check(changed(server={"cpus_allowed": "banana"}), "binding")["verdict"] == "unknown"


def test_a_runner_that_leaves_the_binding():
    """LLAMA_ARG_NUMA=distribute resets the affinity of each thread."""
    undone = {"cpus_allowed": "0-55", "environment": {"LLAMA_ARG_NUMA": "distribute"}}
    assert "LLAMA_ARG_NUMA=distribute" in check(changed(runner=undone), "binding")["remedy"]
    assert "site" in check(changed(runner={"cpus_allowed": "0-55"}), "binding")["remedy"]


@pytest.mark.parametrize(
    ("memory", "mems", "verdict"),
    [
        ({"0": 1, "1": 99}, "0-1", "pass"),
        ({"0": 30, "1": 70}, "0-1", "unknown"),
        ({"0": 99, "1": 1}, "0-1", "fail"),
        ({"1": 99}, "0", "fail"),
        ({}, None, "unknown"),
        (None, "0-1", "unknown"),
    ],
)
def test_where_the_memory_lies(memory, mems, verdict):
    """On the node, for the most part."""
    row = check(changed(runner={"memory_by_node": memory, "mems_allowed": mems}), "numa_node")
    assert row["verdict"] == verdict


def test_no_runner_is_no_verdict_on_threads():
    """What only a runner shows is unknown without one."""
    found = seen_on(processes=one())
    for setting in ("compute_threads", "LLAMA_ARG_THREADS", "numa_node"):
        row = check(found, setting)
        assert row["verdict"] == "unknown"
        assert "no model is in memory" in row["evidence"]
    assert check(found, "OLLAMA_KEEP_ALIVE")["verdict"] == check(found, "binding")["verdict"] == "pass"
    wrong = seen_on(processes=one(environment={}))
    assert check(wrong, "LLAMA_ARG_THREADS")["verdict"] == "fail"


def test_an_estimate_of_threads_fails_nothing():
    """Without a log the CPU time of the threads gives a rough count."""
    unlogged = journal(starts=[])
    assert check(changed(journal=unlogged), "compute_threads")["verdict"] == "pass"
    row = check(changed(runner={"compute_threads": 13}, journal=unlogged), "compute_threads")
    assert (row["verdict"], row["seen"]) == ("unknown", "13")
    assert "estimate" in row["evidence"]
    assert check(changed(runner={"compute_threads": None}, journal=None), "compute_threads")["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("threads", "verdict"), [({"used": 14}, "fail"), ({"used": None}, "unknown"), (None, "unknown")]
)
def test_memory_of_a_runner_that_is_still_starting(threads, verdict):
    """Until it has logged its threads a runner has little but shared pages of its program, wherever those lie."""
    starting = journal(starts=[{"model": MODEL, "threads": threads}])
    found = changed(runner={"memory_by_node": {"0": 670, "1": 330}}, journal=starting)
    assert check(found, "numa_node")["verdict"] == verdict


@pytest.mark.parametrize("option", [["-t", "28"], ["--threads", "28"], ["--threads=28"]])
def test_a_request_that_has_its_own_thread_count(option):
    """The command line comes before the environment, in each of its forms."""
    argv = ["llama-server", "--model", MODEL, *option]
    found = changed(runner={"command_line": argv}, journal=journal(starts=[{"model": MODEL, "threads": {"used": 28}}]))
    assert "take num_thread out of the request" in check(found, "compute_threads")["remedy"]


# A size in memory of cards that nothing else speaks for.


def gpu_use(offloaded, **others):
    """The check on a host with planned cards, whose API says that all of the model is on them."""
    started = journal(GPU, **others)
    started["starts"] = [{**start, "offloaded": offloaded} for start in started["starts"]]
    return check(seen_on(GPU, journal=started), "gpu_in_use")


def test_a_server_without_a_card_reports_memory_of_cards_too():
    """It logged that it found the processor alone, so that no model can be elsewhere."""
    row = gpu_use(None, devices=[{"id": "cpu", "library": "cpu"}])
    assert (row["verdict"], row["seen"]) == ("fail", "only the CPU")


def test_a_model_without_a_layer_on_a_card_fails():
    """What its runner logged counts before what the server reckoned."""
    row = gpu_use({"layers": 0, "of": 33})
    assert (row["verdict"], row["seen"]) == ("fail", "m:8b 100 %, 0 of 33 layers")


@pytest.mark.parametrize("layers", [1, 33])
def test_a_model_with_layers_on_a_card_passes(layers):
    """Any number of layers is a use of the card."""
    row = gpu_use({"layers": layers, "of": 33})
    assert (row["verdict"], row["seen"]) == ("pass", f"m:8b 100 %, {layers} of 33 layers")


def test_a_size_alone_is_no_proof():
    """Without the runner's own line, or a runner, or a log, nothing is known."""
    assert "'offloaded'" in gpu_use(None)["evidence"]
    assert [gpu_use(odd)["verdict"] for odd in (None, {}, {"layers": "33"})] == ["unknown"] * 3
    assert check(seen_on(GPU, journal=None), "gpu_in_use")["verdict"] == "unknown"
    state = running(GPU)
    state["instances"][0]["processes"].pop()
    assert check(verify(GPU, state, SAME), "gpu_in_use")["verdict"] == "unknown"


LISTED = {"libraries": ["libcuda"], "devices": ["/dev/nvidia0"], "memory_bytes": 1 << 30}
FALLEN = {"libraries": ["libcuda"], "devices": [], "memory_bytes": 0}
BARE = {"libraries": [], "devices": [], "memory_bytes": None}
UNLISTED = {"libraries": ["libcuda"], "devices": ["/dev/nvidia0"], "memory_bytes": None}


@pytest.mark.parametrize(
    ("use", "layers", "verdict"),
    [
        (LISTED, None, "pass"),
        (LISTED, 33, "pass"),
        (FALLEN, None, "fail"),
        # It logged so at its start; the driver does not know of it, and it has no card open.
        (FALLEN, 33, "fail"),
        (FALLEN, 0, "fail"),
        (BARE, None, "fail"),
        (UNLISTED, None, "unknown"),
        (UNLISTED, 33, "pass"),
        ({"libraries": 7, "devices": "x", "memory_bytes": "y"}, None, "unknown"),
    ],
)
def test_the_drivers_list_of_processes_counts(use, layers, verdict):
    """Memory of a card proves its use, and no card and no memory the contrary, whatever was logged."""
    started = journal(GPU)
    offloaded = None if layers is None else {"layers": layers, "of": 33}
    started["starts"] = [{**start, "offloaded": offloaded} for start in started["starts"]]
    row = check(changed(GPU, runner={"gpu": use}, journal=started), "gpu_in_use")
    assert row["verdict"] == verdict


def test_device_files_that_were_missing_at_the_start_are_named():
    """A host whose server started without them fails by their names; one without a record is unknown."""
    row = check(seen_on(GPU, device_wait={"waited_seconds": 30.0, "missing": ["/dev/nvidia1"]}), "gpu_device_files")
    assert (row["verdict"], row["seen"]) == ("fail", "not /dev/nvidia1")
    assert "ollama_gpu_wait" in row["remedy"]
    assert check(seen_on(GPU, device_wait=None), "gpu_device_files")["verdict"] == "unknown"
    assert check(seen_on(GPU), "gpu_device_files")["verdict"] == "pass"
    assert "gpu_device_files" not in [each["setting"] for each in seen_on()["checks"]]


# Variables that let others in.


def test_a_dangerous_variable_of_the_server_or_a_runner_is_a_failed_check():
    """Whoever set it, in the server or in one runner alone; its value, which can be a secret, is not shown."""
    for number in (0, 1):
        state = running(UNBOUND)
        own = state["instances"][0]["processes"][number]
        own["environment"] = {**own["environment"], "LLAMA_ARG_TOOLS": "all", "LLAMA_API_KEY": "***"}
        row = check(verify(UNBOUND, state, SAME), "dangerous_variables")
        assert (row["verdict"], row["seen"]) == ("fail", "LLAMA_API_KEY, LLAMA_ARG_TOOLS")
        assert f"/proc/{own['pid']}/environ" in row["evidence"]
        assert "***" not in json.dumps(row)


def test_a_dangerous_variable_of_the_unit_is_a_failed_check_before_the_next_start():
    """A unit that was changed and not restarted has it at its next start."""
    state = running(UNBOUND)
    state["instances"][0]["environment"]["LLAMA_ARG_AGENT"] = "1"
    row = check(verify(UNBOUND, state, SAME), "dangerous_variables")
    assert (row["verdict"], row["seen"]) == ("fail", "LLAMA_ARG_AGENT")
    assert "ollama.service" in row["evidence"]


def test_a_dangerous_variable_that_is_off_passes():
    """Off is how it is without the variable."""
    state = running(UNBOUND)
    state["instances"][0]["processes"][1]["environment"]["LLAMA_ARG_AGENT"] = "0"
    assert check(verify(UNBOUND, state, SAME), "dangerous_variables")["verdict"] == "pass"


def test_an_environment_that_was_not_read_may_have_one():
    """Without it nothing is known, of a runner's too."""
    state = running(UNBOUND)
    state["instances"][0]["processes"][1]["environment"] = None
    row = check(verify(UNBOUND, state, SAME), "dangerous_variables")
    assert row["verdict"] == "unknown"
    assert "/proc/900/environ" in row["evidence"]
