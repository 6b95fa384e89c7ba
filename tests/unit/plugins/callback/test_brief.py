# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback brief: what it prints of results, and what it leaves out; runs are in tests/unit/playbooks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.playbook.task_include import TaskInclude

from ansible_collections.inference.ollama.plugins.callback.brief import CallbackModule

OPTIONS = {
    "check_mode_markers": False,
    "display_failed_stderr": False,
    "display_ok_hosts": True,
    "display_skipped_hosts": True,
    "pretty_results": None,
    "result_format": "yaml",
    "show_custom_stats": False,
    "show_per_host_start": False,
    "show_task_path_on_failure": False,
}
TASKS = "/collections/ansible_collections/inference/ollama/roles/ollama/tasks"
DESIRED = "inference.ollama.desired_state"


class Screen:
    """What is printed, in the place of Ansible's Display."""

    def __init__(self, verbosity=0):
        self.verbosity = verbosity
        self.lines = []

    def display(self, msg, **how):
        if not how.get("log_only"):
            self.lines += msg.split("\n")

    def banner(self, msg, **_how):
        self.lines += ["", msg]

    def _warning(self, warning):
        self.lines.append(f"WARNING {warning}")

    def _error(self, error, **_how):
        self.lines.append(f"ERROR {error}")


@pytest.fixture
def brief():
    """The callback, as without -v."""
    return make()


def make(verbosity=0):
    made = CallbackModule()
    made._display, made._plugin_options = Screen(verbosity), dict(OPTIONS)
    made.v2_playbook_on_play_start(play("Change the hosts"))
    return made


def play(name):
    return SimpleNamespace(get_name=lambda: name, check_mode=False, strategy="linear")


class Include(TaskInclude):
    """A task that includes a file."""

    resolved_action = "ansible.builtin.include_tasks"


def task(action="ansible.builtin.copy", name="Write the files", path="main.yml", **facts):
    known = {"loop": None, "delegate_to": None, "run_once": False, "register": None, "args": {}, "no_log": False}
    known |= {"check_mode": False, "ignore_unreachable": False, **facts}
    made = SimpleNamespace(**known, name=name, action=action, resolved_action=action)
    made._uuid = f"{name} {path}"
    made.get_name, made.get_path = (lambda: f"role : {name}"), (lambda: f"{TASKS}/{path}:3")
    return made


def result(of, host="gpu1", *, unreachable=False, **found):
    return SimpleNamespace(
        host=SimpleNamespace(get_name=lambda: host, name=host),
        task=of,
        task_name=of.name,
        result=found,
        is_unreachable=lambda: unreachable,
    )


def ran(callback, of, how="ok", **found):
    """What a task prints that begins and has one result."""
    before = len(callback._display.lines)
    callback.v2_playbook_on_task_start(of, is_conditional=False)
    given = result(of, **found)
    callback._current_task_result = SimpleNamespace(
        warnings=found.get("warnings"), exception=found.get("exception"), deprecations=None
    )
    getattr(callback, f"v2_runner_on_{how}")(given)
    return callback._display.lines[before:]


def said(callback, *msg, host="gpu1", **facts):
    found = {"msg": list(msg), "changed": False, "_ansible_verbose_always": True}
    return ran(callback, task("ansible.builtin.debug", **facts), host=host, **found)


def test_tasks_that_change_nothing_are_not_shown(brief):
    """Neither those that are as they should be, nor skipped ones, nor included files; what they warn of is."""
    brief.v2_playbook_on_task_start(task(), is_conditional=False)
    assert ran(brief, task(), changed=False) == []
    assert ran(brief, task(), changed=False, warnings=["w"]) == ["WARNING w"]
    assert ran(brief, task(), "skipped", skipped=True) == []
    assert ran(brief, Include(), include="x.yml") == []
    brief.v2_playbook_on_include(SimpleNamespace())
    assert brief._display.lines == ["", "PLAY [Change the hosts]", "WARNING w"]


def test_all_is_shown_with_v():
    """As the default callback does it."""
    verbose = make(1)
    assert ran(verbose, task(), changed=False)[:2] == ["", "TASK [role : Write the files]"]
    assert "skipping: [gpu1] => " in ran(verbose, task(), "skipped", skipped=True)
    assert said(verbose, "gpu1: x")[2].startswith("ok: [gpu1] => ")
    included = SimpleNamespace(_filename="x.yml", _hosts=[SimpleNamespace(name="gpu1")], _vars={}, _task=task())
    verbose.v2_playbook_on_include(included)
    assert verbose._display.lines[-1] == "included: x.yml for gpu1"
    verbose.v2_playbook_on_no_hosts_remaining()
    assert verbose._display.lines[-1] == "NO MORE HOSTS LEFT"
    verbose.v2_playbook_on_play_start(play("Nobody"))
    verbose.v2_playbook_on_no_hosts_matched()
    assert verbose._display.lines[-2:] == ["PLAY [Nobody]", "skipping: no hosts matched"]


def test_a_play_without_hosts_is_shown_where_none_had_some(brief, monkeypatch):
    """The group of the inventory may have another name; a play that has nothing to do says nothing."""
    monkeypatch.setattr("ansible.context.CLIARGS", {"check": False})
    brief.v2_playbook_on_no_hosts_matched()
    other = make()
    other.v2_playbook_on_no_hosts_matched()
    other.v2_playbook_on_stats(stats())
    assert other._display.lines[:4] == ["", "PLAY [Change the hosts]", "skipping: no hosts matched", ""]
    brief.v2_playbook_on_play_start(play("Hosts"))
    ran(brief, task(), changed=False)
    brief.v2_playbook_on_play_start(play("Nobody"))
    brief.v2_playbook_on_no_hosts_matched()
    brief.v2_playbook_on_no_hosts_remaining()
    assert brief._display.lines == ["", "PLAY [Hosts]"]
    brief.v2_playbook_on_play_start(play("Quiet at first"))
    assert ran(brief, task(), changed=False) == []
    assert said(brief, "gpu1: x") == ["", "PLAY [Quiet at first]", "gpu1: x"]
    assert said(brief, "gpu1: y") == ["gpu1: y"]


def test_a_change_is_one_line(brief):
    """With its host and task, and the item where there are some; a handler is a task too."""
    first = ran(brief, task(), changed=True, warnings=["w"])
    assert first == ["", "PLAY [Change the hosts]", "WARNING w", "changed: [gpu1] Write the files"]
    assert ran(brief, task(check_mode=True), changed=True) == ["would change: [gpu1] Write the files"]
    for check, word in ((False, "changed"), (True, "would change")):
        looped = task(loop=["a"], name="Start", check_mode=check)
        brief.v2_playbook_on_handler_task_start(looped)
        assert changed_item(brief, looped) == [f"{word}: [gpu1] Start (a)"]
        assert ran(brief, looped, changed=True, results=[{"item": "a"}], warnings=["w"]) == ["WARNING w"]


def test_a_message_that_counts_as_a_change_shows_what_would_be_done(brief):
    """In one line, of an item too, and no wider than a terminal; with more to show it is shown as ever."""
    ran(brief, task(), changed=False)
    message = {"msg": "a.service would be started", "_ansible_verbose_always": True}
    said = task("ansible.builtin.debug", check_mode=True)
    assert ran(brief, said, changed=True, **message) == ["would change: [gpu1] a.service would be started"]
    looped = task("ansible.builtin.debug", loop=["a"], check_mode=True)
    assert changed_item(brief, looped, **message) == ["would change: [gpu1] a.service would be started"]
    long = ran(brief, task(name="Write the files and remove those that nobody plans any more at all"), changed=True)
    assert [len(line) <= 80 for line in long] == [True, True]
    shown = ran(brief, task("ansible.builtin.command"), changed=True, stdout="x", _ansible_verbose_always=True)
    assert "    stdout: x" in shown


def changed_item(callback, of, **found):
    """What an item of a loop prints that has changed."""
    before = len(callback._display.lines)
    found = {"changed": True, "item": "a", "ansible_loop_var": "item", **found}
    callback._current_task_result = SimpleNamespace(warnings=None, exception=None, deprecations=None)
    callback.v2_runner_item_on_ok(result(of, **found))
    return callback._display.lines[before:]


def test_messages_are_lines_of_text(brief):
    """With the name of the host where they do not name it themselves, and a table apart from what is before it."""
    said(brief, "gpu1: unchanged")
    assert said(brief, "gpu1: unchanged") == ["gpu1: unchanged"]
    assert said(brief, "all is well", "really") == ["[gpu1] all is well", "really"]
    assert said(brief, "now: gpu7", run_once=True) == ["now: gpu7"]
    assert said(brief, "gpu1: Ollama", "", "SETTING") == ["", "gpu1: Ollama", "", "SETTING"]
    item = result(task("ansible.builtin.debug", loop=["a"]), msg="gpu1: a", item="a")
    brief.v2_runner_item_on_ok(item)
    assert brief._display.lines[-1] == "gpu1: a"
    assert said(brief, {"key": 1})[-2:] == ["    -   key: 1", ""]


def test_a_long_table_is_printed_once_for_hosts_that_have_the_same(brief):
    """Hosts of a fleet are alike, and so are their plans."""
    rows = ["", *map(str, range(12))]
    assert len(said(brief, "gpu1: Ollama", *rows)) > 12
    assert said(brief, "gpu2: Ollama", *rows, host="gpu2") == ["gpu2: Ollama; all else as printed for gpu1"]


def test_a_failure_is_its_message(brief):
    """And nothing of where the task stands; of a program that failed all is shown."""
    ran(brief, task(), changed=False)
    refused = task("inference.ollama.file_transaction")
    text = "a\n  -> " + "long " * 30
    lines = ran(brief, refused, "failed", msg=text, changed=False, exception="frames")
    assert lines[1:4] == ["TASK [role : Write the files]", "fatal: [gpu1]: FAILED! => ", "    a"]
    assert all(line.startswith("      ") and len(line) <= 80 for line in lines[4:])
    program = task("ansible.builtin.command")
    lines = ran(brief, program, "failed", msg="non-zero return code", rc=1, stderr="why", exception="frames")
    assert "ERROR frames" in lines
    assert "    stderr: why" in lines
    gone = ran(brief, task(), "unreachable", unreachable=True, msg="Task failed: no route to host", exception="frames")
    assert gone[-2:] == ["fatal: [gpu1]: UNREACHABLE! => ", "    Task failed: no route to host"]


def stats(**hosts):
    """What Ansible has counted: of each host whether it failed."""
    counted = {"ok": 1, "changed": 0, "failures": 0, "skipped": 0, "rescued": 0, "ignored": 0, "unreachable": 0}
    summarize = {name: {**counted, "failures": int(failed)} for name, failed in hosts.items()}
    return SimpleNamespace(processed=summarize, summarize=lambda host: summarize[host], custom={})


def ended(callback, **hosts):
    before = len(callback._display.lines)
    callback.v2_playbook_on_stats(stats(**hosts))
    lines = callback._display.lines[before:]
    return [line for line in lines[lines.index("PLAY RECAP") + 1 + len(hosts) :] if line]


def read(callback, host="gpu1", how="ok", **found):
    return ran(callback, task(DESIRED, "Read the host", register="__ollama"), how, host=host, **found)


def test_the_last_lines_say_how_the_run_leaves_the_hosts(brief, monkeypatch):
    """What is changed, proven, failed and why; what the role says of it itself is not printed twice."""
    monkeypatch.setattr("ansible.context.CLIARGS", {"check": False})
    read(brief, pending=True)
    read(brief, "gpu2", pending=False)
    said(brief, "gpu1: 1 file to change", path="summarize.yml")
    written = task("inference.ollama.file_transaction", register="__ollama_written")
    ran(brief, written, changed=True)
    change = {"outcome": "changed", "files": ["/x"], "reason": None}
    facts = {"ollama_changes": change, "ollama_verification": {"counts": {}}}
    ran(brief, task("ansible.builtin.set_fact"), ansible_facts=facts)
    assert said(brief, "2 hosts: so and so", path="outcomes.yml") == []
    ran(brief, task("ansible.builtin.fail", "Bring models"), "failed", host="gpu2", msg="Task failed: no room")
    assert ended(brief, gpu1=False, gpu2=True) == [
        "2 hosts: 1 changed and verified, 1 failed",
        "changed and verified: gpu1",
        "needed no change, and failed a check: gpu2",
        "    gpu2: Bring models: no room",
    ]


def test_a_change_that_was_taken_back_names_what_was_not_as_planned(brief, monkeypatch):
    """The last lines are what somebody reads first, and the table is far above them in a run of many hosts."""
    monkeypatch.setattr("ansible.context.CLIARGS", {"check": False})
    read(brief, pending=True)
    said(brief, "gpu1: x", path="summarize.yml")
    checks = [{"setting": "LimitNOFILE", "seen": "soft 20000"}]
    change = {"outcome": "restored", "files": ["/x"], "reason": "not as planned", "checks": checks}
    ran(brief, task("ansible.builtin.set_fact"), ansible_facts={"ollama_changes": change})
    ran(brief, task("ansible.builtin.fail"), "failed", msg="a sentence with what each check saw")
    assert ended(brief, gpu1=True) == [
        "taken back to what was there before: gpu1",
        "    gpu1: not as planned: LimitNOFILE",
    ]


def test_a_host_alone_that_is_well_needs_no_last_lines(brief, monkeypatch):
    """Its own line has everything."""
    monkeypatch.setattr("ansible.context.CLIARGS", {"check": False})
    read(brief, pending=False)
    said(brief, "gpu1: unchanged", path="summarize.yml")
    assert ended(brief, gpu1=False) == []


def test_a_host_that_is_refused_ends_the_run(brief, monkeypatch):
    """Before any summary; a read for another purpose, or a search, is no run that leaves hosts."""
    monkeypatch.setattr("ansible.context.CLIARGS", {"check": False})
    read(brief, "gpu2", pending=True)
    read(brief, "gpu1", "failed", msg="a: 0 is wrong", refusals=["a: 0 is wrong"])
    assert ended(brief, gpu1=True, gpu2=False) == [
        "2 hosts: 1 refused, 1 untouched",
        "refused, and not changed: gpu1",
        "    gpu1: a: 0 is wrong",
        "never reached, and not changed: gpu2",
    ]
    ran(brief, task("ansible.builtin.set_fact"), ansible_facts={"__ollama_tune": {}})
    assert ended(brief, gpu1=True, gpu2=False) == []
    other = make()
    ran(other, task(DESIRED, register="__ollama", args={"preflight": False}), "failed", msg="x")
    assert ended(other, gpu1=True) == []
