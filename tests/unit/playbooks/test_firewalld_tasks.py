# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's tasks for firewalld, with a stand-in for the collection ansible.posix and without that collection."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play

pytestmark = installed
# The options of ansible.posix.firewalld 2.1.0 that the role gives; a line for each call.
MODULE = """
import json
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(
    argument_spec={
        "zone": {"type": "str"},
        "rich_rule": {"type": "str"},
        "state": {"type": "str", "required": True, "choices": ["absent", "disabled", "enabled", "present"]},
        "permanent": {"type": "bool", "default": False},
        "immediate": {"type": "bool", "default": False},
    },
    supports_check_mode=True,
)
with open("CALLS", "a", encoding="utf-8") as file:
    file.write(json.dumps([module.check_mode, *(module.params[name] for name in sorted(module.params))]) + "\\n")
module.exit_json(changed=True)
"""
RULE = 'rule family="ipv4" source address="10.0.0.0/8" port port="11434" protocol="tcp" accept'
PLAY = f"""
- hosts: all
  gather_facts: false
  vars:
    role_path: {ROOT}/roles/ollama
  tasks:
    - name: Read
      inference.ollama.firewalld_info:
        record: "{{{{ playbook_dir }}}}/none.json"
      register: read
    - ansible.builtin.debug:
        msg: "module {{{{ read.firewalld.module }}}}"
    - ansible.builtin.include_tasks: "{{{{ role_path }}}}/tasks/firewalld.yml"
      vars:
        __ollama_zone_rules: "{{{{ rows }}}}"
      when: rows | length > 0
"""


@pytest.fixture
def run(tmp_path):
    """Run the tasks with rows; exit status, output, and the calls of the stand-in where there is one."""

    def run(rows, *options, collection=True):
        calls = tmp_path / "calls"
        if collection:
            modules = tmp_path / "ansible_collections/ansible/posix/plugins/modules"
            modules.mkdir(parents=True)
            (modules / "firewalld.py").write_text(MODULE.replace("CALLS", str(calls)), encoding="utf-8")
        (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
        (tmp_path / "rows.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
        status, output = play(tmp_path, f"h {LOCAL}\n", [], "play.yml", "-e", "@rows.json", *options)
        return status, output, calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []

    return run


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_each_rule_is_set_for_now_and_for_the_next_start(run, options):
    """A dry run asks the module as well, which says what it would change."""
    rows = [{"zone": "public", "rule": RULE, "state": state} for state in ("enabled", "disabled")]
    status, output, calls = run(rows, *options)
    assert (status, "module True" in output) == (0, True), output
    asked = [json.loads(line) for line in calls]
    assert asked == [[bool(options), True, True, RULE, state, "public"] for state in ("enabled", "disabled")]


@pytest.mark.parametrize("options", [[], ["--syntax-check"]])
def test_hosts_without_rules_of_zones_need_no_other_collection(run, options):
    """The reader says that it is missing, and the tasks are not even read."""
    status, output, calls = run([], *options, collection=False)
    assert (status, calls) == (0, []), output
    assert options or "module False" in output
