# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of every plan: any stored or generated machine, objective, release and operator."""

from __future__ import annotations

import copy
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.threads import SPARE_FROM
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.hosts import MODELS, cases, planned
from ansible_collections.inference.ollama.tests.unit.support.plans import codes, instances, plan, topology

pytestmark = pytest.mark.untraced

many = settings(
    max_examples=examples(int(os.environ.get("INFERENCE_OLLAMA_PLAN_CASES", "100"))),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
LIMITS = ("OLLAMA_NUM_PARALLEL", "OLLAMA_CONTEXT_LENGTH", "OLLAMA_MAX_LOADED_MODELS", "LLAMA_ARG_CACHE_RAM")


def _total(instance):
    """The compute threads of all models of an instance that may answer at once."""
    return int(instance["environment"]["OLLAMA_MAX_LOADED_MODELS"]) * instance["compute_threads"]


@many
@given(cases())
def test_threads_of_a_model_never_exceed_the_cpus_of_the_instance(case):
    """A compute thread without a CPU of its own holds up all others."""
    made = planned(case)
    cores = [CpuSet.parse(text) for text in case[0]["cpu"]["siblings"] or []]
    allowed = case[0]["allowed"]["cpus"]
    for instance in instances(made):
        if instance["cpus"] is None or not cores:
            continue
        cpus = CpuSet.parse(instance["cpus"])
        assert cpus
        assert allowed is None or cpus <= CpuSet.parse(allowed)
        power = case[0]["cpu"]["architecture"] == "ppc64le"
        assert 1 <= instance["compute_threads"] <= (1 + power) * sum(1 for core in cores if core & cpus)
        # The operator's number of models may be more than there are CPUs, which is warned of.
        if not instance["gpus"] and "threads-oversubscribed" not in codes(made):
            assert _total(instance) <= len(cpus)


SHAPES = st.builds(
    dict,
    sockets=st.sampled_from([1, 1, 2]),
    cores=st.integers(1, 20),
    threads=st.sampled_from([1, 1, 2, 4, 8]),
    efficiency_cores=st.sampled_from([0, 0, 4]),
    architecture=st.sampled_from(["x86_64", "x86_64", "ppc64le"]),
    memory_gib=st.sampled_from([4, 64, 512]),
    cpu_max=st.one_of(st.just("max 100000"), st.integers(50_000, 2_500_000).map(lambda quota: f"{quota} 100000")),
)
AUTO = st.fixed_dictionaries(
    {"objective": st.sampled_from(["latency", "balanced", "throughput"]), "reference_models": MODELS},
    optional={"instances": st.just("per_numa_node")},
)


@many
@given(SHAPES, AUTO, st.sampled_from(["0.30.0", "0.34.1"]))
def test_threads_of_all_models_fit_the_cpus_and_the_quota(shape, options, release):
    """With everything on auto the threads that may compute at once have a CPU each, and the quota bears them."""
    machine = topology(**shape, nodes=shape["sockets"])
    made = plan(machine, release, **options)
    share = (machine["allowed"]["cpu_quota"] or len(CpuSet.parse(machine["cpu"]["online"]))) / len(instances(made))
    for instance in instances(made):
        cpus = CpuSet.parse(instance["cpus"])
        cores = sum(1 for text in machine["cpu"]["siblings"] if CpuSet.parse(text) & cpus)
        assert instance["compute_threads"] >= 1
        assert _total(instance) <= len(cpus)
        # SMT siblings, efficiency cores or one CPU are left for the server's own threads.
        assert _total(instance) < len(cpus) or len(cpus) < SPARE_FROM
        if machine["allowed"]["cpu_quota"] is not None:
            assert _total(instance) <= max(1, int(share))
        assert instance["compute_threads"] <= (2 if shape["architecture"] == "ppc64le" else 1) * cores
    assert not {"threads-oversubscribed", "threads-throttled"} & set(codes(made))


@many
@given(cases())
def test_no_cpu_or_card_is_in_two_instances(case):
    """Two servers on one core or card would each plan with all of it."""
    made = planned(case)
    if len(instances(made)) < 2:
        return
    for key in ("cpus", "gpus"):
        parts = [instance[key] or [] for instance in instances(made)]
        parts = [list(CpuSet.parse(part)) if isinstance(part, str) else part for part in parts]
        every = [item for part in parts for item in part]
        assert len(every) == len(set(every))
    ports = [instance["port"] for instance in instances(made)]
    assert len(ports) == len(set(ports))


@many
@given(cases())
def test_memory_fits_the_node_or_the_cards(case):
    """What the plan lets a server load is in its memory, or the operator hears that it is not."""
    made = planned(case)
    facts = case[0]["memory"] or {}
    bounds = [facts.get("host_bytes") or facts.get("total_bytes"), case[0]["allowed"]["memory_bytes"]]
    least = min((bound for bound in bounds if bound is not None), default=None)
    shares = [instance["memory_bytes"] for instance in instances(made)]
    if least is not None and None not in shares:
        assert sum(shares) <= least
    for instance in instances(made):
        budget = instance["budget"]
        if "budget-exceeded" not in codes(made) and budget.get("usable_bytes") is not None:
            assert budget["total_bytes"] <= budget["usable_bytes"]


@many
@given(cases())
def test_nothing_inert_or_fatal_is_written(case):
    """Each variable of the plan does on this release what it says, by the same contract that operators are held to."""
    made = planned(case)
    release = parse_release(made["release"]) if made["release"] else None
    for instance in instances(made):
        found = lint(instance["environment"], release)
        assert [finding for finding in found if finding.severity in ("fatal", "inert")] == []


@many
@given(cases())
def test_a_binding_has_threads_that_follow_or_a_warning(case):
    """Binding without matching threads halves the speed."""
    made = planned(case)
    for instance in instances(made):
        if instance["binding"] == "none":
            continue
        followed = instance["environment"].get("LLAMA_ARG_THREADS") == str(instance["compute_threads"])
        acts = made["release"] is not None and parse_release(made["release"]) >= parse_release("0.30.0")
        assert (followed and acts) or "threads-not-settable" in codes(made)


@many
@given(cases())
def test_every_setting_has_one_decision(case):
    """An operator can ask of any line of any instance why it is there, and gets one answer."""
    made = planned(case)
    keys = [(decision["instance"], decision["setting"]) for decision in made["decisions"]]
    assert len(keys) == len(set(keys))
    values = {key: decision["value"] for key, decision in zip(keys, made["decisions"])}
    assert {instance for instance, _setting in keys} == {None, *(entry["name"] for entry in instances(made))}
    for instance in instances(made):
        for name, value in instance["environment"].items():
            assert values[instance["name"], name] == value
        for name in (*instance["directives"], *instance["order"]):
            assert values[instance["name"], name] is not None
    assert all(decision["reason"] for decision in made["decisions"])


@many
@given(cases())
def test_the_same_input_gives_the_same_plan(case):
    """A second run must find nothing to change, and no plan may change the facts that it is made from."""
    before = copy.deepcopy(case)
    first = planned(case)
    case[0]["software"]["ollama"]["version"] = before[0]["software"]["ollama"]["version"] = None
    assert case == before
    assert first == planned(before)


@many
@given(cases(), st.integers(1, 512), st.integers(1, 128))
def test_more_memory_never_lowers_a_limit(case, more_ram, more_vram):
    """An operator who adds memory to a host or its cards is never given less."""
    less = planned(case)
    machine = copy.deepcopy(case[0])
    ram = more_ram << 30
    nodes = machine["numa"] or []
    for node in nodes:
        if node["memory_bytes"]:
            node["memory_bytes"] += ram
    grown = ram * max(1, sum(1 for node in nodes if node["memory_bytes"]))
    for key in ("total_bytes", "host_bytes"):
        if machine["memory"] and machine["memory"].get(key):
            machine["memory"][key] += grown
    for gpu in machine["gpus"] or []:
        if gpu["memory_bytes"]:
            gpu["memory_bytes"] += more_vram << 30
    more = planned((machine, *case[1:]))
    for small, large in zip(instances(less), instances(more)):
        for name in LIMITS:
            if name in small["environment"]:
                assert int(large["environment"][name]) >= int(small["environment"][name]), name
