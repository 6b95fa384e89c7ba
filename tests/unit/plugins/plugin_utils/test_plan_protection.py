# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slice of the servers and its CPU weight, rule C5 (_plan/protection.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.protection import weight
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    decision,
    instances,
    plan,
    topology,
    workstation,
    xeon,
)

PATH = "/etc/systemd/system/ollama.service.d/10-slice.conf"


def with_slice(machine, name):
    """The machine, on which somebody's own file puts the service into a slice."""
    machine["software"]["ollama"]["unit"]["slice"] = {"name": name, "path": PATH}
    return machine


def with_groups(machine, *, cpu=True, kind="none"):
    """The machine, whose control groups have the controller cpu or not."""
    machine["kernel"] = {**machine["kernel"], "cgroup_version": 2, "cgroup_cpu": cpu}
    machine["virtualization"] = {"kind": kind, "type": kind}
    return machine


def slices(made):
    return [each["directives"].get("Slice") for each in instances(made)]


def planned(made):
    """The slice of the role, what each unit says, and the weight."""
    return made["slice"], slices(made), decision(made, "CPUWeight")["value"]


def refused(machine, **options):
    with pytest.raises(PlanError) as error:
        plan(machine, **options)
    return error.value.lines


@given(st.integers(0, 5000))
def test_weight_grows_with_the_threads_within_what_systemd_takes(threads):
    """No thread count gives a weight that systemd refuses, or a smaller one than fewer threads do."""
    assert 1 <= weight(threads) <= weight(threads + 1) <= 10000


@pytest.mark.parametrize(("threads", "expected"), [(0, 900), (1, 900), (4, 3600), (8, 7200), (12, 10000), (64, 10000)])
def test_weight_is_a_thousand_for_each_thread(threads, expected):
    """The sums that the rule gives."""
    assert weight(threads) == expected


def test_a_host_without_gpu_gets_a_slice_below_the_root_with_a_weight():
    """The unit names it, and the weight is that of its compute threads."""
    made = plan(topology(cores=4, threads=2))
    assert planned(made) == ("ollama.slice", ["ollama.slice"], 3600)
    assert decision(made, "CPUWeight")["instance"] is None
    assert (decision(made, "Slice")["source"], codes(made)) == ("policy", ["huge-pages-not-always"])


def test_all_servers_are_in_one_slice_with_the_weight_of_all_their_threads():
    """Each unit names the same one, and the threads are summed."""
    made = plan(topology(sockets=2, cores=3, nodes=2), instances="per_numa_node")
    assert planned(made) == ("ollama.slice", ["ollama.slice"] * 2, 5400)


def test_a_host_with_gpus_gets_none():
    """Nothing is written, and the decision says why."""
    made = plan(workstation(card()))
    assert planned(made) == (None, [None], None)
    assert (
        decision(made, "Slice")["reason"]
        == "not set: models run on GPUs, which busy programs on the CPUs leave their speed"
    )


def test_a_server_without_a_card_among_others_counts():
    """A host with one server that computes on CPUs protects them."""
    made = plan(workstation(card()), instances=[{"name": "gpu"}, {"name": "cpu", "cuda_visible_devices": "none"}])
    assert slices(made) == ["ollama.slice"] * 2


@pytest.mark.parametrize(
    ("machine", "options", "expected"),
    [
        (xeon, {"slice": "llm.slice"}, ("llm.slice", ["llm.slice"], 10000)),
        (xeon, {"slice": "llm.slice", "cpu_weight": "none"}, (None, ["llm.slice"], None)),
        (xeon, {"cpu_weight": 1}, ("ollama.slice", ["ollama.slice"], 1)),
        (xeon, {"cpu_weight": "10000", "slice": "auto"}, ("ollama.slice", ["ollama.slice"], 10000)),
        (xeon, {"slice": "none"}, (None, [None], None)),
        (xeon, {"slice": "none", "cpu_weight": "none"}, (None, [None], None)),
        (xeon, {"cpu_weight": "none"}, (None, [None], None)),
        (lambda: workstation(card()), {"cpu_weight": 200}, ("ollama.slice", ["ollama.slice"], 200)),
        (lambda: workstation(card()), {"slice": "llm.slice"}, ("llm.slice", ["llm.slice"], 5400)),
    ],
)
def test_the_operators_word_counts(machine, options, expected):
    """Slice and weight that variables name are planned, on hosts with GPUs too."""
    made = plan(machine(), **options)
    assert planned(made) == expected
    named = {"slice": "Slice", "cpu_weight": "CPUWeight"}
    assert {decision(made, named[name])["source"] for name in options if options[name] != "auto"} == {"operator"}


@pytest.mark.parametrize(
    "name",
    [
        *("system.slice", "user.slice", "machine.slice", "-.slice", "init.scope", "a-b.slice", "ollama", ".slice"),
        *("ollama.service", "a/b.slice", "NONE", "a b.slice", "a%i.slice"),
    ],
)
def test_slices_that_do_not_protect_or_are_others_are_refused(name):
    """The sentence names the variable, the value and what is allowed."""
    (line,) = refused(xeon(), slice=name)
    assert line.startswith(f"ollama_slice: {name!r} is not allowed; allowed is auto, or none, or the name of a slice")


@pytest.mark.parametrize("value", [0, 10001, -1, "half", True])
def test_weights_that_systemd_does_not_take_are_refused(value):
    """The bounds are those of CPUWeight=."""
    (line,) = refused(xeon(), cpu_weight=value)
    assert line.startswith("ollama_cpu_weight: ")
    assert line.endswith("allowed is auto, or none, or a whole number from 1 to 10000")


def test_a_weight_without_a_slice_is_refused():
    """Both variables are named."""
    (line,) = refused(xeon(), slice="none", cpu_weight=100)
    assert "ollama_cpu_weight: 100 contradicts ollama_slice: none" in line


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("llm.slice", "weight is left to whoever made it"),
        ("a-b.slice", "no weight counts"),
        ("user.slice", "no weight counts"),
    ],
)
def test_a_slice_of_the_units_own_files_stays(name, said):
    """Nothing is written over it; that its weight may not protect is a warning."""
    made = plan(with_slice(xeon(), name))
    assert planned(made) == (None, [None], None)
    assert decision(made, "Slice")["reason"] == f"{PATH} says {name}, and that stays"
    (warning,) = [each for each in made["warnings"] if each["code"] == "slice-of-others"]
    assert said in warning["message"]


def test_a_slice_of_the_units_own_files_is_taken_over_by_instances():
    """They read no file of ollama.service, so their own say the same."""
    assert slices(plan(with_slice(xeon(), "llm.slice"), instances="per_numa_node")) == ["llm.slice"] * 2
    assert slices(plan(with_slice(xeon(), "a-%p.slice"), instances="per_numa_node")) == [None] * 2


def test_a_slice_of_the_units_own_files_is_no_matter_with_gpus():
    """Where models run on GPUs nothing is planned, so nothing is missing."""
    assert "slice-of-others" not in codes(plan(with_slice(workstation(card()), "a-b.slice")))


def test_variables_come_before_the_units_own_files():
    """An operator who names a slice gets it; a weight alone goes to the slice of the files where it counts there."""
    assert planned(plan(with_slice(xeon(), "a-b.slice"), slice="llm.slice")) == ("llm.slice", ["llm.slice"], 10000)
    assert planned(plan(with_slice(xeon(), "llm.slice"), cpu_weight=500)) == ("llm.slice", [None], 500)
    (line,) = refused(with_slice(xeon(), "a-b.slice"), cpu_weight=500)
    assert line.startswith(f"ollama_cpu_weight: 500 would not count, since {PATH} puts the server into a-b.slice")


def test_the_same_name_as_the_roles_is_the_roles():
    """A file that says what the plan would say changes nothing."""
    assert planned(plan(with_slice(xeon(), "ollama.slice"))) == planned(plan(xeon()))


@pytest.mark.parametrize("options", [{}, {"cpu_weight": 500}])
def test_without_the_controller_nothing_is_planned_and_the_operator_is_warned(options):
    """The warning names what protects there: a container's share is given outside of it."""
    made = plan(with_groups(xeon(), cpu=False, kind="container"), **options)
    assert planned(made) == (None, [None], None)
    assert "no cpu controller" in decision(made, "Slice")["reason"]
    (warning,) = [each for each in made["warnings"] if each["code"] == "cpus-not-protected"]
    assert "--cpu-shares" in warning["remedy"]
    bare = plan(with_groups(xeon(), cpu=False))
    (warning,) = [each for each in bare["warnings"] if each["code"] == "cpus-not-protected"]
    assert "controller cpu" in warning["remedy"]
    assert "cpus-not-protected" not in codes(plan(with_groups(workstation(card()), cpu=False)))


@pytest.mark.parametrize("options", [{}, {"cpu_weight": 500}])
def test_without_the_controller_a_named_slice_is_written_and_warned_of(options):
    """The server can run in it; a weight that no group could have is not planned, since nothing would show it."""
    made = plan(with_groups(xeon(), cpu=False), slice="llm.slice", **options)
    assert planned(made) == (None, ["llm.slice"], None)
    assert "cpus-not-protected" in codes(made)


def test_in_a_container_with_the_controller_the_weight_is_set_and_its_reach_named():
    """It counts inside of the container, whose own share is given outside of it."""
    made = plan(with_groups(xeon(), kind="container"))
    assert planned(made) == ("ollama.slice", ["ollama.slice"], 10000)
    assert "weight-inside-container" in codes(made)


def test_an_old_systemd_is_named():
    """CPUWeight= is older than any systemd in use; what this was not tried on is in the reason."""
    machine = xeon()
    machine["software"]["systemd"] = 239
    made = plan(machine)
    assert made["slice"] == "ollama.slice"
    assert "systemd 239 is older than 249" in decision(made, "Slice")["reason"]
    machine["software"]["systemd"] = None
    assert "older" not in decision(plan(machine), "Slice")["reason"]


def test_unknown_facts_are_no_obstacle():
    """A machine of which nothing is known but its CPUs gets a slice: it cannot do harm."""
    machine = xeon()
    machine["kernel"], machine["virtualization"] = None, None
    assert plan(machine)["slice"] == "ollama.slice"


def test_a_weight_is_in_no_units_file():
    """A new weight must not change the file of the service, which would restart it."""
    one, other = (plan(xeon(), cpu_weight=value) for value in (300, "auto"))
    assert decision(one, "Slice") == decision(other, "Slice")


def test_a_server_does_not_escape_the_limits_of_system_slice():
    """What an operator limits for all services stays limited; the warning says how to have both."""
    limited = topology(cores=8, cpu_max="400000 100000")
    made = plan(limited)
    assert planned(made) == (None, [None], None)
    assert "system.slice limits what runs in it (cpu_quota)" in decision(made, "Slice")["reason"]
    assert "limits-of-system-slice" in codes(made)


@pytest.mark.parametrize("options", [{"slice": "llm.slice"}, {"cpu_weight": 100}])
def test_an_operator_who_asks_for_a_slice_is_warned_of_limits_left_behind(options):
    """The slice is written, and the limits that do not come along are named."""
    made = plan(topology(cores=8, cpu_max="400000 100000"), **options)
    assert made["slice"] is not None
    assert codes(made).count("limits-of-system-slice") == 1


def elsewhere(machine, **limits):
    """The machine, on which slices have these limits in place of those of system.slice; ``other`` is any other one."""
    here = {key: machine["allowed"][key] for key in ("cpus", "cores", "mems", "cpu_quota", "memory_bytes")}
    names = {"other": None, "ollama": "ollama.slice", "llm": "llm.slice"}
    machine["allowed"]["slices"] = [{"name": names[name], **here, **each} for name, each in limits.items()]
    return machine


def test_a_server_counts_with_the_limits_of_the_slice_that_it_is_put_into():
    """The first plan is then that of the second run, for which the server is in the slice."""
    half = {"memory_bytes": 8 << 30, "cpu_quota": 3.0}
    (server,) = instances(plan(elsewhere(topology(cores=8), other={}, ollama=half)))
    assert (server["memory_bytes"], server["compute_threads"]) == (8 << 30, 3)
    (server,) = instances(plan(elsewhere(topology(cores=8), other={}, ollama=half), slice="llm.slice"))
    assert (server["memory_bytes"], server["compute_threads"]) == (16 << 30, 7)
    (server,) = instances(plan(elsewhere(topology(cores=8), other=half, llm={}), slice="llm.slice"))
    assert (server["memory_bytes"], server["compute_threads"]) == (16 << 30, 7)


def test_a_server_that_stays_where_it_is_keeps_its_limits():
    """Neither a slice that the unit's own files name nor a host without a slice of the role takes others over."""
    half = {"memory_bytes": 8 << 30}
    (server,) = instances(plan(with_slice(elsewhere(topology(cores=8), ollama=half), "llm.slice")))
    assert server["memory_bytes"] == 16 << 30
    (server,) = instances(plan(elsewhere(topology(cores=8), ollama=half), slice="none"))
    assert server["memory_bytes"] == 16 << 30


def test_a_server_taken_out_of_system_slice_has_its_limits_no_longer():
    """An operator who names a slice without the limits of system.slice gets the plan of an unlimited host at once."""
    machine = elsewhere(topology(cores=8, cpu_max="400000 100000"), other={"cpu_quota": None}, ollama={})
    (server,) = instances(plan(machine, slice="llm.slice"))
    assert server["compute_threads"] == 7
