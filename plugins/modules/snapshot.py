#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.snapshot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot
short_description: Lists the saved states of a host, goes back to one, or confirms a change
version_added: 0.1.0
description:
  - M(inference.ollama.file_transaction) saves a state before each change. This module tells which there are, brings the
    files of one back, or confirms that the last change is good.
  - Going back writes files, links by which services start at boot, and values of the kernel, all of the files or none.
    It starts and stops no service, and says which have to be.
options:
  folder:
    description: Where the states are kept, O(inference.ollama.file_transaction#module:state_folder).
    type: path
    required: true
  state:
    description:
      - V(listed) changes nothing.
      - V(restored) brings back what O(id) names.
      - V(confirmed) ends the change that has begun; what runs now is good.
    type: str
    choices: [listed, restored, confirmed]
    default: listed
  id:
    description:
      - Which state to go back to. V(unfinished) is the one before the change that has begun and was not confirmed;
        where none has, nothing is done. V(last) is the newest.
      - Another one than V(unfinished) is gone back to as a change of its own, of which the state is saved first.
    type: str
    default: unfinished
  plan:
    description: With O(state=confirmed), the plan that runs now. It is kept, and goes into later states.
    type: dict
  keep:
    description: With O(state=confirmed), how many states stay, the newest. From 1 to 100.
    type: int
    default: 3
extends_documentation_fragment:
  - inference.ollama.snapshots
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
attributes:
  diff_mode:
    support: full
    details: What only the owner of a file may read is not shown.
seealso:
  - module: inference.ollama.file_transaction
"""

EXAMPLES = r"""
- name: Which states are there?
  inference.ollama.snapshot:
    folder: /var/lib/inference.ollama
  become: true
  register: kept

- name: Take back the last change
  inference.ollama.snapshot:
    folder: /var/lib/inference.ollama
    state: restored
    id: last
  become: true
  register: restored

- name: Stop what did not run then
  ansible.builtin.systemd_service:
    name: "{{ item }}"
    state: stopped
  loop: "{{ restored.services.stop }}"
  become: true

- name: Confirm a change
  inference.ollama.snapshot:
    folder: /var/lib/inference.ollama
    state: confirmed
    plan: "{{ ollama_plan }}"
  become: true
"""

RETURN = r"""
states:
  description: The states that are kept, the newest first.
  returned: success
  type: list
  elements: dict
  sample: [{id: 20261122T081202Z, saved_at: "2026-11-22T08:12:02Z", reason: change 4711, changes: []}]
  contains:
    id:
      description: Its name.
      type: str
      sample: 20261122T081202Z
    saved_at:
      description: When it was saved, in UTC.
      type: str
      sample: "2026-11-22T08:12:02Z"
    reason:
      description: Why the change after it was made.
      type: str
      sample: change 4711
    changes:
      description: What that change was, as RV(inference.ollama.file_transaction#module:changes).
      type: list
      elements: dict
      sample: [{path: /etc/systemd/system/ollama.service.d/override.conf, change: created}]
unfinished:
  description: The id of the state before a change that was begun and not confirmed; V(null) where there is none.
  returned: success
  type: str
  sample: 20261122T081202Z
restored:
  description: The state that was gone back to; V(null) where there was none to go back to.
  returned: success
  type: dict
  sample: {id: 20261122T081202Z, saved_at: "2026-11-22T08:12:02Z", reason: change 4711, changes: []}
changes:
  description: What has changed, or would without check mode, as RV(inference.ollama.file_transaction#module:changes).
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/systemd/system/ollama.service.d/override.conf, change: removed}]
kernel:
  description: The files of the kernel that were set, or would be without check mode.
  returned: success
  type: list
  elements: str
  sample: [/proc/sys/kernel/numa_balancing]
services:
  description: V(null) where nothing was restored.
  returned: success
  type: dict
  contains:
    stop:
      description: The services of Ollama that run and did not then.
      type: list
      elements: str
      sample: ["ollama@node1.service"]
    start:
      description: Those that ran then, with the value of C(OLLAMA_HOST) of each.
      type: dict
      sample: {ollama.service: "127.0.0.1:11434"}
plan:
  description: The plan that was confirmed then; V(null) where none was.
  returned: success
  type: dict
  sample: null
problems:
  description: What in the folder could not be read.
  returned: success
  type: list
  elements: str
  sample: []
"""

from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import diff, summarize
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.host import (
    OPTIONS,
    Host,
    plan_restore,
    restore,
    services,
    write,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.running import kernel_changes
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store
from ansible_collections.inference.ollama.plugins.module_utils._topology.options import check_timeout

UNFINISHED = "unfinished"
LAST = "last"
_MOST = 100


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "folder": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["listed", "restored", "confirmed"], "default": "listed"},
        "id": {"type": "str", "default": UNFINISHED},
        "plan": {"type": "dict"},
        "keep": {"type": "int", "default": 3},
        **OPTIONS,
    }


def restore_snapshot(store: Store, module: AnsibleModule) -> dict[str, Any]:
    """Go back to the state that is asked for; nothing where that is the unfinished one and there is none."""
    params = module.params
    unfinished = store.pending()
    asked = unfinished if params["id"] == UNFINISHED else params["id"]
    if asked == LAST:
        asked = next(iter(store.ids()), LAST)
    if asked is None:
        return {"changed": False}
    host = Host(runner(params["command_timeout"]), lambda: datetime.now(timezone.utc), params["units_folder"])
    back = plan_restore(store, host, asked)
    changes, kernel = back.changes, kernel_changes(back.kernel)
    if not module.check_mode:
        # The state that is there now is worth keeping, unless it is that of a change which failed.
        if asked != unfinished and (changes or kernel):
            keeping = host._replace(kernel=tuple(back.kernel))
            write(store, keeping, back.wanted, changes, f"before going back to {asked}")
        restore(back)
        if asked == unfinished:
            store.mark_restored(asked)
    return {
        "changed": bool(changes or kernel) or asked == unfinished,
        "changes": summarize(changes),
        "diff": diff(changes),
        "kernel": kernel,
        "services": services(back.snapshot, host.run),
        "plan": back.snapshot.plan,
        "restored": back.snapshot.summary(),
    }


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    check_timeout(params["command_timeout"])
    if not 1 <= params["keep"] <= _MOST:
        raise OllamaError(f"keep: {params['keep']} is not a number from 1 to {_MOST}")
    store = Store(params["folder"])
    result = {"changed": False, "changes": [], "kernel": [], "services": None, "plan": None, "restored": None}
    if params["state"] == "restored":
        result.update(restore_snapshot(store, module))
    elif params["state"] == "confirmed" and not module.check_mode:
        store.confirm(params["plan"], params["keep"])
    states = [state.summary() for state in store.snapshots()]
    return {**result, "states": states, "unfinished": store.pending(), "problems": store.problems}


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
