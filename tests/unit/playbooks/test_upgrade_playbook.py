# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook upgrade: what it refuses, and how the role asks a server before and after a change."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
import yaml

from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play
from ansible_collections.inference.ollama.tests.unit.support.web import respond, serving

pytestmark = installed
TASKS = ROOT / "roles/ollama/tasks"
PROMPTS = ["How long?", "Name three."]
# What change.yml and verify_change.yml do around the questions.
MAIN = """
- ansible.builtin.set_fact:
    __ollama: {units: [{unit: ollama.service, url: "{{ url }}"}]}
    __ollama_answers_rounds: []
- block:
    - ansible.builtin.include_tasks: {file: answers_before.yml, apply: {tags: [always]}}
    - ansible.builtin.uri: {url: "{{ url }}/upgrade", method: POST, body: {}, body_format: json}
      when: not ansible_check_mode
    - ansible.builtin.include_tasks: {file: answers_after.yml, apply: {tags: [always]}}
      when: not ansible_check_mode
    - ansible.builtin.debug:
        msg: "{{ inventory_hostname }} is kept, {{ (__ollama_answers | default({}, true)).text | default() }}"
  rescue:
    - ansible.builtin.fail: {msg: "{{ inventory_hostname }} is back, {{ ansible_failed_result.msg }}"}
"""


class Server:
    """A server that says ``before`` until it is upgraded, and ``after`` from then on, to each prompt in turn."""

    def __init__(self, before, after, loads=200):
        self.said, self.after, self.loads, self.release = list(before), list(after), loads, "0.32.15"
        self.asked = []

    def __call__(self, handler, posted):
        if posted is None:
            models = [{"name": "m:latest", "digest": "a" * 64}]
            answers = {"/api/version": {"version": self.release}, "/api/ps": {"models": []}}
            respond(handler, 200, answers.get(handler.path, {"models": models}))
        elif handler.path == "/upgrade":
            self.said, self.release = self.after, "0.33.0"
            respond(handler, 200, {})
        elif posted.get("prompt") in PROMPTS:
            self.asked.append(posted["prompt"])
            respond(handler, 200, {"response": self.said.pop(0)})
        else:
            respond(handler, self.loads, {"done": True} if self.loads == 200 else {"error": "no memory"})


def run(folder, servers, *options, required=()):
    """The status and the output, in one line, of hosts that are asked before and after their change, at once."""
    tasks = folder / "roles/asked/tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(MAIN, encoding="utf-8")
    for name in ("answers_before.yml", "answers_round.yml", "answers_after.yml"):
        (tasks / name).symlink_to(TASKS / name)
    playbook = [{"hosts": "all", "gather_facts": False, "roles": ["asked"]}]
    (folder / "play.yml").write_text(yaml.safe_dump(playbook), encoding="utf-8")
    lines = []
    with contextlib.ExitStack() as stack:
        for host, server in servers.items():
            passes = ["same", "unstable"] if host in required else ["same", "unstable", "different", "not_compared"]
            asked = json.dumps({"model": "m", "prompts": PROMPTS, "passes": passes})
            lines.append(f"{host} {LOCAL} url={stack.enter_context(serving(server))} __ollama_upgrade='{asked}'")
        variables = {"ollama_verify_timeout": 20, "ollama_upgrade_folder": "answers", "__ollama_pwd": str(folder)}
        values = json.dumps(variables)
        status, output = play(folder, "\n".join(lines), [], "play.yml", "-e", values, *options)
    return status, " ".join(output.split())


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Servers that answer in all ways, the output, and the folder of the answers."""
    same = ["two", "three"]
    servers = {
        "same": Server(same * 2, same),
        "differs": Server(same * 2, ["two", "four"]),
        "required": Server(same * 2, ["two", "four"]),
        "unstable": Server(["a", "b", "c", "d"], ["e", "f"]),
        "unloaded": Server([], [], loads=500),
    }
    folder = tmp_path_factory.mktemp("asked")
    _status, output = run(folder, servers, required=("required", "unstable"))
    return servers, output, folder / "answers"


def failed(output):
    """The hosts that the recap counts a failure for."""
    return set(re.findall(r"(\w+) : (?:\w+=\d+ )+?failed=1", output))


def test_a_server_that_answers_as_before_is_kept(asked):
    """It is asked twice before and once after, one prompt after the other, and the answers are kept."""
    servers, output, folder = asked
    assert "same is kept, 2 of 2 as before" in output
    assert servers["same"].asked == PROMPTS * 3
    kept = json.loads((folder / "same.answers.json").read_text(encoding="utf-8"))
    assert [each["answers"]["release"] for each in kept["rounds"]] == ["0.32.15", "0.32.15", "0.33.0"]
    assert kept["verdict"]["verdict"] == "same"


def test_another_answer_is_shown(asked):
    """It is no failure by itself; where it is required to be the same the change is taken back."""
    _servers, output, _folder = asked
    assert "differs is kept, 1 of 2 as before" in output
    assert "required is back, m answers" in output
    assert output.count("differs at character 1: Name three.") == 2
    assert failed(output) == {"required"}


def test_answers_that_were_never_stable_are_no_reason(asked):
    """Not even where they are required to be the same."""
    _servers, output, _folder = asked
    assert "unstable is kept, 0 of 2 as before, 2 not stable before either" in output


def test_a_model_that_does_not_load_is_no_answer(asked):
    """The run goes on, and says that nothing was compared, and why."""
    servers, output, _folder = asked
    assert servers["unloaded"].asked == []
    assert "unloaded is kept, not compared, model m: it did not answer" in output


def test_a_dry_run_asks_nothing(tmp_path):
    """It says what would be asked."""
    server = Server([], [])
    status, output = run(tmp_path, {"node1": server}, "--check")
    assert (status, server.asked) == (0, []), output
    assert "node1: m would be asked the same prompts twice before the change and once after it" in output


@pytest.mark.parametrize("option", [(), ("--check",)])
def test_all_that_is_wrong_is_refused_at_once(tmp_path, option):
    """Of the upgrade and of the host, in one message, and nothing is written."""
    line = f"node1 {LOCAL} ollama_version=0.34.1 ollama_staging_root={tmp_path}/node1"
    wrong = ("-e", '{"ollama_upgrade_prompts": ["a", "a"], "ollama_upgrade_answers": "require"}')
    status, output = play(tmp_path, f"[ollama]\n{line}", [], ROOT / "playbooks/upgrade.yml", *wrong, *option)
    words = " ".join(output.split())
    assert status != 0
    for sentence in (
        "ollama_install_version: it is not given",
        "ollama_upgrade_prompts: one of them is there twice",
        "ollama_upgrade_answers: with require the answers decide",
        "ollama_install: nothing can be installed with ollama_staging_root",
    ):
        assert sentence in words
    assert "PLAY [Change the hosts that need it]" not in words
    assert not (tmp_path / "node1").exists()


def test_hosts_change_by_the_plays_of_site():
    """None of them is written a second time, and the questions lie around the change, before it is confirmed."""
    plays = yaml.safe_load((ROOT / "playbooks/upgrade.yml").read_text(encoding="utf-8"))
    assert [play.get("ansible.builtin.import_playbook") for play in plays] == [None, "site.yml"]

    def names(file):
        tasks = yaml.safe_load((TASKS / file).read_text(encoding="utf-8"))
        return [task["name"] for task in next((task["block"] for task in tasks if "rescue" in task), tasks)]

    change, verified = names("change.yml"), names("verify_change.yml")
    written = "Write the files, and remove those that are no longer planned"
    assert change.index("Ask before the change") < change.index(written) < change.index("Verify the change")
    assert verified.index("Ask after the change") < verified.index("Confirm the change")
