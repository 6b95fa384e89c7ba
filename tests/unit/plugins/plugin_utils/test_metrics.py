# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host shows to Prometheus (_metrics)."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._metrics.exposition import METRICS, exposition
from ansible_collections.inference.ollama.plugins.plugin_utils._drift import HIDDEN, digest_drift
from ansible_collections.inference.ollama.plugins.plugin_utils._metrics.decide import decide
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    JUNK,
    running,
    spots,
)
from ansible_collections.inference.ollama.tests.unit.support.metrics import CONFIRMED, samples_of, seen_of, value
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, workstation, xeon

PLAN = plan(workstation())
# A sample with labels, without a moment.
_LINE = re.compile(r'[a-z_]+\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\} -?(?:[0-9.e+-]+|[+-]?Inf)')
NODES = plan(xeon(), instances="per_numa_node")


def gpu_plan():
    machine = workstation()
    machine["gpus"] = [card(0, pci_bus_id="0000:01:00.0")]
    return plan(machine)


def seen_with(change, of=PLAN, **more):
    """A host whose first instance is changed."""
    service = copy.deepcopy(running(of))
    change(service["instances"][0])
    return samples_of(seen_of(of, service, **more))


def test_the_verdicts_are_those_of_the_verification():
    """Each check of the filter is there with its verdict and no other, and counts add up to them."""
    found = samples_of(seen_of(NODES))
    drift = {"schema": 1, "differences": []}
    checks = verify(NODES, running(NODES), drift, {"transparent_hugepage": "madvise", "numa_balancing": 0})["checks"]
    wanted = {
        frozenset({"setting": check["setting"], "verdict": check["verdict"], "server": check["instance"]}.items())
        for check in checks
        if check["setting"] != "stale_files"
    }
    shown = {key if dict(key).get("server") else key | {("server", None)} for key in found["ollama_setting_verdict"]}
    assert shown == wanted
    assert sum(found["ollama_verification_checks"].values()) == len(wanted)
    assert value(found, "ollama_verification_checks", server="node0", verdict="fail") == 0


def test_planned_and_acting_values_stand_side_by_side():
    """A value that the server does not have is the acting one."""

    def other(instance):
        for process in instance["processes"]:
            process["environment"]["OLLAMA_NUM_PARALLEL"] = "3"

    found = seen_with(other)
    assert value(found, "ollama_setting_info", setting="OLLAMA_NUM_PARALLEL", planned="1", acting="3") == 1
    assert value(found, "ollama_setting_verdict", setting="OLLAMA_NUM_PARALLEL", verdict="fail") == 1
    assert value(found, "ollama_setting_info", setting="OLLAMA_HOST", acting="127.0.0.1:11434") == 1
    assert value(found, "ollama_slots_planned", server="ollama") == 1


def test_what_the_operator_accepts_fails_no_host():
    """It is shown with its verdict all the same."""
    limits = {"nofile": {"soft": 20000, "hard": 20000}, "memlock": {"soft": None, "hard": None}}
    found = seen_with(lambda instance: instance["processes"][0].update(limits=limits))
    assert value(found, "ollama_checks_failed", server="ollama") == 1
    found = seen_with(lambda instance: instance["processes"][0].update(limits=limits), accepted=["LimitNOFILE"])
    assert value(found, "ollama_checks_failed", server="ollama") == 0
    assert value(found, "ollama_setting_verdict", setting="LimitNOFILE", verdict="fail") == 1


def test_a_server_that_answers_and_one_that_does_not():
    """The release is there only where one answered; another program at the address is no answer."""
    found = samples_of(seen_of(PLAN))
    assert value(found, "ollama_up") == value(found, "ollama_build_info", version="0.34.1") == 1
    assert value(found, "ollama_models_loaded") == 1
    for api in ({"version": None, "models": None}, {"version": "0.34.1", "own": False}, None):
        found = seen_with(lambda instance, api=api: instance.update(api=api))
        assert value(found, "ollama_up") == 0
    assert "ollama_build_info" not in found
    assert "ollama_models_loaded" not in found


def test_a_stopped_unit_and_its_restarts():
    """They are those of systemd, and absent where it was not asked."""
    found = seen_with(lambda instance: instance.update(active_state="failed", restarts=4))
    assert (value(found, "ollama_unit_active"), value(found, "ollama_unit_restarts_total")) == (0, 4)
    found = seen_with(lambda instance: instance.update(active_state=None, restarts=None))
    assert "ollama_unit_active" not in found
    assert "ollama_unit_restarts_total" not in found


@pytest.mark.parametrize(
    ("gpu", "offloaded", "on_gpu"),
    [
        ({"libraries": ["libcuda"], "devices": ["nvidia0"], "memory_bytes": 5 << 30}, None, 1),
        ({"libraries": ["libcuda"], "devices": ["nvidia0"], "memory_bytes": None}, {"layers": 33, "of": 33}, 1),
        ({"libraries": ["libcuda"], "devices": [], "memory_bytes": 0}, {"layers": 33, "of": 33}, 0),
        ({"libraries": [], "devices": [], "memory_bytes": None}, None, 0),
        ({"libraries": ["libcuda"], "devices": ["nvidia0"], "memory_bytes": None}, None, None),
    ],
)
def test_where_a_model_is_by_its_process(gpu, offloaded, on_gpu):
    """What the server reckons with (size_vram) counts for nothing; what nothing shows is not there."""

    def put(instance):
        instance["processes"][1].update(gpu=gpu, resident_bytes=1 << 30)
        instance["journal"]["starts"][0]["offloaded"] = offloaded

    found = seen_with(put, gpu_plan())
    assert value(found, "ollama_model_on_gpu", model="m:8b", server="ollama") == on_gpu
    assert value(found, "ollama_model_memory_bytes", model="m:8b", device="cpu") == 1 << 30
    assert value(found, "ollama_model_memory_bytes", model="m:8b", device="gpu") == gpu["memory_bytes"]
    assert value(found, "ollama_gpus_planned") == 1


def test_two_runners_of_one_model_are_added():
    """The slow one says where the model is; a model that nothing names has the beginning of its digest."""

    def twice(instance):
        runner = {**instance["processes"][1], "gpu": {"libraries": ["a"], "devices": ["b"], "memory_bytes": 1}}
        on_cpu = {**runner, "pid": 901, "gpu": {"libraries": [], "devices": [], "memory_bytes": None}}
        other = {**runner, "pid": 902, "model": "/srv/models/blobs/sha256-0123456789abcdef"}
        instance["processes"] = [instance["processes"][0], runner, on_cpu, other]

    found = seen_with(twice)
    assert value(found, "ollama_model_on_gpu", model="m:8b") == 0
    assert value(found, "ollama_runner_cpu_seconds_total", model="m:8b") == 40.0
    assert value(found, "ollama_runner_cpu_seconds_total", model="0123456789ab") == 20.0


def test_signs_of_a_collapse_are_counters():
    """So that a rate tells what is now; what a kernel does not count is not there."""
    quota = {"group": "/ollama.slice", "quota_cpus": 4.0, "period_usec": 100000, "nr_periods": 10}
    quota = {**quota, "nr_throttled": 3, "throttled_usec": 1_500_000}
    found = seen_with(lambda instance: instance.update(cpu_quotas=[quota]))
    assert value(found, "ollama_runner_involuntary_context_switches_total", model="m:8b") == 400
    assert value(found, "ollama_runner_worst_thread_wait_seconds_total", model="m:8b") == 0.01
    assert value(found, "ollama_runner_worst_thread_run_seconds_total", model="m:8b") == 1.4
    assert value(found, "ollama_cpu_quota_throttled_seconds_total", group="/ollama.slice") == 1.5
    assert value(found, "ollama_cpu_quota_period_seconds") == 0.1
    assert value(found, "ollama_cpu_quota_throttled_periods_total") == 3
    nothing = {"longest_wait": None, "involuntary_switches": None, "cpu_seconds": None}
    found = seen_with(lambda instance: instance["processes"][1].update(nothing))
    assert not [name for name in found if name.startswith("ollama_runner_")]


def test_files_that_somebody_has_changed():
    """A file that is gone, and one of other bytes, each with its path; the verdict says so too."""
    seen = seen_of(NODES)
    slice_, first, second = (path for path in seen["made"] if path.endswith(".conf"))
    found = samples_of({**seen, "found": {**seen["found"], first: None, second: "other", slice_: "0a"}})
    assert value(found, "ollama_file_drift", server="node0", path=first, kind="file-missing") == 1
    assert value(found, "ollama_file_drift", server="node1", path=second, kind="differs") == 1
    assert len(found["ollama_file_drift"]) == 2
    assert value(found, "ollama_setting_verdict", server="node0", setting="unit_files", verdict="fail") == 1
    assert "ollama_file_drift" not in samples_of(seen)
    # A host of an earlier release has kept no digests: nobody knows.
    found = samples_of({**seen, "made": None, "found": {}})
    assert value(found, "ollama_setting_verdict", server="node0", setting="unit_files", verdict="unknown") == 1


def test_only_the_files_of_the_plan_are_compared():
    """A digest of a file that the plan does not have says nothing."""
    made = {"/etc/systemd/system/other.service": "x"}
    assert digest_drift(PLAN, "override.conf", made, {})["differences"] == []


def test_the_age_of_the_proof_and_a_change_under_way():
    """When the plan was confirmed is a point in time, so that Prometheus tells its age."""
    found = samples_of(seen_of(PLAN, pending=True))
    assert value(found, "ollama_plan_confirmed_timestamp_seconds") == CONFIRMED
    assert value(found, "ollama_change_pending") == value(found, "ollama_plan_known") == 1


def test_a_host_without_a_plan_says_so():
    """Before the first change is confirmed there is nothing to compare with."""
    service = {"schema": 1, "instances": [], "problems": ["x"]}
    found = samples_of({**seen_of(PLAN, service), "plan": None, "confirmed_at": None, "problems": ["y", "z"]})
    assert value(found, "ollama_plan_known") == 0
    assert value(found, "ollama_problems") == 3
    assert set(found) == {"ollama_plan_known", "ollama_change_pending", "ollama_problems"}


def test_memory_of_cards_and_warnings_of_the_log():
    """Warnings are counted by their kind, of which there are few, and never quoted."""
    cards = [{"card": "0000:01:00.0", "total_bytes": 80 << 30, "free_bytes": 1 << 30}]
    said = [
        {"code": "out-of-memory", "line": "a"},
        {"code": "out-of-memory", "line": "b"},
        {"code": "other", "line": "c"},
    ]
    found = seen_with(lambda instance: instance["journal"].update(warnings=said), cards=cards)
    assert value(found, "ollama_gpu_memory_free_bytes", card="0000:01:00.0") == 1 << 30
    assert value(found, "ollama_gpu_memory_total_bytes", card="0000:01:00.0") == 80 << 30
    assert value(found, "ollama_log_warnings", code="out-of-memory") == 2
    assert value(found, "ollama_log_warnings", code="other") == 1


def test_no_secret_has_a_value():
    """Neither one of the file of secrets, nor one that somebody wrote into a value."""
    planned = plan(workstation(), secret_environment=["HTTPS_PROXY"], api_key=True)
    made = exposition("h", decide(seen_of(planned)))
    row = next(line for line in made.splitlines() if "ollama_setting_info{" in line and '"OLLAMA_API_KEY"' in line)
    assert f'planned="{HIDDEN}",acting="{HIDDEN}"' in row

    def hostile(instance):
        for process in instance["processes"]:
            process["environment"]["OLLAMA_HOST"] = "http://me:hunter22@proxy:3128"

    seen = seen_of(PLAN)
    hostile(seen["service"]["instances"][0])
    assert "hunter22" not in exposition("h", decide(seen))


def test_a_damaged_plan_is_named():
    """Somebody may have written into the folder of states; another release may have other plans."""
    with pytest.raises(OllamaError, match="the plan is damaged"):
        decide({**seen_of(PLAN), "plan": {"schema": 2, "instances": [{}]}})
    with pytest.raises(OllamaError, match="its schema is 1"):
        decide({**seen_of(PLAN), "plan": {**PLAN, "schema": 1}})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_damage_to_what_was_read_raises_anything(data):
    """Whatever stands in place of a value, each line is one that Prometheus reads, of a metric that is documented."""
    service = copy.deepcopy(running(PLAN))
    for _number in range(data.draw(st.integers(1, 6))):
        container, key = data.draw(st.sampled_from(list(spots(service["instances"])) or [(service, "instances")]))
        container[key] = copy.deepcopy(data.draw(JUNK))
    seen = seen_of(PLAN)
    for line in exposition("h", decide({**seen, "service": service, "models": {}})).splitlines():
        assert line.startswith("# ") or _LINE.fullmatch(line)
        assert line.startswith("# ") or line.partition("{")[0] in METRICS
