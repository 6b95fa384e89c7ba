# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever lies at a path: only regular files of a bounded length are read, and no link leads out of the root."""

from __future__ import annotations

import os
import re
import socket
import tracemalloc

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _bounded, _sysfs
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

ANY = re.compile(".*")


@pytest.fixture(params=["live", "tree"])
def root(request, tmp_path, monkeypatch):
    """A root whose files are opened as those of the running host, and one that is a tree."""
    if request.param == "live":
        monkeypatch.setattr(Root, "live", True)
    made = Root(plant(tmp_path / "host", {"/sys/number": "1"}))
    monkeypatch.undo()
    return made


def every_reader(root, path):
    """What each reader says of a path."""
    answers = [root.text(path), root.integer(path), root.cpus(path), root.word(path, "x"), root.lines(path, ANY)]
    return [*answers, root.variable(path, "A"), root.required(path, "x")]


def test_a_pipe_is_not_waited_for(root):
    """A FIFO in place of a file is unreadable at once, to every reader, and named."""
    os.mkfifo(root.path + "/sys/pipe")
    assert every_reader(root, "/sys/pipe") == [None] * 7
    assert root.problems == ["/sys/pipe: cannot be read (it is not a regular file)"]
    assert root.names("/sys/pipe") == []


def test_a_socket_is_not_absent(root, monkeypatch):
    """A socket in place of a file is there and cannot be read."""
    monkeypatch.chdir(root.path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert root.text("/socket") is None
    assert root.problems == ["/socket: cannot be read (it is not a regular file)"]


def test_a_device_is_not_read(root):
    """What a link to a device would give is no file; only /dev/null, by which units are masked, is empty."""
    os.symlink("/dev/null", root.path + "/sys/mask")
    os.symlink("/dev/zero", root.path + "/sys/zero")
    assert (root.text("/sys/mask"), root.exists("/sys/mask")) == ("", True)
    assert root.text("/sys/zero") is None
    assert [problem[:10] for problem in root.problems] == ["/sys/zero:"]


@pytest.mark.parametrize(
    "path", ["/sys/long", "/proc/meminfo", "/etc/systemd/system/ollama.service", "/proc/1/environ"]
)
def test_a_file_without_an_end_is_named_and_takes_no_memory(root, path):
    """50 MB of digits are unreadable to every reader, and no more of them comes into memory than a file may have."""
    plant(root.path, {path: ""})
    os.truncate(root.path + path, 50_000_000)
    tracemalloc.start()
    assert every_reader(root, path) == [None] * 7
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert len(root.problems) == 1
    assert re.fullmatch(rf"{path}: cannot be read \(it has more than [0-9]+ bytes\)", root.problems[0])


def test_of_mounts_the_beginning_is_read_and_the_rest_is_named(root):
    """Those of containers come behind the host's own, which are what is asked for."""
    plant(root.path, {"/proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n" + "none /x overlay rw 0 0\n" * 60_000})
    assert (root.text("/proc/mounts") or "").startswith("cgroup2 /sys/fs/cgroup ")
    assert root.problems == [f"/proc/mounts: only its first {1 << 20} bytes were read"]


def test_long_texts_are_kept_once_and_up_to_a_limit(root, monkeypatch):
    """Equal texts of many CPUs take the memory of one; where too many differ, those that are not read are named."""
    monkeypatch.setattr(_sysfs, "_MOST_IN_ALL", 10_000)
    root.forget_long()
    plant(root.path, {f"/sys/same{number}": "1" * 3000 for number in range(10)})
    assert len({id(root.text(f"/sys/same{number}")) for number in range(10)}) == 1
    plant(root.path, {f"/sys/other{number}": f"{number}" * 3000 for number in range(4)})
    assert [root.text(f"/sys/other{number}") is None for number in range(4)] == [False, False, False, True]
    assert all("bytes in all" in problem for problem in root.problems)


def test_a_folder_of_very_many_names_is_named(root, monkeypatch):
    """A list that no sound host has is refused before it fills the memory."""
    monkeypatch.setattr(_bounded, "_MOST_NAMES", 3)
    plant(root.path, {f"/few/{name}": "" for name in "abc"})
    plant(root.path, {f"/many/{name}": "" for name in "abcd"})
    assert (root.names("/few"), root.names("/many")) == (["a", "b", "c"], [])
    assert root.problems == ["/many: cannot be listed (it has more than 3 entries)"]


@pytest.mark.parametrize("path", ["/sys/\0", "/sys/\ud800", "/" + "a/" * 3000, "/" + "a" * 300])
def test_a_path_that_is_none_stops_nothing(root, path):
    """Paths come from files and programs of the host, which may say anything."""
    assert root.text(path) is None
    assert (root.names(path), root.exists(path), root.target(path), root.is_same_file(path, path)) == (
        [],
        False,
        None,
        False,
    )


@pytest.fixture
def tree(tmp_path):
    plant(tmp_path, {"/outside": "secret", "/secrets/a": "secret"})
    return Root(plant(tmp_path / "host", {"/inside": "own", "/folder/file": "own", "/etc/deep/file": "own"}))


@pytest.mark.parametrize("target", ["/inside", "../inside", "../../../../../../inside", "/folder/../inside", "other"])
def test_links_begin_and_end_at_the_root_of_a_tree(tree, target):
    """An absolute link begins at the root and ".." ends at it, whatever number of them, as for the host itself."""
    os.symlink("/inside", tree.path + "/folder/other")
    os.symlink(target, tree.path + "/folder/link")
    assert (tree.text("/folder/link"), tree.exists("/folder/link")) == ("own", True)
    assert tree.is_same_file("/folder/link", "/inside")
    assert tree.target("/folder/link") == target


@pytest.mark.parametrize(
    "target", ["../../outside", "/outside", "/../outside", "{}/outside", "../folder/../../outside"]
)
def test_no_link_of_a_tree_leads_out_of_it(tree, tmp_path, target):
    """A link to a file of the machine that reads is a link to nothing, to every reader, and named."""
    os.symlink(target.format(tmp_path), tree.path + "/folder/link")
    assert every_reader(tree, "/folder/link") == [None] * 7
    assert tree.problems[0] == "/folder/link: cannot be read (it is a link to nothing)"
    assert not tree.exists("/folder/link")


def test_no_folder_of_a_tree_is_one_of_the_machine_that_reads(tree):
    """The same holds for a folder on the way, for a list, and for ".." in a path that a file of the host names."""
    os.symlink("../secrets", tree.path + "/linked")
    os.symlink("/etc/deep", tree.path + "/within")
    assert (tree.text("/linked/a"), tree.names("/linked")) == (None, [])
    words = "(it is a link to nothing)"
    assert tree.problems == [f"/linked/a: cannot be read {words}", f"/linked: cannot be listed {words}"]
    assert (tree.text("/within/file"), tree.names("/within")) == ("own", ["file"])
    assert (tree.text("/../outside"), tree.text("/within/../../../outside"), tree.exists("/..")) == (None, None, True)
    assert tree.text("/within/../../inside") == "own"


def test_links_without_an_end_are_named(tree):
    """Two links that lead to each other stop nothing."""
    os.symlink("b", tree.path + "/a")
    os.symlink("a", tree.path + "/b")
    assert every_reader(tree, "/a") == [None] * 7
    assert tree.problems[0] == "/a: cannot be read (Too many levels of symbolic links)"
    assert tree.names("/a/folder") == []


def test_windows_ends_of_lines_are_ends_of_lines(tree):
    """A tree that was packed elsewhere has the values of its host."""
    plant(tree.path, {"/proc/cpuinfo": b"a: 1\r\nb: 2\r\n"})
    assert tree.text("/proc/cpuinfo") == "a: 1\nb: 2"


def test_an_environment_is_read_where_other_files_of_processes_would_be_too_long(tmp_path):
    """Long command lines and environments are whole; the map of a large process is too."""
    long = b"A=" + b"x" * 200_000 + b"\0B=1\0"
    root = Proc(
        plant(tmp_path, {"/proc/1/environ": long, "/proc/1/cmdline": long, "/proc/1/numa_maps": b"x " * 1_000_000})
    )
    assert (root.variable("/proc/1/environ", "B"), len(root.strings("/proc/1/cmdline") or ())) == ("1", 2)
    assert len(root.text("/proc/1/numa_maps") or "") == 1_999_999
    root.forget("/proc/1")
    assert root.problems == []
