# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make site HOST=me` and its like change this machine after a preview and a person's word, and never without."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._refusals import not_installed

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = f"""#!{sys.executable}
import json, os, sys
with open("calls", "a", encoding="utf-8") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
print(os.environ.get("SAID", ""))
print("localhost : ok=4 changed=" + os.environ.get("CHANGED", "2") + "    unreachable=0 failed=0")
sys.exit(int(os.environ.get("STATUS", "0")))
"""
NOTHING = "#!/bin/sh\nexit 0\n"
# Who asks, and whether sudo lets them in without a password.
ROOT_USER = {"id": "#!/bin/sh\necho 0\n", "sudo": "#!/bin/sh\nexit 1\n"}
FREE_USER = {"id": "#!/bin/sh\necho 1000\n", "sudo": NOTHING}
USER = {"id": "#!/bin/sh\necho 1000\n", "sudo": "#!/bin/sh\nexit 1\n"}
KEPT = {**USER, "sudo": '#!/bin/sh\ncase " $* " in *" -k "*) exit 1 ;; esac\n'}
BEFORE = ["-i", "playbooks/inventory/localhost.yml"]
PREVIEW = ["--check", "--diff"]
pytestmark = pytest.mark.skipif(not shutil.which("make") or not shutil.which("bash"), reason="make or bash is missing")


class Checkout:
    """A folder with the Makefile and its script, where Ansible and sudo only write down how they were called."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("Makefile", "tests/tools/this_host.sh"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        self._program("tests/tools/setup.sh", "#!/bin/sh\necho the tools are installed\n")
        self._program(".venv/bin/ansible-playbook", PROGRAM)

    def _program(self, name, text):
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")
        (self.folder / name).chmod(0o755)

    def make(self, *words, user=ROOT_USER, answer=None, **environment):
        """Exit status, output and calls of Ansible; with an answer there is a terminal, on which it is typed."""
        for name, text in user.items():
            self._program(f"bin/{name}", text)
        (self.folder / "calls").write_text("", encoding="utf-8")
        ours, theirs = pty.openpty()
        if answer is not None:
            os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            ["make", *words],
            cwd=self.folder,
            env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": str(self.folder), **environment},
            stdin=subprocess.DEVNULL if answer is None else theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        os.close(ours)
        os.close(theirs)
        calls = (self.folder / "calls").read_text(encoding="utf-8").splitlines()
        return done.returncode, done.stdout, [json.loads(call) for call in calls]

    def call(self, playbook, *more):
        """How Ansible is called for a playbook on this machine."""
        folder = f"ollama_plan_folder={self.folder}/build/plans"
        return [*BEFORE, f"playbooks/{playbook}.yml", "-e", folder, *more]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.mark.parametrize(("target", "playbook"), [("site", "site"), ("undo", "rollback"), ("remove", "remove")])
def test_a_preview_comes_first_and_the_change_once_it_is_confirmed(checkout, target, playbook):
    """YES=1 confirms: the same arguments, first with --check --diff, then without; nothing is staged."""
    status, output, calls = checkout.make(target, "HOST=me", "YES=1", "ARGS=-e ollama_keep_alive=1h")
    assert status == 0, output
    variables = ["-e", "ollama_keep_alive=1h"]
    assert calls == [checkout.call(playbook, *PREVIEW, *variables), checkout.call(playbook, *variables)]


@pytest.mark.parametrize(("answer", "runs"), [("y", 2), ("yes", 2), ("n", 1), ("", 1), ("sure", 1)])
def test_a_person_is_asked_on_a_terminal(checkout, answer, runs):
    """Only a plain yes changes the machine; with any other answer the run ends well and says that nothing changed."""
    status, output, calls = checkout.make("site", "HOST=me", answer=answer)
    assert (status, len(calls)) == (0, runs), output
    assert ("Nothing was changed" in output) == (runs == 1)


def test_without_a_terminal_and_a_word_nothing_changes(checkout):
    """A job of a timer or of a pipeline sees the preview and fails, with the argument that confirms."""
    status, output, calls = checkout.make("site", "HOST=me")
    assert (status, calls) == (2, [checkout.call("site", *PREVIEW)])
    assert "add YES=1" in output


def test_another_word_is_refused(checkout):
    """YES=no is no confirmation, and neither is a typing error; nothing runs."""
    status, output, calls = checkout.make("site", "HOST=me", "YES=no")
    assert (status, calls) == (2, [])
    assert "YES=no is not allowed" in output


def test_a_preview_that_is_refused_ends_the_run(checkout):
    """What the real run would refuse is refused before the question."""
    status, output, calls = checkout.make("site", "HOST=me", "YES=1", STATUS="2")
    assert (status, len(calls)) == (2, 1), output


@pytest.mark.parametrize(
    ("target", "said"),
    [("site", "Nothing to change: "), ("undo", "Nothing to take back: "), ("remove", "Nothing to remove: ")],
)
@pytest.mark.parametrize("changed", ["0", "2"])
def test_where_there_is_nothing_to_do_nobody_is_asked(checkout, target, said, changed):
    """Where the preview changes nothing it says so in the words of its command, and nothing runs a second time."""
    status, output, calls = checkout.make(target, "HOST=me", "YES=1", CHANGED=changed)
    assert (status, len(calls)) == (0, 1 if changed == "0" else 2)
    assert (said in output) == (changed == "0")
    assert ("as planned" in output) == (target == "site" and changed == "0")


@pytest.mark.parametrize("changed", ["0", "2"])
def test_the_proof_is_asked_for_with_the_arguments_of_the_change(checkout, changed):
    """Other variables are another plan, which would fail; they are not repeated, since they may hold a secret."""
    _status, output, _calls = checkout.make("site", "HOST=me", "YES=1", "ARGS=-e ollama_keep_alive=1h", CHANGED=changed)
    assert "make verify HOST=me, with the same ARGS" in output
    assert "ollama_keep_alive" not in output
    _status, output, _calls = checkout.make("site", "HOST=me", "YES=1", CHANGED=changed)
    assert "make verify HOST=me" in output
    assert "ARGS" not in output


def test_a_machine_without_ollama_is_not_asked_about(checkout):
    """The preview reports it, folded and in colours, and the run ends with the argument that installs one."""
    said = not_installed("localhost", {"other_managers": [], "listeners": []})
    folded = "\n".join(f"\x1b[0;32m    - '    {line}'\x1b[0m" for line in textwrap.wrap(said, 40))
    status, output, calls = checkout.make("site", "HOST=me", answer="y", SAID=folded)
    assert (status, len(calls)) == (2, 1), output
    assert 'add ARGS="-e ollama_install=true"' in output


def test_a_preview_alone_is_asked_for_by_check(checkout):
    """ARGS=--check shows what would change, asks nothing and needs no terminal."""
    status, output, calls = checkout.make("site", "HOST=me", "ARGS=--check")
    assert (status, len(calls)) == (0, 1), output


def test_the_readme_shows_what_is_printed(checkout):
    """The lines of the second minute are those of the script."""
    _status, output, _calls = checkout.make("site", "HOST=me", answer="y")
    shown = re.findall(r"^== .+$", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(shown) == 6
    # What is typed is echoed by a terminal, and this one's output is a pipe.
    assert [line for line in shown if line.removesuffix(" y") not in output] == []


def test_the_end_of_a_run_says_how_it_is_proven_and_undone(checkout):
    """The next commands stand below what was changed."""
    _status, output, _calls = checkout.make("site", "HOST=me", "YES=1")
    for command in ("make verify HOST=me", "make undo HOST=me", "make remove HOST=me"):
        assert command in output


def test_the_proof_changes_nothing_and_asks_nothing(checkout):
    """`make verify HOST=me` runs the playbook once, as it is."""
    status, output, calls = checkout.make("verify", "HOST=me")
    assert (status, calls) == (0, [checkout.call("verify")]), output
    assert output.count("the tools are installed") == 1


@pytest.mark.parametrize(
    ("user", "arguments", "asked"),
    [
        (ROOT_USER, "", []),
        (FREE_USER, "", []),
        (USER, "", ["-K"]),
        (KEPT, "", ["-K"]),
        (USER, "--become-method su --ask-become-pass", []),
        (USER, "--become-password-file /run/secret", []),
    ],
)
def test_sudo_is_asked_for_its_password_where_it_wants_one(checkout, user, arguments, asked):
    """Both runs get -K, unless root runs them, sudo wants no password, or the arguments name a way."""
    status, output, calls = checkout.make("site", "HOST=me", f"ARGS={arguments}", user=user, answer="y")
    assert status == 0, output
    more = arguments.split()
    assert calls == [checkout.call("site", *asked, *PREVIEW, *more), checkout.call("site", *asked, *more)]


def test_a_password_that_nobody_can_type_is_refused(checkout):
    """Without a terminal sudo's password has to come from a file, even where YES=1 confirms."""
    status, output, calls = checkout.make("site", "HOST=me", "YES=1", user=USER)
    assert (status, calls) == (2, [])
    assert "--become-password-file FILE" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("site", "HOST=node-17"), "HOST=me, which is this machine, and got HOST=node-17"),
        (("undo",), "make undo wants HOST=me"),
        (("undo",), "inference.ollama.rollback -i hosts.yml"),
        (("site", "HOST=me", "INVENTORY=hosts.yml"), "name one of the two"),
    ],
)
def test_no_other_host_is_meant_by_it(checkout, words, said):
    """What is no name for this machine is refused with the command for other hosts, before anything runs."""
    status, output, calls = checkout.make(*words)
    assert (status, calls) == (2, [])
    assert said in output
    assert "the tools are installed" not in output


def test_the_name_that_a_shell_exports_is_no_request(checkout):
    """Where a shell exports HOST, plain `make site` still renders below build/ alone."""
    status, output, calls = checkout.make("site", HOST="me")
    assert status == 0, output
    assert f"ollama_staging_root={checkout.folder}/build/staging" in calls[0]
