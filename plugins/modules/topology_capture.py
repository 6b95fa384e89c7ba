#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.topology_capture."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology_capture
short_description: Records everything that is read of a host's hardware
version_added: 0.1.0
description:
  - Reads a host as M(inference.ollama.topology_facts) does and returns every file that was read, with its
    content, every folder that was listed and every program that was asked, with its answer, as one text.
  - Where that module describes a machine wrongly the text shows why, and it can be made into a test. That module
    reads the machine again from the text, and every playbook that plans does, with C(ollama_topology_root).
  - Serial numbers, UUIDs, identifiers of containers, network addresses, the host's name, names of users and
    values of environment variables are replaced or left out. The same value has the same replacement
    everywhere in one text.
  - It changes nothing.
extends_documentation_fragment:
  - inference.ollama.machine
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
notes:
  - Read the text before you give it to somebody else. Output of programs in an unforeseen form is in it
    unchanged.
seealso:
  - module: inference.ollama.topology_facts
"""

EXAMPLES = r"""
- name: Capture the machine
  inference.ollama.topology_capture:
  register: machine

- name: Keep the capture on the controller
  ansible.builtin.copy:
    dest: "/srv/captures/{{ inventory_hostname }}.txt"
    content: "{{ machine.capture }}"
    mode: "0644"
  delegate_to: localhost

- name: Capture a machine whose GPU driver is slow
  inference.ollama.topology_capture:
    command_timeout: 30
"""

RETURN = r"""
capture:
  description:
    - The machine in lines of text. The first names the format, the last is V(end), and the others are sorted,
      so that two captures can be compared line by line.
  returned: success
  type: str
  sample: |
    inference.ollama capture 1
    file /sys/devices/system/cpu/online 0-3
    end
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_record import capture_of
from ansible_collections.inference.ollama.plugins.module_utils._topology.options import OPTIONS, machine_of


def argument_spec() -> dict[str, dict[str, Any]]:
    return dict(OPTIONS)


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        root, run = machine_of(module.params)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, capture=capture_of(root.path, run))


if __name__ == "__main__":
    main()
