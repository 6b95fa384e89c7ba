# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reading a host costs, without a clock: a target compiles each file that is imported, on every run.

Whoever adds a file to a list here adds about a hundredth of the time in which a host is read; ``make bench`` measures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import pci_card
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.tooled import NVML
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

PREFIX = "ansible_collections.inference.ollama.plugins."
COLLECTIONS = Path(__file__).resolve().parents[3] / "build/collections"

ALWAYS = {
    *("modules.topology_facts", "module_utils._bounded", "module_utils._cpuset", "module_utils._errors"),
    *("module_utils._places", "module_utils._process", "module_utils._sysfs", "module_utils._text"),
    "module_utils._zipimport",
    *(f"module_utils._systemd.{name}" for name in ("control_groups", "files", "quotas", "resources", "slices")),
    "module_utils._systemd.words",
    "module_utils._topology.account",
    *(f"module_utils._topology.{name}" for name in ("cache", "cpu", "cpuinfo", "gather", "governor", "gpus", "kernel")),
    *(f"module_utils._topology.{name}" for name in ("kinds", "limits", "memory", "node", "options", "pci", "software")),
    *(f"module_utils._topology.{name}" for name in ("subset", "vendors", "virtualization")),
}
WITH_NVIDIA = {
    "module_utils._fork",
    *(f"module_utils._topology.{name}" for name in ("nvidia", "nvidia_ml", "nvidia_ml_reader", "nvidia_proc")),
    *(f"module_utils._topology.{name}" for name in ("nvidia_values", "pci_links")),
}

# Prints which modules reading a machine takes beyond Ansible's own, which processes it starts, and what it has read.
# With an answer of NVIDIA's library the machine is read as if it were the running host.
PROGRAM = """
import json, sys
root, subset, said = json.loads(sys.argv[1])
from ansible.module_utils import basic
starts = ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen")
started = []
sys.addaudithook(lambda event, _args: started.append(event) if event in starts else None)
before = set(sys.modules)
from ansible_collections.inference.ollama.plugins.modules import topology_facts
if said is not None:
    from ansible_collections.inference.ollama.plugins.module_utils import _sysfs
    _sysfs.Root.live = True
if said:
    from ansible_collections.inference.ollama.plugins.module_utils._topology import nvidia_ml_reader
    nvidia_ml_reader.answer = lambda: json.dumps(said)
topology = topology_facts.read({"root": root, "command_timeout": 60, "gather_subset": subset})
print(json.dumps([sorted(set(sys.modules) - before), started, topology["gpus"]]))
"""


def reading(root, subset, said=None):
    """The files of the collection that are imported, the other modules that are, processes that start, and GPUs."""
    command = [sys.executable, "-c", PROGRAM, json.dumps([root, subset, said])]
    done = subprocess.run(command, cwd=COLLECTIONS, stdout=subprocess.PIPE, check=True, text=True)
    modules, started, gpus = json.loads(done.stdout)
    own = {name[len(PREFIX) :] for name in modules if name.startswith(PREFIX)}
    packages = {name.rpartition(".")[0] for name in own} | {"modules", "module_utils"}
    return own - packages, {name for name in modules if not name.startswith("ansible_collections")}, started, gpus


@pytest.fixture
def machine(tmp_path):
    return Machine(sockets=2, cores=2, threads=2, nodes=2).write(tmp_path)


def test_a_captured_machine_takes_these_files(machine):
    """Files of this list, no module of Python's that Ansible does not import itself, and no process."""
    assert reading(machine, ["all"]) == (ALWAYS, set(), [], [])


def test_a_host_without_gpu_takes_no_more(machine):
    """A running host without a GPU takes no file of any vendor's, and nothing is started to find out."""
    assert reading(machine, ["all", "!software"], said={}) == (ALWAYS, set(), [], [])


def test_a_host_with_nvidia_takes_one_fork(machine):
    """NVIDIA's cards take the reader of their library, asked in one process that starts no program."""
    plant(machine, {**pci_card("0000:03:00.0", "0x10de"), **pci_card("0000:82:00.0", "0x10de")})
    own, others, started, gpus = reading(machine, ["all", "!software"], said=NVML)
    assert (own, others) == (ALWAYS | WITH_NVIDIA, set())
    assert started == ["os.fork"]
    assert [gpu["uuid"] for gpu in gpus] == ["GPU-0", "GPU-1"]
