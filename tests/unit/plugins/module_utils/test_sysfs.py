# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files under a movable root: absent, unreadable and damaged are three things."""

from __future__ import annotations

import errno
import os
import re

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.tests.unit.support.trees import plant


@pytest.fixture
def root(tmp_path):
    files = {
        "/sys/text": "  words \n",
        "/sys/nul": b"0-3\n\0\0\0",
        "/sys/number": "42",
        "/sys/hex": "0x10de",
        "/sys/list": "0-3,8",
        "/sys/mask": "0000000f",
        "/sys/garbage": b"\xff\xfe!",
        "/sys/folder/b": "",
        "/sys/folder/a": "",
    }
    (tmp_path / "sys").mkdir()
    os.symlink("../../drivers/nvidia", tmp_path / "sys/driver")
    return Root(plant(tmp_path, files))


def test_values_of_sound_files(root):
    """Text without blanks and NUL bytes, numbers, CPU sets, names in order, a link's last part."""
    assert root.text("/sys/text") == "words"
    assert root.text("/sys/nul") == "0-3"
    assert root.integer("/sys/number") == 42
    assert root.integer("/sys/hex", 16) == 0x10DE
    assert root.cpus("/sys/list") == CpuSet([0, 1, 2, 3, 8])
    assert root.cpu_mask("/sys/mask") == CpuSet(range(4))
    assert root.names("/sys/folder") == ["a", "b"]
    assert root.link("/sys/driver") == "nvidia"
    assert root.exists("/sys/number")
    assert root.problems == []


def test_a_long_file_is_read_whole_and_the_blocks_of_the_cpus_in_part(tmp_path):
    """A file of any length has its text; of /proc/cpuinfo, which the kernel writes CPU by CPU, the first is enough."""
    root = Root(plant(tmp_path, {"/proc/mounts": "a line\n" * 30_000, "/proc/cpuinfo": "processor: 0\n" * 30_000}))
    assert len((root.text("/proc/mounts") or "").splitlines()) == 30_000
    assert 1 << 16 <= len(root.text("/proc/cpuinfo") or "") < 1 << 18


def test_a_set_that_many_files_name_is_one(tmp_path):
    """Equal texts give equal sets in either notation, and each file that cannot be understood is named."""
    root = Root(plant(tmp_path, {"/a": "10", "/b": "10", "/c": "none", "/d": "none"}))
    assert [root.cpus(path) for path in ("/a", "/b")] == [CpuSet([10])] * 2
    assert root.cpu_mask("/a") == CpuSet([4])
    assert [root.cpus(path) for path in ("/c", "/d")] == [None, None]
    assert [problem[:3] for problem in root.problems] == ["/c:", "/d:"]


def test_absent_is_none_and_no_problem(root):
    """Most files of sysfs are optional."""
    assert root.text("/sys/none") is None
    assert root.cpus("/sys/none") is None
    assert root.cpu_mask("/sys/none") is None
    assert root.link("/sys/none") is None
    assert root.names("/sys/none") == []
    assert not root.exists("/sys/none")
    assert root.problems == []


def test_required_and_absent_is_a_problem(root):
    """Where every host has the file, its absence is worth a word."""
    assert root.required("/sys/number", "a number") == "42"
    assert root.required("/sys/none", "a number") is None
    assert root.problems == ["/sys/none: absent, expected a number"]


@pytest.mark.parametrize("read", ["integer", "cpus", "cpu_mask"])
def test_damaged_is_none_and_names_path_and_text(root, read):
    """A problem says which file and what stood in it; saying it twice keeps it once."""
    assert getattr(root, read)("/sys/garbage") is None
    assert getattr(root, read)("/sys/garbage") is None
    (problem,) = root.problems
    assert problem.startswith("/sys/garbage: ")
    assert "!" in problem


@pytest.mark.parametrize("text", ["1_0", "٣", "9" * 30, "0x1f", "1.5", "", "- 1"])
def test_only_numbers_as_the_kernel_prints_them(tmp_path, text):
    """Python would take some of these for whole numbers."""
    root = Root(plant(tmp_path, {"/sys/number": text}))
    assert root.integer("/sys/number") is None
    assert len(root.problems) == 1


def test_unreadable_is_a_problem(root):
    """A folder in place of a file, and a file in place of a folder, stop nothing."""
    assert root.text("/sys/folder") is None
    assert root.names("/sys/number") == []
    assert root.problems == [
        "/sys/folder: cannot be read (Is a directory)",
        "/sys/number: cannot be listed (Not a directory)",
    ]
    assert root.integer("/sys/number/none") is None
    assert root.problems[2:] == ["/sys/number/none: cannot be read (Not a directory)"]


def test_each_file_is_read_once(root, tmp_path):
    """All readers see one state of the machine."""
    assert root.integer("/sys/number") == 42
    (tmp_path / "sys/number").write_text("43")
    assert root.integer("/sys/number") == 42


def test_only_the_real_root_is_live(tmp_path):
    """Programs are asked on the running host alone."""
    assert Root().live
    assert Root("//").live
    assert not Root(str(tmp_path)).live


def test_a_folder_that_cannot_be_listed_is_a_problem(root, monkeypatch):
    """A list that is refused is not an empty folder."""

    def refuse(_path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(root, "_list", refuse)
    assert root.names("/sys/folder") == []
    assert root.problems == ["/sys/folder: cannot be listed (Permission denied)"]


def test_counts_are_what_a_kernel_can_count(tmp_path):
    """Neither less than nothing nor more than a word holds."""
    root = Root(plant(tmp_path, {"/good": "9223372036854775807", "/less": "-1", "/more": "9223372036854775808"}))
    assert [root.natural(path) for path in ("/good", "/less", "/more", "/none")] == [(1 << 63) - 1, None, None, None]
    assert root.problems == ["/less: read -1, expected a count", "/more: read 9223372036854775808, expected a count"]


def test_words_are_one_line_that_can_be_read(tmp_path):
    """Empty and absent is None and no problem; what nobody can read or what never ends is one."""
    texts = {"/word": " a name\n", "/empty": "\n", "/lines": "a\nb", "/bytes": b"\xff", "/long": "a" * 300}
    root = Root(plant(tmp_path, texts))
    assert [root.word(path, "a name") for path in [*texts, "/none"]] == ["a name", *[None] * 5]
    assert [problem.split(":")[0] for problem in root.problems] == ["/lines", "/bytes", "/long"]


def test_one_variable_and_nothing_else(tmp_path):
    """A list of variables gives the value of the name that was asked for."""
    root = Root(plant(tmp_path, {"/environ": b"A=1\0TOKEN=hush\0NAME=a=b\0"}))
    assert [root.variable("/environ", name) for name in ("NAME", "NAM", "B")] == ["a=b", None, None]
    assert root.variable("/none", "A") is None
    assert root.problems == []


def test_links_and_their_targets(tmp_path):
    """The whole of what a link says, or its last part; a file is no link."""
    root = Root(plant(tmp_path, {"/file": ""}))
    (tmp_path / "link").symlink_to("../drivers/nvidia")
    assert (root.target("/link"), root.link("/link")) == ("../drivers/nvidia", "nvidia")
    assert (root.target("/file"), root.link("/none")) == (None, None)


def test_problems_are_one_readable_line_each(root):
    """Colours and line breaks that a program prints do not reach the operator's screen."""
    root.problem("\x1b[31mno\ndriver")
    assert root.problems == ["\\x1b[31mno driver"]


def test_lines_of_a_form_are_read_and_no_others(tmp_path):
    """A file that may hold secrets gives what was asked for; one that is absent or cannot be read gives None."""
    root = Root(plant(tmp_path, {"/a": "Slice=a.slice\nEnvironment=KEY=secret\nSlice=b.slice"}))
    form = re.compile("Slice=.*")
    assert root.lines("/a", form) == ["Slice=a.slice", "Slice=b.slice"]
    assert (root.lines("/none", form), root.problems) == (None, [])
    assert root.lines("/", form) is None
    assert root.problems == ["/: cannot be read (Is a directory)"]
