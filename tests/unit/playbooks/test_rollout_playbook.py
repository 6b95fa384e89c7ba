# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The batches of a rollout: a host that vanishes ends it before the next batch, and every host is named."""

from __future__ import annotations

import yaml

from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play

pytestmark = installed
TASKS = ROOT / "roles/ollama/tasks"
# Nobody listens at this port.
GONE = "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1"
CHANGE = """
- ansible.builtin.raw: "true"
- ansible.builtin.set_fact:
    ollama_changes: {outcome: changed, files: [x]}
    ollama_verification: {counts: {pass: 1}}
"""
READ = {"__ollama": {"pending": True}, "ollama_changes": {"outcome": "unchanged", "files": []}}
PLAYBOOK = [
    {
        "hosts": "all:!unread",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.set_fact": READ}],
    },
    {
        "hosts": "all:!unread",
        "gather_facts": False,
        "serial": [1, 2],
        "max_fail_percentage": 0,
        "vars": {"__ollama_run_hosts": "{{ groups['all'] }}"},
        "pre_tasks": [{"ansible.builtin.import_role": {"name": "rolled", "tasks_from": "batch.yml"}}],
        "roles": ["rolled"],
        "post_tasks": [
            {
                "ansible.builtin.include_role": {"name": "rolled", "tasks_from": "outcomes.yml"},
                "when": "__ollama_batch_next | length == 0",
            }
        ],
    },
]


def run(folder, hosts):
    """Status and words of a run that changes these hosts, ``{name: connection}``, the first one alone."""
    tasks = folder / "roles/rolled/tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(CHANGE, encoding="utf-8")
    for name in ("batch.yml", "outcomes.yml"):
        (tasks / name).symlink_to(TASKS / name)
    (tasks.parent / "vars").symlink_to(TASKS.parent / "vars")
    (folder / "play.yml").write_text(yaml.safe_dump(PLAYBOOK), encoding="utf-8")
    inventory = "\n".join(f"{name} {connection}" for name, connection in hosts.items())
    status, output = play(folder, inventory, [], "play.yml")
    return status, " ".join(output.split())


def test_a_host_that_vanishes_ends_the_run_before_the_next_batch(tmp_path):
    """The others of its batch end theirs; Ansible itself would go on."""
    hosts = {"n1": LOCAL, "n2": LOCAL, "n3": GONE, "n4": LOCAL, "unread": GONE}
    status, words = run(tmp_path, hosts)
    assert status != 0
    for line in (
        "now: n1; not changed yet: n2, n3, n4",
        "now: n2, n3; not changed yet: n4",
        "changed and verified: n1, n2",
        "lost on the way, and left to the next run of site: n3",
        "never reached, and not changed: n4",
        "not reached from the start, and not changed: unread",
        "n4: not changed, since n3 was lost in an earlier batch",
    ):
        assert line in words
    assert " changed=0 unreachable=0 failed=1 " in words.rpartition(" n4 : ")[2]


def test_the_last_batch_says_how_all_hosts_are_left(tmp_path):
    """Once, at the end."""
    status, words = run(tmp_path, {"n1": LOCAL, "n2": LOCAL, "n3": LOCAL})
    assert status == 0, words
    assert "now: n2, n3'" in words or "now: n2, n3 " in words
    assert words.count("changed and verified: n1, n2, n3") == 1
