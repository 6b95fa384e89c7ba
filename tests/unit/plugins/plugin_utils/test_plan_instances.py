# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many servers a host runs, and the share of it that each one gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.partition import partition
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    environment,
    instances,
    plan,
    topology,
    workstation,
    xeon,
)

GIB = 1 << 30
NVIDIA = {"nvidia": {"driver": "580.65.06", "cuda": "13.0", "error": None}, "amd": None}


def h200s(*nodes):
    """The Xeon with one H200 on each node named; None for a node that is not known."""
    cards = [
        card(number, name="H200", memory_bytes=141 * GIB, compute_capability="9.0", numa_node=node)
        for number, node in enumerate(nodes)
    ]
    return xeon(gpus=cards, drivers=NVIDIA)


def seen(made, *keys):
    """The given fields of each instance."""
    return [tuple(instance[key] for key in keys) for instance in instances(made)]


def test_one_server_is_the_installed_unit():
    """A host with one server needs no template, and the server keeps the name of the installed unit."""
    made = plan(xeon())
    assert seen(made, "name", "unit", "port") == [("ollama", "ollama.service", 11434)]
    assert made["template"] is None
    assert made["upstreams"] == [{"instance": "ollama", "host": "127.0.0.1", "port": 11434, "weight": 14, "slots": 2}]


def test_a_server_on_each_node_has_all_of_it():
    """Each node's server has the node's CPUs, a thread a core, and a port of its own."""
    made = plan(xeon(), instances="per_numa_node")
    assert seen(made, "unit", "port", "numa_node", "cpus", "compute_threads", "binding") == [
        ("ollama@node0.service", 11434, 0, "0-13,28-41", 14, "numactl"),
        ("ollama@node1.service", 11435, 1, "14-27,42-55", 14, "numactl"),
    ]
    assert made["template"] == {
        "unit": "ollama@.service",
        "binary": "/usr/local/bin/ollama",
        "user": "root",
        "group": "root",
        "sections": None,
    }
    assert [upstream["weight"] for upstream in made["upstreams"]] == [14, 14]


def test_unequal_nodes_get_unequal_threads():
    """Offline CPUs make a node smaller, and its server starts fewer threads and is sent less work."""
    made = plan(topology(sockets=2, cores=8, nodes=2, offline="12-15"), instances="per_numa_node")
    assert [instance["compute_threads"] for instance in instances(made)] == [7, 4]
    assert [upstream["weight"] for upstream in made["upstreams"]] == [7, 4]


def test_a_node_of_memory_alone_hosts_no_server():
    """Memory without CPUs, as of an expander, belongs to no instance."""
    made = plan(topology(sockets=2, cores=4, nodes=2, memory_only_nodes=[64]), instances="per_numa_node")
    assert [instance["numa_node"] for instance in instances(made)] == [0, 1]


def test_a_node_without_memory_hosts_no_server():
    """A server whose every access would go to another node is not planned, and the operator hears of it."""
    made = plan(topology(sockets=2, cores=4, nodes=2, memory_gib=[16, 0]), instances="per_numa_node")
    assert seen(made, "unit") == [("ollama.service",)]
    assert "node-without-memory" in codes(made)


@pytest.mark.parametrize("mode", ["per_numa_node", "per_gpu"])
def test_a_host_with_nothing_to_divide_runs_one_server(mode):
    """A fleet's setting must not fail on its smallest host."""
    made = plan(topology(cores=8), instances=mode)
    assert seen(made, "unit", "binding") == [("ollama.service", "none")]


def test_throughput_takes_every_socket_by_itself():
    """Left to itself the plan runs several servers only where that is known to help."""
    assert len(instances(plan(xeon(), objective="throughput"))) == 2
    for machine, options in (
        (xeon(), {}),
        (xeon(), {"objective": "throughput", "numa_node": 1}),
        (h200s(0, 1), {"objective": "throughput"}),
        (topology(sockets=1, cores=16, nodes=2), {"objective": "throughput"}),
    ):
        assert len(instances(plan(machine, **options))) == 1
    assert len(instances(plan(xeon(), release="0.24.0", objective="throughput"))) == 1


def test_cards_are_named_in_the_order_of_their_addresses():
    """The first device of CUDA is the card with the lowest PCI address, whatever order the driver counts in."""
    places = ("0000:09:00.0", "0000:03:00.0", "0000:81:00.0")
    cards = [card(number, pci_bus_id=place, numa_node=number // 2) for number, place in enumerate(places)]
    made = plan(
        xeon(gpus=cards, drivers=NVIDIA),
        instances="per_numa_node",
    )
    first, second = (instance["environment"]["CUDA_VISIBLE_DEVICES"] for instance in instances(made))
    assert first.split(",") == [cards[1]["uuid"], cards[0]["uuid"]]
    assert second == cards[2]["uuid"]


@pytest.mark.parametrize("limit", [64 * GIB, 300 * GIB])
def test_a_memory_limit_is_divided_among_the_servers(limit):
    """It holds for all of them together; a node's own memory is the other bound."""
    machine = xeon()
    machine["allowed"]["memory_bytes"] = limit
    made = plan(machine, instances="per_numa_node")
    assert [instance["memory_bytes"] for instance in made["instances"]] == [min(limit // 2, 128 * GIB)] * 2


def test_a_server_for_each_gpu_has_its_card_and_cores_beside_it():
    """Two cards on one node share its cores; a card alone on a node has all of them."""
    made = plan(h200s(0, 0, 1), instances="per_gpu")
    assert seen(made, "name", "numa_node", "cpus", "gpus", "binding") == [
        ("gpu0", 0, "0-6,28-34", ["0000:03:00.0"], "affinity"),
        ("gpu1", 0, "7-13,35-41", ["0000:04:00.0"], "affinity"),
        ("gpu2", 1, "14-27,42-55", ["0000:05:00.0"], "numactl"),
    ]
    uuids = [instance["environment"]["CUDA_VISIBLE_DEVICES"] for instance in instances(made)]
    assert uuids == [f"GPU-00000000-0000-4000-8000-00000000000{number}" for number in range(3)]
    assert all(instance["environment"]["OLLAMA_VULKAN"] == "0" for instance in instances(made))


def test_cards_on_unknown_nodes_share_all_cores():
    """Where the kernel does not say which node a card is at, no instance is put on a wrong one."""
    made = plan(h200s(None, 0), instances="per_gpu")
    assert seen(made, "numa_node", "cpus") == [(None, "0-13,28-41"), (None, "14-27,42-55")]


def test_partitions_of_a_card_are_cards_of_their_own():
    """CUDA shows a process one MIG partition, so that each needs a server of its own."""
    parts = [{"name": "3g.71gb", "uuid": f"MIG-0000000{number}", "memory_bytes": 71 * GIB} for number in range(2)]
    machine = workstation(card(memory_bytes=141 * GIB, mig={"enabled": True, "instances": parts}))
    made = plan(machine, instances="per_gpu")
    assert seen(made, "name", "gpus") == [("gpu0", ["MIG-00000000"]), ("gpu1", ["MIG-00000001"])]
    assert environment(machine)["CUDA_VISIBLE_DEVICES"] == "MIG-00000000"
    assert "partitions-idle" in codes(plan(machine))


def test_cards_follow_their_node():
    """A server on a node uses the cards of that node, and none where there is none."""
    made = plan(h200s(1, 1), instances="per_numa_node")
    assert [len(instance["gpus"]) for instance in instances(made)] == [0, 2]
    assert instances(made)[0]["environment"]["CUDA_VISIBLE_DEVICES"] == "-1"
    assert "CUDA_VISIBLE_DEVICES" not in instances(made)[1]["environment"]


def test_listed_instances_get_what_they_name_and_share_the_rest():
    """An entry without CPUs gets what the named ones leave, and its own word counts over the host's."""
    made = plan(
        xeon(),
        num_parallel=3,
        exposure="gateway",
        instances=[
            {"name": "chat", "numa_node": 0, "num_parallel": 6},
            {"name": "embed", "cpus": "14-15,42-43", "host": "0.0.0.0:12000"},
            {"name": "batch"},
        ],
    )
    assert seen(made, "name", "port", "cpus") == [
        ("chat", 11434, "0-13,28-41"),
        ("embed", 12000, "14-15,42-43"),
        ("batch", 11436, "16-27,44-55"),
    ]
    assert [instance["environment"]["OLLAMA_NUM_PARALLEL"] for instance in instances(made)] == ["6", "3", "3"]


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ([{"name": "B!"}], "ollama_instances[0].name: 'B!' is not allowed"),
        ([{"name": "a"}, {"name": "a"}], "2 entries are named 'a'"),
        (
            [{"name": "a", "colour": "red"}],
            "ollama_instances[0].colour: no such key; allowed are name, cpus, num_",
        ),
        ([{"name": "a", "numa_node": 7}], "ollama_instances[0].numa_node: 7 is not allowed"),
        (
            [{"name": "a", "cpus": "0-99"}],
            "[0].cpus: '0-99' is not allowed; the service may use CPUs 0-55",
        ),
        ([{"name": "a", "cpus": "0-1"}, {"name": "b", "cpus": "1-2"}], "overlaps those of 'a'"),
        ([{"name": "a", "num_threads": "many"}], "ollama_instances[0].num_threads: 'many' is not allowed"),
        (
            [{"name": "a", "host": "127.0.0.1:11435"}, {"name": "b"}],
            "'a' and 'b' both listen on port 11435",
        ),
        (
            [{"name": "a", "environment": {"LLAMA_ARG_THREADS": "x"}}],
            "_instances[0].environment.LLAMA_ARG_THREADS",
        ),
        (
            [{"name": "a", "cuda_visible_devices": "5"}],
            "[0].cuda_visible_devices: '5' is not on this host",
        ),
        ([{"name": "a", "cpus": "0-55"}, {"name": "b"}], "no core is left for 'b'"),
    ],
)
def test_wrong_entries_are_refused_by_place_and_key(entries, text):
    """The operator reads which entry is wrong, and what would be right."""
    with pytest.raises(OllamaError) as caught:
        plan(xeon(), instances=entries)
    assert text in str(caught.value)


@pytest.mark.parametrize("options", [{"numa_node": 1}, {"bind_method": "none"}])
def test_one_node_for_servers_on_every_node_is_a_contradiction(options):
    """Options that exclude each other are an error."""
    with pytest.raises(OllamaError, match="contradicts ollama_instances: per_numa_node"):
        plan(xeon(), instances="per_numa_node", **options)


def test_drop_ins_of_the_single_service_are_named():
    """What other files set for ollama.service alone does not silently go away."""
    machine = xeon()
    machine["software"]["ollama"]["unit"]["dropins"] = ["/etc/systemd/system/ollama.service.d/10-proxy.conf"]
    assert "dropins-left-behind" in codes(plan(machine, instances="per_numa_node"))


def test_old_releases_get_a_warning_that_threads_exceed_the_binding():
    """Before 0.30.0 every server starts a thread a core of the host, and nothing in its unit can change that."""
    made = plan(xeon(), release="0.24.0", instances="per_numa_node")
    assert "threads-not-settable" in codes(made)


@given(st.integers(1, 4), st.integers(1, 40), st.integers(1, 12), st.sets(st.integers(0, 159)))
def test_dealt_cpus_are_disjoint_whole_cores_and_nearly_equal(threads, cores, parts, missing):
    """No CPU is dealt twice or lost, siblings stay together, and no part has two cores more than another."""
    siblings = [CpuSet(core + thread * cores for thread in range(threads)) for core in range(cores)]
    cpus = CpuSet(range(cores * threads)) - CpuSet(missing)
    dealt = partition(cpus, siblings, [], parts)
    assert sorted(cpu for share in dealt for cpu in share) == list(cpus)
    counts = [sum(1 for core in siblings if core & share) for share in dealt]
    assert sum(counts) == sum(1 for core in siblings if core & cpus)
    assert max(counts) - min(counts) <= 1


def test_performance_cores_are_dealt_evenly():
    """On a hybrid processor no instance gets only the slow cores."""
    made = plan(
        topology(cores=6, threads=2, efficiency_cores=8),
        instances=[{"name": "a"}, {"name": "b"}],
    )
    assert [instance["compute_threads"] for instance in instances(made)] == [3, 3]


def test_an_entrys_environment_is_its_own():
    """A variable that one entry sets replaces the planned one there and nowhere else, and its decision says so."""
    made = plan(
        xeon(),
        instances=[{"name": "a"}, {"name": "b", "environment": {"LLAMA_ARG_CACHE_RAM": "77", "OLLAMA_DEBUG": "1"}}],
    )
    first, second = (instance["environment"] for instance in instances(made))
    assert second["LLAMA_ARG_CACHE_RAM"] == "77" != first["LLAMA_ARG_CACHE_RAM"]
    assert "OLLAMA_DEBUG" in second
    assert "OLLAMA_DEBUG" not in first
    for instance in instances(made):
        for name, value in instance["environment"].items():
            key = (instance["name"], name)
            assert [d["value"] for d in made["decisions"] if (d["instance"], d["setting"]) == key] == [value]


def test_every_error_is_in_one_message():
    """A wrong variable of the host, names that repeat and too many threads of an entry are reported together."""
    with pytest.raises(OllamaError) as caught:
        plan(xeon(), keep_alive="1d", instances=[{"name": "a", "num_threads": 999}, {"name": "a"}])
    for part in ("ollama_keep_alive: '1d'", "2 entries are named 'a'", "ollama_num_threads: 999"):
        assert part in str(caught.value)


def cards_of(made):
    """The cards of each instance by its name."""
    return {instance["name"]: instance["gpus"] for instance in instances(made)}


def test_listed_cards_go_to_who_names_them_then_to_their_node_then_to_who_has_fewest():
    """No card is left idle, and none is in two instances."""
    named = {"name": "a", "cpus": "0-3,28-31", "cuda_visible_devices": "0"}
    entries = [named, {"name": "b", "numa_node": 1}, {"name": "c", "numa_node": 0}]
    first, second, third = "0000:03:00.0", "0000:04:00.0", "0000:05:00.0"
    assert cards_of(plan(h200s(0, 1, None), instances=entries)) == {"a": [first], "b": [second], "c": [third]}
    assert cards_of(plan(h200s(0, None), instances=entries[1:])) == {"b": [second], "c": [first]}
    hidden = [{"name": "a", "cuda_visible_devices": "none"}, {"name": "b", "cuda_visible_devices": "0,1"}]
    assert cards_of(plan(h200s(0, 1), instances=hidden)) == {"a": [], "b": [first, second]}


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (
            [{"name": "a", "cuda_visible_devices": "0"}, {"name": "b", "cuda_visible_devices": "0"}],
            "[1].cuda_visible_devices: '0' belongs to 'a' already",
        ),
        (
            [{"name": "a", "cuda_visible_devices": "7"}, {"name": "b"}],
            "'7' is not on this host; NVIDIA GPUs here: 0 (H200)",
        ),
        ([{"name": "a", "cpus": "3-1"}], "[0].cpus: the range '3-1' in '3-1' ends before it begins"),
        ([{"name": "a", "cpus": ""}], "[0].cpus: '' is not allowed"),
    ],
)
def test_wrong_cards_and_cpus_of_an_entry_are_refused(entries, text):
    """The operator reads which entry is wrong, and what is there."""
    with pytest.raises(OllamaError) as caught:
        plan(h200s(0, 1), instances=entries)
    assert text in str(caught.value)


def test_a_list_of_one_is_the_installed_service_on_the_cpus_that_it_names():
    """One server needs no template, whatever it is called."""
    made = plan(xeon(), instances=[{"name": "chat", "cpus": "0-3,28-31"}])
    assert seen(made, "name", "unit", "cpus", "compute_threads", "binding") == [
        ("ollama", "ollama.service", "0-3,28-31", 4, "affinity")
    ]
    assert seen(plan(xeon(), instances=[{"name": "chat", "numa_node": 1}]), "numa_node", "binding") == [(1, "numactl")]


def overlapping():
    """Two sockets whose nodes have each all CPUs, as a container's sysfs may tell."""
    machine = xeon()
    for node in machine["numa"]:
        node["cpus"] = "0-55"
    return machine


def test_nodes_that_share_cpus_are_not_given_a_server_each():
    """Several servers on the same CPUs would fight for them."""
    with pytest.raises(OllamaError, match=r"CPUs 0-55 are in several NUMA nodes.*allowed is single"):
        plan(overlapping(), instances="per_numa_node")


def test_nodes_that_share_cpus_leave_one_server_where_the_plan_chooses():
    """The objective alone asks for nothing that is impossible."""
    assert len(instances(plan(overlapping(), objective="throughput"))) == 1


NPS4 = {"sockets": 2, "cores": 16, "threads": 2, "nodes": 8, "memory_gib": 32}


def test_throughput_runs_a_server_on_each_socket_however_it_is_cut():
    """A socket's server has the CPUs and the memory of all of its nodes."""
    made = plan(topology(**NPS4), objective="throughput")
    assert seen(made, "unit", "numa_node", "cpus", "compute_threads", "binding", "memory_bytes") == [
        ("ollama@socket0.service", "0-3", "0-15,32-47", 16, "affinity", 128 * GIB),
        ("ollama@socket1.service", "4-7", "16-31,48-63", 16, "affinity", 128 * GIB),
    ]
    uncut = plan(topology(**{**NPS4, "nodes": 2, "memory_gib": 128}), objective="throughput")
    for key in ("cpus", "compute_threads", "memory_bytes", "budget"):
        assert seen(made, key) == seen(uncut, key)


def test_a_server_for_each_node_stays_one_for_each_node():
    """Asked for by name it is each part of a socket."""
    made = plan(topology(**NPS4), instances="per_numa_node", objective="throughput")
    assert [server["numa_node"] for server in instances(made)] == list(range(8))


def test_one_socket_in_nodes_has_one_server():
    """Of a part there is none by itself."""
    assert len(instances(plan(topology(cores=16, nodes=4), objective="throughput"))) == 1


def test_a_socket_without_memory_hosts_no_server():
    """A node of it that has some is enough."""
    machine = {"sockets": 2, "cores": 4, "nodes": 4}
    made = plan(topology(**machine, memory_gib=[16, 16, 0, 16]), objective="throughput")
    assert seen(made, "numa_node", "memory_bytes") == [("0-1", 32 * GIB), ("2-3", 16 * GIB)]
    assert len(instances(plan(topology(**machine, memory_gib=[16, 16, 0, 0]), objective="throughput"))) == 1


@pytest.mark.parametrize(
    ("nodes", "cpus"),
    [
        ([1, 6], ["0-15,32-47", "16-31,48-63"]),
        ([1, 1], ["0-7,32-39", "8-15,40-47"]),
        ([0, 1, 4], ["0-7,32-39", "8-15,40-47", "16-31,48-63"]),
        # A card a node: each has the cores beside it, whatever the order of the cards.
        ([3, 2, 1, 0], ["12-15,44-47", "8-11,40-43", "4-7,36-39", "0-3,32-35"]),
    ],
)
def test_cards_of_a_socket_share_its_cores(nodes, cpus):
    """As on the same machine uncut, unless each node of the socket has as many cards as the others."""
    cards = [card(number, numa_node=node) for number, node in enumerate(nodes)]
    made = plan(topology({"gpus": cards, "drivers": NVIDIA}, **NPS4), instances="per_gpu")
    assert [server["cpus"] for server in instances(made)] == cpus


def memory(made):
    return [server["memory_bytes"] for server in instances(made)]


def in_container(machine, total, limit=None):
    """The machine as a container sees it, whose /proc/meminfo is its own."""
    machine["memory"].update(total_bytes=total, host_bytes=total)
    machine["allowed"]["memory_bytes"] = limit
    return machine


def test_what_a_container_has_is_a_limit():
    """In a container the nodes' files are those of the whole machine."""
    for options in ({"instances": "per_numa_node"}, {"objective": "throughput"}):
        assert memory(plan(in_container(xeon(), 64 * GIB), **options)) == [32 * GIB, 32 * GIB]
    assert memory(plan(in_container(xeon(), 64 * GIB))) == [64 * GIB]
    assert memory(plan(in_container(xeon(), 200 * GIB))) == [128 * GIB]
    assert memory(plan(in_container(xeon(), 64 * GIB, 16 * GIB), instances="per_numa_node")) == [8 * GIB, 8 * GIB]
    assert memory(plan(in_container(topology(**NPS4), 64 * GIB))) == [64 * GIB]
    cards = in_container(h200s(0, 1), 64 * GIB)
    assert memory(plan(cards, instances="per_gpu")) == [32 * GIB, 32 * GIB]


def test_memory_of_a_gpu_is_no_part_of_the_nodes():
    """Where a card's memory is a node of the host, the other nodes keep all of theirs."""
    machine = xeon()
    machine["numa"].append({**machine["numa"][0], "id": 2, "cpus": "", "memory_bytes": 96 * GIB, "gpu_memory": True})
    machine["memory"]["total_bytes"] += 96 * GIB
    assert memory(plan(machine, instances="per_numa_node")) == [128 * GIB, 128 * GIB]


def test_instances_on_nodes_leave_others_what_is_there():
    """Half of the host and the whole of its greater node are more than the host."""
    machine = topology(sockets=2, cores=4, nodes=2, memory_gib=[96, 32])
    made = plan(machine, instances=[{"name": "a", "numa_node": 0}, {"name": "b", "cpus": "4-7"}, {"name": "c"}][:2])
    assert memory(made) == [96 * GIB, 32 * GIB]
    made = plan(machine, instances=[{"name": "a", "cpus": "0-1"}, {"name": "b", "cpus": "2-5"}])
    assert sum(memory(made)) <= 128 * GIB


def test_a_list_entry_on_all_nodes_of_a_socket_has_its_memory():
    """Its CPUs lie on the socket, though on no single node."""
    made = plan(topology(**NPS4), instances=[{"name": "a", "cpus": "0-15"}, {"name": "b", "cpus": "16-19"}])
    assert seen(made, "numa_node", "memory_bytes") == [("0-3", 128 * GIB), (4, 32 * GIB)]


def test_a_limit_of_each_instance_holds_for_several():
    """The only server does not read the files of the template."""
    machine = xeon()
    machine["allowed"].update(instance_cpu_quota=4.0, instance_memory_bytes=8 * GIB)
    made = plan(machine, instances="per_numa_node")
    assert seen(made, "compute_threads", "memory_bytes") == [(4, 8 * GIB), (4, 8 * GIB)]
    assert seen(plan(machine), "compute_threads", "memory_bytes") == [(14, 128 * GIB)]


def test_the_slots_of_a_server_are_those_that_it_is_set_to():
    """A proxy sends as many requests as the server answers at once."""
    made = plan(xeon(), environment={"OLLAMA_NUM_PARALLEL": "3"})
    assert [upstream["slots"] for upstream in made["upstreams"]] == [3]
