#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.release."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Brings a release of Ollama to a host, beside those that are there, or takes releases away
version_added: 0.1.0
description:
  - Downloads the archives of a release, checks them, and extracts them into a folder of its own. The folder has its
    name only when all of the release is on the disk. Nothing that runs is touched, and no link is changed.
  - A run that is cut off, in whatever way, leaves the releases that were there as they were; the next run goes on with
    what was downloaded.
  - Of an archive only files, folders and links that stay inside the release are taken. Owner is who runs the module,
    nobody else may write, and no file is setuid.
  - Where SELinux is on, the release has the contexts that the host's policy says, by C(restorecon).
options:
  version:
    description:
      - The release, such as V(0.32.15).
      - Needed with O(state=present) and O(state=relabelled).
      - With O(state=absent) the release that is removed; without it all of O(folder) is.
    type: str
  folder:
    description: The folder with C(releases), C(downloads) and the link C(current). It is made where it is missing.
    type: path
    default: /opt/ollama
  state:
    description:
      - V(present) brings the release.
      - V(relabelled) restores the SELinux contexts of the release and of O(links). Without SELinux nothing is done.
      - V(pruned) removes every release that is not named in O(keep) and not the one that C(current) leads to, and what
        runs that were cut off have left.
      - V(absent) removes one release, or all of them with the downloads and with the folders where nothing else lies
        in them. What C(current) leads to is never removed.
    type: str
    choices: [present, relabelled, pruned, absent]
    default: present
  links:
    description: With O(state=relabelled), the links that lead to the release.
    type: list
    elements: path
    default: []
  archives:
    description:
      - The archives that the release consists of, in the order in which they are extracted over each other. A name that
        ends in C(.tgz), C(.tar.gz) or C(.tar.zst) is that of an archive, any other that of the program itself, as
        releases up to 0.3.6 have it.
      - C(.tar.zst) takes the program C(zstd), or a Python that has C(compression.zstd) or C(zstandard).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the file, as in O(checksums).
        type: str
        required: true
      url:
        description:
          - Where it is downloaded. C(https) is checked against the certificates of the host, and proxies are those of
            the environment. A user and a password in it are sent and never shown.
        type: str
      path:
        description: Where it lies on the host. It stays there.
        type: path
      sha256:
        description: Its SHA-256, 64 hexadecimal digits. It counts more than O(checksums).
        type: str
  checksums:
    description: A file of checksums as C(sha256sum) writes it, such as the C(sha256sum.txt) of a release.
    type: dict
    suboptions:
      url:
        description: Where it is downloaded.
        type: str
      path:
        description: Where it lies on the host.
        type: path
  unverified:
    description: Whether an archive is taken of which no checksum is known. Without it such an archive is refused.
    type: bool
    default: false
  keep:
    description: The releases that stay with O(state=pruned).
    type: list
    elements: str
    default: []
  timeout:
    description: After how many seconds of silence a server is given up and asked again. Above 0 and up to 3600.
    type: float
    default: 60
  retries:
    description: How often a server is asked again before anything new has arrived. From 0 to 100.
    type: int
    default: 5
  max_duration:
    description: After how many seconds all of it ends. Above 0 and up to 86400.
    type: float
    default: 7200
  progress_file:
    description: A file that says in one line how far it is, written every few seconds.
    type: path
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
    details: It is an asynchronous job already.
  bypass_host_loop:
    support: none
  diff_mode:
    support: full
notes:
  - In check mode it reads which releases are there and which checksums are known, and downloads no archive.
  - It runs as an asynchronous job of its own and prints at least every ten seconds how far it is; C(async) and C(poll)
    on the task are refused.
seealso:
  - module: inference.ollama.install_info
  - module: inference.ollama.file_transaction
"""

EXAMPLES = r"""
- name: Bring a release
  inference.ollama.release:
    version: 0.32.15
    archives:
      - name: ollama-linux-amd64.tar.zst
        url: https://github.com/ollama/ollama/releases/download/v0.32.15/ollama-linux-amd64.tar.zst
    checksums:
      url: https://github.com/ollama/ollama/releases/download/v0.32.15/sha256sum.txt

- name: Bring one that was copied to the host
  inference.ollama.release:
    version: 0.3.6
    archives:
      - name: ollama-linux-arm64
        path: /root/ollama-linux-arm64
        sha256: 9f4a3b0a5f5dd4cd9b2a8a5a0b5ad1ea1a1e1c1f3b4d5e6f708192a3b4c5d6e7

- name: Keep two releases
  inference.ollama.release:
    state: pruned
    keep: ["0.32.15", "0.30.0"]
"""

RETURN = r"""
release:
  description: The release. In check mode, C(bytes) and C(files) of one that is not there are null.
  returned: with O(state=present)
  type: dict
  contains:
    version:
      description: As asked for.
      type: str
      sample: 0.32.15
    path:
      description: Its folder.
      type: str
      sample: /opt/ollama/releases/0.32.15
    bytes:
      description: How much its files take.
      type: int
      sample: 4831838208
    files:
      description: How many files and links it has.
      type: int
      sample: 57
downloaded_bytes:
  description: How much was downloaded in this run.
  returned: success
  type: int
  sample: 1930350592
resumed_bytes:
  description: How much of the downloads was there from a run before.
  returned: success
  type: int
  sample: 0
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 74.2
removed:
  description: The paths that were removed, in check mode those that would be.
  returned: success
  type: list
  elements: str
  sample: [/opt/ollama/releases/0.30.0]
left:
  description: What lies in the folder of releases and is no release, so that it was left.
  returned: success
  type: list
  elements: str
  sample: []
problems:
  description: What could not be written of O(progress_file), and why SELinux contexts could not be restored.
  returned: success
  type: list
  elements: str
  sample: []
"""

import os
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.progress import Progress
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch.address import secrets_in
from ansible_collections.inference.ollama.plugins.module_utils._install.contexts import restore
from ansible_collections.inference.ollama.plugins.module_utils._install.releases import VERSION, Places, read_marker
from ansible_collections.inference.ollama.plugins.module_utils._install.remove import (
    Removal,
    carry_out,
    is_release,
    names,
    plan,
)
from ansible_collections.inference.ollama.plugins.module_utils._install.sources import (
    Limits,
    archives_of,
    with_checksums,
)
from ansible_collections.inference.ollama.plugins.module_utils._install.stage import (
    clear,
    is_there,
    leftovers,
    locked,
    stage,
)

_LONGEST = 86400
_LONGEST_SILENCE = 3600
_MOST_RETRIES = 100


def argument_spec() -> dict[str, dict[str, Any]]:
    places = {"url": {"type": "str"}, "path": {"type": "path"}}
    archive = {"name": {"type": "str", "required": True}, **places, "sha256": {"type": "str"}}
    return {
        "version": {"type": "str"},
        "folder": {"type": "path", "default": "/opt/ollama"},
        "state": {"type": "str", "choices": ["present", "relabelled", "pruned", "absent"], "default": "present"},
        "archives": {"type": "list", "elements": "dict", "default": [], "options": archive},
        "checksums": {"type": "dict", "options": places},
        "links": {"type": "list", "elements": "path", "default": []},
        "unverified": {"type": "bool", "default": False},
        "keep": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "float", "default": 60},
        "retries": {"type": "int", "default": 5},
        "max_duration": {"type": "float", "default": 7200},
        "progress_file": {"type": "path"},
    }


def run(params: dict[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    """Return what the module returns; raise OllamaError."""
    began = time.monotonic()
    _require(params)
    places = Places(params["folder"].rstrip("/"))
    before = _shown(places)
    act = {"present": _present, "relabelled": _relabelled}.get(params["state"], _removed)
    result, after = act(places, params, check_mode=check_mode)
    common = {"downloaded_bytes": 0, "resumed_bytes": 0, "removed": [], "left": [], "problems": []}
    return {
        **common,
        **result,
        "seconds": round(time.monotonic() - began, 1),
        "diff": {
            "before_header": places.releases,
            "before": _text(before),
            "after_header": places.releases,
            "after": _text(after),
        },
    }


def _require(params: dict[str, Any]) -> None:
    for name, most in (("timeout", _LONGEST_SILENCE), ("max_duration", _LONGEST)):
        if not 0 < params[name] <= most:
            raise OllamaError(f"{name}: {params[name]:g} is not a number of seconds above 0 and up to {most}")
    if not 0 <= params["retries"] <= _MOST_RETRIES:
        raise OllamaError(f"retries: {params['retries']} is not a number from 0 to {_MOST_RETRIES}")
    folder = params["folder"]
    if not folder.startswith("/") or os.path.normpath(folder) != folder.rstrip("/"):
        raise OllamaError(f"folder: {folder!r} is not an absolute path without . and .. below /")
    versions = [("version", params["version"]), *(("keep", version) for version in params["keep"])]
    for name, version in versions:
        if version is not None and not VERSION.fullmatch(version):
            raise OllamaError(f"{name}: {version[:80]!r} is not a release; right is one such as 0.32.15, without a v")
    if params["state"] in ("present", "relabelled") and params["version"] is None:
        raise OllamaError("version: it is missing; right is the release to bring, such as 0.32.15")


def _present(places: Places, params: dict[str, Any], *, check_mode: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    version, archives = params["version"], archives_of(params["archives"])
    release = {"version": version, "path": places.release(version), "bytes": None, "files": None}
    if is_there(places, version, archives):
        marker = read_marker(places.release(version), version) or {}
        known = {name: marker.get(name) for name in ("bytes", "files")}
        left = leftovers(places, version, archives)
        if left and not check_mode:
            clear(places, left)
        return {"changed": bool(left), "release": {**release, **known}, "removed": left}, _shown(places)
    archives = with_checksums(archives, params["checksums"], params["timeout"], unverified=params["unverified"])
    if check_mode:
        after = {**_shown(places), version: [archive.name for archive in archives]}
        return {"changed": True, "release": release}, after
    limits = Limits(params["timeout"], params["retries"], time.monotonic() + params["max_duration"])
    problems: list[str] = []
    staged = stage(places, version, archives, limits, Progress(params["progress_file"], problems))
    relabelled = restore([places.release(version)])
    problems += [relabelled.problem] if relabelled.problem else []
    result = {
        "changed": True,
        "release": {**release, "bytes": staged.marker["bytes"], "files": staged.marker["files"]},
        "downloaded_bytes": staged.downloaded_bytes,
        "resumed_bytes": staged.resumed_bytes,
        "problems": problems,
    }
    return result, _shown(places)


def _relabelled(places: Places, params: dict[str, Any], *, check_mode: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    done = restore([places.release(params["version"]), *params["links"]], check_mode=check_mode)
    return {"changed": done.changed, "problems": [done.problem] if done.problem else []}, _shown(places)


def _removed(places: Places, params: dict[str, Any], *, check_mode: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    version, absent = params["version"], params["state"] == "absent"
    one, whole = absent and version is not None, absent and version is None
    removal = _of_one(places, version) if one else plan(places, None if absent else params["keep"])
    paths = [*removal.releases, *removal.leftovers]
    changed = bool(paths) or (whole and os.path.isdir(places.releases) and not removal.foreign)
    if changed and not check_mode:
        try:
            if os.path.isdir(places.releases):
                with locked(places):
                    carry_out(places, removal, folders=whole)
            else:
                carry_out(places, removal, folders=whole)
        except OSError as error:
            raise OllamaError(f"{error.filename or places.folder}: cannot be removed ({error.strerror})") from None
    gone = {os.path.basename(path) for path in removal.releases}
    after = {name: text for name, text in _shown(places).items() if name not in gone}
    return {"changed": changed, "removed": paths, "left": removal.foreign}, after


def _of_one(places: Places, version: str) -> Removal:
    path = places.release(version)
    if version == places.used():
        raise OllamaError(f"{path}: {places.current} leads to it, so it is in use; right is to switch to another first")
    if not os.path.lexists(path):
        return Removal([], [], [])
    return Removal([path], [], []) if is_release(path) else Removal([], [], [path])


def _shown(places: Places) -> dict[str, list[str]]:
    """Return the archives of each complete release."""
    markers = {name: read_marker(places.release(name), name) for name in names(places.releases)}
    return {name: [entry["name"] for entry in marker["archives"]] for name, marker in markers.items() if marker}


def _text(releases: dict[str, list[str]]) -> str:
    return "".join(f"{name}: {', '.join(releases[name])}\n" for name in sorted(releases))


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    # Where a mirror asks for a password, it stands in an address, and Ansible shows addresses.
    module.no_log_values.update(secrets_in([*module.params["archives"], module.params["checksums"]]))
    try:
        result = run(module.params, check_mode=module.check_mode)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
