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
  - A file that somebody has changed since is copied before it is written over.
  - It believes no folder and no file that other users than its own can have written, and writes only paths that this
    collection writes. A state with others is refused.
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
      - Which state to go back to. While a change is pending, V(unfinished) and V(last) mean to finish going back, to
        the state before that change or, where going back itself was cut off, to the state that it was going to.
      - Where no change is pending, V(unfinished) does nothing, and V(last) is the newest state.
      - Where no change is pending, going back is a change of its own, of which the state is saved first.
    type: str
    default: unfinished
  plan:
    description: With O(state=confirmed), the plan that runs now. It is kept, and goes into later states.
    type: dict
  keep:
    description: With O(state=confirmed), how many states stay, the newest. From 1 to 100.
    type: int
    default: 3
  install_folder:
    description: The folder of releases, O(inference.ollama.file_transaction#module:install_folder).
    type: path
    default: /opt/ollama
  own:
    description:
      - Whether to act only on a pending change of the same run. Where there is none, V(restored) does nothing and
        V(confirmed) fails, as the change then is another run's.
    type: bool
    default: false
extends_documentation_fragment:
  - inference.ollama.snapshots
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
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
  sample: [{id: 20261122T081202Z.7, saved_at: "2026-11-22T08:12:02Z", reason: change 4711, changes: []}]
  contains:
    id:
      description: Its name.
      type: str
      sample: 20261122T081202Z.7
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
  sample: 20261122T081202Z.7
restored:
  description: The state that was gone back to; V(null) where there was none to go back to.
  returned: success
  type: dict
  sample: {id: 20261122T081202Z.7, saved_at: "2026-11-22T08:12:02Z", reason: change 4711, changes: []}
changes:
  description: What has changed, or would without check mode, as RV(inference.ollama.file_transaction#module:changes).
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/systemd/system/ollama.service.d/override.conf, change: removed}]
copies:
  description: Copies of files that somebody had changed since; made, or to be made without check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/ollama.service.d/override.conf.20261122T081202Z~]
holder:
  description: The run that the pending change belongs to, where the module fails because of it.
  returned: failure
  type: dict
  sample: {}
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
targets:
  description:
    - Where the links of the kept states lead. A release of Ollama that is among them has to stay, to be gone back to.
  returned: success
  type: list
  elements: str
  sample: [releases/0.32.15]
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
from ansible_collections.inference.ollama.plugins.module_utils._places import INSTALL_FOLDER, Places
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import diff, summarize
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.host import (
    OPTIONS,
    Host,
    check_options,
    tidy,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.lock import (
    HeldError,
    locked,
    new_holder,
    require_free,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.restore import (
    UNFINISHED,
    choose,
    confirm,
    go_back,
    plan_restore,
    services,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.running import kernel_changes
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store

_MOST = 100
_NOTHING = {
    "changed": False,
    "changes": [],
    "copies": [],
    "kernel": [],
    "services": None,
    "plan": None,
    "restored": None,
}
_NOT_OWN = (
    "the change that is pending in {folder} is not this run's any more, so it is not confirmed: another run has"
    " taken it over or ended it. Run inference.ollama.site again"
)


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "folder": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["listed", "restored", "confirmed"], "default": "listed"},
        "id": {"type": "str", "default": UNFINISHED},
        "plan": {"type": "dict"},
        "keep": {"type": "int", "default": 3},
        "install_folder": {"type": "path", "default": INSTALL_FOLDER},
        "own": {"type": "bool", "default": False},
        **OPTIONS,
    }


def restore_snapshot(store: Store, host: Host, module: AnsibleModule) -> dict[str, Any]:
    """Go back to the state that is asked for; nothing where that is the unfinished one and there is none."""
    begun, asked = store.pending(), choose(store, module.params["id"])
    if asked is None:
        return {}
    back = plan_restore(store, host, asked)
    kernel = kernel_changes(back.kernel)
    if not module.check_mode:
        go_back(store, host, back)
    return {
        "changed": bool(back.changes or kernel) or begun is not None,
        "changes": summarize(back.changes),
        "copies": [copy.path for copy in back.copies],
        "diff": diff(back.changes),
        "kernel": kernel,
        "services": services(back.snapshot, host),
        "plan": back.snapshot.plan,
        "restored": back.snapshot.summary(),
    }


def act(store: Store, host: Host, module: AnsibleModule) -> dict[str, Any]:
    """Restore or confirm, where the pending change is free to be acted on."""
    params = module.params
    if not module.check_mode:
        tidy(store, ())
        begun = store.pending()
        holder, run = begun.holder if begun else None, params["run"]
        if params["own"] and (begun is None or (holder or {}).get("run") != (run or {}).get("run")):
            if params["state"] == "confirmed":
                raise OllamaError(_NOT_OWN.format(folder=params["folder"]))
            return {}
        require_free(holder, run, params["takeover"])
    if params["state"] == "restored":
        return restore_snapshot(store, host, module)
    if not module.check_mode:
        confirm(store, host, params["plan"], params["keep"])
    return {}


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    check_options(params)
    if not 1 <= params["keep"] <= _MOST:
        raise OllamaError(f"keep: {params['keep']} is not a number from 1 to {_MOST}")
    store, now = Store(params["folder"]), datetime.now(timezone.utc)
    host = Host(
        runner(params["command_timeout"]),
        lambda: now,
        params["units_folder"],
        places=Places(params["units_folder"], tuple(params["secrets_paths"]), params["install_folder"]),
        holder=new_holder(params["run"], f"going back to {params['id']}", now),
    )
    result = dict(_NOTHING)
    changing = params["state"] == "confirmed" or (params["state"] == "restored" and store.folder.exists())
    if changing and not module.check_mode:
        with locked(store.folder, host.holder, params["lock_timeout"]):
            result.update(act(store, host, module))
    elif params["state"] != "listed":
        result.update(act(store, host, module))
    snapshots, begun = store.snapshots(), store.pending()
    targets = {entry.target for each in snapshots for entry in each.entries if entry.target is not None}
    return {
        **result,
        "states": [each.summary() for each in snapshots],
        "targets": sorted(targets),
        "unfinished": begun.id if begun else None,
        "problems": store.problems,
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module)
    except HeldError as error:
        module.fail_json(msg=str(error), holder=error.holder)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
