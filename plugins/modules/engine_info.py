#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.engine_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_info
short_description: Reads what a host has to run containers with
version_added: 0.1.0
description:
  - Asks Podman or Docker for its release and whether it has an image, and reads whether systemd knows Quadlet, of
    which version control groups are, and under which names the Container Device Interface has cards.
  - It changes nothing, and never fails because of what a host has.
options:
  engine:
    description: The engine.
    type: str
    choices: [podman, docker]
    default: podman
  image:
    description: A reference of an image, by its digest.
    type: str
  root:
    description: The folder in the place of C(/).
    type: path
    default: /
  command_timeout:
    description: Seconds that each program on the host may take to answer.
    type: float
    default: 10
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - module: inference.ollama.unit_files_info
"""

EXAMPLES = r"""
- name: Read what there is to run containers with
  inference.ollama.engine_info:
    engine: podman
  become: true
  register: read

- name: Show the names of cards
  ansible.builtin.debug:
    var: read.containers.cdi
"""

RETURN = r"""
containers:
  description: What was found.
  returned: success
  type: dict
  contains:
    schema:
      description: The version of this shape.
      type: int
      sample: 1
    engine:
      description: O(engine).
      type: str
      sample: podman
    program:
      description: The path of its program; V(null) without one.
      type: str
      sample: /usr/bin/podman
    version:
      description: Its release; V(null) where it could not be read.
      type: str
      sample: 5.4.2
    generator:
      description: The program by which systemd makes units of Quadlet's files; V(null) without one.
      type: str
      sample: /usr/lib/systemd/system-generators/podman-system-generator
    nvidia_hook:
      description: The program of NVIDIA's container toolkit by which Docker gives cards; V(null) without one.
      type: str
      sample: null
    requests:
      description: Whether the Python of this module has the package C(requests), which modules for Docker need.
      type: bool
      sample: true
    image:
      description: O(image).
      type: str
      sample: null
    image_there:
      description: Whether the host has the image; V(null) where that was not asked, or could not be read.
      type: bool
      sample: true
    cgroup_version:
      description: The version of the control groups that engines use, V(1) or V(2).
      type: int
      sample: 2
    controllers:
      description: The controllers of version 2 in its root; V(null) with version 1.
      type: list
      elements: str
      sample: [cpuset, cpu, io, memory, pids]
    cdi:
      description: The names of devices that the Container Device Interface has, by kind.
      type: dict
      sample:
        nvidia.com/gpu: ["0", GPU-00000000-0000-4000-8000-000000000000, all]
    problems:
      description: What could not be read.
      type: list
      elements: str
      sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._engine import read_engine
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_LONGEST = 3600


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "engine": {"type": "str", "choices": ["podman", "docker"], "default": "podman"},
        "image": {"type": "str"},
        "root": {"type": "path", "default": "/"},
        "command_timeout": {"type": "float", "default": 10},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    params = module.params
    seconds = params["command_timeout"]
    if not 0 < seconds <= _LONGEST:
        module.fail_json(msg=f"command_timeout: {seconds:g} is not above 0 and up to {_LONGEST} seconds")
    found = read_engine(Root(params["root"]), runner(seconds), params["engine"], params["image"])
    module.exit_json(changed=False, containers=found)


if __name__ == "__main__":
    main()
