# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hierarchies of control groups as /proc/mounts lists them."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._systemd.control_groups import (
    Mount,
    cpu_controller,
    read_mounts,
    slices_with,
)
from ansible_collections.inference.ollama.tests.unit.support.processes import Planted


@pytest.mark.parametrize(
    ("line", "mounts"),
    [
        ("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0", [Mount("/sys/fs/cgroup", 2)]),
        (
            "cgroup /cg/cpu cgroup rw,cpu,cpuacct 0 0",
            [Mount("/cg/cpu", 1, frozenset({"cgroup", "rw", "cpu", "cpuacct"}))],
        ),
        ("none /dev/cpuset cpuset rw 0 0", [Mount("/dev/cpuset", 1, frozenset({"cpuset", "rw"}))]),
        ("proc /proc proc rw 0 0\n\nbroken", []),
        ("cgroup2 cgroup cgroup2 rw 0 0\ncgroup2 /a/../b cgroup2 rw 0 0", []),
        (None, [Mount("/sys/fs/cgroup", 2)]),
    ],
)
def test_hierarchies_of_every_version(line, mounts):
    """Other file systems and paths that lead elsewhere are left out; without the list the usual place counts."""
    assert read_mounts(Planted({} if line is None else {"/proc/mounts": line})) == mounts


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, (None, None)),
        ({"/proc/mounts": "cgroup2 /cg cgroup2 rw 0 0", "/cg/cgroup.controllers": "cpuset cpu io"}, (2, True)),
        ({"/proc/mounts": "cgroup2 /cg cgroup2 rw 0 0", "/cg/cgroup.controllers": "hugetlb"}, (2, False)),
        ({"/proc/mounts": "cgroup2 /cg cgroup2 rw 0 0"}, (2, None)),
        ({"/proc/mounts": "cgroup2 /cg cgroup2 rw 0 0", "/cg/cgroup.controllers": "cpu\ufffd"}, (2, None)),
        ({"/proc/mounts": "cgroup /c cgroup rw,cpu,cpuacct 0 0\ncgroup2 /cg cgroup2 rw 0 0"}, (1, True)),
        ({"/proc/mounts": "cgroup /c cgroup rw,cpuset 0 0"}, (None, False)),
        ({"/proc/mounts": "proc /proc proc rw 0 0"}, (None, False)),
    ],
)
def test_version_and_controller_of_cpu_time(files, found):
    """The hierarchy that has the controller cpu counts; what is unknown is None, not False."""
    assert cpu_controller(Planted(files)) == found


def test_slices_of_a_unit():
    """Slices below the root are found by the unit's group in them, wherever somebody has put it."""
    root = Planted({"/cg/system.slice/ssh.service/x": "", "/cg/ollama.slice/ollama.service/x": "", "/cg/a/x": ""})
    assert slices_with(root, "/cg", "ollama.service") == ["/ollama.slice"]
    assert slices_with(root, "/cg", "other.service") == []
