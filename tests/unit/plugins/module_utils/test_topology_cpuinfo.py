# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the CPU is called, on each architecture."""

from __future__ import annotations

import os

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpuinfo import read_identity
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

X86 = (
    "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 1\nmodel name\t:  AMD EPYC  7763 64-Core\nflags\t\t: fpu lm"
)
ARM = (
    "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x{0}\nCPU part\t: 0x{1}\n\n"
    "processor\t: 1\nFeatures\t: fp asimd\nCPU implementer\t: 0x{0}\nCPU part\t: 0x{2}\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86, ("x86_64", "AuthenticAMD", "AMD EPYC 7763 64-Core")),
        (ARM.format("41", "d0c", "d0c"), ("aarch64", "ARM", "Neoverse-N1")),
        (ARM.format("41", "d87", "d85"), ("aarch64", "ARM", "Cortex-A725 + Cortex-X925")),
        (ARM.format("41", "d0c", "fff"), ("aarch64", "ARM", None)),
        (ARM.format("99", "001", "001"), ("aarch64", None, None)),
        ("vendor_id       : IBM/S390\nfeatures\t: esan3 zarch stfle\n", ("s390x", "IBM/S390", None)),
        ("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n", (None, None, "POWER9, altivec supported")),
        ("processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu", (None, "GenuineIntel", None)),
        ("processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\n", (None, None, None)),
    ],
)
def test_names_as_lscpu_gives_them(tmp_path, text, expected):
    """Vendor and model where the kernel has them, None where it has not."""
    root = Root(plant(tmp_path, {"/proc/cpuinfo": text}))
    assert read_identity(root) == expected
    assert root.problems == []


def test_the_kernel_names_the_architecture_itself(tmp_path):
    """Since Linux 6.1 there is a file, which is better than any feature."""
    root = Root(plant(tmp_path, {"/proc/cpuinfo": X86, "/proc/sys/kernel/arch": "riscv64"}))
    assert read_identity(root).architecture == "riscv64"


def test_the_running_host_is_asked_where_there_is_no_file(tmp_path, monkeypatch):
    """An older kernel answers uname."""
    root = Root(plant(tmp_path, {"/proc/cpuinfo": ""}))
    monkeypatch.setattr(Root, "live", property(lambda _self: True))
    assert read_identity(root).architecture == os.uname().machine


def test_a_cpuinfo_that_names_no_cpu_is_a_problem(tmp_path):
    """Whatever stands there instead is quoted."""
    root = Root(plant(tmp_path, {"/proc/cpuinfo": "\0garbage::\n:\nmodel name"}))
    assert read_identity(root) == (None, None, None)
    assert [problem.partition(",")[0] for problem in root.problems] == [
        "/proc/cpuinfo: read 'garbage::\\n:\\nmodel name'"
    ]


def test_no_cpuinfo_is_a_problem(tmp_path):
    """Every Linux has the file."""
    root = Root(str(tmp_path))
    assert read_identity(root) == (None, None, None)
    assert root.problems == ["/proc/cpuinfo: absent, expected a description of the CPUs"]
