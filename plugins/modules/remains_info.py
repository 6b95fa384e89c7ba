#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.remains_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: remains_info
short_description: Reads what a host has of this collection beside its servers' units
version_added: 0.1.0
description:
  - Names the units, folders, links, releases, the store and the account that roles of this collection may have left,
    for the playbook C(inference.ollama.remove).
  - It changes nothing, and never fails because of what a host has.
options:
  units_folder:
    description: The folder of units.
    type: path
    default: /etc/systemd/system
  state_folder:
    description: The folder of snapshots.
    type: path
    default: /var/lib/inference.ollama
  install_folder:
    description: The folder of releases.
    type: path
    default: /opt/ollama
  store:
    description:
      - The store of the servers. C(~USER) at its start is the home of that user. Without it that of the variables which
        the host was made with, or the user's own.
    type: str
  user:
    description: The user of the service. V(auto) is that of the installed unit, or V(ollama).
    type: str
    default: ollama
  secrets_path:
    description: The file of secrets.
    type: path
    default: /etc/ollama/secrets.env
  root:
    description: A folder that the paths of units, folders and programs are below.
    type: path
    default: /
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - module: inference.ollama.unit_files_info
"""

EXAMPLES = r"""
- name: Read what is left of the collection
  inference.ollama.remains_info:
    store: ~ollama/.ollama/models
  become: true
  register: left

- name: Show it
  ansible.builtin.debug:
    var: left.remains
"""

RETURN = r"""
remains:
  description: What was found.
  returned: success
  type: dict
  sample:
    schema: 1
    files: [/etc/inference.ollama/variables.json]
    units: []
    boot_links: []
    copies: []
    base_unit_installed: false
    folders: {/etc/inference.ollama: [variables.json]}
    state_folder: {path: /var/lib/inference.ollama, there: true}
    program: {path: /usr/local/bin/ollama, target: null, found: null}
    install: {folder: /opt/ollama, releases: [], current: null, parts: [], others: []}
    store: {path: /usr/share/ollama/.ollama/models, there: true, models: 2, size_bytes: 6939018854}
    moving: null
    link: null
    metrics: null
    account: {user: ollama, uid: 998, home: /usr/share/ollama}
    problems: []
  contains:
    schema:
      description: The form of this value.
      type: int
      sample: 1
    files:
      description: The files beside units that the collection writes, as far as they are there.
      type: list
      elements: str
      sample: [/etc/inference.ollama/variables.json]
    units:
      description: The collection's own units beside the servers.
      type: list
      elements: str
      sample: []
    boot_links:
      description: The links by which these start at boot.
      type: list
      elements: str
      sample: []
    copies:
      description: Copies of a unit that the collection has replaced.
      type: list
      elements: str
      sample: []
    base_unit_installed:
      description: Whether the unit is that of the role C(ollama_install).
      type: bool
      sample: false
    folders:
      description: The folders that are this collection's alone, with the names in them.
      type: dict
      sample: {/etc/inference.ollama: [variables.json]}
    state_folder:
      description: The folder of snapshots, and whether it is there.
      type: dict
      sample: {path: /var/lib/inference.ollama, there: true}
    program:
      description: The program, with C(target) where it is a link, and C(found), a program that was kept for it.
      type: dict
      sample: {path: /usr/local/bin/ollama, target: null, found: null}
    install:
      description: The folder of releases, with its C(parts), and with the C(others) in it that no role has written.
      type: dict
      sample: {folder: /opt/ollama, releases: [], current: null, parts: [], others: []}
    store:
      description: The store; V(null) where it is not known.
      type: dict
      sample: {path: /usr/share/ollama/.ollama/models, there: true, models: 2, size_bytes: 6939018854}
    moving:
      description: A move of the store that is under way; V(null) without one.
      type: dict
      sample: null
    link:
      description: The link that a move of the store has left; V(null) without one.
      type: str
      sample: null
    metrics:
      description: The file of metrics that the role writes for Prometheus; V(null) without one.
      type: str
      sample: /var/lib/prometheus/node-exporter/inference_ollama.prom
    account:
      description:
        - The account of the service; V(null) without one. C(made) and C(group_made) say whether the role
          P(inference.ollama.ollama_install#role) has made it and its group, by the comment in passwd(5).
      type: dict
      sample: {user: ollama, uid: 998, home: /usr/share/ollama, group: ollama, gid: 998, made: true, group_made: true}
    problems:
      description: What could not be read.
      type: list
      elements: str
      sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._remains.gather import remains


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "units_folder": {"type": "path", "default": "/etc/systemd/system"},
        "state_folder": {"type": "path", "default": "/var/lib/inference.ollama"},
        "install_folder": {"type": "path", "default": "/opt/ollama"},
        "store": {"type": "str"},
        "user": {"type": "str", "default": "ollama"},
        "secrets_path": {"type": "path", "default": "/etc/ollama/secrets.env"},
        "root": {"type": "path", "default": "/"},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    module.exit_json(changed=False, remains=remains(module.params))


if __name__ == "__main__":
    main()
