# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool that measures a runner beside busy programs finds the control groups and writes weights of both versions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
if not TOOLS.is_dir():
    pytest.skip("the tools are no part of the artefact", allow_module_level=True)
sys.path.insert(0, str(TOOLS))

import bench_neighbours as bench

HYBRID = """\
tmpfs {0} tmpfs rw,mode=755 0 0
cgroup {0}/{1} cgroup rw,relatime,{1} 0 0
cgroup {0}/cpuset cgroup rw,relatime,cpuset 0 0
cgroup2 {0}/unified cgroup2 rw,relatime 0 0
"""


@pytest.mark.parametrize("name", ["cpu", "cpu,cpuacct"])
def test_version_1_has_the_cpus_where_it_is_mounted_with_them(tmp_path, name):
    """A hierarchy of version 2 beside it has other controllers."""
    assert bench.hierarchy(HYBRID.format(tmp_path, name)) == (tmp_path / name, 1)


def test_version_2_has_the_cpus_where_the_controller_is_there(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory\n")
    assert bench.hierarchy(f"cgroup2 {tmp_path} cgroup2 rw,nsdelegate 0 0\n") == (tmp_path, 2)


def test_a_host_without_the_controller_is_refused(tmp_path):
    """As in a container that has none: nothing is measured and the reason is given."""
    (tmp_path / "cgroup.controllers").write_text("cpuset io memory\n")
    with pytest.raises(bench.UnavailableError, match="controller cpu"):
        bench.hierarchy(f"cgroup2 {tmp_path} cgroup2 rw 0 0\n")


def test_a_weight_of_100_is_the_default_of_both_versions(tmp_path):
    """1024 shares are what every group of version 1 begins with."""
    for version, file, values in ((1, "cpu.shares", ["1024", "10240"]), (2, "cpu.weight", ["100", "1000"])):
        groups = bench.Groups(tmp_path, version)
        seen = []
        for weight in (100, 1000):
            groups.weigh(tmp_path, weight)
            seen.append((tmp_path / file).read_text())
        assert seen == values


def test_a_group_that_cannot_be_made_is_a_reason(tmp_path):
    """Without permission or with a read-only mount the tool says so and leaves nothing behind."""
    with pytest.raises(bench.UnavailableError, match="no control group can be made"), bench.Groups(tmp_path / "no", 1):
        pass


def test_a_list_of_cpus_is_as_the_kernel_writes_it():
    assert bench.cpu_list("0-2,8") == {0, 1, 2, 8}


def test_the_table_has_ratios_of_rounds(tmp_path):
    """The ratio of a line is the median of the rounds' ratios, not the ratio of the medians."""
    rounds = [
        {"alone": alone, "unprotected": slow, "protected": kept}
        for alone, slow, kept in ((100.0, 1.0, 90.0), (50.0, 1.0, 50.0), (200.0, 1.0, 100.0))
    ]
    asked = argparse.Namespace(cpus={0, 1}, threads=2, busy=2, weight=2000)
    table = bench.table(asked, bench.Groups(tmp_path, 1), rounds)
    (kept,) = (line for line in table.splitlines() if "2000 : 100" in line)
    assert kept.split()[-6:] == ["90.00", "50.00", "100.00", "0.900", "0.500", "1.000"]
