#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.store_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store_info
short_description: Reads what moving a model store would meet
version_added: 0.1.0
description:
  - Lists two stores, compares what both have, and reads where they lie and who could use the new one.
  - It changes nothing, and never fails because of what a host has.
options:
  source:
    description: The store that there is. C(~USER) at its start is the home of that user.
    type: str
    required: true
  target:
    description: The store that there shall be, in the same form.
    type: str
    required: true
  user:
    description: The user of the service.
    type: str
    default: root
  state_folder:
    description: Folder in which the module M(inference.ollama.store) records a move that is under way.
    type: path
    default: /var/lib/inference.ollama
  command_timeout:
    description: Seconds that each program on the host may take to answer.
    type: float
    default: 5
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - module: inference.ollama.store
"""

EXAMPLES = r"""
- name: Ask what moving the store would take
  inference.ollama.store_info:
    source: /usr/share/ollama/.ollama/models
    target: /srv/models
    user: ollama
  become: true
  register: read

- name: Show it
  ansible.builtin.debug:
    msg: "{{ read.store.needed_bytes }} of {{ read.store.target.free_bytes }} free bytes are needed"
"""

RETURN = r"""
store:
  description: What was read.
  returned: success
  type: dict
  sample:
    schema: 1
    source: {path: /usr/share/ollama/models, there: true, link: null, models: 2, files: 11, size_bytes: 4096}
    target: {path: /srv/models, there: false, link: null, models: 0, files: 0, size_bytes: 0, free_bytes: 1048576}
    same_place: false
    same_file_system: false
    needed_bytes: 4096
    conflicts: []
    closed: []
    pending: null
    moved: null
    problems: []
  contains:
    schema:
      description: The form of this value.
      type: int
      sample: 1
    source:
      description: The store that there is, with C(link), where it leads if its path is a link.
      type: dict
      sample: {path: /usr/share/ollama/models, there: true, link: null, models: 2, files: 11, size_bytes: 4096}
    target:
      description: The store that there shall be, with what its file system has free.
      type: dict
      sample: {path: /srv/models, there: false, link: null, models: 0, files: 0, size_bytes: 0, free_bytes: 1048576}
    same_place:
      description: Whether both are one folder behind links.
      type: bool
      sample: false
    same_file_system:
      description: Whether both are on one file system, so that files need not be copied.
      type: bool
      sample: false
    needed_bytes:
      description: What copying takes of the new file system; C(0) on the same one.
      type: int
      sample: 4096
    conflicts:
      description: Names of models that both stores have and that are not the same, ten of them at most.
      type: list
      elements: str
      sample: []
    closed:
      description: The folders on the way to the new store that are there and that the user may not pass.
      type: list
      elements: str
      sample: []
    pending:
      description: The move that is under way, with C(source), C(target) and C(phase); V(null) without one.
      type: dict
      sample: null
    moved:
      description: The last move that ended, with C(source), where its link is, and C(target); V(null) without one.
      type: dict
      sample: null
    problems:
      description: What could not be read.
      type: list
      elements: str
      sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._store.inspect import inspect, real


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "source": {"type": "str", "required": True},
        "target": {"type": "str", "required": True},
        "user": {"type": "str", "default": "root"},
        "state_folder": {"type": "path", "default": "/var/lib/inference.ollama"},
        "command_timeout": {"type": "float", "default": 5},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    options = module.params
    try:
        source, target = real(options["source"]), real(options["target"])
        found = inspect(source, target, options["user"], options["state_folder"], runner(options["command_timeout"]))
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, store=found)


if __name__ == "__main__":
    main()
