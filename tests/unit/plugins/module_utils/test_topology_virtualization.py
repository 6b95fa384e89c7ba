# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines, virtual machines and containers by the files that tell them apart."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.virtualization import (
    CLOCKS,
    DMI,
    TREE,
    read_virtualization,
)
from ansible_collections.inference.ollama.tests.unit.support.trees import needs_captures, plant, tree, unpack

BARE = {"/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu lm\n"}
GUEST = {"/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu lm hypervisor\n"}
SYSTEMD = {"/run/systemd/system/.keep": ""}
ENVIRON = "/proc/1/environ"


def dmi(**names):
    return {f"{DMI}/{name}": text for name, text in names.items()}


def read(folder, *files):
    root = Root(plant(folder, {path: text for part in files for path, text in part.items()}))
    return read_virtualization(root), root.problems


# Names as the firmware of each gives them.
@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ({"product_name": "Standard PC (Q35 + ICH9, 2009)", "sys_vendor": "QEMU"}, "qemu"),
        ({"product_name": "KVM", "sys_vendor": "Red Hat"}, "kvm"),
        ({"product_name": "OpenStack Compute", "sys_vendor": "RDO"}, "kvm"),
        ({"product_name": "VMware20,1", "sys_vendor": "VMware, Inc."}, "vmware"),
        ({"product_name": "Virtual Machine", "product_version": "Hyper-V UEFI Release v4.1"}, "microsoft"),
        ({"product_name": "HVM domU", "sys_vendor": "Xen"}, "xen"),
        ({"product_name": "c5.large", "sys_vendor": "Amazon EC2"}, "amazon"),
        ({"product_name": "VirtualBox", "sys_vendor": "innotek GmbH"}, "oracle"),
        ({"product_name": "Google Compute Engine", "sys_vendor": "Google"}, "google"),
        ({"product_name": "Droplet", "bios_vendor": "BHYVE"}, "bhyve"),
        ({"product_name": "ECS", "sys_vendor": "Alibaba Cloud"}, "vm-other"),
    ],
)
def test_firmware_names_the_hypervisor(tmp_path, names, kind):
    """The names of DMI say which it is, and the CPU flag that there is one at all."""
    assert read(tmp_path, GUEST, dmi(**names)) == ((kind, "vm"), [])


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({CLOCKS: "kvm-clock tsc acpi_pm"}, "kvm"),
        ({CLOCKS: "hyperv_clocksource_tsc_page hyperv_clocksource_msr"}, "microsoft"),
        ({"/sys/hypervisor/type": "xen", "/proc/xen/capabilities": ""}, "xen"),
        ({"/sys/hypervisor/type": "jailhouse"}, "vm-other"),
        ({f"{TREE}/hypervisor/compatible": b"linux,kvm\0"}, "kvm"),
        ({f"{TREE}/hypervisor/compatible": b"xen,xen-4.18\0xen,xen\0"}, "xen"),
        ({f"{TREE}/hypervisor/compatible": "acme"}, "vm-other"),
        ({f"{TREE}/ibm,partition-name": "lpar", f"{TREE}/hmc-managed?": ""}, "powervm"),
        ({f"{TREE}/fw-cfg@9020000/reg": ""}, "qemu"),
        ({f"{TREE}/compatible": b"qemu,pseries\0"}, "qemu"),
        ({"/proc/sysinfo": "Type: 8561\nVM00 Name: GUEST\nVM00 Control Program: z/VM    7.2.0"}, "zvm"),
        ({"/proc/sysinfo": "VM00 Control Program: KVM/Linux"}, "kvm"),
        ({"/proc/cpuinfo": "vendor_id\t: User Mode Linux"}, "uml"),
    ],
)
def test_other_files_name_the_hypervisor(tmp_path, files, kind):
    """Clocks that guests alone have, Xen's and the device tree's own words, s390's system information."""
    assert read(tmp_path, files) == ((kind, "vm"), [])


@pytest.mark.parametrize(
    "files",
    [
        BARE,
        dmi(product_name="PowerEdge R740", sys_vendor="Dell Inc."),
        {**GUEST, **dmi(product_name="m5.metal", sys_vendor="Amazon EC2")},
        {**GUEST, "/sys/hypervisor/type": "xen", "/proc/xen/capabilities": "control_d"},
        {f"{TREE}/compatible": b"raspberrypi,5-model-b\0brcm,bcm2712\0"},
        {f"{TREE}/compatible": "ibm,powernv", f"{TREE}/hmc-managed?": ""},
        {"/proc/sysinfo": "Type: 8561\nLPAR Name: A"},
    ],
)
def test_a_machine_of_its_own(tmp_path, files):
    """Nothing virtual: known firmware, a CPU without the flag, a cloud's bare machine, Xen's control domain."""
    assert read(tmp_path, files) == (("none", "none"), [])


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"/run/systemd/container": "systemd-nspawn", **SYSTEMD}, "systemd-nspawn"),
        ({"/run/host/container-manager": "lxc"}, "lxc"),
        ({"/run/systemd/container": "oci", "/run/.containerenv": ""}, "podman"),
        ({"/run/systemd/container": "oci"}, "container-other"),
        ({ENVIRON: b"PATH=/bin\0TOKEN=hush\0container=lxc\0"}, "lxc"),
        ({"/.dockerenv": ""}, "docker"),
        ({"/proc/vz/version": ""}, "openvz"),
        ({"/proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2"}, "wsl"),
    ],
)
def test_containers_win_over_what_is_around_them(tmp_path, files, kind):
    """In a container on a virtual machine the container is what a service lives in."""
    assert read(tmp_path, GUEST, {CLOCKS: "kvm-clock"}, files) == ((kind, "container"), [])


@pytest.mark.parametrize(("namespace", "expected"), [("4026531836", "none"), ("4026532201", "container-other")])
def test_a_namespace_of_process_numbers(tmp_path, namespace, expected):
    """A container whose manager leaves no word has its own process numbers."""
    plant(tmp_path, {**BARE, "/proc/self/ns/.keep": ""})
    (tmp_path / "proc/self/ns/pid").symlink_to(f"pid:[{namespace}]")
    assert read(tmp_path)[0].kind == expected


@pytest.mark.parametrize("files", [{"/proc/vz/version": "", "/proc/bc/0": ""}, {ENVIRON: b"container=lxc", **SYSTEMD}])
def test_no_container(tmp_path, files):
    """The host of OpenVZ; and a systemd that is in a container has written so into a file."""
    assert read(tmp_path, BARE, files) == (("none", "none"), [])


def test_no_secret_is_kept(tmp_path):
    """Of the environment of process 1 nothing but the one variable stays."""
    root = Root(plant(tmp_path, {**BARE, ENVIRON: b"TOKEN=hush\0container=lxc"}))
    read_virtualization(root)
    assert "hush" not in repr(vars(root))


def test_what_no_file_tells_is_unknown(tmp_path):
    """An Arm machine without firmware names and device tree may be anything."""
    found, problems = read(tmp_path, {"/proc/cpuinfo": "Features\t: fp asimd"})
    assert found == (None, None)
    assert [problem.split(":")[0] for problem in problems] == [DMI]


@pytest.mark.parametrize(
    "path", [f"{DMI}/product_name", "/run/systemd/container", "/run/host/container-manager", "/sys/hypervisor/type"]
)
def test_damaged_names_are_named(tmp_path, path):
    """An invalid name is a problem with its path."""
    _found, problems = read(tmp_path, BARE, {path: b"K\xff\x01"})
    assert [problem.split(":")[0] for problem in problems] == [path]


def test_an_environment_that_cannot_be_read_is_named(tmp_path):
    """Without systemd nothing else tells whether this is a container."""
    plant(tmp_path, {**BARE, f"{ENVIRON}/folder": ""})
    assert read(tmp_path)[1] == [f"{ENVIRON}: cannot be read (Is a directory)"]


@needs_captures
def test_captured_machines():
    """A virtual machine with twelve sockets of one core, two with a GPU, and servers."""
    kinds = {
        name: read_virtualization(Root(folder)).kind
        for name, folder in (
            ("vm", tree("openshift__pao-sno-ocp47sno-master-0.demo.lab")),
            ("gpu", unpack("h200/x1/tree.tar.xz")),
            ("server", tree("openshift__bare-metal-worker1")),
        )
    }
    assert kinds == {"vm": "vm-other", "gpu": "vm-other", "server": "none"}
