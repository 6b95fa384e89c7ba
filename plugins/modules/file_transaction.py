#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.file_transaction."""

from __future__ import annotations

DOCUMENTATION = r"""
module: file_transaction
short_description: Writes and removes several files as one transaction, and keeps a snapshot
version_added: 0.1.0
description:
  - Writes and removes all the named files, or none of them where one cannot be written.
  - Each file is first written beside its final path, so that a full disk is noticed before any file has changed.
  - With O(state_folder) it keeps a snapshot from before the change (the files, the links that start services of Ollama
    at boot, which of these services ran, and values of the kernel) and records that a change is pending.
    M(inference.ollama.snapshot) restores it, or confirms the change.
  - With O(state_folder) it writes only paths that M(inference.ollama.snapshot) restores, which are those of the role.
    One run at a time changes a host; another one fails and says whose change is pending.
  - A file that somebody else changes while the module runs is not overwritten; nothing is changed then.
  - Where an earlier change was never confirmed, as after a run that was killed, the module reports it and returns
    changed, so that handlers do what that run could not.
options:
  files:
    description: Files to write. Missing folders are created.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path. A link of that name is replaced.
        type: path
        required: true
      content:
        description: Content of the file. This, O(files[].content_base64) or O(files[].program) is needed.
        type: str
      content_base64:
        description: Content of a file that is no text, in base64.
        type: str
      program:
        description: The name of a program of this collection, whose bytes the action of this name puts in its place.
        type: str
      mode:
        description: Permissions in octal digits and in quotes. YAML reads V(0644) without them as the number 420.
        type: raw
        default: "0644"
  secrets:
    description: Files that only their owner may read, content by absolute path. The content is never shown.
    type: dict
    default: {}
  kept:
    description:
      - Files and links that O(files) would replace, with the path under which each stays as it is, content, permissions
        and owner included. One that is not there is passed over; a different file at the new path is an error.
      - The program F(/usr/local/bin/ollama) is not copied, however large it is. F(/usr/local/bin/ollama.found) becomes
        another name of it.
    type: dict
    default: {}
  backup:
    description: Paths of files to copy before they change. A copy has the file's name, the time and a tilde.
    type: list
    elements: path
    default: []
  links:
    description:
      - Symbolic links to make, target by absolute path. A file or link of that name is replaced; a program of more than
        1 MiB only where O(kept) names it too.
    type: dict
    default: {}
  absent:
    description: Paths of files and links to remove.
    type: list
    elements: path
    default: []
  empty_folders:
    description: Folders to remove where they are empty.
    type: list
    elements: path
    default: []
  state_folder:
    description: Folder of the snapshots, which only root may read. Without it no snapshot is kept.
    type: path
  reason:
    description: Why the change is made; kept with the snapshot.
    type: str
    default: ""
  kernel:
    description:
      - Files below C(/proc/sys) and C(/sys) whose values are kept with the snapshot. With O(state_folder) those that
        the role sets, and no others.
    type: list
    elements: path
    default: []
  seen:
    description:
      - What the caller has seen of the files, as RV(inference.ollama.unit_files_info#module:digests). A file that is
        another by now is copied before it changes, as if it were named in O(backup).
    type: dict
  generation:
    description:
      - RV(inference.ollama.unit_files_info#module:generation) as the caller has seen it. Where another run has changed
        the host since, the module fails before it changes anything.
    type: int
  install_folder:
    description: The folder of releases. With O(state_folder) only the link C(current) is written in it.
    type: path
    default: /opt/ollama
  root:
    description:
      - A folder that all paths are below, as an image's. No link among the folders below it is followed; one on the
        way to a file is refused by name.
    type: path
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
    details: The content of a file that only its owner may read is not shown.
seealso:
  - module: inference.ollama.snapshot
"""

EXAMPLES = r"""
- name: Write two files in one transaction, and keep a snapshot
  inference.ollama.file_transaction:
    files:
      - path: /etc/systemd/system/ollama.service.d/override.conf
        content: "{{ lookup('ansible.builtin.template', 'dropin.conf.j2') }}"
      - path: /etc/sysctl.d/90-ollama.conf
        content: "kernel.numa_balancing = 0\n"
    state_folder: /var/lib/inference.ollama
    reason: change 4711
  become: true
  notify: Restart my services

- name: Switch to another release
  inference.ollama.file_transaction:
    links:
      /opt/ollama/current: releases/0.32.15
      /usr/local/bin/ollama: /opt/ollama/current/bin/ollama
    kept: {/usr/local/bin/ollama: /usr/local/bin/ollama.found}
    state_folder: /var/lib/inference.ollama
  become: true
  notify: Restart my services

- name: Remove a drop-in and its folder
  inference.ollama.file_transaction:
    absent: [/etc/systemd/system/ollama.service.d/zz.conf]
    empty_folders: [/etc/systemd/system/ollama.service.d]
  become: true
"""

RETURN = r"""
changes:
  description: What has changed, or would change without check mode.
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/systemd/system/ollama.service.d/override.conf, change: created}]
  contains:
    path:
      description: The path.
      type: str
      sample: /etc/systemd/system/ollama.service.d/override.conf
    change:
      description: V(created), V(changed) or V(removed).
      type: str
      sample: created
unfinished:
  description: Whether an earlier change was never confirmed.
  returned: success
  type: bool
  sample: false
state:
  description: The id of the snapshot that was saved; V(null) where nothing changed, or without O(state_folder).
  returned: success
  type: str
  sample: 20261122T081202Z.7
copies:
  description: The copies that were made of files in O(backup), and of files that are not as in O(seen).
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/ollama.service.d/override.conf.20261122T081202Z~]
problems:
  description: What could not be read or removed in the folder of snapshots and beside the files.
  returned: success
  type: list
  elements: str
  sample: []
raced:
  description: Whether the module fails because of another run, before it has changed anything.
  returned: failure
  type: bool
  sample: true
holder:
  description: The run that a pending change belongs to, where the module fails because of it.
  returned: failure
  type: dict
  sample: {}
"""

import base64
import os
import re
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import INSTALL_FOLDER, Places
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import (
    diff,
    pending_changes,
    summarize,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.commit import differs
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    FILE,
    LINK,
    Entry,
    fingerprint,
    identity,
    read_entry,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.host import (
    OPTIONS,
    Host,
    check_options,
    hand_copies,
    remove_empty,
    require_places,
    tidy,
    write,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.lock import (
    HeldError,
    RacedError,
    locked,
    new_holder,
    require_free,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import require_no_links
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store

SECRET_MODE = 0o600


def argument_spec() -> dict[str, dict[str, Any]]:
    path = {"type": "path", "required": True}
    return {
        "files": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": path,
                "content": {"type": "str"},
                "content_base64": {"type": "str"},
                "program": {"type": "str"},
                "mode": {"type": "raw", "default": "0644"},
            },
            "required_one_of": [("content", "content_base64", "program")],
            "mutually_exclusive": [("content", "content_base64", "program")],
        },
        # Ansible hides the values of a dictionary, but would log the texts in a list of dictionaries.
        "secrets": {"type": "dict", "default": {}, "no_log": True},
        "kept": {"type": "dict", "default": {}},
        "backup": {"type": "list", "elements": "path", "default": []},
        "links": {"type": "dict", "default": {}},
        "absent": {"type": "list", "elements": "path", "default": []},
        "empty_folders": {"type": "list", "elements": "path", "default": []},
        "state_folder": {"type": "path"},
        "reason": {"type": "str", "default": ""},
        "kernel": {"type": "list", "elements": "path", "default": []},
        "seen": {"type": "dict"},
        "generation": {"type": "int"},
        "install_folder": {"type": "path", "default": INSTALL_FOLDER},
        "root": {"type": "path"},
        **OPTIONS,
    }


def wanted_of(params: dict[str, Any]) -> list[Entry]:
    """Return the requested entries; OllamaError for a path that is relative or named twice, or an invalid mode."""
    # First, so that a run that is cut off between two renames has lost neither.
    entries = [entry for path, other in params["kept"].items() for entry in _kept(path, str(other))]
    entries += [Entry(row["path"], FILE, _data(row), _mode(row["mode"])) for row in params["files"]]
    entries += [Entry(path, FILE, _text(path, content), SECRET_MODE) for path, content in params["secrets"].items()]
    entries += [Entry(path, LINK, target=_target(path, target)) for path, target in params["links"].items()]
    entries += [Entry(path, ABSENT) for path in params["absent"]]
    paths = [entry.path for entry in entries]
    for path in paths:
        if not path.startswith("/"):
            raise OllamaError(f"{path}: allowed is an absolute path")
        if paths.count(path) > 1:
            raise OllamaError(f"{path}: it is named twice among files, secrets, kept, links and absent")
    return entries


def _kept(path: str, other: str) -> list[Entry]:
    """Return the entry at a path under its other one; none where nothing is there."""
    found, there = read_entry(path), read_entry(other)
    if found.kind == ABSENT:
        return []
    wanted = found._replace(path=other)
    if there.kind != ABSENT and differs(there, wanted):
        raise OllamaError(
            f"{other}: {path} would stay under this name, and there is another file; move one of them away"
        )
    return [wanted]


def _target(path: str, target: object) -> str:
    if not isinstance(target, str) or not target or "\0" in target:
        raise OllamaError(f"{path}: the target of a link is a path, as releases/0.32.15")
    return target


def _text(path: str, content: object) -> bytes:
    """Return the content as bytes; a key that is all digits arrives as a number."""
    if isinstance(content, bool) or not isinstance(content, (str, int)):
        raise OllamaError(f"{path}: its content is not a text")
    return str(content).encode()


def _data(row: dict[str, Any]) -> bytes:
    """Return the bytes of a file; a program is put in its place on the controller (plugins/action)."""
    if row.get("content") is not None:
        return str(row["content"]).encode()
    try:
        return base64.b64decode(row.get("content_base64") or "", validate=True)
    except ValueError:
        raise OllamaError(f"{row['path']}: content_base64 is not in the alphabet of base64") from None


def _mode(mode: object) -> int:
    if not isinstance(mode, str) or not re.fullmatch("0?[0-7]{3}", mode):
        raise OllamaError(f"mode: {str(mode)[:20]!r} is not allowed; allowed are octal digits in quotes, as '0644'")
    return int(mode, 8)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    check_options(params)
    wanted = wanted_of(params)
    root = params["root"].rstrip("/") if params["root"] else None
    if root:
        folders = [os.path.join(folder, "x") for folder in params["empty_folders"]]
        require_no_links(root, [*(entry.path for entry in wanted), *folders])
    now = datetime.now(timezone.utc)
    secrets = (*params["secrets_paths"], *params["secrets"])
    host = Host(
        runner(params["command_timeout"]),
        lambda: now,
        params["units_folder"],
        tuple(params["kernel"]),
        Places(params["units_folder"], secrets, params["install_folder"]),
        new_holder(params["run"], params["reason"], now),
    )
    if not params["state_folder"]:
        return change(None, host, wanted, module)
    require_places(host, wanted, host.kernel)
    store = Store(params["state_folder"])
    if module.check_mode:
        return change(store, host, wanted, module)
    with locked(store.folder, host.holder, params["lock_timeout"]):
        return change(store, host, wanted, module)


def change(store: Store | None, host: Host, wanted: list[Entry], module: AnsibleModule) -> dict[str, Any]:
    """Make the change, or describe it in check mode, and return the result."""
    params = module.params
    if not module.check_mode:
        tidy(store, wanted)
    begun = store.pending() if store is not None else None
    changes = pending_changes(wanted)
    kept = hand_copies((found for found, entry in changes if is_foreign(found, params)), host)
    state = None
    result = {"changes": summarize(changes), "diff": diff(changes), "copies": [copy.path for copy in kept]}
    if not module.check_mode:
        if store is not None:
            require_free(begun.holder if begun else None, params["run"], params["takeover"])
            require_generation(store, params["generation"])
        if changes:
            root = params["root"] and params["root"].rstrip("/")
            state = write(store, host, wanted, changes, params["reason"], kept=kept, root=root)
            remove_empty(params["empty_folders"])
        elif store is not None and begun is not None:
            store.claim(None, host.holder)
    return {
        **result,
        "changed": bool(changes) or begun is not None,
        "unfinished": begun is not None,
        "state": state,
        "problems": store.problems if store is not None else [],
    }


def is_foreign(found: Entry, params: dict[str, Any]) -> bool:
    """Whether a copy of the file is due: it is asked for, or somebody has changed the file since the caller saw it.

    What stays under another name needs none.
    """
    if found.path in params["kept"]:
        return False
    if found.path in params["backup"]:
        return True
    seen = (params["seen"] or {}).get(found.path)
    if isinstance(seen, dict) and seen.get("identity"):
        return identity(found.path) != str(seen["identity"])
    known = seen.get("sha256") if isinstance(seen, dict) else None
    return params["seen"] is not None and fingerprint(found) != known


def require_generation(store: Store, seen: int | None) -> None:
    """RacedError where another run has changed the host since the caller looked."""
    if seen is not None and store.sequence() != seen:
        raise RacedError(
            f"another run has changed this host since it was read (change {store.sequence()} in {store.folder.path},"
            f" read at {seen}); nothing was changed. Run again"
        )


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module)
    except HeldError as error:
        module.fail_json(msg=str(error), raced=True, holder=error.holder)
    except RacedError as error:
        module.fail_json(msg=str(error), raced=True)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
