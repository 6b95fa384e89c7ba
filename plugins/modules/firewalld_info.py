#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.firewalld_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewalld_info
short_description: Reads whether firewalld runs, and the rich rules of its zones
version_added: 0.1.0
description:
  - Asks C(firewall-cmd) whether firewalld runs and which rich rules its zones have, now and after the next start of
    it, and reads which of them the role P(inference.ollama.ollama#role) has added.
  - It changes nothing, and never fails because of what a host has.
options:
  record:
    description: The file with the rules that the role has added.
    type: path
    default: /etc/inference.ollama/firewalld.json
  command_timeout:
    description: Seconds that each call of C(firewall-cmd) may take.
    type: float
    default: 10
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - module: inference.ollama.exposure_info
"""

EXAMPLES = r"""
- name: Read what firewalld lets in
  inference.ollama.firewalld_info:
  become: true
  register: read

- name: Show the rules that the role has added
  ansible.builtin.debug:
    var: read.firewalld.recorded
"""

RETURN = r"""
firewalld:
  description: What was found.
  returned: success
  type: dict
  contains:
    schema:
      description: The version of this shape.
      type: int
      sample: 1
    running:
      description: Whether firewalld runs; V(null) where that could not be read.
      type: bool
      sample: true
    zones:
      description: The zones of a firewalld that runs, with C(rules) as they are now and C(permanent_rules).
      type: list
      elements: dict
      sample:
        - name: public
          default: true
          active: true
          target: default
          rules: []
          permanent_rules: []
    recorded:
      description: The rules that the role has added; V(null) where that could not be read.
      type: list
      elements: dict
      sample:
        - zone: public
          rule: rule family="ipv4" source address="10.20.0.0/16" port port="11434" protocol="tcp" accept
    problems:
      description: What could not be read.
      type: list
      elements: str
      sample: ["firewall-cmd --state did not answer within 10 s and was stopped"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._firewalld import firewalld
from ansible_collections.inference.ollama.plugins.module_utils._places import FIREWALLD_FILE
from ansible_collections.inference.ollama.plugins.module_utils._process import runner

_LONGEST = 3600


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "record": {"type": "path", "default": FIREWALLD_FILE},
        "command_timeout": {"type": "float", "default": 10},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    seconds = module.params["command_timeout"]
    if not 0 < seconds <= _LONGEST:
        module.fail_json(msg=f"command_timeout: {seconds:g} is not above 0 and up to {_LONGEST} seconds")
    module.exit_json(changed=False, firewalld=firewalld(runner(seconds), module.params["record"]))


if __name__ == "__main__":
    main()
