# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory and kernel settings of the host."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.kernel import read_kernel
from ansible_collections.inference.ollama.plugins.module_utils._topology.memory import read_memory
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

THP = "/sys/kernel/mm/transparent_hugepage/enabled"
BALANCING = "/proc/sys/kernel/numa_balancing"
RELEASE = {"/proc/sys/kernel/osrelease": "6.12.0"}


def test_memory_in_bytes(tmp_path):
    """The three sizes, whatever other lines there are."""
    text = "MemTotal:       1024 kB\nMemAvailable:    512 kB\nActive(anon):  1 kB\nHugePages_Total: 0\nSwapTotal: 0 kB"
    root = Root(plant(tmp_path, {"/proc/meminfo": text}))
    assert read_memory(root) == (1 << 20, 1 << 19, 0)
    assert root.problems == []


def test_memory_without_a_line(tmp_path):
    """Kernels before 3.14 do not say what is available; a missing total is a problem."""
    root = Root(plant(tmp_path, {"/proc/meminfo": "MemTotal: much\nSwapTotal: 8 kB"}))
    assert read_memory(root) == (None, None, 8192)
    assert root.problems == ["/proc/meminfo: expected a line such as 'MemTotal: 131072 kB', found none"]


def test_memory_without_the_file(tmp_path):
    """Every Linux has it."""
    root = Root(str(tmp_path))
    assert read_memory(root) == (None, None, None)
    assert len(root.problems) == 1


@pytest.mark.parametrize("chosen", ["always", "madvise", "never"])
def test_transparent_huge_pages(tmp_path, chosen):
    """The word in brackets is the setting."""
    text = " ".join(f"[{word}]" if word == chosen else word for word in ("always", "madvise", "never"))
    assert read_kernel(Root(plant(tmp_path, {**RELEASE, THP: text}))).transparent_hugepage == chosen


@pytest.mark.parametrize(("text", "expected"), [("0", False), ("1", True), ("2", True), ("3", True)])
def test_numa_balancing(tmp_path, text, expected):
    """Every kind of moving pages counts."""
    assert read_kernel(Root(plant(tmp_path, {**RELEASE, BALANCING: text}))).numa_balancing is expected


def test_a_kernel_without_these_settings(tmp_path):
    """Built without them: unknown, and no problem."""
    root = Root(plant(tmp_path, RELEASE))
    assert read_kernel(root) == ("6.12.0", None, None)
    assert root.problems == []


def test_damaged_settings_are_unknown_and_named(tmp_path):
    """A word that is none of the three, and a number that is none."""
    root = Root(plant(tmp_path, {"/proc/sys/kernel/osrelease": "", THP: "always never", BALANCING: "on"}))
    assert read_kernel(root) == (None, None, None)
    assert [problem.split(":")[0] for problem in root.problems] == [THP, BALANCING]
