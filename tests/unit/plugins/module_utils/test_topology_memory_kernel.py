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
DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"
BALANCING = "/proc/sys/kernel/numa_balancing"
RELEASE = {"/proc/sys/kernel/osrelease": "6.12.0"}


def test_memory_in_bytes(tmp_path):
    """The sizes, whatever other lines there are."""
    text = (
        "MemTotal:       1024 kB\nMemAvailable:    512 kB\nActive(anon):  1 kB\nHugePages_Total: 0\n"
        "SwapTotal: 8 kB\nSwapFree: 4 kB"
    )
    root = Root(plant(tmp_path, {"/proc/meminfo": text}))
    assert read_memory(root) == (1 << 20, 1 << 19, 8192, 4096)
    assert root.problems == []


def test_memory_without_a_line(tmp_path):
    """Kernels before 3.14 do not say what is available; a missing total is a problem."""
    root = Root(plant(tmp_path, {"/proc/meminfo": "MemTotal: much\nSwapTotal: 8 kB\nSwapFree: 0 kB"}))
    assert read_memory(root) == (None, None, 8192, 0)
    assert root.problems == [
        "/proc/meminfo: expected a line such as 'MemTotal: 131072 kB', found none",
        "/proc/meminfo: read 'MemTotal: much', expected lines such as 'MemTotal: 131072 kB'",
    ]


def test_memory_without_the_file(tmp_path):
    """Every Linux has it."""
    root = Root(str(tmp_path))
    assert read_memory(root) == (None, None, None, None)
    assert len(root.problems) == 1


def test_a_damaged_line_is_not_an_old_kernel(tmp_path):
    """What is available is absent on old kernels without a problem; a line with something else in it is one."""
    text = "MemTotal: 8 kB\nMemAvailable: ? kB\nSwapTotal: 0 kB\nSwapFree: 0 kB"
    root = Root(plant(tmp_path, {"/proc/meminfo": text}))
    assert read_memory(root).available_bytes is None
    assert root.problems == ["/proc/meminfo: read 'MemAvailable: ? kB', expected lines such as 'MemTotal: 131072 kB'"]


@pytest.mark.parametrize("chosen", ["always", "madvise", "never"])
def test_transparent_huge_pages(tmp_path, chosen):
    """The word in brackets is the setting."""
    text = " ".join(f"[{word}]" if word == chosen else word for word in ("always", "madvise", "never"))
    assert read_kernel(Root(plant(tmp_path, {**RELEASE, THP: text}))).transparent_hugepage == chosen


@pytest.mark.parametrize("chosen", ["always", "defer", "defer+madvise", "madvise", "never"])
def test_transparent_huge_pages_on_a_fault(tmp_path, chosen):
    """How hard a fault tries for a huge page is a choice of its own, of five words."""
    words = ("always", "defer", "defer+madvise", "madvise", "never")
    text = " ".join(f"[{word}]" if word == chosen else word for word in words)
    assert read_kernel(Root(plant(tmp_path, {**RELEASE, DEFRAG: text}))).transparent_hugepage_defrag == chosen


@pytest.mark.parametrize(("text", "expected"), [("0", False), ("1", True), ("2", True), ("3", True)])
def test_numa_balancing(tmp_path, text, expected):
    """Every kind of moving pages counts."""
    assert read_kernel(Root(plant(tmp_path, {**RELEASE, BALANCING: text}))).numa_balancing is expected


@pytest.mark.parametrize(
    ("text", "masked", "expected"),
    [
        ("freeze mem disk\n", None, ["freeze", "mem", "disk"]),
        ("\n", None, []),
        ("freeze mem\n", "sleep.target", []),
        ("freeze mem\n", "suspend.target", []),
        ("freeze mem\n", "hibernate.target", ["freeze", "mem"]),
        ("rest\n", None, None),
    ],
)
def test_how_the_host_can_sleep(tmp_path, text, masked, expected):
    """The kernel's words, none where systemd is kept from it; other words are a problem."""
    top = plant(tmp_path, {**RELEASE, "/sys/power/state": text})
    if masked:
        units = tmp_path / "etc/systemd/system"
        units.mkdir(parents=True)
        (units / masked).symlink_to("/dev/null")
    root = Root(top)
    assert read_kernel(root).sleep_states == expected
    assert bool(root.problems) is (expected is None)


def test_a_kernel_without_these_settings(tmp_path):
    """Built without them: unknown, and no problem."""
    root = Root(plant(tmp_path, RELEASE))
    assert read_kernel(root) == ("6.12.0", None, None, None, None, None, None)
    assert root.problems == []


def test_damaged_settings_are_unknown_and_named(tmp_path):
    """An empty release, two words chosen or an unknown one, and an invalid number."""
    files = {"/proc/sys/kernel/osrelease": "", THP: "[always] [never]", DEFRAG: "[hard] never", BALANCING: "-1"}
    root = Root(plant(tmp_path, files))
    assert read_kernel(root) == (None, None, None, None, None, None, None)
    assert [problem.split(":")[0] for problem in root.problems] == [*files]


def test_a_release_is_one_line(tmp_path):
    """What no kernel is called is no release."""
    root = Root(plant(tmp_path, {"/proc/sys/kernel/osrelease": b"6.12\x01\xff"}))
    assert read_kernel(root).release is None
    assert root.problems == ["/proc/sys/kernel/osrelease: read '6.12\\x01\ufffd', expected the kernel's release"]
