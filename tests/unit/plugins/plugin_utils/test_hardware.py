# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts have the same hardware."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.plugin_utils._hardware import hardware, installed
from ansible_collections.inference.ollama.tests.unit.support import trees
from ansible_collections.inference.ollama.tests.unit.support.hosts import STORED, machines
from ansible_collections.inference.ollama.tests.unit.support.plans import card, topology, xeon
from ansible_collections.inference.ollama.tests.unit.support.replay import replay

GIB = 1 << 30
H100 = {"name": "NVIDIA H100 80GB HBM3", "memory_bytes": 85520809984, "compute_capability": "9.0"}


def key(facts):
    return hardware(facts)["key"]


def changed(path, value):
    """The machine of two sockets with one fact changed."""
    facts = xeon(gpus=[card(**H100)])
    *parts, last = path.split(".")
    place = facts
    for part in parts:
        place = place[int(part) if part.isdigit() else part]
    place[last] = value
    return facts


def test_the_text_is_what_an_operator_calls_the_machine():
    """CPUs, nodes, memory and cards, on one line, without marks and clocks."""
    facts = xeon(gpus=[card(0, **H100), card(1, **H100)])
    text = "2 x Intel Xeon E5-2680 v4, 56 CPUs, 2 nodes, 256 GiB, 2 x NVIDIA H100 80GB HBM3"
    assert hardware(facts)["text"] == text
    assert re.fullmatch("[0-9a-f]{16}", key(facts))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"gpus": []}, "no GPU"),
        ({"gpus": None}, "GPUs not read"),
        ({"gpus": [card(answers=False)]}, "no GPU"),
        ({"gpus": [card(name=None)]}, "NVIDIA GPU"),
        ({"gpus": [card(mig={"enabled": True, "instances": [{"name": "1g.20gb"}] * 2})]}, "in 2 MIG 1g.20gb"),
        ({"gpus": [card(mig={"enabled": True, "instances": []})]}, "in MIG mode"),
        ({"allowed": {"cpus": "0-3"}}, "4 of the CPUs for services"),
        ({"allowed": {"cpus": "0-55", "cpu_quota": 2.5}}, "a quota of 2.5 CPUs"),
        ({"allowed": {"cpus": "0-55", "memory_bytes": 8 * GIB}}, "8 GiB for services"),
        ({"allowed": {"instance_cpu_quota": 4.0}}, "a quota of 4 CPUs for each server"),
        ({"allowed": {"instance_memory_bytes": GIB}}, "1 GiB for each server"),
        ({"memory": None}, "memory of unknown size"),
        ({"cpu": {"architecture": "aarch64"}}, "aarch64 CPU, an unknown number of CPUs"),
    ],
)
def test_the_text_says_what_is_missing_or_limited(facts, words):
    """What changes the key is in the words, as far as one line has room for it."""
    assert words in hardware(xeon(**facts))["text"]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_each_stored_machine_has_a_key_of_its_own(path, tmp_path):
    """Machines of other shapes are other hardware, and reading one twice gives the same."""
    text = path.read_text(encoding="utf-8")
    found = hardware(replay(text, tmp_path / "machine"))
    others = [hardware(replay(other.read_text("utf-8"), tmp_path / other.stem)) for other in STORED if other != path]
    assert found["key"] not in {other["key"] for other in others}
    assert found == hardware(replay(text, tmp_path / "again"))
    assert found["text"].isprintable()


@pytest.mark.skipif(trees.captures() is None, reason=f"no captured machines: set {trees.VARIABLE}")
@pytest.mark.parametrize("name", trees.names() or ["none"])
def test_each_captured_machine_has_a_key(name):
    """Whatever sysfs a machine has, there is a key, and words on one line."""
    found = hardware(gather(Root(trees.tree(name)), None, set(SUBSETS)))
    assert re.fullmatch("[0-9a-f]{16}", found["key"])
    assert found["text"].isprintable()
    assert len(found["text"]) <= 240


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("gpus.0.uuid", "GPU-ffffffff-0000-4000-8000-000000000000"),
        ("gpus.0.pci_bus_id", "0000:c1:00.0"),
        ("gpus.0.index", 7),
        ("gpus.0.memory_bytes", 85899345920),
        ("gpus.0.free_bytes", 1),
        ("gpus.0.numa_node", 1),
        ("kernel.release", "7.0.0"),
        ("kernel.transparent_hugepage", "never"),
        ("drivers", {"nvidia": {"driver": "590.1"}}),
        ("software.ollama", None),
        ("memory.host_bytes", 256 * GIB - 6 * GIB),
        ("memory.available_bytes", 1),
        ("numa.1.memory_bytes", 128 * GIB - 3 * GIB),
        ("problems", ["something"]),
    ],
)
def test_what_is_not_hardware_does_not_count(path, value):
    """Addresses, numbers, kernel and driver, and what firmware keeps of memory, may change between two hosts."""
    assert key(changed(path, value)) == key(changed("schema", 1))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cpu.model", "Intel(R) Xeon(R) Gold 6348 CPU @ 2.60GHz"),
        ("cpu.architecture", "aarch64"),
        ("cpu.sockets", 1),
        ("cpu.cores", 56),
        ("cpu.online", "0-27"),
        ("memory.host_bytes", 128 * GIB),
        ("memory", None),
        ("numa.1.memory_bytes", 64 * GIB),
        ("numa.1.cpus", ""),
        ("allowed.cpus", "0-13"),
        ("allowed.cpu_quota", 4.0),
        ("allowed.memory_bytes", 64 * GIB),
        ("gpus", []),
        ("gpus", None),
        ("gpus", [card(0, **H100), card(1, **H100)]),
        ("gpus.0.answers", False),
        ("gpus.0.name", "NVIDIA H100 PCIe"),
        ("gpus.0.vendor", "amd"),
        ("gpus.0.memory_bytes", 40 * GIB),
        ("gpus.0.compute_capability", "10.0"),
        ("gpus.0.mig", {"enabled": True, "instances": [{"name": "3g.40gb"}]}),
    ],
)
def test_what_a_measurement_depends_on_counts(path, value):
    """CPUs, nodes, memory, cards and what a service may use make other hardware."""
    assert key(changed(path, value)) != key(changed("schema", 1))


def test_the_first_run_of_the_role_does_not_change_the_hardware():
    """A host whose servers leave a limited system.slice is the same before and after."""
    limited = {"cpus": "0-7", "cpu_quota": 2.0, "memory_bytes": None}
    free = {"cpus": "0-55", "cpu_quota": None, "memory_bytes": None}
    before = xeon(allowed={**limited, "slices": [{"name": None, **free}, {"name": "ollama.slice", **free}]})
    unit = {"name": "ollama.service", "dropins": [], "slice": {"name": "ollama.slice"}}
    after = xeon(allowed={**free, "slices": [{"name": None, **limited}]})
    after["software"]["ollama"]["unit"] = unit
    assert key(before) == key(after)


@given(machines(), st.randoms(use_true_random=False))
def test_the_order_of_nodes_and_cards_does_not_count(facts, random):
    """The kernel and drivers number as they like."""
    other = copy.deepcopy(facts)
    for part in ("numa", "gpus"):
        random.shuffle(other[part] or [])
    assert hardware(other) == hardware(facts)


@given(st.integers(1, 1 << 50))
def test_memory_is_rounded_up_by_an_eighth_at_most_and_once(count):
    """A size that is built in stays what it is, and what is a little below it becomes it."""
    size = installed(count)
    assert count <= size <= count + count // 8 + 1
    assert installed(size) == size


@pytest.mark.parametrize("gib", [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048])
def test_usual_sizes_survive_what_firmware_keeps(gib):
    """A host shows up to a sixteenth less than is built in."""
    assert {installed(gib * GIB - gib * GIB * part // 1000) for part in range(63)} == {gib * GIB}


@pytest.mark.parametrize("facts", [None, [], "x", {}, {"schema": 2}])
def test_another_shape_is_refused_in_a_sentence(facts):
    """What is no topology has no key."""
    with pytest.raises(OllamaError, match="topology: expected the mapping"):
        hardware(facts)


def test_names_of_a_host_move_no_cursor():
    """A host may answer anything as the name of its CPU."""
    facts = topology({"gpus": [card(name="\x1b[2JCard\n" * 40)]})
    facts["cpu"]["model"] = "\x1b[31mred\n"
    text = hardware(facts)["text"]
    assert text.isprintable()
    assert len(text) <= 240
