#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.exposure_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exposure_info
short_description: Tries whom the rules of a firewall let in
version_added: 0.1.0
description:
  - Takes a table of nftables as the kernel of the host has it, loads it in a network namespace of its own, and
    connects from a second namespace with the addresses that are asked for.
  - The host's own network has no part in it. Both namespaces are gone afterwards.
options:
  table:
    description: The name of the table, of the family C(inet).
    type: str
    default: inference_ollama
  ports:
    description: The ports to connect to.
    type: list
    elements: int
    required: true
  addresses:
    description: The addresses to connect from, of IPv4 and IPv6.
    type: list
    elements: str
    required: true
  command_timeout:
    description: Seconds that each program may take.
    type: float
    default: 10
requirements:
  - The programs C(nft) and C(ip), and root.
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - plugin: inference.ollama.verification
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Try who reaches a server
  inference.ollama.exposure_info:
    ports: [11434]
    addresses: [10.20.0.1, 198.51.100.7]
  become: true
  register: tried

- name: Fail where a stranger does
  ansible.builtin.assert:
    that: not tried.exposure.connections[1].connected
"""

RETURN = r"""
exposure:
  description: Who reaches which port.
  returned: success
  type: dict
  contains:
    schema:
      description: The version of this shape.
      type: int
      sample: 1
    loaded:
      description: Whether the kernel has the table; V(null) where that could not be read.
      type: bool
      sample: true
    connections:
      description: A row for each address and port.
      type: list
      elements: dict
      contains:
        address:
          description: The address that was connected from.
          type: str
          sample: 10.20.0.1
        port:
          description: The port that was connected to.
          type: int
          sample: 11434
        connected:
          description: Whether the connection was made.
          type: bool
          sample: true
    problems:
      description: What could not be read or tried.
      type: list
      elements: str
      sample:
        - "nft list table inet inference_ollama: Error: No such file or directory"
"""

import ipaddress
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._exposure import reach
from ansible_collections.inference.ollama.plugins.module_utils._process import runner

_LONGEST = 3600
_MOST = 1024


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "table": {"type": "str", "default": "inference_ollama"},
        "ports": {"type": "list", "elements": "int", "required": True},
        "addresses": {"type": "list", "elements": "str", "required": True},
        "command_timeout": {"type": "float", "default": 10},
    }


def read(params: dict[str, Any]) -> dict[str, Any]:
    if not 0 < params["command_timeout"] <= _LONGEST:
        raise OllamaError(f"command_timeout: {params['command_timeout']:g} is not above 0 and up to {_LONGEST} seconds")
    if len(params["ports"]) * len(params["addresses"]) > _MOST:
        raise OllamaError(f"addresses: with these ports there are more than {_MOST} connections to try")
    for port in params["ports"]:
        if not 0 < port < 65536:
            raise OllamaError(f"ports: {port} is not in 1 to 65535")
    wrong = [address for address in params["addresses"] if not _is_address(address)]
    if wrong:
        raise OllamaError(f"addresses: {wrong[0][:60]!r} is no address such as 10.20.0.1 or fd00::1")
    return reach(runner(params["command_timeout"]), params["table"], params["ports"], params["addresses"])


def _is_address(text: str) -> bool:
    try:
        return "%" not in str(ipaddress.ip_address(text))
    except ValueError:
        return False


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        found = read(module.params)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, exposure=found)


if __name__ == "__main__":
    main()
