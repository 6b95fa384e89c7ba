# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this is a physical machine, a virtual machine or a container, in the words of systemd-detect-virt(1).

Files alone are read, no CPUID instruction: a hypervisor that firmware and clock sources do not name is
``vm-other`` by the CPU flag ``hypervisor``. Serial numbers are not among the files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

DMI = "/sys/class/dmi/id"
TREE = "/proc/device-tree"
CLOCKS = "/sys/devices/system/clocksource/clocksource0/available_clocksource"

_CONTAINERS = frozenset(
    ("systemd-nspawn", "lxc-libvirt", "lxc", "openvz", "docker", "podman", "rkt", "wsl", "proot", "pouch")
)
_LEFT_BEHIND = (("/run/.containerenv", "podman"), ("/.dockerenv", "docker"))
# product_name comes first, since it names KVM where sys_vendor names QEMU.
_DMI_FILES = ("product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version")
_DMI_WORDS = (
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("KubeVirt", "kvm"),
    ("Amazon EC2", "amazon"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VMW", "vmware"),
    ("innotek GmbH", "oracle"),
    ("VirtualBox", "oracle"),
    ("Xen", "xen"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Hyper-V", "microsoft"),
    ("Apple Virtualization", "apple"),
    ("Google Compute Engine", "google"),
)
# Clocks that only guests have: arch/x86/kernel/kvmclock.c and drivers/clocksource/hyperv_timer.c.
_GUEST_CLOCKS = (("kvm-clock", "kvm"), ("hyperv_clocksource", "microsoft"))
# include/linux/proc_ns.h: PROC_PID_INIT_INO, the number of the first PID namespace.
_FIRST_NAMESPACE = "pid:[4026531836]"


class Virtualization(NamedTuple):
    """``kind`` as systemd-detect-virt prints it, ``type`` none, vm or container; a container's name wins."""

    kind: Optional[str]
    type: Optional[str]


def read_virtualization(root: Root) -> Virtualization:
    """The innermost technology; both None where no file shows whether there is one."""
    container = read_container(root)
    if container is not None:
        return Virtualization(container, "container")
    machine, certain = _machine(root)
    if machine is not None:
        return Virtualization(machine, "vm")
    if certain:
        return Virtualization("none", "none")
    root.problem(
        f"{DMI}: expected names such as product_name, also found no flags in /proc/cpuinfo, no {TREE} and no "
        f"/proc/sysinfo; whether this is a virtual machine is unknown"
    )
    return Virtualization(None, None)


def read_container(root: Root) -> str | None:
    """The kind of container that this is; None outside of one."""
    if re.search("microsoft|WSL", root.text("/proc/sys/kernel/osrelease") or "", re.IGNORECASE):
        return "wsl"
    # OpenVZ: the first is inside and outside, the second outside alone.
    if root.exists("/proc/vz") and not root.exists("/proc/bc"):
        return "openvz"
    named = root.word("/run/host/container-manager", "a container manager's name")
    named = named or root.word("/run/systemd/container", "a container manager's name")
    if named in _CONTAINERS:
        return named
    left = next((kind for path, kind in _LEFT_BEHIND if root.exists(path)), None)
    if left is not None or named is not None:
        return left or "container-other"
    # Only root may read the environment of process 1, so it is read last; a systemd there has written the file above.
    if not root.exists("/run/systemd/system"):
        named = root.variable("/proc/1/environ", "container")
    if named is None:
        return "container-other" if root.link("/proc/self/ns/pid") not in (None, _FIRST_NAMESPACE) else None
    return named if named in _CONTAINERS else "container-other"


def _machine(root: Root) -> tuple[str | None, bool]:
    """The hypervisor, and whether its absence is certain."""
    flags = re.search(r"^flags[ \t]*:(.*)$", root.text("/proc/cpuinfo") or "", re.MULTILINE)
    dmi = [root.word(f"{DMI}/{name}", "a name from the firmware") for name in _DMI_FILES]
    kind = _from_dmi(dmi) or _from_xen(root) or _from_clocks(root) or _from_device_tree(root) or _from_s390(root)
    if kind == "bare":
        return None, True
    cpus = root.text("/proc/cpuinfo") or ""
    if kind is None and "User Mode" in cpus and re.search(r"^vendor_id\s*:\s*User Mode Linux", cpus, re.MULTILINE):
        kind = "uml"
    if kind is None and flags and "hypervisor" in flags[1].split():
        kind = "vm-other"
    certain = bool(flags or any(dmi) or root.exists(f"{TREE}/compatible") or root.exists("/proc/sysinfo"))
    return kind, certain


def _from_dmi(names: list[str | None]) -> str | None:
    for name in names:
        kind = next((kind for word, kind in _DMI_WORDS if name is not None and name.startswith(word)), None)
        # Amazon's machines without hypervisor carry the same vendor.
        if kind == "amazon" and ".metal" in (names[0] or ""):
            return "bare"
        if kind is not None:
            return kind
    return None


def _from_xen(root: Root) -> str | None:
    """Documentation/ABI/stable/sysfs-hypervisor-xen; the control domain is the host itself."""
    hypervisor = root.word("/sys/hypervisor/type", "xen")
    if hypervisor is None:
        return None
    if hypervisor != "xen":
        return "vm-other"
    return "bare" if "control_d" in (root.text("/proc/xen/capabilities") or "") else "xen"


def _from_clocks(root: Root) -> str | None:
    clocks = (root.text(CLOCKS) or "").split()
    return next((kind for start, kind in _GUEST_CLOCKS if any(clock.startswith(start) for clock in clocks)), None)


def _from_device_tree(root: Root) -> str | None:
    hypervisor = root.word(f"{TREE}/hypervisor/compatible", "a hypervisor such as linux,kvm")
    if hypervisor is not None:
        known = (("linux,kvm", "kvm"), ("xen", "xen"), ("vmware", "vmware"))
        return next((kind for word, kind in known if word in hypervisor), "vm-other")
    if root.exists(f"{TREE}/ibm,partition-name") and root.exists(f"{TREE}/hmc-managed?"):
        return None if root.exists(f"{TREE}/chosen/qemu,graphic-width") else "powervm"
    emulated = any("fw-cfg" in name for name in root.names(TREE)) or "qemu,pseries" in (
        root.text(f"{TREE}/compatible") or ""
    )
    return "qemu" if emulated else None


def _from_s390(root: Root) -> str | None:
    """Documentation of /proc/sysinfo: arch/s390/kernel/sysinfo.c."""
    program = re.search(r"^VM00 Control Program:\s*(\S+)", root.text("/proc/sysinfo") or "", re.MULTILINE)
    return None if program is None else "zvm" if program[1].startswith("z/VM") else "kvm"
