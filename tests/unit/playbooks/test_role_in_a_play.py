# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role in a play of somebody else's: beside other roles, with tags, in loops, and begun in the middle."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from ansible_collections.inference.ollama.tests.unit.support.measured import record_of
from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play
from ansible_collections.inference.ollama.tests.unit.support.replay import replay

pytestmark = installed
DROPIN = "etc/systemd/system/ollama.service.d/override.conf"
OTHER = """
- name: Another role's task
  ansible.builtin.command: "true"
  notify: Reload systemd
  tags: [other]
"""
HANDLER = """
- name: Reload systemd
  ansible.builtin.debug:
    msg: their handler ran
"""
ROLES = """
- hosts: ollama
  gather_facts: false
  roles: [other, {role: inference.ollama.ollama, tags: [gpu]}]
"""


class Repository:
    """A folder with a playbook, another role and one host, whose files are rendered into a folder of its own."""

    def __init__(self, folder):
        self.folder, self.runs = folder, 0
        for part, text in (("tasks", OTHER), ("handlers", HANDLER)):
            (folder / f"roles/other/{part}").mkdir(parents=True)
            (folder / f"roles/other/{part}/main.yml").write_text(text, encoding="utf-8")

    def run(self, playbook, *options, hosts=("node1",)):
        """Exit status and output of a playbook of the collection, or of one whose text is given."""
        self.runs += 1
        place = self.folder / f"run{self.runs}"
        place.mkdir()
        if playbook.startswith("inference.ollama."):
            return self._play(place, hosts, playbook, *options)
        (place / "play.yml").write_text(playbook, encoding="utf-8")
        (place / "roles").symlink_to(self.folder / "roles")
        return self._play(place, hosts, "play.yml", *options)

    def _play(self, place, hosts, *arguments):
        staged = [f"{host} {LOCAL} ollama_version=0.34.1 ollama_staging_root={self.folder}/{host}" for host in hosts]
        return play(place, "\n".join(["[ollama]", *staged, ""]), [], *arguments)

    @property
    def written(self):
        return (self.folder / "node1" / DROPIN).exists()


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def tasks(output):
    """The names of the role's tasks that ran, without the one that Ansible adds."""
    named = re.findall(r"^TASK \[inference\.ollama\.ollama : (.*)\] \*+$", output, flags=re.MULTILINE)
    return [name for name in named if not name.startswith("Validating arguments")]


def test_a_handler_of_another_role_stays_theirs(repository):
    """A notification by a name that many roles use reaches the other role's handler, and the role's own are unique."""
    status, output = repository.run(ROLES)
    assert status == 0, output
    assert output.count("their handler ran") == 1
    handlers = re.findall(r"^RUNNING HANDLER \[inference\.ollama\.ollama : (.*)\] \*+$", output, flags=re.MULTILINE)
    assert handlers
    assert all("inference.ollama" in name for name in handlers)


def test_nothing_of_the_role_runs_where_tags_of_others_were_asked_for(repository):
    """Neither a task of the role nor a change of its files."""
    status, output = repository.run(ROLES, "--tags", "other")
    assert status == 0, output
    assert (tasks(output), repository.written) == ([], False)


@pytest.mark.parametrize(
    "options", ["--tags=gpu", "--tags=ollama", "--tags=ollama_configure", "--skip-tags=ollama_run"]
)
def test_a_part_runs_with_all_that_it_needs(repository, options):
    """The host is read, the files are written and the run is summed up."""
    status, output = repository.run(ROLES, options)
    assert status == 0, output
    ran = tasks(output)
    assert (ran[0], ran[-1], repository.written) == (
        "Read the host, and decide what to change",
        "Summarize the run",
        True,
    )
    restarted = "RUNNING HANDLER [inference.ollama.ollama" in output
    assert restarted is (options in ("--tags=gpu", "--tags=ollama"))


@pytest.mark.parametrize("options", ["--skip-tags=gpu", "--skip-tags=ollama"])
def test_the_role_is_left_out_by_its_tags(repository, options):
    """By that of the play and by its own."""
    status, output = repository.run(ROLES, options)
    assert status == 0, output
    assert (tasks(output), repository.written) == ([], False)


def test_ollama_run_alone_writes_no_file(repository):
    """The host is read, and what is pending is not written."""
    status, output = repository.run(ROLES, "--tags=ollama_run")
    assert status == 0, output
    assert "Read the host, and decide what to change" in tasks(output)
    assert not repository.written


@pytest.mark.parametrize("task", ["Keep the plan", "Change the host", "Check that each API answers*", "Summarize*"])
def test_a_run_that_begins_in_the_middle_is_refused(repository, task):
    """In a sentence that says where to begin, and without a change."""
    status, output = repository.run(ROLES, f"--start-at-task={task}")
    assert status != 0
    assert "this run began after the first task of the role" in output
    assert "caused by" not in output
    assert not repository.written


@pytest.mark.parametrize("option", ["--list-tasks", "--list-tags", "--syntax-check"])
def test_a_play_can_be_listed(repository, option):
    """Without a host to read."""
    status, output = repository.run(ROLES, option)
    assert status == 0, output
    if option != "--syntax-check":
        assert {"gpu", "ollama", "ollama_configure", "ollama_run"} <= set(re.findall(r"\w+", output))


def test_a_host_that_a_condition_leaves_out_has_no_line(repository):
    """The summary of the others is as always."""
    playbook = ROLES.replace("tags: [gpu]", "when: inventory_hostname == 'node1'")
    status, output = repository.run(playbook, hosts=("node1", "node2"))
    assert status == 0, output
    assert "node1: 3 files changed" in output
    assert "node2:" not in output


# Variables of the play, which the playbooks of the collection do not see.
KEY = "sk-nobody-shall-see-it"
PLAY_VARS = f"""
- hosts: ollama
  gather_facts: false
  vars: {{ollama_keep_alive: 24h, ollama_api_key: {KEY}}}
  roles: [inference.ollama.ollama]
"""
NO_FOLDER = ("-e", "ollama_plan_folder=")


def test_a_host_made_with_other_variables_is_known_as_such(repository):
    """The playbooks name them in place of a hand edit, and site removes nothing that only they planned."""
    secrets = repository.folder / "node1/etc/ollama/secrets.env"
    assert repository.run(PLAY_VARS)[0] == 0
    status, output = repository.run(PLAY_VARS)
    assert (status, "changed=0" in output) == (0, True), output
    status, output = repository.run("inference.ollama.plan", *NO_FOLDER)
    words = " ".join(re.findall(r"\w+", output))
    assert "made with other variables ollama_keep_alive is auto here and was 24h on the host" in words
    assert "by hand" not in output
    for options in ([], ["--check"]):
        status, output = repository.run("inference.ollama.site", *options)
        assert (status != 0, secrets.exists()) == (True, True), output
        assert "ollama_api_key is not set here and was set on the host" in output
        assert KEY not in output
    status, output = repository.run("inference.ollama.site", "-e", "ollama_other_variables=accept")
    assert (status, secrets.exists()) == (0, False), output
    assert repository.run("inference.ollama.site")[0] == 0


TWO_NAMES = """
- hosts: ollama
  gather_facts: false
  tasks:
    - include_role: {name: inference.ollama.ollama}
      vars: {ollama_dropin_name: "{{ item }}"}
      loop: NAMES
"""


def test_two_names_of_the_drop_in_in_one_run_are_refused(repository):
    """In a sentence with both names; the same one twice changes nothing the second time."""
    status, output = repository.run(TWO_NAMES.replace("NAMES", "[a.conf, b.conf]"))
    assert status != 0
    assert "ollama_dropin_name is b.conf here and was a.conf before" in output
    status, output = repository.run(TWO_NAMES.replace("NAMES", "[a.conf, a.conf]"))
    assert (status, "changed=0" in output) == (0, True), output
    status, output = repository.run(TWO_NAMES.replace("NAMES", "[c.conf]"))
    assert status == 0, output
    folder = repository.folder / "node1/etc/systemd/system/ollama.service.d"
    assert [path.name for path in folder.iterdir()] == ["c.conf"]


POINTS = """
- hosts: ollama
  gather_facts: false
  tasks:
    - include_role: {name: inference.ollama.ollama}
      vars: {ollama_measured: "{{ [item] }}"}
      loop: RECORDS
"""


def test_what_was_measured_may_differ_in_a_run_and_between_runs(repository):
    """A search tries one point after the other, site keeps the best one, and without a record the rules are back."""
    machine = ROOT / "tests/unit/machines/xeon56.txt"
    facts = replay(machine.read_text(encoding="utf-8"), repository.folder / "machine")
    tried, best = record_of(facts, {"num_threads": 11}, value=None), record_of(facts, {"num_threads": 12})
    captured = ("-e", f"ollama_topology_root={machine}")
    dropin = repository.folder / "node1" / DROPIN
    status, output = repository.run(POINTS.replace("RECORDS", json.dumps([tried, best])), *captured)
    assert status == 0, output
    assert "measured: measured on node-17: 455 tokens/s" in dropin.read_text(encoding="utf-8")
    assert "LLAMA_ARG_THREADS=12" in dropin.read_text(encoding="utf-8")
    record = ("-e", json.dumps({"ollama_measured": [best]}))
    status, output = repository.run("inference.ollama.site", *captured, *record)
    assert (status, "changed=0" in output) == (0, True), output
    status, output = repository.run("inference.ollama.site", *captured)
    assert status == 0, output
    words = " ".join(re.findall(r"\w+", output))
    assert "num_threads 12 measured for llama3 1 8b on node 17 no longer counts and the rules decide again" in words
    assert "LLAMA_ARG_THREADS=14" in dropin.read_text(encoding="utf-8")


TAKEN_AWAY = """
- hosts: ollama
  gather_facts: false
  tasks:
    - include_role: {name: inference.ollama.ollama, tasks_from: remove.yml}
      when: inventory_hostname == "staged"
    - include_role: {name: inference.ollama.ollama, tasks_from: rollback.yml}
      when: inventory_hostname != "staged"
"""


def test_what_is_taken_away_or_back_is_of_the_running_host(tmp_path):
    """Variables that leave it alone elsewhere are refused, and so is a state that is not kept; no rescue begins."""
    (tmp_path / "play.yml").write_text(TAKEN_AWAY, encoding="utf-8")
    hosts = {
        "staged": "ollama_staging_root=/srv/image",
        "captured": "ollama_topology_root=/srv/node.txt",
        "bare": f"ollama_state_folder={tmp_path}/states",
    }
    lines = [f"{host} {LOCAL} {variables}" for host, variables in hosts.items()]
    status, output = play(tmp_path, "\n".join(["[ollama]", *lines, ""]), [], "play.yml", "--check")
    assert status != 0
    output = " ".join(output.replace("''", "'").split())
    assert "staged: ollama_staging_root is '/srv/image' and ollama_topology_root '/'" in output
    assert "captured: ollama_staging_root is '' and ollama_topology_root '/srv/node.txt'" in output
    assert f"bare: there is no change to take back: no state is kept in {tmp_path}/states" in output
    assert output.count("rescued=0") == len(hosts)
    assert "[WARNING]" not in output


def test_a_batch_that_fails_says_how_the_run_leaves_every_host(repository):
    """Which hosts are changed, and which the run never came to; the last line says why it failed."""
    (repository.folder / "node2/etc/systemd/system/ollama.service.d/override.conf").mkdir(parents=True)
    hosts = ("node1", "node2", "node3")
    status, output = repository.run("inference.ollama.site", "-e", "ollama_serial=1", hosts=hosts)
    assert status != 0
    assert "changed, and its API answers: node1" in output
    assert "failed before a file was changed: node2" in output
    assert "never reached, and not changed: node3" in output
    assert not (repository.folder / "node3").exists()


def test_handlers_act_where_the_role_acts():
    """A role that is delegated by what includes it restarts the services of the host that it has changed."""
    handlers = yaml.safe_load((ROOT / "roles/ollama/handlers/main.yml").read_text(encoding="utf-8"))
    assert {each.get("delegate_to") for each in handlers} == {"{{ __ollama.delegated_to | default(omit, true) }}"}


@pytest.mark.parametrize("path", sorted(ROOT.glob("playbooks/*.yml")), ids=lambda path: path.stem)
def test_a_playbook_goes_on_as_it_is_written(path):
    """Whatever strategy and any_errors_fatal are in ansible.cfg."""
    plays = [play for play in yaml.safe_load(path.read_text(encoding="utf-8")) if "hosts" in play]
    assert {(each.get("strategy"), each.get("any_errors_fatal")) for each in plays} <= {("linear", False)}
