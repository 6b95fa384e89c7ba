# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that files set for a service and its slices, by the forms and the order of systemd.

The values were compared with what ``systemctl show`` of systemd 252 printed for stopped units with these files.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._systemd.limit_values import parse_memory
from ansible_collections.inference.ollama.plugins.module_utils._systemd.numbers import cpu_list, share
from ansible_collections.inference.ollama.plugins.module_utils._systemd.resources import (
    Resources,
    read_planned,
)
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

GIB = 1 << 30
ETC = "/etc/systemd/system"
UNIT = f"{ETC}/ollama.service"


def planned(tmp_path, files, total=128 * GIB):
    files = {UNIT: "[Service]\nExecStart=/bin/ollama serve", **files}
    return read_planned(Root(plant(tmp_path, files)), "ollama.service", total)


def shown(found):
    """The fields of limits as text and numbers, without the names of those that files decide."""
    cpus, mems = (None if each is None else str(each) for each in found[:2])
    return cpus, mems, found.cpu_quota, found.memory_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16G", 16 * GIB),
        ("1.5T", 1536 * GIB),
        ("1G 512M", GIB + (512 << 20)),
        ("1G512M", GIB + (512 << 20)),
        (" 2 G", 2 * GIB),
        ("123", 123),
        ("123B", 123),
        ("10.M", 10 << 20),
        ("50%", 64 * GIB),
        ("12.5%", 16 * GIB),
        ("125‰", 16 * GIB),
        ("1250‱", 16 * GIB),
        ("100%", 128 * GIB),
        # What systemd does not take, of which nothing changes.
        ("150%", None),
        ("0", None),
        ("0%", None),
        ("16GB", None),
        ("16g", None),
        ("16GiB", None),
        ("512M 1G", None),
        ("-1G", None),
        ("much", None),
        ("99999999999999999999E", None),
        ("9" * 400, None),
    ],
)
def test_sizes_are_read_as_systemd_reads_them(text, expected):
    """Base 1024, one letter each, the greatest first; a percentage is a part of the memory of the host."""
    assert parse_memory(text, 128 * GIB) == expected


def test_a_percentage_of_unknown_memory_is_no_limit():
    """Nothing is guessed where MemTotal was not read."""
    assert parse_memory("50%", None) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-3", "0-3"),
        ("0-3 8,9", "0-3,8-9"),
        ("0, 2\t4", "0,2,4"),
        ('"0-1"', "0-1"),
        ("3-1", ""),
        ("0-1 3-2", "0-1"),
        ("0-3;8", None),
        ("all", None),
        ("-1", None),
        ("0-8191", "0-8191"),
        ("9000", None),
        ("0-1 0-99999", None),
    ],
)
def test_sets_are_read_as_systemd_reads_them(text, expected):
    """Blanks and commas divide; a range that ends before it begins is nothing; any other word spoils the line."""
    found = cpu_list(text)
    assert (None if found is None else str(found[0])) == expected


@given(st.text(max_size=40))
def test_any_text_is_read_or_not_taken(text):
    """No value of a unit raises."""
    assert share(text) is None or share(text) >= 0
    cpu_list(text)
    parse_memory(text, GIB)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("CPUQuota=400%\nAllowedCPUs=0-3\nMemoryMax=16G", ("0-3", None, 4.0, 16 * GIB)),
        ("CPUQuota=1600%", (None, None, 16.0, None)),
        ("CPUQuota=12.5%", (None, None, 0.125, None)),
        ("CPUQuota=400%\nCPUQuota=", (None, None, None, None)),
        ("CPUQuota=400%\nCPUQuota=4", (None, None, 4.0, None)),
        ("CPUQuota=0%", (None, None, None, None)),
        ("AllowedCPUs=0-3\nAllowedCPUs=8", ("0-3,8", None, None, None)),
        ("AllowedCPUs=0-3\nAllowedCPUs=\nAllowedCPUs=8", ("8", None, None, None)),
        ("AllowedCPUs=0-3\nAllowedCPUs=0-7;16-23", ("0-3", None, None, None)),
        ("AllowedMemoryNodes=1", (None, "1", None, None)),
        ("NUMAPolicy=bind\nNUMAMask=0", (None, "0", None, None)),
        ("NUMAPolicy=preferred\nNUMAMask=0", (None, None, None, None)),
        ("MemoryMax=16G\nMemoryHigh=12G", (None, None, None, 12 * GIB)),
        ("MemoryMax=16G\nMemoryMax=infinity", (None, None, None, None)),
        ("MemoryMax=16G\nMemoryMax=lots", (None, None, None, 16 * GIB)),
        ("MemoryLimit=8G", (None, None, None, 8 * GIB)),
        ("MemoryLimit=8G\nMemoryMax=16G", (None, None, None, 16 * GIB)),
        ("MemoryMax = 16G ", (None, None, None, 16 * GIB)),
        ("MemoryMax=\\\n16G", (None, None, None, 16 * GIB)),
        ("AllowedCPUs=0 \\\n# no\n 2", ("0,2", None, None, None)),
        ("MemoryMax=16G\r\nCPUQuota=250%\r", (None, None, 2.5, 16 * GIB)),
        ("# MemoryMax=16G\n;CPUQuota=1%", (None, None, None, None)),
        ("memorymax=16G\nMemoryMaxx=1G", (None, None, None, None)),
        ("[Unit]\nMemoryMax=16G", (None, None, None, None)),
    ],
)
def test_limits_of_a_service(tmp_path, lines, expected):
    """Each directive by its own rule; a line of another section or one that systemd cannot read changes nothing."""
    found = planned(tmp_path, {f"{UNIT}.d/limits.conf": f"[Service]\n{lines}\n"})
    assert shown(found.unit) == expected


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({f"{UNIT}.d/b.conf": "CPUQuota=200%", f"{UNIT}.d/a.conf": "CPUQuota=400%"}, 2.0),
        # By name, whatever the folder.
        (
            {f"{UNIT}.d/a.conf": "CPUQuota=400%", "/usr/lib/systemd/system/ollama.service.d/b.conf": "CPUQuota=200%"},
            2.0,
        ),
        (
            {f"{UNIT}.d/a.conf": "CPUQuota=400%", "/usr/lib/systemd/system/ollama.service.d/a.conf": "CPUQuota=200%"},
            4.0,
        ),
        ({"/etc/systemd/system.control/ollama.service.d/50-CPUQuota.conf": "CPUQuota=300%"}, 3.0),
        ({"/run/systemd/system.control/ollama.service.d/50-CPUQuota.conf": "CPUQuota=300%"}, 3.0),
        ({"/etc/systemd/system/service.d/all.conf": "CPUQuota=500%"}, 5.0),
        ({f"{UNIT}.d/x.txt": "CPUQuota=400%"}, None),
        ({f"{UNIT}.d/.x.conf": "CPUQuota=400%"}, None),
        ({"/etc/systemd/system/service.d/zz.conf": "CPUQuota=500%", f"{UNIT}.d/a.conf": "CPUQuota=100%"}, 5.0),
        ({"/etc/systemd/system/service.d/a.conf": "CPUQuota=500%", f"{UNIT}.d/a.conf": "MemoryMax=1G"}, None),
    ],
)
def test_the_drop_ins_in_effect(tmp_path, files, quota):
    """Drop-ins of all of systemd's folders in the order of their names, those that set-property wrote among them."""
    files = {path: f"[Service]\n{text}" for path, text in files.items()}
    assert planned(tmp_path, files).unit.cpu_quota == quota


def test_files_of_the_role_are_no_limits(tmp_path):
    """A plan must not follow from what an earlier one wrote."""
    files = {f"{UNIT}.d/override.conf": f"{HEADER} x\n[Service]\nCPUQuota=100%\nSlice=ollama.slice"}
    found = planned(tmp_path, files)
    assert found.unit == Resources()
    assert [group for group, _limits in found.slices] == ["/system.slice"]


def test_slices_above_count_with_their_files(tmp_path):
    """A dash nests a slice in another one; each has its unit and its drop-ins."""
    files = {
        f"{UNIT}.d/slice.conf": "[Service]\nSlice=llm-big.slice",
        f"{ETC}/llm.slice": "[Slice]\nMemoryMax=64G",
        f"{ETC}/llm.slice.d/cpu.conf": "[Slice]\nCPUQuota=800%",
        f"{ETC}/llm-big.slice.d/cpu.conf": "[Slice]\nAllowedCPUs=0-7\n[Service]\nCPUQuota=100%",
        f"{ETC}/llm-.slice.d/below.conf": "[Slice]\nMemoryHigh=32G",
        f"{ETC}/slice.d/all.conf": "[Slice]\nAllowedMemoryNodes=0",
    }
    found = planned(tmp_path, files)
    assert [(group, *shown(limits)) for group, limits in found.slices] == [
        ("/llm.slice", None, "0", 8.0, 64 * GIB),
        ("/llm.slice/llm-big.slice", "0-7", "0", None, 32 * GIB),
    ]


@pytest.mark.parametrize(
    ("lines", "groups"),
    [
        ("Slice=llm.slice\nSlice=no/slice\nSlice=llm\nSlice=", ["/llm.slice"]),
        ('Slice="llm.slice"', ["/system.slice"]),
        ("Slice=of-%p.slice", ["/of.slice", "/of.slice/of-ollama.slice"]),
        ("Slice=of-%N%i.slice", ["/of.slice", "/of.slice/of-ollama.slice"]),
    ],
)
def test_the_slice_that_a_line_names(tmp_path, lines, groups):
    """The last name that systemd takes, as it takes it."""
    found = planned(tmp_path, {f"{UNIT}.d/a.conf": f"[Service]\n{lines}"})
    assert [group for group, _limits in found.slices] == groups


def test_a_mark_of_the_byte_order_is_no_part_of_a_file(tmp_path):
    """Editors of other systems write one."""
    found = planned(tmp_path, {f"{UNIT}.d/a.conf": "\ufeff[Service]\nCPUQuota=250%"})
    assert found.unit.cpu_quota == 2.5


def test_a_slice_that_says_without_limit(tmp_path):
    """A directive that takes the limit away is not the same as none."""
    files = {f"{ETC}/system.slice.d/a.conf": "[Slice]\nMemoryMax=infinity\nCPUQuota="}
    ((_group, limits),) = planned(tmp_path, files).slices
    assert limits == Resources(said=("cpu_quota", "memory_bytes"))


def test_the_root_slice_limits_nothing(tmp_path):
    """systemd has no groups of its own to set there, and a specifier names no slice that is known."""
    files = {f"{ETC}/-.slice.d/a.conf": "[Slice]\nMemoryMax=1G", f"{UNIT}.d/a.conf": "[Service]\nSlice=-.slice"}
    assert planned(tmp_path / "a", files).slices == ()
    files = {f"{UNIT}.d/a.conf": "[Service]\nSlice=of-%H.slice"}
    assert [group for group, _limits in planned(tmp_path / "b", files).slices] == ["/system.slice"]


def test_a_masked_drop_in_and_a_masked_unit(tmp_path):
    """A link to /dev/null takes a drop-in of another folder away, or the unit."""
    vendor = "/usr/lib/systemd/system/ollama.service.d/limits.conf"
    root = plant(tmp_path, {UNIT: "[Service]", vendor: "[Service]\nCPUQuota=100%", f"{UNIT}.d/x.conf": ""})
    (tmp_path / UNIT.lstrip("/")).parent.joinpath("ollama.service.d/limits.conf").symlink_to("/dev/null")
    assert read_planned(Root(root), "ollama.service", None).unit == Resources()
    (tmp_path / UNIT.lstrip("/")).unlink()
    (tmp_path / UNIT.lstrip("/")).symlink_to("/dev/null")
    assert read_planned(Root(root), "ollama.service", None) is None


def test_no_unit_no_word(tmp_path):
    """Without a unit file nothing is known of it."""
    assert read_planned(Root(plant(tmp_path, {})), "ollama.service", None) is None
