# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed or fails at any system call leaves the release in use as it was, and the next run finishes."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.modules import release
from ansible_collections.inference.ollama.tests.unit.support import archives
from ansible_collections.inference.ollama.tests.unit.support.archives import LAYOUT, ROCM, entry, second_name, sha256
from ansible_collections.inference.ollama.tests.unit.support.faulty import KILL, Faults, Killed

NAMES = ("base.tgz", "more.tgz")
MORE = (*ROCM, second_name("lib/ollama/rocm/again.so", "lib/ollama/rocm/libggml-hip.so"))
FAULTS = [(KILL, False), ("ENOSPC", False), ("EIO", False), ("EIO", True)]


class Host:
    """A host with the release 0.1.0 in use, and the archives of another one."""

    def __init__(self, folder):
        self.folder, self.archives = f"{folder}/o", f"{folder}/archives"
        os.mkdir(self.archives)
        self.asked = []
        for name, entries in zip(NAMES, (LAYOUT, MORE)):
            data = archives.release(name, entries)
            with open(f"{self.archives}/{name}", "wb") as file:
                file.write(data)
            self.asked.append({"name": name, "path": f"{self.archives}/{name}", "sha256": sha256(data), "url": None})
        old = archives.release("base.tgz", (entry("bin/ollama", data=b"old"), entry("lib/ollama/x.so", data=b"old")))
        with open(f"{self.archives}/old", "wb") as file:
            file.write(old)
        self.old = [{"name": "base.tgz", "path": f"{self.archives}/old", "sha256": sha256(old), "url": None}]

    def begin(self, version):
        """A host whose release in use is this one."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.call(version=version, archives=self.old)
        os.symlink(f"releases/{version}", f"{self.folder}/current")

    def call(self, **options):
        params = {name: option.get("default") for name, option in release.argument_spec().items()}
        return release.run({**params, "folder": self.folder, "archives": self.asked, **options})

    def programs(self):
        """What is there of the release in use."""
        found = []
        for path in ("bin/ollama", "lib/ollama/x.so", "lib/ollama/rocm/base.so"):
            with contextlib.suppress(FileNotFoundError), open(f"{self.folder}/current/{path}", "rb") as file:
                found.append(file.read())
        return found


@pytest.fixture(autouse=True)
def _no_waiting_for_disks(monkeypatch):
    """That what is written reaches a disk is no matter here; the calls are counted and fail all the same."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    return Host(tmp_path_factory.mktemp("kills"))


def cases(host, version, options, faults=None):
    """Each fault at each call, on a host that the run has left like that."""
    for fault, on in faults or FAULTS:
        number = 1
        while True:
            host.begin(version)
            struck = Faults(fault, number, on=on)
            with contextlib.suppress(OllamaError, Killed), struck.acting():
                host.call(**options)
            yield f"{fault} at {number}"
            if struck.calls < number:
                break
            number += 1


def test_a_new_release_leaves_the_one_in_use(host):
    """It is untouched at every point; the new one is there as a whole or not at all; the next run brings it."""
    seen = 0
    for case in cases(host, "0.1.0", {"version": "0.2.0"}):
        assert host.programs() == [b"old", b"old"], case
        path = f"{host.folder}/releases/0.2.0"
        assert not os.path.lexists(path) or len(os.listdir(f"{path}/lib/ollama")) == 4, case
        host.call(version="0.2.0")
        assert sorted(os.listdir(f"{host.folder}/releases")) == ["0.1.0", "0.2.0"], case
        assert host.call(version="0.2.0")["changed"] is False, case
        seen += 1
    assert seen > 100


def test_other_parts_of_the_release_in_use_come_at_once(host):
    """At every point it is the one before or the one after, as a whole."""
    for case in cases(host, "0.1.0", {"version": "0.1.0"}, FAULTS[:2]):
        programs = host.programs()
        assert programs in ([b"old", b"old"], [archives.PROGRAM, archives.LIBRARY]), case
        host.call(version="0.1.0")
        assert host.programs() == [archives.PROGRAM, archives.LIBRARY], case
        assert os.listdir(f"{host.folder}/releases") == ["0.1.0"], case


def test_what_is_removed_is_there_as_a_whole_or_not_at_all(host):
    """The next run removes the rest."""

    def begin(version):
        Host.begin(host, version)
        host.call(version="0.2.0")

    prune = {"state": "pruned"}
    host.begin = begin
    try:
        for case in cases(host, "0.1.0", prune):
            assert host.programs() == [b"old", b"old"], case
            path = f"{host.folder}/releases/0.2.0"
            assert not os.path.lexists(path) or len(os.listdir(f"{path}/lib/ollama")) == 4, case
            host.call(**prune)
            assert os.listdir(f"{host.folder}/releases") == ["0.1.0"], case
    finally:
        del host.begin
