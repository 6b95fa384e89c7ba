# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's machines: a topology as QEMU and Linux get it."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from vm import accelerator, firmware, inventory
from vm.accelerator import TCG_CPU
from vm.topology import FILE, Topology

NAMES = sorted(json.loads(FILE.read_text()))


def backend(node: int, mib: int) -> str:
    return f"memory-backend-ram,id=m{node},size={mib}M"


def numa(topology: Topology) -> list[dict[str, str]]:
    """The -numa node arguments as mappings."""
    args = topology.args(backend)
    values = [value for option, value in zip(args, args[1:]) if option == "-numa"]
    return [dict(part.partition("=")[::2] for part in value.split(",")) for value in values if value[:4] == "node"]


@pytest.mark.parametrize("name", NAMES)
def test_every_cpu_belongs_to_exactly_one_node(name: str) -> None:
    topology = Topology.load(name)
    owned: list[int] = []
    for node in numa(topology):
        if "cpus" in node:
            first, last = node["cpus"].split("-")
            owned += range(int(first), int(last) + 1)
    assert owned == list(range(topology.count))


@pytest.mark.parametrize("name", NAMES)
def test_a_node_has_memory_behind_it_or_none_at_all(name: str) -> None:
    topology = Topology.load(name)
    args = topology.args(backend)
    assert [("memdev" in node) for node in numa(topology)] == [bool(node["mem"]) for node in topology.spec["nodes"]]
    assert int(args[args.index("-m") + 1]) == sum(node["mem"] for node in topology.spec["nodes"])


def test_nodes_that_own_too_few_cpus_are_refused_with_both_numbers() -> None:
    topology = Topology("wrong", {"smp": [1, 4, 2], "nodes": [{"mem": 64, "cores": 3}]})
    with pytest.raises(ValueError, match="topology wrong own 6 of its 8 CPUs"):
        topology.args(backend)


def test_an_unknown_topology_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match=r"no topology 'xeon57'; topologies.json has adjacent, .*, xeon56\."):
        Topology.load("xeon57")


def entries(table: bytes) -> list[tuple[int, bytes]]:
    """(type, body) of every entry of a MADT."""
    found, at = [], 44
    while at < len(table):
        kind, length = table[at], table[at + 1]
        found.append((kind, table[at + 2 : at + length]))
        at += length
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_table_adds_up_to_nothing_and_knows_its_length(name: str) -> None:
    table = Topology.load(name).madt()
    assert table[:4] == b"APIC"
    assert struct.unpack_from("<I", table, 4)[0] == len(table)
    assert sum(table) % 256 == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_table_names_every_cpu_once_and_the_boot_cpu_first(name: str) -> None:
    topology = Topology.load(name)
    apics = [body[1] for kind, body in entries(topology.madt()) if kind == 0]
    lost = len(topology.spec.get("single_thread_cores", []))
    assert apics[0] == 0
    assert len(set(apics)) == len(apics) == topology.count - lost


def test_siblings_of_a_xeon_are_half_the_cpus_apart() -> None:
    """CPU n and n+28: the APIC ids differ in the last bit, which is the thread."""
    apics = [apic for _index, apic in Topology.load("xeon56").cpus()]
    assert [apics[cpu] ^ apics[cpu + 28] for cpu in range(28)] == [1] * 28
    assert [apic >> 5 for apic in apics[:28]] == [0] * 14 + [1] * 14  # sockets


def test_adjacent_order_numbers_siblings_side_by_side() -> None:
    apics = [apic for _index, apic in Topology.load("adjacent").cpus()]
    assert [apics[cpu] ^ apics[cpu + 1] for cpu in range(0, len(apics), 2)] == [1] * (len(apics) // 2)


def unpack(archive: bytes) -> dict[str, bytes]:
    """Files of a newc archive, as cpio(5) describes it."""
    found, at = {}, 0
    while True:
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        assert archive[at : at + 6] == b"070701"
        size, name_size = fields[6], fields[11]
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        data_at = (at + 110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = archive[data_at : data_at + size]
        at = (data_at + size + 3) // 4 * 4


def test_an_archive_gives_back_what_went_in() -> None:
    files = [("a", None), ("a/odd", b"123"), ("a/even", b"1234"), ("a/empty", b"")]
    archive = firmware.cpio(files)
    assert unpack(archive) == {name: data or b"" for name, data in files}
    assert len(archive) % 512 == 0


def test_the_table_lies_where_linux_looks_for_it() -> None:
    table = Topology.load("tiny").madt()
    assert unpack(firmware.acpi_archive(table))["kernel/firmware/acpi/apic.aml"] == table


@pytest.mark.parametrize(
    ("setting", "flags", "kvm_writable", "expected"),
    [
        ("auto", {"vmx"}, True, ("kvm", "host", "/dev/kvm is writable and the CPU has vmx")),
        ("auto", {"svm"}, True, ("kvm", "host,+topoext", "/dev/kvm is writable and the CPU has svm")),
        ("auto", set(), True, ("tcg", TCG_CPU, "/dev/kvm is there, but the CPU shows neither vmx nor svm")),
        ("auto", {"vmx"}, False, ("tcg", TCG_CPU, "/dev/kvm is absent or not writable")),
        ("kvm", set(), False, ("kvm", "host", "VMLAB_ACCEL=kvm")),
        ("tcg", {"vmx"}, True, ("tcg", TCG_CPU, "VMLAB_ACCEL=tcg")),
        ("tcg,thread=multi", {"vmx"}, True, ("tcg", TCG_CPU, "VMLAB_ACCEL=tcg,thread=multi")),
    ],
)
def test_the_accelerator_fits_the_host_and_says_why(setting, flags, kvm_writable, expected) -> None:
    chosen = accelerator.choose(setting, flags, kvm_writable=kvm_writable)
    assert (chosen.name, chosen.cpu, chosen.reason) == expected


def test_an_unknown_accelerator_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="VMLAB_ACCEL is 'xen'; allowed are auto, kvm, tcg"):
        accelerator.choose("xen", set(), kvm_writable=False)


BOX: dict[str, Any] = {"name": "b", "host": "10.99.0.1", "port": 22, "user": "root", "key": "/k", "proxy": "nc %h %p"}


def test_the_inventory_reaches_a_box_through_its_proxy() -> None:
    host = inventory.inventory([BOX])["all"]["hosts"]["b"]
    assert host["ansible_host"] == "10.99.0.1"
    assert 'ProxyCommand="nc %h %p"' in host["ansible_ssh_common_args"]
    # A busy emulated processor takes longer than Ansible's ten seconds to let somebody in.
    assert host["ansible_timeout"] > 10
    assert host["ansible_ssh_retries"] > 0


def test_the_inventory_names_hosts_that_do_not_run() -> None:
    with pytest.raises(ValueError, match="Not running: a, c"):
        inventory.inventory([BOX], ["a", "b", "c"])
