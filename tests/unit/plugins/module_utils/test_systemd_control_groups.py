# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hierarchies of control groups as /proc/mounts lists them."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._systemd.control_groups import Mount, read_mounts
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
