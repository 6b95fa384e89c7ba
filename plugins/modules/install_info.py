#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.install_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: install_info
short_description: Reads which Ollama is installed on a host, whose it is, and what installing another would find
version_added: 0.1.0
description:
  - Reads the releases that M(inference.ollama.release) has brought, the program and the unit, and who brought the
    Ollama that is there. A package counts only where the database of its manager has the very file.
  - Asks a server how large archives are, which checksums they have, and which release is the newest one.
  - It changes nothing. What cannot be read is null and named in C(problems).
options:
  folder:
    description: The folder of releases.
    type: path
    default: /opt/ollama
  program:
    description: The link by which the program is called.
    type: path
    default: /usr/local/bin/ollama
  archives:
    description: The archives whose sizes are asked for.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the file, as in O(checksums).
        type: str
        required: true
      url:
        description: Where it is downloaded.
        type: str
      path:
        description: Where it lies on the host.
        type: path
  checksums:
    description: A file of checksums as C(sha256sum) writes it.
    type: dict
    suboptions:
      url:
        description: Where it is downloaded.
        type: str
      path:
        description: Where it lies on the host.
        type: path
  latest:
    description: Where the newest release is asked for.
    type: dict
    suboptions:
      url:
        description:
          - An address whose redirects end with the release, such as
            V(https://github.com/ollama/ollama/releases/latest), or that answers with C(tag_name) in JSON or with the
            release alone.
        type: str
  user:
    description: The account that the server runs as.
    type: str
    default: ollama
  store:
    description: The folder with the models, of which the size and what is free are asked for.
    type: path
  fetch_timeout:
    description: After how many seconds a server is no longer waited for. Above 0 and up to 3600.
    type: float
    default: 15
extends_documentation_fragment:
  - inference.ollama.machine
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - module: inference.ollama.release
  - module: inference.ollama.unit_files_info
"""

EXAMPLES = r"""
- name: Read which Ollama is installed
  inference.ollama.install_info:
    store: /usr/share/ollama/.ollama/models
    archives:
      - name: ollama-linux-amd64.tar.zst
        url: https://github.com/ollama/ollama/releases/download/v0.32.15/ollama-linux-amd64.tar.zst
    checksums:
      url: https://github.com/ollama/ollama/releases/download/v0.32.15/sha256sum.txt
  register: found

- name: Show whose it is
  ansible.builtin.debug:
    msg: "{{ found.install.owner.evidence | default('nobody has installed an Ollama') }}"
"""

RETURN = r"""
install:
  description: What is installed, and what installing would find.
  returned: success
  type: dict
  contains:
    schema:
      description: The version of this shape.
      type: int
      sample: 1
    machine:
      description: The machine as C(uname -m) has it; null for another root.
      type: str
      sample: x86_64
    os:
      description: C(id), C(id_like), C(version_id) and C(name) of os-release(5); null for what is not said.
      type: dict
      sample: {id: debian, id_like: [], version_id: "12", name: Debian GNU/Linux 12 (bookworm)}
    folder:
      description: The folder of releases.
      type: str
      sample: /opt/ollama
    releases:
      description: The releases in it. One that is not C(complete) was not brought by this collection, or is damaged.
      type: list
      elements: dict
      sample: [{version: 0.32.15, complete: true, bytes: 4831838208, archives: [{name: ollama-linux-amd64.tar.zst,
        sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, bytes: 1930350592}]}]
    current:
      description: The release that the link C(current) leads to; null without one.
      type: str
      sample: 0.32.15
    current_target:
      description: What the link says; null without a link.
      type: str
      sample: releases/0.32.15
    program:
      description: What is at O(program). C(kind) is V(absent), V(file), V(link) or V(other).
      type: dict
      sample: {path: /usr/local/bin/ollama, kind: link, target: /opt/ollama/current/bin/ollama}
    owner:
      description:
        - Who brought the Ollama that is there; null where there is none. C(kind) is V(collection), V(install.sh),
          V(package), V(snap), V(homebrew), V(user_unit), V(unit) or V(other). C(version) is the package's, else the
          release where it is known.
      type: dict
      sample: {kind: package, name: ollama, path: /usr/bin/ollama, version: 0.32.15-1,
        evidence: /var/lib/pacman/local/ollama-0.32.15-1/files has /usr/bin/ollama}
    unit:
      description: The file of C(ollama.service), and whether a role of this collection wrote it; null without one.
      type: dict
      sample: {path: /etc/systemd/system/ollama.service, ours: true}
    account:
      description: The account, with its group, further groups, home and shell; null where there is none.
      type: dict
      sample: {user: ollama, uid: 999, gid: 999, group: ollama, home: /usr/share/ollama, shell: /bin/false,
        groups: [render, video]}
    groups:
      description: The numbers of the groups that own GPUs; null for one that the host does not have.
      type: dict
      sample: {render: 105, video: 44}
    store:
      description:
        - The folder of models, null where none was asked for. C(free_bytes), C(device) and C(mountpoint) are those of
          the nearest folder that is there. C(parents) are the folders above it that are not. C(problem) says why
          C(bytes) is null.
      type: dict
      sample: {path: /srv/models, there: true, parents: [], bytes: 52613349376, free_bytes: 912680550400,
        device: /dev/nvme1n1p1, mountpoint: /srv, problem: null}
    free_bytes:
      description: What is free where O(folder) is or would be.
      type: dict
      sample: {/opt/ollama: 41231686041}
    zstd:
      description: The program C(zstd) that root can trust, and whether the Python of the host reads Zstandard.
      type: dict
      sample: {program: /usr/bin/zstd, python: false}
    jetpack:
      description: V(5) or V(6) on a board of NVIDIA, else null.
      type: int
      sample: 6
    sources:
      description: O(archives) with their sizes and checksums. C(problem) says why a size is null.
      type: list
      elements: dict
      sample: [{name: ollama-linux-amd64.tar.zst, bytes: 1930350592, problem: null,
        sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}]
    latest:
      description: The newest release; null where O(latest) was not given or does not say it.
      type: str
      sample: 0.32.15
    problems:
      description: What could not be read.
      type: list
      elements: str
      sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch.address import secrets_in
from ansible_collections.inference.ollama.plugins.module_utils._install.gather import gather
from ansible_collections.inference.ollama.plugins.module_utils._text import visible_everywhere
from ansible_collections.inference.ollama.plugins.module_utils._topology.options import OPTIONS, machine_of

_LONGEST = 3600


def argument_spec() -> dict[str, dict[str, Any]]:
    places = {"url": {"type": "str"}, "path": {"type": "path"}}
    archive = {"name": {"type": "str", "required": True}, **places}
    return {
        "folder": {"type": "path", "default": "/opt/ollama"},
        "program": {"type": "path", "default": "/usr/local/bin/ollama"},
        "archives": {"type": "list", "elements": "dict", "default": [], "options": archive},
        "checksums": {"type": "dict", "options": places},
        "latest": {"type": "dict", "options": {"url": {"type": "str"}}},
        "user": {"type": "str", "default": "ollama"},
        "store": {"type": "path"},
        "fetch_timeout": {"type": "float", "default": 15},
        **OPTIONS,
    }


def read(params: dict[str, Any]) -> dict[str, Any]:
    """Return the fact; raise OllamaError for an option that is wrong."""
    if not 0 < params["fetch_timeout"] <= _LONGEST:
        raise OllamaError(
            f"fetch_timeout: {params['fetch_timeout']:g} is not a number of seconds above 0 and up to {_LONGEST}"
        )
    for name in ("folder", "program", "store"):
        if params[name] and not params[name].startswith("/"):
            raise OllamaError(f"{name}: {params[name]!r} is not an absolute path")
    root, run = machine_of(params)
    install: dict[str, Any] = visible_everywhere(gather(root, run, params))
    return install


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    # Where a mirror asks for a password, it stands in an address, and Ansible shows addresses.
    module.no_log_values.update(
        secrets_in([*module.params["archives"], module.params["checksums"], module.params["latest"]])
    )
    try:
        install = read(module.params)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, install=install)


if __name__ == "__main__":
    main()
