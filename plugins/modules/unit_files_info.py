#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.unit_files_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit_files_info
short_description: Finds unit files of a role by their header, and what starts services at boot
version_added: 0.1.0
description:
  - Finds in a folder of units and in the folders of drop-ins below it the unit files that hold a line with a given
    beginning, and all links in folders whose names end in C(.wants) or C(.requires).
  - It changes nothing. A folder that is not there has no files.
options:
  folder:
    description: The folder of units.
    type: path
    default: /etc/systemd/system
  header:
    description: How a line of the files begins.
    type: str
    required: true
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: linux
requirements:
  - Python 3.9 or later on the host.
seealso:
  - module: inference.ollama.file_transaction
author:
  - The inference.ollama authors (@inference-ollama)
"""

EXAMPLES = r"""
- name: Find what Ansible has written
  inference.ollama.unit_files_info:
    header: "# Managed by Ansible"
  become: true
  register: found
"""

RETURN = r"""
files:
  description: The units and drop-ins in the folder and in folders of drop-ins below it, sorted.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/ollama.service, /etc/systemd/system/ollama.service.d/override.conf]
headed:
  description: Those of them that hold a line which begins with O(header).
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/ollama.service.d/override.conf]
boot_links:
  description: The links by which units start at boot, sorted.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/default.target.wants/ollama.service]
problems:
  description: Files that could not be read, with the reason.
  returned: success
  type: list
  elements: str
  sample: []
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils._states.entry import LARGEST


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "folder": {"type": "path", "default": "/etc/systemd/system"},
        "header": {"type": "str", "required": True},
    }


def look(folder: str, header: str) -> dict[str, list[str]]:
    """Everything of RETURN."""
    files, links, headed, problems = [], [], [], []
    folders = [folder, *(os.path.join(folder, name) for name in _names(folder))]
    for place in folders:
        for path in (os.path.join(place, name) for name in _names(place)):
            if place.endswith((".wants", ".requires")):
                links += [path] if os.path.islink(path) else []
            elif path.endswith(".conf" if place.endswith(".d") else ".service") and os.path.isfile(path):
                files.append(path)
    for path in files:
        try:
            with open(path, "rb") as file:
                text = file.read(LARGEST)
        except OSError as error:
            problems.append(f"{path}: it cannot be read ({error.strerror})")
            continue
        headed += [path] if any(line.startswith(header.encode()) for line in text.splitlines()) else []
    return {"files": sorted(files), "headed": sorted(headed), "boot_links": sorted(links), "problems": problems}


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    module.exit_json(changed=False, **look(module.params["folder"], module.params["header"]))


if __name__ == "__main__":
    main()
