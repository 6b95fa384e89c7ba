# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root runs no program that somebody else may change."""

from __future__ import annotations

import os
import struct

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _trust
from ansible_collections.inference.ollama.plugins.module_utils._process import find, runner
from ansible_collections.inference.ollama.plugins.module_utils._trust import account, weakness

NOBODY, DAEMON = 65534, 1
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def program(tmp_path):
    """A program two folders below one that all users may enter."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "opt/bin"
    folder.mkdir(parents=True)
    path = folder / "tool"
    path.write_text("#!/bin/sh\necho $(id -u) $(id -g) $(id -G) $HOME $(env | grep -c SECRET) $(pwd)\n")
    path.chmod(0o755)
    for place in (each for each in tmp_path.parents if each.name.startswith(("pytest-", "popen-"))):
        place.chmod(0o755)
    return path


def changed(path, how):
    """Let others than root change a path, in each of the ways that there are."""
    if how == "owner":
        os.chown(path, NOBODY, 0)
    elif how == "group":
        os.chown(path, 0, DAEMON)
        path.chmod(0o775)
    elif how == "others":
        path.chmod(0o757)
    elif how == "list":
        path.chmod(0o775)
        entries = [
            (0x01, 7, 0xFFFFFFFF),
            (0x02, 7, NOBODY),
            (0x04, 5, 0xFFFFFFFF),
            (0x10, 7, 0xFFFFFFFF),
            (0x20, 5, 0xFFFFFFFF),
        ]
        data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
        try:
            os.setxattr(path, "system.posix_acl_access", data)
        except OSError:
            pytest.skip("this file system has no access control lists")


@pytest.mark.parametrize("how", ["owner", "group", "others", "list"])
@pytest.mark.parametrize("part", ["file", "folder", "folder above"])
def test_who_may_change_a_program_is_named(program, part, how):
    """The file, or any folder above it, by owner, by group, by everybody and by an access control list."""
    place = {"file": program, "folder": program.parent, "folder above": program.parent.parent}[part]
    assert weakness(str(program)) is None
    changed(place, how)
    assert weakness(str(program)).startswith(f"{place} (owner ")


@pytest.mark.parametrize("absolute", [True, False])
def test_links_are_followed(program, absolute):
    """A link in a safe folder leads to a program that is not, over as many links as there are."""
    safe = program.parents[1] / "safe"
    safe.mkdir()
    link, second = safe / "tool", safe / "second"
    second.symlink_to(program if absolute else "../bin/tool")
    link.symlink_to("second")
    assert weakness(str(link)) is None
    os.chown(program.parent, NOBODY, NOBODY)
    assert weakness(str(link)).startswith(f"{program.parent} (owner nobody, group ")


def test_a_link_of_another_account_in_a_shared_folder_is_not_followed(program):
    """In a folder such as /tmp its owner can replace it."""
    shared = program.parents[1] / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    link = shared / "tool"
    link.symlink_to(program)
    assert weakness(str(link)) is None
    os.lchown(link, NOBODY, NOBODY)
    assert weakness(str(link)).startswith(f"{link} (owner nobody")


def test_a_loop_of_links_ends(program):
    """Links that lead to each other are no program."""
    (program.parent / "a").symlink_to("b")
    (program.parent / "b").symlink_to("a")
    assert weakness(str(program.parent / "a")) is not None


def test_a_group_without_members_can_write_nothing(program, monkeypatch):
    """On Debian /usr/local belongs to a group that nobody is in."""
    os.chown(program.parent, 0, DAEMON)
    program.parent.chmod(0o2775)
    monkeypatch.setattr(_trust, "_has_members", lambda gid: gid != DAEMON)
    assert weakness(str(program)) is None


def test_root_does_not_run_what_others_may_change(program):
    """The problem says what was found, of whom, and what is right; the program does not run."""
    os.chown(program.parent, NOBODY, NOBODY)
    program.write_text(f"#!/bin/sh\ntouch {program.parent}/ran\n")
    for user in (None, "root", "0", "no-such-account"):
        said = runner(10)([str(program), "--version"], user)
        assert said.out is None
        assert f"{program} --version was not run, since {program.parent} (owner nobody, group " in said.problem
        assert said.problem.endswith(
            "right is root as the owner of the program and of every folder above it, and mode 0755"
        )
    assert not (program.parent / "ran").exists()


@pytest.mark.parametrize("user", ["nobody", str(NOBODY)])
def test_a_program_of_a_service_runs_as_its_account(program, monkeypatch, user):
    """With its groups alone, no home, nothing of root's environment, and in the root folder, whoever owns it."""
    monkeypatch.setenv("MY_SECRET", "x")
    for owner in (0, NOBODY):
        os.chown(program.parent, owner, owner)
        said = runner(10)([str(program)], user)
        assert said == (f"{NOBODY} {NOBODY} {NOBODY} /nonexistent 0 /\n", None)


def test_a_program_of_another_account_writes_no_file(program, tmp_path):
    """It has a limit for files, for their number and for its time."""
    tmp_path.chmod(0o777)
    program.write_text(f"#!/bin/sh\necho x > {tmp_path}/file\necho done\n")
    runner(10)([str(program)], "nobody")
    assert not (tmp_path / "file").exists() or (tmp_path / "file").stat().st_size == 0


def test_of_several_programs_of_a_name_root_takes_one_that_nobody_else_may_change(program, monkeypatch):
    """A folder of a service on root's PATH gives root no program, unless there is no other, which is refused then."""
    safe = program.parents[1] / "safe"
    safe.mkdir()
    os.chown(program.parent, NOBODY, NOBODY)
    monkeypatch.setenv("PATH", f"{program.parent}:{safe}:{os.environ['PATH']}")
    assert find("tool") == str(program)
    assert "was not run" in runner(1)(["tool"]).problem
    (safe / "tool").write_text("#!/bin/sh\necho safe\n")
    (safe / "tool").chmod(0o755)
    assert runner(10)(["tool"]).out == "safe\n"


def test_root_is_nobodys_account():
    """A service that runs as root has no lesser account to ask its program as."""
    assert account("root") is None
    assert account("nobody").uid == NOBODY
    assert account("no-such-account") is account("") is account(None) is account("9" * 30) is None


def test_parts_that_mean_nothing_are_passed_over(program):
    """Dots and doubled slashes change no verdict."""
    assert weakness(f"{program.parent}/..//./bin/tool") == weakness(str(program))


def test_owners_without_names_are_numbers():
    """As in a container without entries for them."""
    status = os.stat_result((0o100644, 1, 1, 1, 54321, 54322, 0, 0, 0, 0))
    assert _trust._described("/x", status) == "/x (owner 54321, group 54322, mode 0644)"
    assert _trust._has_members(54322) is False
    assert _trust._has_members(0) is False


def test_a_program_that_is_not_there_cannot_be_judged(program):
    """The reason is the system's."""
    path = program.parent / "none"
    assert weakness(str(path)) == f"{path} cannot be judged (No such file or directory)"
