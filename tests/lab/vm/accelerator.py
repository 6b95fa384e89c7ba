# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which QEMU accelerator runs the machines, and the CPU model that goes with it.

Every choice comes with its reason, which the command line prints: the same test takes a second on real
hardware and half a minute emulated, so nobody should have to guess which one they are watching.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

# One host thread per VM: a fifth less work than thread=multi, fair between VMs, and with 56 CPUs
# thread=multi was seen to hang in a boot now and then.
TCG = "tcg,thread=single,tb-size=512"

# An Intel model, so that the guest decodes SMT; minus what TCG lacks, to keep its warnings quiet, and minus
# what costs a fifth of all time when emulated (SMAP, AVX state).
TCG_CPU = (
    "Broadwell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid,-rdseed,-3dnowprefetch,"
    "-smap,-smep,-xsave,-xsaveopt,-avx,-avx2,-fma,-f16c"
)


class Accelerator(NamedTuple):
    """QEMU's ``-accel`` and ``-cpu`` values, and one clause that says why these."""

    accel: str
    cpu: str
    reason: str

    @property
    def name(self) -> str:
        return self.accel.partition(",")[0]


def choose(setting: str, flags: set[str], *, kvm_writable: bool, cpu: str = "") -> Accelerator:
    """The accelerator for ``setting``: ``auto``, ``kvm``, ``tcg``, or a whole ``-accel`` value.

    ``flags`` are the CPU flags of this host. A /dev/kvm alone proves nothing: some clouds' kernels offer the
    device without hardware behind it, and a guest started there never executes an instruction.
    """
    hardware = flags & {"vmx", "svm"}
    if setting == "auto":
        if kvm_writable and hardware:
            setting, reason = "kvm", "/dev/kvm is writable and the CPU has " + min(hardware)
        elif kvm_writable:
            setting, reason = "tcg", "/dev/kvm is there, but the CPU shows neither vmx nor svm"
        else:
            setting, reason = "tcg", "/dev/kvm is absent or not writable"
    else:
        reason = f"VMLAB_ACCEL={setting}"
    name = setting.partition(",")[0]
    if name not in ("kvm", "tcg"):
        raise ValueError(f"VMLAB_ACCEL is {setting!r}; allowed are auto, kvm, tcg, and the last two with options.")
    if name == "kvm":
        # QEMU writes the guest's topology over the host's CPUID leaves; AMD shows SMT only with topoext.
        return Accelerator(setting, cpu or ("host,+topoext" if "svm" in flags else "host"), reason)
    return Accelerator(TCG if setting == "tcg" else setting, cpu or TCG_CPU, reason)


def from_environment() -> Accelerator:
    """The choice on this host, under VMLAB_ACCEL and VMLAB_CPU."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return choose(
        os.environ.get("VMLAB_ACCEL", "auto"),
        flags,
        kvm_writable=os.access("/dev/kvm", os.R_OK | os.W_OK),
        cpu=os.environ.get("VMLAB_CPU", ""),
    )
