#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.unit_files_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit_files_info
short_description: Finds unit files of a role by their header, and what starts and runs
version_added: 0.1.0
description:
  - Finds in a folder of units and in the folders of drop-ins below it the unit files that hold a line with a given
    beginning, and all links in folders whose names end in C(.wants) or C(.requires).
  - It reads what the unit of Ollama, its drop-ins and its environment files set that the role has not written.
  - It finds what would keep files from being written, masks, links in the place of files, and who holds some ports.
  - With O(topology) it reads the machine, too, which saves a connection and a start of Python for it.
  - It changes nothing. A folder that is not there has no files.
options:
  folder:
    description: The folder of units.
    type: path
    default: /etc/systemd/system
  header:
    description: How a line of the files begins. The role's own by default.
    type: str
    default: "# Managed by Ansible, role inference.ollama.ollama:"
  paths:
    description: Further files to name in RV(digests).
    type: list
    elements: path
    default: []
  secrets:
    description: Files to compare with what they should hold, content by path. Nothing of them is returned.
    type: dict
    default: {}
  variables:
    description: The file with the variables that the role has written the files with, of which the text is returned.
    type: path
  contents:
    description:
      - Whether to return the text of the files of C(ollama.service) and its instances, and of drop-ins of slices.
      - Somebody may keep a key in one of them, so set C(no_log) on the task.
    type: bool
    default: false
  services:
    description: Whether to ask systemd which services of Ollama run.
    type: bool
    default: false
  others:
    description: Whether to return RV(other_managers) on a host with C(ollama.service) too.
    type: bool
    default: false
  containers:
    description: Whether to return RV(containers).
    type: bool
    default: false
  planned:
    description:
      - Files of units that will be there, text by path. RV(found_unit) is then what it will be with these in the place
        of what is there now.
    type: dict
    default: {}
  topology:
    description:
      - Reads the machine first, by these options of M(inference.ollama.topology_facts), and returns RV(topology).
      - What is read for a unit that is there, O(services), O(state_folder), O(store), O(writes), O(programs) and
        O(ports), is then left out where the machine has no C(ollama.service), and O(store_user) is that unit's user.
    type: dict
    suboptions:
      root:
        description: The folder in the place of C(/), or a file of M(inference.ollama.topology_capture).
        type: path
        default: /
      command_timeout:
        description: How many seconds to wait for each program.
        type: float
        default: 5
  state_folder:
    description: The folder in which M(inference.ollama.file_transaction) keeps what was there before a change.
    type: path
  store:
    description: A directory that O(store_user) must be able to read, write and enter.
    type: path
  store_user:
    description: The user of O(store).
    type: str
    default: root
  writes:
    description: Folders in which files are to be made, beside the folders of drop-ins.
    type: list
    elements: path
    default: []
  ports:
    description:
      - The TCP ports whose holders are named in RV(listeners), and as many from that of the unit's own C(OLLAMA_HOST)
        on.
    type: list
    elements: int
    default: []
  programs:
    description: Paths of programs that are to run, each of which is in RV(missing) if there is none.
    type: list
    elements: str
    default: []
  folders:
    description: Paths of folders that are to be there, each of which is in RV(missing_folders) if there is none.
    type: list
    elements: path
    default: []
  command_timeout:
    description: Seconds that each program on the host may take to answer.
    type: float
    default: 5
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - module: inference.ollama.file_transaction
"""

EXAMPLES = r"""
- name: Find what Ansible has written
  inference.ollama.unit_files_info:
    header: "# Managed by Ansible"
  become: true
  register: found
"""

RETURN = r"""
topology:
  description: The machine, as RV(inference.ollama.topology_facts#module:ansible_facts.ollama_topology).
  returned: with O(topology)
  type: dict
  sample: {}
captured:
  description: Whether the machine was read from a file of M(inference.ollama.topology_capture).
  returned: with O(topology)
  type: bool
  sample: false
files:
  description:
    - The units and drop-ins in the folder and in folders of drop-ins below it, sorted, and after them Ollama's
      containers of Quadlet in C(/etc/containers/systemd) and of Docker in C(/etc/inference.ollama/containers).
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/ollama.service, /etc/systemd/system/ollama.service.d/override.conf]
headed:
  description: Those of them that hold a line which begins with O(header).
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/ollama.service.d/override.conf]
digests:
  description:
    - SHA-256 and permissions of these files and of those in O(paths) that exist, by path. V(null) for what is
      no regular file or cannot be read. Links are not followed.
    - Of a file in O(paths) that its owner alone can read the SHA-256 is V(null), since the digest of a short secret is
      as good as the secret, and C(identity) tells it from another file of the name.
  returned: success
  type: dict
  sample:
    /etc/systemd/system/ollama.service.d/override.conf:
      sha256: 6f1a2f3ad1c1c8e5b2a1a8a1b1e4e6d1e0a4b8ed8d3f9f2f6d4a8f4f2f6a8c10
      mode: "0644"
contents:
  description: With O(contents), the text of these files by path. V(null) where it cannot be read.
  returned: success
  type: dict
  sample: {}
variables:
  description: The text of O(variables); V(null) where it does not exist or cannot be read.
  returned: success
  type: str
  sample: null
user_id:
  description: The number of the user that the module runs as, V(0) for root.
  returned: success
  type: int
  sample: 0
different:
  description: The paths in O(secrets) that hold something else, or that others than their owner may read.
  returned: success
  type: list
  elements: str
  sample: []
boot_links:
  description: The links by which units start at boot, sorted.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/default.target.wants/ollama.service]
active:
  description: With O(services), the services of Ollama that run; V(null) where systemd does not answer.
  returned: success
  type: list
  elements: str
  sample: [ollama.service]
unfinished:
  description: Whether a change was begun and never confirmed, of O(state_folder).
  returned: success
  type: bool
  sample: false
found_unit:
  description:
    - What systemd would apply of C(ollama.service) were the role's own files, those with O(header), not there.
    - V(null) without such a unit, and where O(folder) does not end in C(/etc/systemd/system). What stands before that
      is the root below which all folders of systemd are read, and below which absolute links stay.
    - All paths are those of the machine that the module runs on, with that root before them.
  returned: success
  type: dict
  contains:
    path:
      description: The unit file.
      type: str
      sample: /etc/systemd/system/ollama.service
    dropins:
      description: Its drop-ins that are not the role's, in systemd's order, without masked ones.
      type: list
      elements: str
      sample: [/etc/systemd/system/ollama.service.d/override.conf]
    masked:
      description: Whether the unit, or the template C(ollama@.service), is a link to C(/dev/null) or empty.
      type: bool
      sample: false
    settings:
      description:
        - The assignments in effect, in the order of effect. Those that an empty or a later assignment takes back are
          left out.
      type: list
      elements: dict
      contains:
        section:
          description: The section without its brackets.
          type: str
          sample: Service
        directive:
          description: The name before the first C(=).
          type: str
          sample: Environment
        value:
          description: The value as written, quotes and escapes included; V(null) for one with a secret.
          type: str
          sample: '"OLLAMA_KEEP_ALIVE=24h"'
        secret:
          description: Whether the value holds a secret.
          type: bool
          sample: false
        file:
          description: The file that has it.
          type: str
          sample: /etc/systemd/system/ollama.service.d/override.conf
        line:
          description: Its first line in that file.
          type: int
          sample: 2
    variables:
      description:
        - The variables that the service gets, by name, each with C(value), C(secret), C(file), C(line), and with
          C(from_file), whether an environment file sets it. The value is V(null) for a secret.
      type: dict
      sample:
        OLLAMA_KEEP_ALIVE:
          value: 24h
          secret: false
          file: /etc/systemd/system/ollama.service.d/override.conf
          line: 2
          from_file: false
    environment_files:
      description:
        - The environment files in effect, each with C(path), with C(optional), whether the service starts without it,
          and with C(problem), why it could not be read, V(null) where it could.
      type: list
      elements: dict
      sample: []
    problems:
      description: What could not be read of all this, and why.
      type: list
      elements: str
      sample: []
masks:
  description:
    - The links to C(/dev/null) and the empty files that take one of Ollama's units, a slice below the root or a drop-in
      for one of them away, in any of systemd's folders.
  returned: success
  type: list
  elements: str
  sample: []
links:
  description: The units and drop-ins in O(folder) that are links, and where each leads.
  returned: success
  type: dict
  sample: {}
unwritable:
  description: With O(writes), why no file can be made in a folder, by folder.
  returned: success
  type: dict
  sample: {}
listeners:
  description:
    - With O(ports), who listens there, each with C(address), C(port), C(pid), C(program) and C(unit). V(null) for what
      could not be seen.
  returned: success
  type: list
  elements: dict
  sample:
    - address: 127.0.0.1
      port: 11434
      pid: 812
      program: ollama
      unit: ollama.service
missing:
  description:
    - With O(services), what lines of the unit that are not Ansible's name and the host has not, without which systemd
      does not start the service, programs of its commands, folders, users and groups, each with C(directive),
      C(value), C(file) and C(line); and each of O(programs) at which there is no program, with V(null) for these.
  returned: success
  type: list
  elements: dict
  sample: []
missing_folders:
  description: Each of O(folders) at which there is no folder.
  returned: success
  type: list
  elements: str
  sample: []
other_managers:
  description:
    - Units of other names, scripts and programs by which another manager starts Ollama, each with C(manager), V(snap),
      V(homebrew), V(user), V(openrc) or V(unit), and C(path).
  returned: success
  type: list
  elements: dict
  sample: []
containers:
  description:
    - With O(containers), RV(inference.ollama.containers_info#module:containers) of a host that has files of Quadlet or
      uses Podman or Docker; V(null) of any other.
  returned: success
  type: dict
  sample: null
not_folders:
  description: Files in the place of folders of drop-ins for Ollama, of which systemd reads nothing.
  returned: success
  type: list
  elements: str
  sample: []
store_real:
  description: O(store) without links.
  returned: success
  type: str
  sample: null
holder:
  description:
    - The run that the unfinished change belongs to, with the seconds in C(lease_left_s) after which others may take the
      change over; V(null) where there is none.
  returned: success
  type: dict
  sample: null
generation:
  description: The number of the last change of the host, of O(state_folder). Every change of it makes it larger.
  returned: success
  type: int
  sample: 7
store_problem:
  description: Why the user cannot use O(store); V(null) where it can, or without O(store).
  returned: success
  type: str
  sample: null
problems:
  description: Files that could not be read, with the reason.
  returned: success
  type: list
  elements: str
  sample: []
"""

import hashlib
import os
import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._bounded import listed
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import with_own
from ansible_collections.inference.ollama.plugins.module_utils._places import (
    CONTAINERS_FOLDER,
    DOCKER_FOLDER,
    DOCKER_SUFFIX,
    HEADER,
    UNITS_FOLDER,
    is_container,
)
from ansible_collections.inference.ollama.plugins.module_utils._preflight.engines import may_have_some
from ansible_collections.inference.ollama.plugins.module_utils._preflight.listeners import listeners
from ansible_collections.inference.ollama.plugins.module_utils._preflight.managers import not_folders, other_managers
from ansible_collections.inference.ollama.plugins.module_utils._preflight.missing import absent_programs, missing
from ansible_collections.inference.ollama.plugins.module_utils._preflight.places import (
    dropin_folders,
    links,
    masks,
    unwritable,
)
from ansible_collections.inference.ollama.plugins.module_utils._preflight.store import store_problem
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._snapshots import running
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.commit import differs
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import FILE, Entry, identity, read_entry
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.lock import lease_left
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store
from ansible_collections.inference.ollama.plugins.module_utils._systemd.found import find_unit
from ansible_collections.inference.ollama.plugins.module_utils._topology.options import OPTIONS, machine_of

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._snapshots.journal import Pending

# Files of Ollama's units, and drop-ins of slices below the root, of which alone the text may be asked for.
_OLLAMA = re.compile(r"/(ollama(@[^/]*)?\.(container|service(\.json|\.d/[^/]*)?)|[^/-]+\.slice\.d/[^/]*)$")


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "folder": {"type": "path", "default": "/etc/systemd/system"},
        "header": {"type": "str", "default": HEADER},
        "paths": {"type": "list", "elements": "path", "default": []},
        "secrets": {"type": "dict", "default": {}, "no_log": True},
        "variables": {"type": "path"},
        "contents": {"type": "bool", "default": False},
        "services": {"type": "bool", "default": False},
        "state_folder": {"type": "path"},
        "store": {"type": "path"},
        "store_user": {"type": "str", "default": "root"},
        "writes": {"type": "list", "elements": "path", "default": []},
        "ports": {"type": "list", "elements": "int", "default": []},
        "programs": {"type": "list", "elements": "str", "default": []},
        "folders": {"type": "list", "elements": "path", "default": []},
        "others": {"type": "bool", "default": False},
        "containers": {"type": "bool", "default": False},
        "planned": {"type": "dict", "default": {}},
        "topology": {"type": "dict", "options": OPTIONS},
        "command_timeout": {"type": "float", "default": 5},
    }


def read(params: dict[str, Any]) -> dict[str, Any]:
    """Everything of RETURN."""
    asked = params["topology"]
    if asked is None:
        return find(params)
    from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import (  # noqa: PLC0415 compiled only where needed
        SUBSETS,
        gather,
    )

    topology = gather(*machine_of(asked, captures=True), set(SUBSETS))
    captured = not os.path.isdir(asked["root"])
    return {**find(_for(topology, params)), "topology": topology, "captured": captured}


def _for(topology: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """The same options, as far as they concern a machine with this unit, or without one."""
    unit = ((topology.get("software") or {}).get("ollama") or {}).get("unit")
    if unit:
        return {**params, "store_user": unit.get("user") or "root"}
    return {
        **params,
        **dict.fromkeys(("writes", "programs", "ports"), ()),
        **dict.fromkeys(("state_folder", "store")),
        "services": False,
    }


def find(params: dict[str, Any]) -> dict[str, Any]:
    """What there is of units, and around them."""
    run = runner(params["command_timeout"])
    folder = params["folder"]
    files, boot_links = _walk(folder)
    unit, root = _found_unit(folder, params["header"], params["planned"]), folder.rstrip("/").removesuffix(UNITS_FOLDER)
    rooted = root != folder.rstrip("/")
    files += _container_files(root) if rooted else []
    found = _read(files, params)
    active = None
    if params["services"]:
        try:
            active = sorted(running.active_units(run))
        except OllamaError as error:
            found["problems"].append(str(error))
    store = Store(params["state_folder"]) if params["state_folder"] else None
    begun = _pending(store)
    return {
        **found,
        "variables": _variables(params.get("variables"), found["problems"]),
        "user_id": os.geteuid(),
        "files": files,
        "boot_links": boot_links,
        "different": [path for path, text in params["secrets"].items() if _is_different(path, str(text))],
        "active": active,
        "found_unit": unit,
        "masks": masks(root) if rooted else [],
        "links": links(folder),
        "unwritable": unwritable([*params["writes"], *dropin_folders(folder)]) if params["writes"] else {},
        "listeners": listeners(with_own(params["ports"], unit)),
        "missing": _missing(unit, params["programs"]) if params["services"] else [],
        "missing_folders": [path for path in params["folders"] if not os.path.isdir(path)],
        "other_managers": other_managers(root) if rooted and (unit is None or params["others"]) else [],
        "containers": _containers(root, params["command_timeout"]) if rooted and params["containers"] else None,
        "not_folders": not_folders(root) if rooted else [],
        "store_real": os.path.realpath(params["store"]) if params["store"] else None,
        "store_problem": store_problem(run, params["store"], params["store_user"], unit) if params["store"] else None,
        "unfinished": begun is not None,
        "holder": dict(begun.holder, lease_left_s=lease_left(begun.holder)) if begun and begun.holder else None,
        "generation": store.sequence() if store else None,
    }


def _containers(root: str, timeout: float) -> dict[str, Any] | None:
    if not may_have_some(root):
        return None
    from ansible_collections.inference.ollama.plugins.module_utils._containers.gather import (  # noqa: PLC0415 compiled only where needed
        containers,
    )
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import (  # noqa: PLC0415 compiled only where needed
        Proc,
    )

    return containers(Proc(root or "/"), timeout)


def _missing(unit: dict[str, Any] | None, programs: list[str]) -> list[dict[str, Any]]:
    asked = [{"directive": None, "value": path, "file": None, "line": None} for path in absent_programs(programs)]
    return [*missing(unit), *asked]


def _pending(store: Store | None) -> Pending | None:
    try:
        return store.pending() if store is not None else None
    except OllamaError as error:
        if os.geteuid() == 0:
            raise
        raise OllamaError(f"{error}; the run is not root's: set become: true") from None


def _found_unit(folder: str, header: str, planned: dict[str, Any]) -> dict[str, Any] | None:
    root = folder.rstrip("/").removesuffix(UNITS_FOLDER)
    if root == folder.rstrip("/"):
        return None
    return find_unit(root, "ollama.service", "ollama@.service", header, planned)


def _walk(folder: str) -> tuple[list[str], list[str]]:
    """The unit files and drop-ins, and the links by which units start at boot."""
    files, links = [], []
    for place in [folder, *(os.path.join(folder, name) for name in _names(folder))]:
        for path in (os.path.join(place, name) for name in _names(place)):
            if place.endswith((".wants", ".requires")):
                links += [path] if os.path.islink(path) else []
            elif path.endswith(".conf" if place.endswith(".d") else (".service", ".slice")) and _is_file(path):
                files.append(path)
    return sorted(files), sorted(links)


def _container_files(root: str) -> list[str]:
    """The files of Ollama's containers, of which Quadlet makes units, or the role a container of Docker."""
    folders = (f"{root}{CONTAINERS_FOLDER}", f"{root}{DOCKER_FOLDER}")
    paths = (os.path.join(folder, name) for folder in folders for name in _names(folder))
    return sorted(path for path in paths if is_container(path, root) and _is_file(path))


def _is_file(path: str) -> bool:
    """Whether the path is a file or a link to one, to nothing, or to /dev/null, by which systemd hides a file."""
    return os.path.isfile(path) or (
        os.path.islink(path) and (not os.path.exists(path) or os.path.realpath(path) == os.devnull)
    )


def _read(files: list[str], params: dict[str, Any]) -> dict[str, Any]:
    headed: list[str] = []
    problems: list[str] = []
    digests: dict[str, Any] = {}
    contents: dict[str, Any] = {}
    header = params["header"].encode()
    for path in [*files, *(path for path in params["paths"] if os.path.lexists(path))]:
        data = None
        digests[path] = None
        try:
            found = read_entry(path)
            data = found.data
            if data is not None:
                mode = f"{found.mode or 0:04o}"
                # The digest of a short secret is as good as the secret.
                hidden = found.private and path not in files
                sha256 = None if hidden else hashlib.sha256(data).hexdigest()
                digests[path] = {"sha256": sha256, "mode": mode, **({"identity": identity(path)} if hidden else {})}
        except OllamaError as error:
            problems.append(str(error))
        # The folder of Docker's is the role's alone, and JSON has no comments.
        begins = path.endswith(DOCKER_SUFFIX) or any(line.startswith(header) for line in (data or b"").splitlines())
        if path in files and data is not None and begins:
            headed.append(path)
        if params["contents"] and _OLLAMA.search(path):
            contents[path] = None if data is None else data.decode("utf-8", "replace")
    return {"headed": headed, "digests": digests, "contents": contents, "problems": problems}


def _variables(path: str | None, problems: list[str]) -> str | None:
    try:
        entry = read_entry(path) if path else None
    except OllamaError as error:
        problems.append(str(error))
        return None
    return entry.data.decode("utf-8", "replace") if entry is not None and entry.data is not None else None


def _is_different(path: str, text: str) -> bool:
    try:
        return differs(read_entry(path), Entry(path, FILE, text.encode(), 0o600))
    except OllamaError:
        return True


def _names(folder: str) -> list[str]:
    try:
        return listed(folder)
    except OSError:
        return []


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        found = read(module.params)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
