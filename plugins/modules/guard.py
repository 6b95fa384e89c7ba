#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.guard."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guard
short_description: Puts a host back as it was where the run that changes it ends early
version_added: 0.1.0
description:
  - A run that tries settings leaves a change pending until it has found the best. This module lets the host itself go
    back to what was there before, as M(inference.ollama.snapshot) does, where the run gives no sign of life for a time.
    So the controller may be killed or lose the network.
  - It copies the files of this collection that this takes into the folder of states, and installs a systemd timer,
    C(inference-ollama-guard.timer), which runs them. It also waits after a reboot. Once it has acted, or the run has
    ended it, the timer and its files are removed.
  - The guard acts only on the pending change of the run that armed it. Where that is confirmed, taken back, or taken
    over by another run, it does nothing. What it tried is in the journal of C(inference-ollama-guard.service).
options:
  folder:
    description: Where the states are kept, O(inference.ollama.file_transaction#module:state_folder).
    type: path
    required: true
  state:
    description:
      - V(armed) installs it, in the place of an earlier one.
      - V(renewed) is the sign of life. It fails where the guard has acted or is not there.
      - V(disarmed) removes it. Where it is another run's, nothing is done.
    type: str
    choices: [armed, renewed, disarmed]
    required: true
  seconds:
    description: With O(state=armed), after how many seconds without a sign of life the guard acts. From 30 to 86400.
    type: int
    default: 900
  keep:
    description: With O(state=armed), how many states stay once it has gone back, the newest. From 1 to 100.
    type: int
    default: 3
  install_folder:
    description: The folder of releases, O(inference.ollama.file_transaction#module:install_folder).
    type: path
    default: /opt/ollama
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
    support: none
seealso:
  - module: inference.ollama.snapshot
"""

EXAMPLES = r"""
- name: Go back by yourself if I am not heard of for ten minutes
  inference.ollama.guard:
    folder: /var/lib/inference.ollama
    state: armed
    seconds: 600
  become: true

- name: I am still here
  inference.ollama.guard:
    folder: /var/lib/inference.ollama
    state: renewed
  become: true

- name: I am done
  inference.ollama.guard:
    folder: /var/lib/inference.ollama
    state: disarmed
  become: true
"""

RETURN = r"""
timer:
  description: The timer on the host.
  returned: success
  type: str
  sample: inference-ollama-guard.timer
acted:
  description:
    - What a guard has done by itself, which nobody has read before; V(null) where none has. V(armed) and V(disarmed)
      return it once.
  returned: success
  type: dict
  sample:
    at: "2026-11-27T12:31:07Z"
    outcome: restored
    message: "went back to state 20261127T121904Z.7: 2 file(s), 1 service(s)"
    state: 20261127T121904Z.7
    changes: [{path: /etc/systemd/system/ollama.service.d/zz-inference-ollama.conf, change: changed}]
    copies: []
    services: {stop: [], start: {ollama.service: "127.0.0.1:11434"}}
    problems: []
would:
  description: In check mode, what would be done, a sentence each.
  returned: success
  type: list
  elements: str
  sample: []
problems:
  description: What could not be removed or passed to systemd.
  returned: success
  type: list
  elements: str
  sample: []
holder:
  description: The run that a pending change belongs to, where the module fails because of it.
  returned: failure
  type: dict
  sample: {}
"""

from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._guard import act, timer
from ansible_collections.inference.ollama.plugins.module_utils._guard import record as records
from ansible_collections.inference.ollama.plugins.module_utils._guard.record import Record
from ansible_collections.inference.ollama.plugins.module_utils._places import INSTALL_FOLDER
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._program import archive
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.host import OPTIONS, check_options
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.lock import (
    HeldError,
    locked,
    new_holder,
    require_free,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store

ARMED = "armed"
RENEWED = "renewed"
DISARMED = "disarmed"
_SHORTEST = 30
_LONGEST = 86400
_MOST = 100
_REASON = "the run that tunes this host"
_GONE = (
    "the guard of this run is not there any more, so the host is not changed further: somebody has removed"
    " {timer}, or another run has taken its place. Run the playbook again"
)


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "folder": {"type": "path", "required": True},
        "state": {"type": "str", "choices": [ARMED, RENEWED, DISARMED], "required": True},
        "seconds": {"type": "int", "default": 900},
        "keep": {"type": "int", "default": 3},
        "install_folder": {"type": "path", "default": INSTALL_FOLDER},
        **OPTIONS,
    }


class Guard:
    """The guard on this host, as a module call finds it."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params, self.store = params, Store(params["folder"])
        # Of a busy systemd more is waited for than of a question.
        self.systemd = runner(max(60, params["command_timeout"]))
        self.me = {**(params["run"] or {"run": ""})}

    def holder(self, seconds: int) -> dict[str, Any]:
        now = datetime.now(timezone.utc)
        return new_holder({**self.me, "lease": seconds}, _REASON, now) or {}

    def arm(self) -> dict[str, Any]:
        """Install it; what an earlier one has done is returned."""
        params, found = self.params, self._found()
        begun = self.store.pending()
        require_free(begun.holder if begun else None, params["run"], params["takeover"])
        if begun is not None and (begun.holder or {}).get("run") != self.me["run"]:
            raise OllamaError(
                f"a change is pending in {params['folder']} that nobody has confirmed, so a guard would go back to"
                " what was before it. Run inference.ollama.site or inference.ollama.rollback first"
            )
        record = Record(
            self.holder(params["seconds"]),
            *(params["seconds"], params["keep"], params["units_folder"]),
            *(tuple(params["secrets_paths"]), params["command_timeout"]),
            install_folder=params["install_folder"],
        )
        records.write(self.store.folder, record)
        try:
            program = archive(act.__name__)
            timer.install(self.systemd, params["units_folder"], params["folder"], program, params["seconds"])
        except OllamaError:
            self.store.folder.remove(records.NAME)
            raise
        return {"changed": True, "acted": found.acted if found else None}

    def renew(self) -> dict[str, Any]:
        """Let it count from the start; OllamaError where it has acted, or is not this run's."""
        found = self._found()
        if found is None or found.run != self.me["run"]:
            raise OllamaError(_GONE.format(timer=timer.TIMER))
        if found.acted:
            raise OllamaError(
                f"the guard has acted at {found.acted.get('at')}, since this run gave no sign of life for"
                f" {found.seconds} s: {found.acted.get('message')}"
            )
        if not timer.is_waiting(self.systemd):
            raise OllamaError(_GONE.format(timer=timer.TIMER))
        records.write(self.store.folder, found._replace(holder=self.holder(found.seconds)))
        timer.restart(self.systemd)
        return {"changed": False}

    def disarm(self) -> dict[str, Any]:
        """Remove it, and what it wrote."""
        found = self._found()
        if found is None or found.run != self.me["run"]:
            return {}
        problems = timer.remove(self.systemd, self.params["units_folder"], self.params["folder"])
        self.store.folder.remove(records.NAME)
        return {"changed": True, "acted": found.acted, "problems": problems}

    def _found(self) -> Record | None:
        try:
            return records.read(self.store.folder)
        except OllamaError:
            # A damaged record is in nobody's way: arming replaces it, and the other calls know of no guard.
            return None


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    check_options(params)
    for name, least, most in (("seconds", _SHORTEST, _LONGEST), ("keep", 1, _MOST)):
        if not least <= params[name] <= most:
            raise OllamaError(f"{name}: {params[name]} is not a number from {least} to {most}")
    result = {"changed": False, "timer": timer.TIMER, "acted": None, "would": [], "problems": []}
    guard = Guard(params)
    if module.check_mode:
        words = {ARMED: f"would be installed, to act after {params['seconds']} s without a sign of life"}
        said = words.get(params["state"])
        return {**result, "changed": bool(said), "would": [f"{timer.TIMER} {said}"] if said else []}
    if params["state"] != ARMED and not guard.store.folder.exists():
        return result if params["state"] == DISARMED else {**result, **guard.renew()}
    acts = {ARMED: guard.arm, RENEWED: guard.renew, DISARMED: guard.disarm}
    with locked(guard.store.folder, guard.holder(params["seconds"]), params["lock_timeout"]):
        return {**result, **acts[params["state"]]()}


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
