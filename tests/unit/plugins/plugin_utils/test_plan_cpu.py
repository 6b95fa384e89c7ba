# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node, CPUs and binding, and the threads that follow from them (_plan/cpu.py; rules C1, C2 and C4)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    OLLAMA,
    card,
    codes,
    decision,
    environment,
    instances,
    plan,
    topology,
    xeon,
)


def instance(machine, release="0.34.1", **options):
    return instances(plan(machine, release, **options))[0]


def test_a_chosen_node_brings_its_cpus_and_its_cores_as_threads():
    """Binding without matching threads halves the speed, so both come together."""
    found = instance(xeon(), numa_node=1)
    assert (found["cpus"], found["compute_threads"], found["binding"]) == ("14-27,42-55", 14, "numactl")
    assert found["environment"]["LLAMA_ARG_THREADS"] == "14"
    assert found["directives"]["ExecStart"] == ["/usr/bin/numactl", "--cpunodebind=1", "/usr/local/bin/ollama", "serve"]


@pytest.mark.parametrize("release", ["0.5.13", "0.12.6", "0.24.0"])
def test_before_0_30_a_binding_warns_that_threads_cannot_follow(release):
    """No variable of those releases sets the threads; the warning names what does."""
    made = plan(xeon(), release, numa_node=1)
    assert "LLAMA_ARG_THREADS" not in instances(made)[0]["environment"]
    (warning,) = [entry for entry in made["warnings"] if entry["code"] == "threads-not-settable"]
    assert "num_thread 14" in warning["remedy"]


def test_with_the_release_unknown_a_binding_sets_threads_and_warns():
    """The variable harms no release, and the operator hears that an old one ignores it."""
    machine = xeon(software={"systemd": 252, "numactl": "/usr/bin/numactl", "ollama": None})
    made = plan(machine, None, numa_node=1)
    assert instances(made)[0]["environment"]["LLAMA_ARG_THREADS"] == "14"
    assert {"release-unknown", "threads-not-settable", "binary-not-found"} <= set(codes(made))


def wrapped(command, binary="/usr/local/bin/ollama", **facts):
    """A machine of two sockets whose installed unit has this command."""
    ollama = {"binary": binary, "version": binary and "0.34.1"}
    unit = {"name": "ollama.service", "dropins": [], "wrapped_command": command}
    return xeon(software={"systemd": 255, "numactl": "/usr/bin/numactl", "ollama": {**ollama, "unit": unit}}, **facts)


@pytest.mark.parametrize(
    ("command", "binary"),
    [
        ("/bin/sh -c cd /opt/ipex && ./ollama serve", None),
        ("/opt/ollama/start.sh", None),
        ("/usr/bin/env LD_LIBRARY_PATH=/opt/rocm/lib /opt/ollama/bin/ollama serve", "/opt/ollama/bin/ollama"),
    ],
)
def test_a_wrapper_stays_and_is_bound_without_another_command(command, binary):
    """The variables that it sets and the program that it chooses are the operator's; CPUAffinity= binds them all."""
    made = plan(wrapped(command, binary), None, numa_node=0)
    found = instances(made)[0]
    assert "ExecStart" not in found["directives"]
    assert (found["binding"], found["directives"]["CPUAffinity"]) == ("affinity", "0-13,28-41")
    assert made["release"] == ("0.34.1" if binary else None)
    warnings = {entry["code"]: entry["message"] for entry in made["warnings"]}
    assert "binary-not-found" not in warnings
    assert ("release-unknown" in warnings) is (binary is None)
    assert binary or command in warnings["release-unknown"]
    assert plan(wrapped(command, binary), None, version="0.33.0")["release"] == "0.33.0"


@pytest.mark.parametrize("option", [{"bind_method": "numactl"}, {"binary_path": "/usr/bin/ollama"}])
def test_what_would_replace_a_wrapper_is_refused(option):
    """By the variable's name, with the command that was found and what to do."""
    ((name, value),) = option.items()
    with pytest.raises(OllamaError) as refused:
        plan(wrapped("/opt/ollama/start.sh", None), None, **option)
    for part in (f"ollama_{name}: {value!r}", "/opt/ollama/start.sh", "affinity" if name == "bind_method" else "auto"):
        assert part in str(refused.value)


def test_the_program_behind_a_wrapper_may_be_named():
    """That is no other command."""
    machine = wrapped("/usr/bin/env A=b /opt/ollama/bin/ollama serve", "/opt/ollama/bin/ollama")
    found = instances(plan(machine, binary_path="/opt/ollama/bin/ollama"))[0]
    assert "ExecStart" not in found["directives"]


def test_an_address_in_a_command_wins_and_is_refused_unless_it_is_the_plan_s():
    """Whatever the drop-in says, the server would listen where the command has it."""
    machine = wrapped("/bin/sh -c OLLAMA_KEEP_ALIVE=2h OLLAMA_HOST=:8200 exec /usr/local/bin/ollama serve")
    with pytest.raises(
        OllamaError, match=r"ollama_host: the command of ollama\.service, .* sets OLLAMA_HOST by itself"
    ):
        plan(machine)
    assert codes(plan(machine, host="0.0.0.0:8200", exposure="trusted_network")).count("command-sets-variable") == 1
    assert "command-sets-variable" not in codes(
        plan(machine, host="0.0.0.0:8200", exposure="trusted_network", keep_alive="2h")
    )


@pytest.mark.parametrize("binder", ["/usr/bin/numactl -N 1", "/bin/taskset -c 0-3", "/usr/bin/env A=b numactl -m 0"])
def test_a_command_that_binds_by_itself_is_not_bound_again(binder):
    """What it chooses wins over the unit's directives, so the plan says so, and refuses what contradicts it."""
    machine = wrapped(f"{binder} /usr/local/bin/ollama serve")
    made = plan(machine)
    assert instances(made)[0]["binding"] == "none"
    assert "command-binds-by-itself" in codes(made)
    with pytest.raises(OllamaError, match=r"ollama_numa_node: 1 contradicts the command of ollama\.service"):
        plan(machine, numa_node=1)
    with pytest.raises(OllamaError, match=r"ollama_instances: each has CPUs of its own, and the command") as refused:
        plan(machine, instances="per_numa_node")
    assert str(refused.value).count("ollama_instances") == 2


def test_auto_binds_a_cpu_server_to_one_socket():
    """Two equal nodes: the lowest id; and the operator hears what stays free."""
    made = plan(xeon())
    assert instances(made)[0]["numa_node"] == 0
    assert "one-node-of-many" in codes(made)


def test_auto_prefers_the_node_with_more_memory():
    """Of nodes with equal cores the one that holds larger models."""
    machine = topology(sockets=2, cores=4, nodes=2, memory_gib=32)
    machine["numa"][1]["memory_bytes"] *= 2
    assert instance(machine)["numa_node"] == 1


@pytest.mark.parametrize(
    ("machine", "release"),
    [
        (topology(cores=8), "0.34.1"),
        (xeon(), "0.24.0"),
        (topology(cores=8, nodes=2), "0.34.1"),
        (xeon(gpus=[card()]), "0.34.1"),
    ],
    ids=["one node", "old release", "a socket in nodes", "GPU"],
)
def test_auto_binds_nothing_that_need_not_be(machine, release):
    """One node, a release whose threads cannot follow, nodes smaller than a socket, models on a GPU: no binding."""
    found = instance(machine, release)
    assert (found["numa_node"], found["binding"]) == (None, "none")
    assert not {"ExecStart", "CPUAffinity"} & set(found["directives"])


def test_without_numactl_systemd_binds():
    """The same affinity needs no program in front of the server."""
    found = instance(xeon(software={"systemd": 252, "numactl": None, "ollama": OLLAMA}), numa_node=1)
    assert found["binding"] == "affinity"
    assert found["directives"]["CPUAffinity"] == "14-27,42-55"
    assert "ExecStart" not in found["directives"]


def test_isolated_cpus_are_left_alone_and_need_an_affinity_by_list():
    """Whoever isolated CPUs keeps them; numactl can only name whole nodes."""
    machine = topology({}, sockets=2, cores=4, nodes=2, isolated="4")
    found = instance(machine, numa_node=1)
    assert (found["cpus"], found["binding"], found["compute_threads"]) == ("5-7", "affinity", 3)


def test_a_cpuset_bounds_cpus_and_threads():
    """What the service may not use it is not planned on."""
    found = instance(topology(cores=16, cpuset="0-5"))
    assert (found["cpus"], found["compute_threads"]) == ("0-5", 6)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"numa_node": 7}, "ollama_numa_node: 7 is not allowed; nodes with usable CPUs on this host: 0, 1"),
        ({"numa_node": 1, "bind_method": "none"}, "ollama_bind_method: 'none' contradicts ollama_numa_node: 1"),
        ({"numa_node": "none", "bind_method": "numactl"}, "'numactl' contradicts ollama_numa_node: none"),
        (
            {"numa_node": 1, "environment": {"LLAMA_ARG_NUMA": "distribute"}},
            "ollama_environment.LLAMA_ARG_NUMA: 'distribute' contradicts the binding to CPUs 14-27,42-55",
        ),
    ],
)
def test_contradictions_are_refused(options, text):
    """Options that exclude each other are an error."""
    with pytest.raises(OllamaError) as caught:
        plan(xeon(), **options)
    assert text in str(caught.value)


def test_numactl_is_refused_where_it_is_missing_or_names_too_much():
    """An option that the host does not support is an error that names the reason."""
    with pytest.raises(OllamaError, match="the host has no numactl"):
        plan(xeon(software={"numactl": None, "ollama": OLLAMA}), numa_node=1, bind_method="numactl")
    with pytest.raises(OllamaError, match="of which only 5-7 are usable"):
        plan(topology(sockets=2, cores=4, nodes=2, isolated="4"), numa_node=1, bind_method="numactl")


def test_affinity_can_be_asked_for():
    """The operator may prefer the unit's own directive."""
    made = plan(xeon(), numa_node=1, bind_method="affinity")
    assert instances(made)[0]["binding"] == "affinity"
    assert decision(made, "binding")["source"] == "operator"


def test_none_as_bind_alone_binds_nothing():
    """With no node named there is no contradiction."""
    assert instance(xeon(), bind_method="none")["binding"] == "none"


def test_unread_cpus_leave_threads_to_the_server():
    """No guess: what could not be read is not planned on."""
    machine = xeon()
    machine["cpu"] = machine["numa"] = machine["allowed"] = None
    found = instance(machine)
    assert (found["cpus"], found["compute_threads"]) == (None, None)
    assert "LLAMA_ARG_THREADS" not in found["environment"]
    assert environment(machine, num_threads=4)["LLAMA_ARG_THREADS"] == "4"


NPS4 = {"sockets": 2, "cores": 16, "threads": 2, "nodes": 8, "memory_gib": 32}
NPS1 = {**NPS4, "nodes": 2, "memory_gib": 128}


def where(made):
    """Node or nodes, CPUs, binding, threads and memory of each server."""
    keys = ("numa_node", "cpus", "binding", "compute_threads", "memory_bytes")
    return [tuple(server[key] for key in keys) for server in instances(made)]


def test_a_socket_that_is_cut_into_nodes_is_what_a_server_is_bound_to():
    """As on the same machine uncut, by the CPUs of its nodes, with the memory of them all."""
    cut, uncut = plan(topology(**NPS4)), plan(topology(**NPS1))
    assert where(cut) == [("0-3", "0-15,32-47", "affinity", 16, 128 << 30)]
    assert where(uncut) == [(0, "0-15,32-47", "numactl", 16, 128 << 30)]
    assert [code for code in codes(cut) if code != "numa-balancing-on"] == codes(uncut)
    (warning,) = [warning for warning in cut["warnings"] if warning["code"] == "one-node-of-many"]
    assert (
        warning["message"] == "one instance is bound to socket 0 (nodes 0-3); the CPUs of 1 other socket(s) stay free"
    )
    assert decision(cut, "CPUAffinity")["value"] == "0-15,32-47"
    assert decision(cut, "ExecStart")["value"] is None


@pytest.mark.parametrize(
    ("shape", "node", "cpus"),
    [
        ({"sockets": 4, "cores": 4, "nodes": 8}, "0-1", "0-3"),
        ({"sockets": 2, "cores": 12, "nodes": 24}, "0-11", "0-11"),
        # The sockets' memory decides where their cores are as many, whatever a part has.
        ({"sockets": 2, "cores": 4, "nodes": 4, "memory_gib": [48, 8, 32, 32]}, "2-3", "4-7"),
        ({"sockets": 2, "cores": 4, "nodes": 4, "offline": "0-1"}, "2-3", "4-7"),
        ({"sockets": 2, "cores": 4, "nodes": 4, "memory_only_nodes": [64, 64]}, "0-1", "0-3"),
        # A limit that leaves one socket less than the other.
        ({"sockets": 2, "cores": 8, "nodes": 4, "cpuset": "0-2,8-15"}, "2-3", "8-15"),
        ({"sockets": 2, "cores": 8, "nodes": 2, "cpuset": "0-2,8-15"}, 1, "8-15"),
    ],
)
def test_the_socket_that_is_chosen(shape, node, cpus):
    """The most usable cores, then the most memory of its nodes together, then the lowest number."""
    found = instance(topology(**shape))
    assert (found["numa_node"], found["cpus"]) == (node, cpus)


@pytest.mark.parametrize("shape", [{"cores": 16, "nodes": 4}, {"sockets": 2, "cores": 8, "nodes": 4, "cpuset": "0-7"}])
def test_one_usable_socket_in_nodes_is_not_bound(shape):
    """There is nothing to choose: a part of it would be a part of its memory channels."""
    found = instance(topology(**shape))
    assert (found["numa_node"], found["binding"]) == (None, "none")


def test_nodes_of_unknown_sockets_are_not_bound():
    """Whether a node is a part of a socket is then not known."""
    machine = topology(**NPS4)
    machine["cpu"].update(sockets=None, packages=None)
    assert instance(machine)["binding"] == "none"


def test_nodes_across_sockets_stay_nodes():
    """A kernel's fake nodes, each of which has CPUs of both sockets, make no socket."""
    machine = topology(**{**NPS4, "nodes": 4})
    for number, node in enumerate(machine["numa"]):
        node["cpus"] = f"{number * 4}-{number * 4 + 3},{16 + number * 4}-{19 + number * 4}"
    assert instance(machine)["binding"] == "none"


def test_an_operators_node_is_one_part_of_a_socket():
    """ollama_numa_node names a node, never a socket."""
    assert where(plan(topology(**NPS4), numa_node=5)) == [(5, "20-23,52-55", "numactl", 4, 32 << 30)]
    assert where(plan(topology(**NPS4), numa_node="none"))[0][2] == "none"


def test_numactl_binds_a_socket_where_the_operator_asks_for_it():
    """By the list of its nodes."""
    made = plan(topology(**NPS4), bind_method="numactl")
    assert decision(made, "ExecStart")["value"] == [
        "/usr/bin/numactl",
        "--cpunodebind=0-3",
        "/usr/local/bin/ollama",
        "serve",
    ]


def test_a_server_over_the_nodes_of_a_socket_hears_of_balancing():
    """Its threads read pages of several nodes, which the kernel would move back and forth."""
    assert "numa-balancing-on" in codes(plan(topology(**NPS4)))
    assert "numa-balancing-on" not in codes(plan(topology(**NPS1)))
