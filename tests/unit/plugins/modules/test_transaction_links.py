# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links in a transaction: switching releases, and a program of somebody else in the place of the link."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import Places
from ansible_collections.inference.ollama.plugins.module_utils._snapshots import entry, lock
from ansible_collections.inference.ollama.plugins.modules import file_transaction
from ansible_collections.inference.ollama.tests.unit.plugins.modules.test_transaction_model import (
    FIRST,
    World,
    cases,
    sites,
)
from ansible_collections.inference.ollama.tests.unit.support.faulty import KILL
from ansible_collections.inference.ollama.tests.unit.support.transactions import LARGE, PROGRAM, Installed

FAULTS = [(KILL, False, False, 1), ("ENOSPC", True, False, 4), ("EIO", False, False, 5)]


@pytest.fixture(name="host")
def _host(tmp_path):
    with patch.object(entry, "LARGEST", LARGE):
        yield Installed(tmp_path / "host")


def program(host):
    """What is at the path of the program: where a link leads, or the file itself."""
    if os.path.islink(host.program):
        return os.readlink(host.program)
    with open(host.program, "rb") as file:
        return file.read()


def kept(host):
    """The program that was found, if it is kept."""
    path = f"{host.program}.found"
    if not os.path.lexists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


class Kept(World):
    """A world in which the program is never lost."""

    def check(self, files, said):
        super().check(files, said)
        assert any(each[0] == "file" and each[1] == PROGRAM for _path, each in files), said


def test_any_switch_that_is_cut_off_and_the_run_after_it(tmp_path):
    """The host ends with the old release or the new one, the one before is reachable, and the program never lost."""
    count = 0
    with patch.object(lock, "_now", lambda: 1000.0), patch.object(entry, "LARGEST", LARGE):
        world = Kept(Installed(tmp_path / "host"))
        start = world.read()
        site = sites(world, start)
        for said, files, models in cases(world, start, site, FAULTS):
            for number, run in ((4, "site"), (0, "rollback"), (0, "undo")):
                after, well = world.good(files, run, number)
                assert well or (run == "rollback" and not all(model.kept for model in models)), f"{said}, {run}"
                world.finish(after, {model.good(run, site.get(number)) for model in models}, f"{said}, then {run}")
                count += 1
    assert count > 200


def test_a_program_is_kept_as_it_is_and_comes_back(host):
    """Its file has another name beside the link, and its own again after going back."""
    before, number = host.read(), os.stat(host.program).st_ino
    host.site(1, **FIRST)
    assert (program(host), kept(host)) == (f"{host.current}/bin/ollama", PROGRAM)
    assert os.readlink(host.current) == "releases/1"
    assert os.stat(f"{host.program}.found").st_ino == number
    host.rollback(**FIRST)
    assert host.managed() == {path: each for path, each in before.items() if each[0] != "folder"}
    assert os.stat(host.program).st_ino == number


def test_a_program_that_nobody_keeps_is_not_replaced(host):
    """Without a name under which it stays, nothing is changed, and the message says what to do."""
    before = host.managed()
    with pytest.raises(
        OllamaError, match="is a program that is kept nowhere else; move it away\\); nothing was changed"
    ):
        host.write(1, kept={}, **FIRST)
    assert host.managed() == before


def test_a_kept_program_that_somebody_removed(host):
    """Going back says what is missing, and leaves the release that runs."""
    host.site(1, **FIRST)
    os.unlink(f"{host.program}.found")
    before = host.managed()
    with pytest.raises(OllamaError, match=r"was kept as .*ollama\.found, and is there no more"):
        host.rollback(**FIRST)
    assert host.managed() == before


def test_another_program_under_the_name_of_the_kept_one(host):
    """It is named, and none of the two changes."""
    host.put(f"{host.program}.found", PROGRAM + b"x", 0o755)
    before = host.managed()
    with pytest.raises(OllamaError, match="would stay under this name, and there is another file"):
        host.write(1, **FIRST)
    assert host.managed() == before


def test_a_dry_run_shows_links(host):
    """Where each leads and what is there now, without a change."""
    before = host.read()
    shown = host.call(file_transaction, check=True, **host.wanted(1))
    rows = {row["after_header"]: (row["before"], row["after"]) for row in shown["diff"]}
    assert rows[host.current] == ("", "-> releases/1\n")
    assert rows[host.program] == (f"a program of {len(PROGRAM)} bytes\n", f"-> {host.current}/bin/ollama\n")
    assert {row["path"]: row["change"] for row in shown["changes"]}[f"{host.program}.found"] == "created"
    assert host.read() == before


def test_where_links_lead_is_listed(host):
    """A release that a kept state needs can be kept too."""
    for number in (1, 2, 3):
        host.site(number, **FIRST)
    assert {"releases/1", "releases/2"} <= set(host.listed()["targets"])


@pytest.mark.parametrize("target", ["", None, 7, "a\0b"])
def test_a_target_that_no_link_can_have(host, target):
    """It is refused by name."""
    with pytest.raises(OllamaError, match="the target of a link is a path"):
        host.write(1, links={host.current: target}, **FIRST)


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("/usr/local/bin/ollama", True),
        ("/usr/local/bin/ollama.found", True),
        ("/opt/llm/current", True),
        ("/opt/ollama/current", False),
        ("/opt/llm/releases/1/bin/ollama", False),
        ("/opt/llm/current/x", False),
        ("/usr/bin/ollama", False),
        ("/opt/llm/x/../current", False),
    ],
)
def test_places(path, may):
    """Of an installation two links are written, and the program that was found; nothing of a release."""
    assert Places("/etc/systemd/system", (), "/opt/llm/").has(path) is may
