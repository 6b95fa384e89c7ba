# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs that share the host's memory or are on no PCI bus: GB10, Jetson, and Windows' below WSL2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology import nvidia_boards
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import read_gpus
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia import architecture_of
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import gpu_entry
from ansible_collections.inference.ollama.tests.unit.support import reported
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import ABSENT, FakeRunner, pci_card
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

KIB = 1024
TOTAL = 8_000_000 * KIB
NVGPU = {"/dev/nvhost-gpu": "", "/proc/meminfo": "MemTotal: 8000000 kB"}
TREE = "/proc/device-tree/compatible"
ORIN = {**NVGPU, TREE: b"nvidia,p3768-0000+p3767-0003\0nvidia,p3767-0003\0nvidia,tegra234\0"}
NOTHING = FakeRunner({"nvml": ABSENT})


def row(name, capability="[N/A]", memory="[N/A]", address="[N/A]"):
    line = f"0, {name}, [N/A], {address}, {memory}, {memory}, {capability}, 540.4.0, [N/A], [N/A], [N/A]\n"
    xml = "<nvidia_smi_log><driver_version>540.4.0</driver_version></nvidia_smi_log>"
    topo = "\tGPU0\tCPU Affinity\nGPU0\t X \t0-7\n"
    return FakeRunner(
        {"nvml": ABSENT, "nvidia-smi --query-gpu": line, "nvidia-smi -q -x": xml, "nvidia-smi topo -m": topo}
    )


def only(folder, files, run):
    root = Root(plant(folder, files))
    gpus, drivers = read_gpus(root, run)
    assert len(gpus) == 1
    return gpus[0], drivers["nvidia"], root.problems


@pytest.mark.parametrize(
    ("files", "run", "capability"),
    [
        (ORIN, row("Orin (nvgpu)", "8.7"), "8.7"),
        (ORIN, row("Orin (nvgpu)"), "8.7"),
        (ORIN, row("NVIDIA Tegra GPU"), "8.7"),
        ({**NVGPU, "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3"}, row("Orin (nvgpu)"), "8.7"),
        ({**NVGPU, "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3"}, row("[N/A]"), None),
        (NVGPU, row("Xavier (nvgpu)"), "7.2"),
        (NVGPU, row("GPU of tomorrow (nvgpu)"), None),
        ({**NVGPU, TREE: "nvidia,tegra194"}, row("[N/A]"), "7.2"),
        ({**NVGPU, TREE: "nvidia,tegra186"}, row("[N/A]"), "6.2"),
        ({**NVGPU, TREE: "nvidia,tegra210"}, row("[N/A]"), "5.3"),
        ({**NVGPU, TREE: "nvidia,tegra999"}, row("[N/A]"), None),
        (NVGPU, row("NVIDIA Thor", address="00000000:01:00.0"), "11.0"),
        (NVGPU, row("NVIDIA GB10", "12.1", address="0000000F:01:00.0"), "12.1"),
        (NVGPU, row("NVIDIA GB10", address="0000000F:01:00.0"), "12.1"),
    ],
)
def test_a_gpu_on_the_chip_shares_the_hosts_memory(tmp_path, files, run, capability):
    """Whatever nvidia-smi leaves out, it is one GPU that can have all of the host's memory, counted once."""
    gpu, _driver, _problems = only(tmp_path, files, run)
    assert (gpu["integrated"], gpu["memory_bytes"], gpu["shared_bytes"]) == (True, TOTAL, TOTAL)
    assert (gpu["compute_capability"], gpu["answers"]) == (capability, True)
    assert gpu["architecture"] == (capability and architecture_of(capability))


@pytest.mark.parametrize(("printed", "mib"), [("4096", 4096), ("131072", 8_000_000 // KIB)])
def test_memory_that_the_driver_counts_is_never_more_than_the_hosts(tmp_path, printed, mib):
    """A number that the driver prints counts up to MemTotal, which leaves out what firmware keeps."""
    gpu, _driver, _problems = only(tmp_path, NVGPU, row("NVIDIA GB10", "12.1", printed, "0000000F:01:00.0"))
    assert (gpu["memory_bytes"] >> 20, gpu["shared_bytes"]) == (mib, gpu["memory_bytes"])


def test_memory_of_an_unknown_host_is_unknown(tmp_path):
    """Without MemTotal neither number is known, and the problem names the file."""
    gpu, _driver, problems = only(tmp_path, {**ORIN, "/proc/meminfo": "MemFree: 1 kB"}, row("Orin (nvgpu)"))
    assert (gpu["memory_bytes"], gpu["shared_bytes"], gpu["integrated"]) == (None, None, True)
    assert problems == ["/proc/meminfo: expected a line such as 'MemTotal: 131072 kB', found none"]


@pytest.mark.parametrize("name", ["NVIDIA GH200 480GB", "NVIDIA GB200", "NVIDIA GB300"])
def test_a_card_whose_memory_is_a_node_shares_nothing(tmp_path, name):
    """Grace's companions have memory of their own, coherent as it is."""
    files = {**NVGPU, **pci_card("0009:01:00.0", "0x10de")}
    gpu, _driver, _problems = only(tmp_path, files, row(name, "9.0", "97871", "00000009:01:00.0"))
    assert (gpu["integrated"], gpu["memory_bytes"], gpu["shared_bytes"]) == (False, 97871 << 20, 0)


def test_a_card_in_a_slot_of_a_tegra_board_has_its_own_memory(tmp_path):
    """IGX boards take a card; only the GPU on no bus is the chip's."""
    files = {**ORIN, **pci_card("0005:01:00.0", "0x10de", uevent="DRIVER=nvidia")}
    gpu, _driver, _problems = only(tmp_path, files, row("NVIDIA RTX A6000", "8.6", "49140", "00000005:01:00.0"))
    assert (gpu["integrated"], gpu["memory_bytes"], gpu["shared_bytes"]) == (False, 49140 << 20, 0)


@pytest.mark.parametrize("run", [None, NOTHING])
@pytest.mark.parametrize("trace", ["/dev/nvhost-gpu", "/dev/nvgpu/igpu0/ctrl", "/sys/module/nvgpu/initstate"])
def test_a_jetson_without_tools_has_its_gpu(tmp_path, run, trace):
    """JetPack 5 has neither NVML nor nvidia-smi; the device tree names board and chip."""
    files = {trace: "", TREE: ORIN[TREE], "/proc/device-tree/model": b"NVIDIA Jetson AGX Orin\0", **NVGPU}
    gpu, _driver, problems = only(tmp_path, files, run)
    assert {key: value for key, value in gpu.items() if value is not None} == {
        "vendor": "nvidia",
        "index": 0,
        "name": "NVIDIA Jetson AGX Orin",
        "compute_capability": "8.7",
        "architecture": "Ampere",
        "integrated": True,
        "memory_bytes": TOTAL,
        "shared_bytes": TOTAL,
        "links": [],
    }
    assert problems == ([] if run is None else ["nvidia-smi is not installed"])


def test_a_tegra_of_nouveau_has_no_gpu_for_cuda(tmp_path):
    """A mainline kernel drives the chip without NVIDIA's driver, and then nothing is there for CUDA."""
    assert read_gpus(Root(plant(tmp_path, {TREE: ORIN[TREE]})), NOTHING) == ([], {"nvidia": None, "amd": None})


@pytest.mark.parametrize("run", [None, NOTHING])
def test_a_gpu_of_windows_that_nothing_answers_for(tmp_path, run):
    """WSL2 with NVIDIA's libcuda has a GPU of unknown facts, and says so."""
    gpu, driver, problems = only(tmp_path, {"/dev/dxg": "", "/usr/lib/wsl/lib/libcuda.so.1": ""}, run)
    assert {**gpu, "links": None} == gpu_entry("nvidia")
    assert driver is None
    assert any(problem.startswith("/dev/dxg: Windows lends this host a GPU") for problem in problems)


def test_a_gpu_of_windows_whose_driver_fails(tmp_path):
    """The cause stands beside the driver there too."""
    said = "nvidia-smi --query-gpu failed with exit status 9 and said: Failed to initialize NVML: GPU access blocked"
    run = FakeRunner({"nvml": ABSENT, "nvidia-smi": Outcome(None, said)})
    gpu, driver, _problems = only(tmp_path, {"/dev/dxg": "", "/usr/lib/wsl/lib/libcuda.so": ""}, run)
    assert driver == {"driver": None, "cuda": None, "error": "Failed to initialize NVML: GPU access blocked"}
    assert gpu["answers"] is None


@pytest.mark.parametrize("files", [{"/dev/dxg": ""}, {"/usr/lib/wsl/lib/libcuda.so.1": ""}])
def test_windows_without_a_gpu_of_nvidias(tmp_path, files):
    """A GPU of another vendor below WSL2, or a folder alone, is none of NVIDIA's."""
    root = Root(plant(tmp_path, files))
    assert read_gpus(root, NOTHING)[0] == []
    assert root.problems == []


@given(st.binary(max_size=200), st.text(max_size=80))
def test_any_device_tree_and_name_is_read(tmp_path_factory, tree, name):
    """Bytes of a device tree and a name give a capability of the tables or none, and never an exception."""
    folder = tmp_path_factory.mktemp("board")
    gpu = gpu_entry("nvidia", name=name)
    nvidia_boards.complete(Root(plant(folder, {TREE: tree + b"nvidia,tegra"})), gpu)
    assert gpu["compute_capability"] in (None, "3.2", "5.3", "6.2", "7.2", "8.7", "11.0", "12.1")


@reported.needs_reports
@pytest.mark.parametrize(
    ("name", "capability"),
    [("02-gb10-unified-memory", "12.1"), ("03-jetson-orin", "8.7"), ("03-jetson-orin-cc-na", "8.7")],
)
def test_reported_hosts_with_one_memory(tmp_path, name, capability):
    """GB10 and Jetson are one CUDA GPU with the host's memory."""
    facts = reported.read(name, tmp_path)
    assert len(facts["gpus"]) == 1
    gpu = facts["gpus"][0]
    assert gpu["memory_bytes"] == gpu["shared_bytes"] == facts["memory"]["total_bytes"]
    assert (gpu["integrated"], gpu["compute_capability"], gpu["answers"]) == (True, capability, True)


@reported.needs_reports
def test_a_reported_host_below_windows(tmp_path):
    """nvidia-smi of WSL2 is found off the PATH."""
    gpus = reported.read("01-wsl2-nvidia-smi-off-path", tmp_path)["gpus"]
    assert [(gpu["name"], gpu["memory_bytes"] >> 30) for gpu in gpus] == [("NVIDIA GeForce RTX 3090", 24)]
