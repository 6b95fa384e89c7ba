#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.gateway_server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_server
short_description: Drains servers behind a HAProxy, and makes them ready again
version_added: 0.1.0
description:
  - Reads by the runtime socket of HAProxy which of its servers take requests and how many streams each one has, and
    sets servers to drain or ready in every backend where they have health checks of their own. Servers that track
    those follow.
  - A server that is drained gets no new requests, and what it has begun goes on. O(timeout) waits for the end of it.
  - A server in maintenance was set so by somebody, and is left so.
  - What is set holds until HAProxy is reloaded or restarted, unless its configuration keeps the state of servers.
  - The module runs on the host of the gateway. While it waits, it prints now and then how many streams are left.
options:
  socket:
    description: The runtime socket of HAProxy, of level C(admin).
    type: path
    default: /run/inference-ollama-gateway/admin.sock
  servers:
    description:
      - The names of servers in HAProxy's configuration. None stands for all of them, to be read.
      - C(HOST:*) stands for each server of a host in the form C(HOST:INSTANCE). A host of which the gateway has none
        is no failure, and named in RV(problems); a name that is not there is one.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(drained) lets no new requests come. V(ready) lets them come again. Without it servers are read alone.
    type: str
    choices: [drained, ready]
  timeout:
    description:
      - Seconds to wait, with O(state=drained) until no stream is left and none is queued at these servers, with
        O(state=ready) until their health checks let requests come. V(0) does not wait.
      - That it was too short is no failure, see RV(settled).
    type: float
    default: 0
requirements:
  - HAProxy 2.4 or later, and root.
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
"""

EXAMPLES = r"""
- name: Let no new requests come to the servers of a host, and wait for those that it has
  inference.ollama.gateway_server:
    servers: ["{{ inventory_hostname }}:*"]
    state: drained
    timeout: 300
  delegate_to: gateway1
  become: true

- name: Let requests come again
  inference.ollama.gateway_server:
    servers: ["{{ inventory_hostname }}:*"]
    state: ready
    timeout: 60
  delegate_to: gateway1
  become: true

- name: Read every server of a gateway
  inference.ollama.gateway_server:
  become: true
  register: read
"""

RETURN = r"""
servers:
  description: The servers that were asked for, as they are at the end.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the server.
      type: str
      sample: node1:ollama
    state:
      description:
        - V(ready) where it takes requests, V(drained), V(down) where its health check fails, or V(maintenance).
      type: str
      sample: drained
    sessions:
      description: How many streams it has, in all backends.
      type: int
      sample: 2
    queued:
      description: How many requests wait for it, in all backends.
      type: int
      sample: 0
settled:
  description:
    - Whether no stream is left where servers are drained, and whether all take requests otherwise; those in
      maintenance do not count.
  returned: success
  type: bool
  sample: false
stranded:
  description: Backends that have other servers too, and of which this call has drained the last that took requests.
  returned: success
  type: list
  elements: str
  sample: [model-2]
problems:
  description: Which servers could not be found or set, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["no server of node9 is known to the gateway"]
absent:
  description: Whether there is nothing at the path O(socket), so that no HAProxy with that socket runs.
  returned: failure
  type: bool
  sample: true
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._gateway.runtime import asker
from ansible_collections.inference.ollama.plugins.module_utils._gateway.servers import (
    DRAINED,
    NAME,
    change,
    look,
    stranded,
    wait,
)

_LONGEST = 86400


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "socket": {"type": "path", "default": "/run/inference-ollama-gateway/admin.sock"},
        "servers": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["drained", "ready"]},
        "timeout": {"type": "float", "default": 0},
    }


def reach(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Return the module's result: the servers in the state that is asked for, or as they are."""
    names, state, seconds = params["servers"], params["state"], params["timeout"]
    if not 0 <= seconds <= _LONGEST:
        raise OllamaError(f"timeout: {seconds:g} is not in 0 to {_LONGEST} seconds")
    wrong = [name for name in names if not NAME.fullmatch(name)]
    if wrong:
        raise OllamaError(
            f"servers: {wrong[0][:60]!r} is no name of a server of HAProxy, such as node1:ollama or node1:*"
        )
    if state and not names:
        raise OllamaError(
            f"servers: with state: {state} it names servers, such as node1:ollama or node1:*; it is empty"
        )
    ask = asker(params["socket"])
    changed = change(ask, names, state, pretend=check_mode) if state else []
    alone = stranded(ask, changed) if state == DRAINED else []
    found = look(ask, names, state) if check_mode or not state else wait(ask, names, state, seconds)
    return {"changed": bool(changed), "stranded": alone, **found._asdict()}


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = reach(module.params, check_mode=module.check_mode)
    except OllamaError as error:
        module.fail_json(msg=str(error), absent=not os.path.lexists(module.params["socket"]))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
