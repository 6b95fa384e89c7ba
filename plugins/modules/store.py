#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store
short_description: Moves a model store without losing a model
version_added: 0.1.0
description:
  - Moves a store in steps, so that the server can be switched between the first and the last, and proven.
  - On one file system files get a second name and take no room. On another one they are copied, and each copy is read
    again and compared before it gets its name; a blob's name is its SHA-256.
  - A move that is under way is recorded in O(state_folder). Killed at any point it loses nothing, and the next call
    goes on where it ended.
  - It runs as a job, and a line every ten seconds says how far it is.
options:
  state:
    description:
      - V(copied) brings everything of O(source) to O(target), which no server uses yet, and leaves O(source) as it is.
        Folders that are missing on the way are made, so that every user may pass them.
      - V(finished) brings what has come to the old store since, and removes the old store once the new one has all of
        it. A link stays in its place, so that a state from before the move still finds the models.
      - V(taken_back) brings what has come to the new store since to the old one, and removes from the new one what the
        move has brought.
      - Without a move under way V(finished) and V(taken_back) do nothing.
    type: str
    choices: [copied, finished, taken_back]
    required: true
  source:
    description: The store that there is. C(~USER) at its start is the home of that user. For V(copied).
    type: str
  target:
    description: The store that there shall be, in the same form. For V(copied).
    type: str
  user:
    description: The user of the service, whom the new store shall belong to.
    type: str
    default: root
  state_folder:
    description: Folder of the record, which only root may read.
    type: path
    default: /var/lib/inference.ollama
  progress_file:
    description: File with a line that says how far it is. Ansible fills it in.
    type: path
  max_duration:
    description: After how many seconds it ends; another call goes on there. Above 0.
    type: float
    default: 86400
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
    details: It runs as a job already.
  bypass_host_loop:
    support: none
  diff_mode:
    support: full
seealso:
  - module: inference.ollama.store_info
"""

EXAMPLES = r"""
- name: Bring the models to a new store
  inference.ollama.store:
    state: copied
    source: /usr/share/ollama/.ollama/models
    target: /srv/models
    user: ollama
  become: true

- name: Remove the old store, once the server has been switched and proven
  inference.ollama.store:
    state: finished
    user: ollama
  become: true
"""

RETURN = r"""
move:
  description: The move that this call worked on, with C(source), C(target) and C(phase); V(null) without one.
  returned: success
  type: dict
  sample: {source: /usr/share/ollama/.ollama/models, target: /srv/models, phase: copying}
linked_bytes:
  description: Bytes of files that got a second name.
  returned: success
  type: int
  sample: 0
copied_bytes:
  description: Bytes that were copied.
  returned: success
  type: int
  sample: 6939018854
problems:
  description: What was found damaged, and what stays where it was.
  returned: success
  type: list
  elements: str
  sample: []
"""

import time
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.progress import Progress
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._store import move
from ansible_collections.inference.ollama.plugins.module_utils._store.inspect import owner_of, real
from ansible_collections.inference.ollama.plugins.module_utils._store.listing import listing

_GIB = 1 << 30


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "state": {"type": "str", "choices": ["copied", "finished", "taken_back"], "required": True},
        "source": {"type": "str"},
        "target": {"type": "str"},
        "user": {"type": "str", "default": "root"},
        "state_folder": {"type": "path", "default": "/var/lib/inference.ollama"},
        "progress_file": {"type": "path"},
        "max_duration": {"type": "float", "default": 86400},
    }


def teller(
    path: str, total: int, progress: Progress, limit: float, clock: Callable[[], float]
) -> Callable[[int], None]:
    """Return what is called with the bytes that are done; OllamaError once the time is over."""
    ends = clock() + limit

    def say(done: int) -> None:
        progress.say(f"{done / _GIB:.1f} of {total / _GIB:.1f} GiB of {path} moved")
        if clock() > ends:
            raise OllamaError(
                f"max_duration: {path} is not moved after {limit:g} s; nothing was lost, and another run goes on there"
            )

    return say


def run(params: dict[str, Any], *, check_mode: bool, clock: Callable[[], float] = time.monotonic) -> dict[str, Any]:
    """Make one step of the move and return the result of the module."""
    state, folder = params["state"], params["state_folder"]
    known = move.read_record(folder)
    problems: list[str] = []
    if state == "copied":
        source, target = real(params["source"]), real(params["target"])
    elif known is None:
        return _result(None, None, problems, changed=False)
    else:
        source, target = known.source, known.target
    before = known or move.Move(source, target, move.COPYING)
    if check_mode:
        return _result(before, None, problems, changed=True)
    total = listing(source).size_bytes
    say = teller(source, total, Progress(params["progress_file"], problems), params["max_duration"], clock)
    owner = owner_of(params["user"], source)
    done: Any
    if state == "copied":
        done = move.copied(folder, source, target, owner, say)
    else:
        done = (move.finished if state == "finished" else move.taken_back)(folder, owner, say)
    changed = known is None or state != "copied" or bool(done and (done.linked_bytes or done.copied_bytes))
    return _result(before, done, problems, changed=changed)


def _result(known: move.Move | None, done: Any, problems: list[str], *, changed: bool) -> dict[str, Any]:  # noqa: ANN401 - a transfer or None
    result = {
        "changed": changed,
        "move": move.state_of(known),
        "linked_bytes": done.linked_bytes if done else 0,
        "copied_bytes": done.copied_bytes if done else 0,
        "problems": [*(done.problems if done else ()), *problems],
    }
    if known is not None and changed:
        result["diff"] = {"before": f"store: {known.source}\n", "after": f"store: {known.target}\n"}
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        supports_check_mode=True,
        required_if=[("state", "copied", ("source", "target"))],
    )
    if module.params["max_duration"] <= 0:
        module.fail_json(msg=f"max_duration: {module.params['max_duration']:g} is not allowed; allowed is above 0")
    try:
        result = run(module.params, check_mode=module.check_mode)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
