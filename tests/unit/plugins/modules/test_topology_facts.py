# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module topology_facts: options, what it returns, and how it refuses."""

from __future__ import annotations

import pytest
import yaml

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import MINIMAL, SUBSETS
from ansible_collections.inference.ollama.plugins.modules import topology_facts
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

PARTS = {*SUBSETS}


@pytest.fixture
def machine(tmp_path):
    return Machine(sockets=2, cores=2, threads=2, nodes=2).write(tmp_path)


def test_facts_of_a_machine(run, machine):
    """One fact with the topology; nothing changed."""
    code, result = run(root=machine)
    topology = result["ansible_facts"]["ollama_topology"]
    assert code == 0
    assert result["changed"] is False
    assert list(result["ansible_facts"]) == ["ollama_topology"]
    assert topology["cpu"]["siblings"] == ["0,4", "1,5", "2,6", "3,7"]
    assert [node["cpus"] for node in topology["numa"]] == ["0-1,4-5", "2-3,6-7"]


def test_check_mode_reads_the_same(run, machine):
    """Reading changes nothing, so check mode gives every fact."""
    assert run(root=machine, _ansible_check_mode=True) == run(root=machine)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["all"], PARTS),
        ([], PARTS),
        (["min"], MINIMAL),
        (["!all"], MINIMAL),
        (["numa"], {*MINIMAL, "numa"}),
        (["!min", "numa"], {"numa"}),
        (["!all", "!min", "gpus"], {"nvidia", "amd", "drm"}),
        (["all", "!gpus", "!software"], PARTS - {"nvidia", "amd", "drm", "systemd", "numactl", "ollama"}),
        (["!min", "gpus", "!nvidia"], {"amd", "drm"}),
        (["!min", "!gpus", "nvidia"], {"nvidia"}),
        (["all", "!governor", "!virtualization"], PARTS - {"governor", "virtualization"}),
        (["!min", "software", "!systemd", "!numactl", "!ollama"], set()),
        (["!min", "cache"], {"cache"}),
        (["!gpus"], MINIMAL),
        (["all", "!min"], PARTS - MINIMAL),
    ],
)
def test_subsets_work_as_in_setup(asked, expected):
    """all, min, names, and names with an exclamation mark."""
    assert topology_facts.chosen(asked) == expected


@pytest.mark.parametrize("name", ["gpu", "!gpu", "", "!", "!!cpu"])
def test_an_unknown_subset_is_refused(run, machine, name):
    """The message names the option, the value, and every name that would do."""
    code, result = run(root=machine, gather_subset=[name])
    assert code == 1
    assert result["msg"].startswith(
        f"gather_subset: {name!r} is not one of all, allowed, amd, cache, cpu, drm, governor, gpus,"
    )


@pytest.mark.parametrize("seconds", [0, -1, "nan", 3601, "inf"])
def test_a_useless_time_limit_is_refused(run, machine, seconds):
    """Programs need a limit that ends."""
    code, result = run(root=machine, command_timeout=seconds)
    assert code == 1
    assert "command_timeout" in result["msg"]


def test_a_root_that_is_no_folder_is_refused(run, machine):
    """A mistyped capture must not look like a machine without hardware."""
    code, result = run(root=f"{machine}/nothing")
    assert code == 1
    assert result["msg"] == f"root: '{machine}/nothing' is not a folder"


def test_programs_are_run_on_the_real_root_alone(monkeypatch, machine):
    """Asking this host's nvidia-smi about another machine would mix the two."""
    runners = []
    monkeypatch.setattr(topology_facts, "gather", lambda _root, run, _subset: runners.append(run))
    for root in ("/", machine):
        topology_facts.read({"root": root, "gather_subset": ["min"], "command_timeout": 5.0})
    assert [run is None for run in runners] == [False, True]


def test_the_documentation_describes_every_field(machine):
    """RETURN has exactly the keys that a machine has, level by level."""
    card = "/sys/bus/pci/devices/0000:03:00.0"
    plant(
        machine,
        {
            f"{card}/vendor": "0x10de",
            f"{card}/device": "0x2335",
            f"{card}/class": "0x030200",
            f"{card}/numa_node": "1",
            "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Release",
            "/usr/local/bin/ollama": "",
            "/etc/systemd/system/ollama.service": "[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama",
        },
    )
    facts = topology_facts.read({"root": machine, "gather_subset": ["all"], "command_timeout": 5.0})
    assert facts["gpus"]
    assert facts["drivers"]["nvidia"]
    assert facts["software"]["ollama"]["unit"]
    entry = yaml.safe_load(topology_facts.RETURN)["ansible_facts"]["contains"]["ollama_topology"]
    compare(entry, facts, "ollama_topology")


def compare(entry, value, where):
    types = {"dict": dict, "list": list, "str": str, "int": int, "float": (int, float), "bool": bool}
    assert value is None or isinstance(value, types[entry["type"]]), where
    if "contains" not in entry or value is None:
        return
    for item in value if isinstance(value, list) else [value]:
        assert set(item) == set(entry["contains"]), where
        for key, inner in entry["contains"].items():
            compare(inner, item[key], f"{where}.{key}")
