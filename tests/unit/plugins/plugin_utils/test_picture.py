# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a host: well formed whatever the facts are, complete, and the same each time."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.draw import topology_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Part
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.nest import nest
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.svg import grid, label, measure, shortened
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import servers
from ansible_collections.inference.ollama.tests.unit.support import trees
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, topology, workstation, xeon

SPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script>&\"'\x00\x1b[31m\u202e\ud800\uffff"


def parse(svg):
    """The document's root; ElementTree refuses what is not well formed."""
    root = ET.fromstring(svg.encode())
    assert root.tag == f"{SPACE}svg"
    return root


def texts(svg, part=""):
    """The shown texts, or those whose class has a part."""
    found = [text for text in parse(svg).iter(f"{SPACE}text") if not part or part in text.get("class").split()]
    return ["".join(text.itertext()) for text in found]


def marked(svg, classes):
    """How many rectangles have all of these classes, the legend's samples left out."""
    drawn = svg.partition(">Legend<")[0]
    return sum(1 for found in re.findall(r'<rect class="([^"]*)"', drawn) if set(classes.split()) <= set(found.split()))


def full():
    """A machine with something in every part of the facts."""
    gpus = [
        card(number, numa_node=node, free_bytes=1 << 30, links=[{"to": 1 - number, "kind": "NV18"}])
        for number, node in enumerate((0, None))
    ]
    gpus[0]["mig"] = {"enabled": True, "instances": [{"name": "1g.20gb", "uuid": "MIG-0", "memory_bytes": 20 << 30}]}
    facts = {"gpus": gpus, "allowed": {"cpus": "0-8", "cores": 5, "cpu_quota": 2.5, "memory_bytes": 1 << 30}}
    shape = {"memory_only_nodes": (8,), "efficiency_cores": 2, "offline": "3", "isolated": "1"}
    return topology({**facts, "problems": ["one"]}, sockets=2, cores=3, threads=2, nodes=4, **shape)


def holes(facts, path=()):
    """The path of every value in the facts."""
    entries = facts.items() if isinstance(facts, dict) else enumerate(facts) if isinstance(facts, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from holes(value, (*path, key))


def wide(sockets, cores):
    """The facts of a large machine with SMT and a node a socket, without thousands of files."""
    total = sockets * cores
    nodes = [
        str(CpuSet([*range(first, first + cores), *range(total + first, total + first + cores)]))
        for first in range(0, total, cores)
    ]
    machine = topology(nodes=2)
    machine["cpu"].update(
        online=f"0-{2 * total - 1}",
        siblings=[f"{core},{core + total}" for core in range(total)],
        packages=nodes,
        llc=[{"cpus": node, "bytes": 32 << 20} for node in nodes],
        kinds=[{"kind": "uniform", "cpus": f"0-{2 * total - 1}", "cores": total}],
    )
    machine["allowed"]["cpus"] = machine["cpu"]["online"]
    costs = {str(number): 10 + 11 * (number > 0) for number in range(sockets)}
    machine["numa"] = [
        {**machine["numa"][0], "id": number, "cpus": node, "distances": costs} for number, node in enumerate(nodes)
    ]
    return machine


FULL = full()
HOLES = sorted(holes({key: FULL[key] for key in FULL if key not in ("schema", "software", "kernel")}), key=str)


def without(facts, paths):
    """The facts with None at each of the paths that is still there."""
    left = copy.deepcopy(facts)
    for path in paths:
        inner = left
        for key in path[:-1]:
            inner = inner[key] if inner is not None else None
        if inner is not None:
            inner[path[-1]] = None
    return left


@pytest.mark.parametrize(
    "machine",
    [
        xeon(),
        full(),
        topology(cores=1),
        topology(sockets=4, cores=4, threads=4),
        topology(sockets=2, cores=2, threads=8),
    ],
    ids=["two sockets", "everything", "one CPU", "SMT4", "SMT8"],
)
def test_each_cpu_is_drawn_once(machine):
    """Every CPU, online or offline, has exactly one cell with its number."""
    svg = topology_svg(machine, "host")
    present = CpuSet.parse(machine["cpu"]["online"]) | CpuSet.parse(machine["cpu"]["offline"])
    assert Counter(texts(svg, "no")) == Counter(str(cpu) for cpu in present)


def test_each_node_socket_and_gpu_is_drawn_once():
    """Nodes with CPUs, with memory alone and of GPUs, sockets, and cards wherever they are plugged in."""
    machine = full()
    machine["numa"][4]["gpu_memory"] = True
    shown = Counter(texts(topology_svg(machine, "host"), "head"))
    assert {name: count for name, count in shown.items() if name.startswith("Socket")} == {"Socket 0": 1, "Socket 1": 1}
    assert [shown[f"NUMA node {number}"] for number in range(4)] == [1] * 4
    assert shown["GPU memory, NUMA node 4"] == 1
    cards = texts(topology_svg(machine, "host"), "strong")
    assert {text for text in cards if text.startswith("GPU")} == {"GPU 0", "GPU 1"}
    assert shown["GPUs whose NUMA node is unknown"] == 1


def test_the_largest_machines_keep_their_numbers():
    """384 CPUs on 24 nodes are readable; what is larger lists each node's CPUs instead of numbering cells."""
    assert len(texts(topology_svg(wide(24, 8), "host"), "no")) == 384
    huge = topology_svg(wide(16, 64), "host")
    assert texts(huge, "no") == []
    assert "CPUs 64-127,1088-1151" in texts(huge)
    assert marked(huge, "uniform") == 2048


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.sampled_from(HOLES), min_size=1, max_size=12))
def test_unread_parts_are_drawn_as_such(paths):
    """Whatever is null, anywhere in the facts, there is a well-formed picture."""
    parse(topology_svg(without(FULL, paths), "host", servers(plan(FULL))))


@pytest.mark.parametrize("path", HOLES, ids=lambda path: ".".join(map(str, path)))
def test_any_one_part_may_be_unread(path):
    """Every single hole leaves a picture."""
    parse(topology_svg(without(FULL, [path]), "host"))


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("cpu", "cores not read"),
        ("numa", "NUMA nodes not read"),
        ("memory", "memory not read"),
        ("gpus", "GPUs not read"),
    ],
)
def test_the_title_names_what_was_not_read(part, words):
    """A null part is drawn otherwise than an empty one."""
    assert any(words in text for text in texts(topology_svg({**xeon(), part: None}, "host")))
    assert any("no GPU" in text for text in texts(topology_svg(xeon(), "host")))


def test_facts_of_nothing():
    """A fact whose every part is null says so three times, and has no legend."""
    svg = topology_svg({"schema": 1}, "host")
    assert texts(svg).count("not read") == 3
    assert "Legend" not in svg


@pytest.mark.parametrize("name", trees.names() or [pytest.param("", marks=trees.needs_captures)])
def test_captured_machines(name):
    """Every captured machine gives a picture with each of its CPUs in it."""
    facts = gather(Root(trees.tree(name)), None, set(SUBSETS))
    svg = topology_svg(facts, name, [{"cpus": facts["cpu"]["online"], "gpus": []}])
    cpus = CpuSet.parse(facts["cpu"]["online"] or "") | CpuSet.parse(facts["cpu"]["offline"] or "")
    assert Counter(texts(svg, "no")) == Counter(str(cpu) for cpu in cpus)
    assert marked(svg, "run") == len(CpuSet.parse(facts["cpu"]["online"] or ""))
    shown = texts(svg, "head")
    assert all(sum(f"NUMA node {node['id']}" in text for text in shown) for node in facts["numa"] or [])


@pytest.mark.parametrize(
    "where", ["host", "model", "name", "pci_bus_id", "gfx_target", "architecture", "vendor", "kind"]
)
def test_names_from_hosts_are_only_text(where):
    """No name adds an element or a character that XML forbids, and none is lost."""
    machine = full()
    machine["cpu"]["model"] = HOSTILE if where == "model" else "a model"
    for gpu in machine["gpus"]:
        gpu["compute_capability"] = None
        if where not in ("host", "model", "kind"):
            gpu[where] = HOSTILE
        for link in gpu["links"]:
            link["kind"] = HOSTILE if where == "kind" else "NV18"
    svg = topology_svg(machine, HOSTILE if where == "host" else "host")
    assert {found.tag for found in parse(svg).iter()} == {
        f"{SPACE}{tag}" for tag in ("svg", "title", "desc", "style", "rect", "g", "text", "path")
    }
    assert svg.isprintable() or {char for char in svg if not char.isprintable()} == {"\n"}
    assert "script" in "".join(parse(svg).itertext())


def test_same_facts_same_bytes():
    """The order of keys and of calls changes nothing."""
    first = topology_svg(full(), "host")
    again = json.loads(json.dumps(full(), sort_keys=True))
    assert topology_svg(again, "host") == first
    assert first.endswith("</svg>\n")


def test_accessible():
    """A title and a description in words come first, and the background is the picture's own."""
    first, second, *others = list(parse(topology_svg(xeon(), "xeon")))
    assert (first.tag, first.text) == (f"{SPACE}title", "Topology of xeon")
    assert second.tag == f"{SPACE}desc"
    assert second.text == "2 sockets, 28 cores, 56 CPUs, 2 NUMA nodes, 256 GiB of memory, no GPU"
    assert [other.get("class") for other in others[:2]] == [None, "page"]


def test_where_the_service_runs():
    """The CPUs of the planned instance, and no others, are marked, and a line says which."""
    machine = xeon()
    svg = topology_svg(machine, "xeon", servers(plan(machine, numa_node=1)))
    assert marked(svg, "uniform run") == 28
    assert marked(svg, "uniform") == 56
    assert "The service runs on CPUs 14-27,42-55." in texts(svg)
    assert "The service runs on CPUs that are not known." in texts(topology_svg(machine, "xeon", [{"cpus": None}]))


def test_gpus_in_use_are_marked():
    """By their address, or by the identifier of those that have none."""
    machine = workstation(card(0), card(1, pci_bus_id=None), card(2))
    svg = topology_svg(machine, "host", [{"cpus": "0", "gpus": ["0000:03:00.0", card(1)["uuid"]]}])
    assert marked(svg, "gpu run") == 2
    assert texts(svg).count("in use") == 2


def test_states_of_cpus():
    """Isolated, forbidden, offline and frugal CPUs look different from others, by more than colour."""
    machine = topology(cores=3, threads=2, efficiency_cores=2, offline="5", isolated="1", cpuset="0-4,6")
    svg = topology_svg(machine, "host")
    assert marked(svg, "performance isolated") == 1
    assert marked(svg, "barred") == svg.partition(">Legend<")[0].count("slash") - 1 == 1
    assert marked(svg, "offline") == 1
    assert marked(svg, "efficiency") == 1
    assert "A service may use CPUs 0-4,6." in texts(svg)
    legend = " ".join(texts(svg, "small"))
    for words in ("performance core", "efficiency core", "isolated", "may not use", "offline"):
        assert words in legend


def test_links_are_a_line_between_two_and_a_table_among_more():
    """Two cards side by side are joined; among three a table has both ways of every pair."""
    two = [card(number, links=[{"to": 1 - number, "kind": "NV18"}]) for number in range(2)]
    svg = topology_svg(workstation(*two), "host")
    assert texts(svg).count("NV18") == 1
    near = topology_svg(workstation(*({**one, "numa_node": 0} for one in two), cores=1), "host")
    assert texts(near).count("NV18") == 1
    apart = workstation({**two[0], "numa_node": 0}, {**two[1], "numa_node": 1}, nodes=2)
    assert texts(topology_svg(apart, "host")).count("NV18") == 2
    assert 'class="wire thick"' in svg
    two[0]["links"] = two[1]["links"] = []
    assert "GPU 1" in texts(topology_svg(workstation(*two), "host"))
    three = [card(n, links=[{"to": other, "kind": "SYS"} for other in range(3) if other != n]) for n in range(3)]
    svg = topology_svg(workstation(*three), "host")
    assert texts(svg).count("SYS") == 6
    three[0]["links"] = [{"to": 1, "kind": "NV4"}]
    three[2]["links"] = three[1]["links"] = []
    assert texts(topology_svg(workstation(*three), "host")).count("?") == 4
    assert "Links between NVIDIA GPUs" in texts(svg)


def test_cards_of_two_vendors_have_different_names():
    """Each driver counts from 0, so the vendor is named, and links stay within a vendor."""
    amd = card(0, vendor="amd", compute_capability=None, gfx_target="gfx1100", integrated=True)
    other = {"vendor": "0x1ed5", "pci_bus_id": "0000:09:00.0"}
    shown = texts(topology_svg(workstation(card(0, links=[{"to": 0, "kind": "SYS"}]), amd, other), "host"))
    assert {"NVIDIA GPU 0", "AMD GPU 0", "0x1ed5 GPU", "gfx1100", "shares the host's memory"} <= set(shown)
    assert "SYS" not in shown


def test_a_board_is_marked_by_its_name():
    """A GPU without address and UUID is the one that the plan calls by its model."""
    board = card(0, name="Orin (nvgpu)", pci_bus_id=None, uuid=None, integrated=True)
    machine = workstation(board)
    assert "in use" in texts(topology_svg(machine, "host", servers(plan(machine))))


def test_a_card_without_a_driver_is_drawn_and_said_to_be_idle():
    """It is plugged in, and nothing runs on it."""
    shown = texts(topology_svg(workstation(card(0), card(1, answers=False)), "host"))
    assert shown.count("no driver answers for it") == 1


def test_tables_too_large_to_draw_become_a_line():
    """Forty nodes or cards would fill the page with numbers."""
    machine = topology(cores=40, nodes=40)
    machine["gpus"] = [card(n % 10, links=[{"to": 0, "kind": "XGMI"}]) | {"index": n} for n in range(40)]
    shown = texts(topology_svg(machine, "host"))
    assert "from 10 to 21" in shown
    assert shown.count("XGMI") == 1


def test_virtual_machines_and_containers():
    """The picture says so, since sockets mean little there."""
    found = {"kind": "kvm", "type": "vm"}
    shown = texts(topology_svg(topology({"virtualization": found}, cores=1), "host"))
    assert "A virtual machine (kvm): its sockets are the hypervisor's choice." in shown
    shown = texts(topology_svg(topology({"virtualization": {"kind": None, "type": "container"}}, cores=1), "host"))
    assert "A container (of unknown kind)." in shown


def test_what_has_no_size_or_name():
    """Nodes without memory, huge pages that are reserved, a cache and a partition of unknown size."""
    machine = topology(cores=2, nodes=2)
    machine["numa"][0].update(memory_bytes=0, hugepages={"2048": 512, "1048576": 0})
    machine["cpu"]["llc"][0]["bytes"] = None
    machine["gpus"] = [card(0, mig={"enabled": True, "instances": [{"name": "1g.20gb"}]}, display_active=True)]
    shown = texts(topology_svg(machine, "host"))
    assert {"drives a display", "no memory", "huge pages: 512 of 2 MiB", "cache, size not read", "  1g.20gb"} <= set(
        shown
    )


def test_nodes_that_share_cpus_are_no_boxes():
    """Firmware that puts every CPU into every node is shown and not believed."""
    machine = topology(cores=4, nodes=2)
    for node in machine["numa"]:
        node["cpus"] = "0-3"
    svg = topology_svg(machine, "host")
    assert texts(svg).count("lists CPUs 0-3") == 2
    assert "The CPUs of NUMA nodes overlap, so they are not drawn as boxes." in texts(svg)
    assert sorted(texts(svg, "no")) == ["0", "1", "2", "3"]


def test_a_cpu_in_no_node_is_not_lost():
    """It stands outside the boxes, with a word why."""
    machine = topology(sockets=2, cores=2, nodes=2)
    machine["numa"][1]["cpus"] = "2"
    machine["cpu"].update(packages=None, llc=[])
    svg = topology_svg(machine, "host")
    assert "CPUs 3, in none of these boxes" in texts(svg)
    assert sorted(texts(svg, "no")) == ["0", "1", "2", "3"]


def test_sockets_inside_a_node():
    """A virtual machine may have a socket a core on a single node; each core's own cache is described in words."""
    svg = topology_svg(topology(sockets=6, cores=1), "host")
    assert texts(svg, "head").index("NUMA node 0") < texts(svg, "head").index("Socket 5")
    assert "Each core has its own last-level cache (35 MiB)." in texts(svg)
    assert marked(svg, "cache") == 0


def test_saved_facts_without_packages():
    """One socket is drawn, several cannot be; the title has their number."""
    for sockets, drawn in ((1, 1), (2, 0)):
        machine = topology(sockets=sockets, cores=2)
        del machine["cpu"]["packages"]
        svg = topology_svg(machine, "host")
        assert marked(svg, "socket") == drawn
        assert any(text.startswith(f"{sockets} socket") for text in texts(svg))


@pytest.mark.parametrize("facts", [None, [], {}, {"schema": 2}, {"schema": 1, "cpu": {"online": "0-x"}}])
def test_other_shapes_are_refused(facts):
    """A sentence names what was expected."""
    with pytest.raises(OllamaError, match="expected"):
        topology_svg(facts, "host")


def test_nesting():
    """Boxes lie in boxes by their CPUs; of levels that cross the first named wins."""

    def parts(level, *lists):
        return [Part(level, number, CpuSet.parse(text), {}) for number, text in enumerate(lists)]

    cpus = CpuSet(range(8))
    root, crossing = nest(
        [parts("node", "0-1", "2-3", "4-7"), parts("socket", "0-3", "4-7"), parts("cache", "1-2")], cpus
    )
    assert crossing == ["cache"]
    first, second = root.inside
    assert [part.level for part in second.parts] == ["socket", "node"]
    assert [str(group.cpus) for group in first.inside] == ["0-1", "2-3"]
    assert not root.rest
    assert nest([[]], cpus)[0].rest == cpus


def test_amounts():
    """The largest unit that gives 1 or more, one decimal at most."""
    assert [bytes_of(count) for count in (1536, 35840 << 10, 128 << 30, 150754820096, 3 << 40, 5 << 50)] == [
        "1.5 KiB",
        "35 MiB",
        "128 GiB",
        "140.4 GiB",
        "3 TiB",
        "5120 TiB",
    ]


def test_long_text_is_cut_and_kept_for_the_pointer():
    """What does not fit ends in an ellipsis; the whole is in a title."""
    assert shortened("short", 200) == "short"
    cut = shortened("a very long name of a processor", 60)
    assert cut.endswith("…")
    assert measure(cut) <= 60
    assert "<title>a very long name" in label("a very long name of a processor", limit=60).draw(60, 20)


def test_grids_fill_their_rows():
    """Twelve blocks of which five fit make rows of four; a prime number leaves a gap in the last row."""
    block = label("x" * 10)
    assert grid([block] * 12, 5 * block.width + 45).width == 4 * block.width + 30
    assert grid([block] * 7, 5 * block.width + 45).width == 4 * block.width + 30
    assert grid([block] * 7, 0).width == block.width


def test_several_servers_are_named():
    """The picture says which server runs where, in words and under the pointer."""
    machine = xeon()
    svg = topology_svg(machine, "xeon", servers(plan(machine, instances="per_numa_node")))
    shown = texts(svg)
    assert "2 servers run on CPUs 0-55." in shown
    assert "node1: CPUs 14-27,42-55." in shown
    assert svg.count("node0 runs here") == svg.count("node1 runs here") == 14
