# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines whose programs answer: NVIDIA's through NVML and nvidia-smi, AMD's, and one that runs Ollama."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import ABSENT, FakeRunner, pci_card
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

GIB = 1 << 30

CSV = (
    "0, NVIDIA A100-SXM4-40GB, GPU-0a, 00000000:03:00.0, 40960, 40000, 8.0, 535.54.03, Enabled, Disabled, Disabled\n"
    "1, NVIDIA A100-SXM4-40GB, GPU-0b, 00000000:82:00.0, 40960, 39000, 8.0, 535.54.03, Enabled, Disabled, Enabled\n"
)
DEVICE = "<mig_device><fb_memory_usage><total>{} MiB</total></fb_memory_usage></mig_device>"
CARD = (
    '<gpu id="{}"><product_name>NVIDIA A100</product_name><product_architecture>Ampere</product_architecture>'
    "<mig_mode><current_mig>{}</current_mig></mig_mode><mig_devices>{}</mig_devices></gpu>"
)
XML = (
    '<?xml version="1.0" ?><!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd"><nvidia_smi_log>'
    "<driver_version>535.54.03</driver_version><cuda_version>12.2</cuda_version>"
    + CARD.format("00000000:03:00.0", "Disabled", "None")
    + CARD.format("00000000:82:00.0", "Enabled", DEVICE.format(19968) + DEVICE.format(9856))
    + "</nvidia_smi_log>"
)
TOPO = (
    "\t\x1b[4mGPU0\tGPU1\tmlx5_0\tCPU Affinity\tNUMA Affinity\x1b[0m\n"
    "GPU0\t X \tNV4\tPHB\t0-3\t0\nGPU1\tNV4\t X \tSYS\t4-7\t1\nmlx5_0\tPHB\tSYS\t X \t\t\n\nLegend:\n"
)
LIST = (
    "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-0a)\nGPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-0b)\n"
    "  MIG 3g.20gb     Device  0: (UUID: MIG-10)\n  MIG 1g.10gb     Device  1: (UUID: MIG-11)\n"
)
NVML = {
    "driver": "580.65.06",
    "cuda": 13000,
    "errors": [],
    "gpus": [
        {
            "index": index,
            "name": "NVIDIA H200",
            "uuid": f"GPU-{index}",
            "bus_id": address,
            "memory_bytes": 141 * GIB,
            "free_bytes": 140 * GIB,
            "compute_capability": [9, 0],
            "persistence_mode": True,
            "display_active": False,
            "affinity": [0, 1, 2, 3],
            "mig": {"enabled": True, "instances": [{"name": "1g.18gb", "uuid": "MIG-1", "memory_bytes": 17 * GIB}]},
            "links": [{"to": 1 - index, "kind": "NV18"}],
        }
        for index, address in enumerate(["00000000:03:00.0", "00000000:82:00.0"])
    ],
}
JETSON_CSV = "0, Orin (nvgpu), [N/A], [N/A], [N/A], [N/A], [N/A], 540.4.0, [N/A], [N/A], [N/A]\n"
JETSON_XML = "<nvidia_smi_log><driver_version>540.4.0</driver_version></nvidia_smi_log>"
JETSON = {"nvidia-smi topo -m": "\tGPU0\tCPU Affinity\nGPU0\t X \t0-7\n"}
# rocm-smi of ROCm 6.1 for one card, cut to the keys that are read.
ROCM = {
    "card0": {
        "Device Name": "Navi 31",
        "Unique ID": "0x1234abcd",
        "PCI Bus": "0000:03:00.0",
        "VRAM Total Memory (B)": str(24 * GIB),
        "VRAM Total Used Memory (B)": str(GIB),
        "Card Series": "Radeon RX 7900 XTX",
        "GFX Version": "gfx1100",
    },
    "system": {"Driver version": "6.8.0-40-generic"},
}
SHOW = (
    "LoadState=loaded\nActiveState=active\nFragmentPath=/etc/systemd/system/ollama.service\n"
    "DropInPaths=/etc/systemd/system/ollama.service.d/override.conf\nUser=ollama\nGroup=ollama\n"
    "ExecStart={ path=/opt/ollama/bin/ollama ; argv[]=/opt/ollama/bin/ollama serve ; ignore_errors=no ; pid=0 }\n"
    "EnvironmentFiles=/etc/ollama/secrets.env (ignore_errors=no)\n"
)
NVIDIA = {"nvidia-smi --query-gpu": CSV, "nvidia-smi -q -x": XML, "nvidia-smi topo -m": TOPO, "nvidia-smi -L": LIST}
HOSTS = ("plain", "limited", "smi", "nvml", "nvidia-files", "amd", "ollama", "board", "jetson")


@dataclass(eq=False)
class Host:
    """A machine's name, its folder, and its programs' outputs by the start of the command; None without programs."""

    name: str
    folder: str
    outputs: dict[str, str] | None = None
    answers: dict[str, str] = field(init=False)

    def __post_init__(self):
        self.answers = self.outputs or {}

    def runner(self, other=None):
        """The runner of its programs, some of them with other outputs."""
        return None if self.outputs is None else FakeRunner({"nvml": ABSENT, **self.outputs, **(other or {})})


def find(program):
    """Where a program is that readers look for."""
    return {"ollama": None, "rocm-smi": "/opt/rocm/bin/rocm-smi"}.get(program, f"/usr/bin/{program}")


def host(name, made):
    """One of HOSTS, written below a folder."""
    shape, files, outputs = {
        "plain": ({"efficiency_cores": 2, "memory_only_nodes": [1]}, frequencies(range(10)), None),
        "limited": ({"cpuset": "0-5", "cpu_max": "250000 100000", "memory_max": str(GIB)}, limits(), None),
        "smi": ({}, nvidia(), NVIDIA),
        "nvml": ({}, nvidia(), {"nvml": json.dumps(NVML), **NVIDIA}),
        "nvidia-files": ({}, nvidia(), None),
        "amd": ({}, kfd(), {"rocm-smi": "WARNING: low-power state\n" + json.dumps(ROCM)}),
        "ollama": (
            {},
            ollama(),
            {
                "systemctl --version": "systemd 257 (257.9-1)\n+PAM +AUDIT\n",
                "systemctl show ollama.service": SHOW,
                "/opt/ollama/bin/ollama --version": "ollama version is 0.34.1\n",
            },
        ),
        "board": ({}, board(), None),
        "jetson": ({}, jetson(), {"nvidia-smi --query-gpu": JETSON_CSV, "nvidia-smi -q -x": JETSON_XML, **JETSON}),
    }[name]
    small = {"sockets": 2, "cores": 2, "threads": 2, "nodes": 2}
    return Host(name, plant(made / name, {**load(Machine(**{**small, **shape}), made / name), **files}), outputs)


def load(machine, folder):
    """Write a machine; what else it has is planted over it."""
    machine.write(folder)
    return {
        "/sys/kernel/mm/transparent_hugepage/defrag": "always defer defer+madvise [madvise] never",
        "/sys/class/dmi/id/product_name": "PowerEdge R740",
        "/sys/class/dmi/id/sys_vendor": "Dell Inc.",
    }


def frequencies(cpus):
    return {
        f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_{name}": text
        for cpu in cpus
        for name, text in (("governor", "performance" if cpu % 2 else "powersave"), ("driver", "intel_pstate"))
    }


def limits():
    group = "/sys/fs/cgroup/system.slice"
    return {
        f"{group}/cpuset.mems.effective": "0",
        f"{group}/ollama.service/cpu.max": "150000 100000",
        f"{group}/ollama.service/memory.max": "max",
        "/proc/1/status": "Name:\tsystemd\nCpus_allowed_list:\t0-6\nMems_allowed_list:\t0-1",
        "/proc/self/cgroup": "0::/user.slice",
        "/run/host/container-manager": "lxc",
    }


def nvidia():
    files = {
        **pci_card("0000:03:00.0", "0x10de", numa_node="0", local_cpulist="0-3", uevent="DRIVER=nvidia"),
        **pci_card("0000:82:00.0", "0x10de", numa_node="1", local_cpulist="4-7", uevent="DRIVER=nvidia"),
        "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6",
    }
    for number, address in enumerate(["0000:03:00.0", "0000:82:00.0"]):
        files[f"/proc/driver/nvidia/gpus/{address}/information"] = (
            f"Model: \t\t NVIDIA A100\nIRQ:   \t\t 41\nGPU UUID: \t GPU-{number}\nBus Location: \t {address}"
        )
    return files


def kfd():
    base = "/sys/class/kfd/kfd/topology/nodes"
    card = {"uevent": "DRIVER=amdgpu", "mem_info_vram_total": str(24 * GIB), "mem_info_vram_used": str(GIB)}
    return {
        f"{base}/0/properties": "cpu_cores_count 8\nsimd_count 0\nlocation_id 0\ndomain 0\nunique_id 0",
        f"{base}/1/properties": "cpu_cores_count 0\nsimd_count 192\nlocation_id 768\ndomain 0\nunique_id 305441741\n"
        "gfx_target_version 110000",
        f"{base}/1/name": "ip discovery",
        f"{base}/1/mem_banks/0/properties": f"heap_type 1\nsize_in_bytes {24 * GIB}",
        f"{base}/1/io_links/0/properties": "type 2\nnode_from 1\nnode_to 0",
        **pci_card("0000:03:00.0", "0x1002", numa_node="0", local_cpulist="0-3", **card),
        **pci_card("0000:0a:00.0", "0x8086", **{"tile0/physical_vram_size_bytes": str(8 * GIB)}),
        **screen("card0", "0000:0a:00.0", "disconnected", "disabled"),
        **screen("card1", "0000:03:00.0", "connected", "enabled"),
    }


def screen(card, address, status, enabled):
    """The files of one card of the kernel's and of its only connector."""
    base = f"/sys/class/drm/{card}"
    return {
        f"{base}/device/uevent": f"PCI_SLOT_NAME={address}",
        f"{base}-DP-1/status": status,
        f"{base}-DP-1/enabled": enabled,
    }


def jetson():
    return {
        "/dev/nvhost-gpu": "",
        "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3",
        "/proc/device-tree/compatible": b"nvidia,p3768-0000+p3767-0003\0nvidia,tegra234\0",
        "/sys/class/drm/card0/device/uevent": "OF_NAME=display",
        "/sys/class/drm/card0-DP-1/status": "connected",
        "/sys/class/drm/card0-DP-1/enabled": "enabled",
    }


def ollama():
    folder = "/etc/systemd/system/ollama.service"
    return {
        folder: "[Service]\nExecStart=/opt/ollama/bin/ollama serve\nUser=ollama\nGroup=ollama\n",
        f"{folder}.d/override.conf": "[Service]\nEnvironmentFile=/etc/ollama/secrets.env",
        "/run/systemd/system/.keep": "",
        "/usr/bin/numactl": "",
    }


def board():
    return {
        "/proc/device-tree/hypervisor/compatible": "linux,kvm",
        "/sys/class/drm/renderD128/device/uevent": "DRIVER=panthor\nOF_COMPATIBLE_0=arm,mali-valhall-csf",
        "/sys/devices/system/clocksource/clocksource0/available_clocksource": "arch_sys_counter",
        **{f"/sys/devices/system/cpu/cpu{cpu}/cpu_capacity": str(1024 if cpu < 4 else 446) for cpu in range(8)},
    }
