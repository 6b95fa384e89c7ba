#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action inference.ollama.desired_state, where Ansible looks for it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: desired_state
short_description: For the role, reads a host and decides what a run changes there
version_added: 0.1.0
description:
  - Reads the host with M(inference.ollama.unit_files_info), its topology too, computes the plan, and compares it with
    what was found.
  - Where C(ollama_install) is set, M(inference.ollama.install_info) reads what is installed, archives on the controller
    are looked for, and the plan is made for the release and the unit that will be there.
  - Where C(ollama_reference_models) is V(auto) or has names, M(inference.ollama.models_info) reads the models
    of the host's store, with the rights of the task, and so it does for a release that converts models. Files of models
    are read on the controller.
  - Where another run changes the host, it waits for up to C(ollama_lock_timeout) seconds, and then refuses and says
    whose run that is. A change of a run that is dead is no obstacle.
  - Everything that is wrong is refused in one message, a line each. Nothing on the host is changed.
  - It takes its values from the variables of the role P(inference.ollama.ollama#role), so it works only within it.
options:
  preflight:
    description:
      - Whether to refuse what stops a change of this host. Without it the task does not fail, RV(refusals) names
        only what cannot be planned, and any user may run it. Running services and pending changes are not read then,
        so RV(pending), RV(start), RV(stop) and RV(restart) are not meaningful.
    type: bool
    default: true
  coming:
    description:
      - Without O(preflight), whether the plan is for the release that C(ollama_install) would install. Otherwise it is
        for the one that is there.
    type: bool
    default: false
  instead:
    description: Values in the place of the role's variables, by name without C(ollama_), wherever these come from.
    type: dict
    default: {}
  search:
    description:
      - Options of a search for the best settings, as P(inference.ollama.tuning_space#filter) has them, for which
        RV(space) says what it may change.
    type: dict
  secrets:
    description: Files to compare with what they should hold, content by path. They are not returned.
    type: dict
    default: {}
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: linux
seealso:
  - module: inference.ollama.topology_facts
  - module: inference.ollama.unit_files_info
  - module: inference.ollama.file_transaction
author:
  - The inference.ollama authors (@inference-ollama)
"""

EXAMPLES = r"""
- name: Read the host, and plan
  inference.ollama.desired_state:
    preflight: false
  register: desired
"""

RETURN = r"""
ansible_facts:
  description: The fact C(ollama_topology), as of M(inference.ollama.topology_facts).
  returned: success
  type: dict
  sample: {}
refusals:
  description:
    - Why the host is not changed, a sentence each. Where there are some, the task fails or returns nothing of what
      follows.
  returned: always
  type: list
  elements: str
  sample: ["ollama_states_kept: 0 is not allowed; allowed is a whole number from 1 to 100"]
notices:
  description:
    - What the operator should know and does not stop the run; with check mode, what a real run would refuse.
  returned: success
  type: list
  elements: str
  sample: []
plan:
  description: The plan, as of P(inference.ollama.tuning_plan#filter).
  returned: success
  type: dict
  sample: {}
captured:
  description:
    - Whether the machine was read from a text of M(inference.ollama.topology_capture), which tells nothing of a running
      service.
  returned: success
  type: bool
  sample: false
lockstep:
  description: Whether the hosts of a batch do each task together, by the strategy of the play.
  returned: success
  type: bool
  sample: true
delegated_to:
  description: The host that the role acts on in the place of the one whose variables it has; V(null) without one.
  returned: success
  type: str
  sample: null
installed:
  description: Whether the host has C(ollama.service).
  returned: success
  type: bool
  sample: true
live:
  description: Whether its services are changed too, and not only files in a folder.
  returned: success
  type: bool
  sample: true
changes:
  description: The paths that differ from what is planned.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/ollama.service.d/override.conf]
store_move:
  description:
    - What becomes of the models, with C(step), V(move), V(finish) or V(take_back), C(source), C(target) and C(user);
      V(null) where they stay.
  returned: success
  type: dict
  sample: null
pending:
  description: Whether there is anything to do.
  returned: success
  type: bool
  sample: true
gateways:
  description: The hosts with gateways at which the host is drained, of the inventory.
  returned: success
  type: list
  elements: str
  sample: [gateway1]
gateway_servers:
  description: What M(inference.ollama.gateway_server) is asked for there.
  returned: success
  type: list
  elements: str
  sample: ["node1:*"]
interrupts:
  description: Whether the change stops or restarts a server.
  returned: success
  type: bool
  sample: true
folder:
  description: The folder of units.
  returned: success
  type: str
  sample: /etc/systemd/system
header:
  description: How the first line of every file of the role begins.
  returned: success
  type: str
  sample: "# Managed by Ansible, role inference.ollama.ollama:"
unit_files:
  description: Path, unit, instance and content of the unit files of the plan.
  returned: success
  type: list
  elements: dict
  sample: []
links:
  description: Links to make with the files, target by path.
  returned: success
  type: dict
  sample: {}
install:
  description: What is to be installed, for the role P(inference.ollama.ollama_install#role). V(null) where nothing is.
  returned: success
  type: dict
  sample: null
  contains:
    version:
      description: The release that will run.
      type: str
      sample: 0.32.15
    before:
      description: The release of this collection that runs now; V(null) for none.
      type: str
      sample: 0.31.2
    stage:
      description: What is done first, and changes nothing that runs.
      type: dict
      sample: {needed: false}
    keep:
      description: The releases that stay.
      type: list
      elements: str
      sample: [0.31.2, 0.32.15]
kept:
  description: Drop-ins of others whose place the role's take, with the path under which each stays.
  returned: success
  type: dict
  sample:
    /etc/systemd/system/ollama.service.d/override.conf: /etc/systemd/system/ollama.service.d/override-found.conf
files:
  description: Path and content of these, of the kernel's files and of units beside them, and names of programs.
  returned: success
  type: list
  elements: dict
  sample: []
backup:
  description: Those of them that the role has not written.
  returned: success
  type: list
  elements: str
  sample: []
seen:
  description: Digests of the files that were found, as RV(inference.ollama.unit_files_info#module:digests).
  returned: success
  type: dict
  sample: {}
generation:
  description: The number of the host's last change, as RV(inference.ollama.unit_files_info#module:generation).
  returned: success
  type: int
  sample: 7
absent:
  description: Files and links that must not exist.
  returned: success
  type: list
  elements: str
  sample: [/etc/ollama/secrets.env]
stale:
  description: Unit files of an earlier plan among them.
  returned: success
  type: list
  elements: str
  sample: []
origins:
  description: Where the host keeps with which variables its files were made, why a unit file may be another, by path.
  returned: success
  type: dict
  sample:
    /etc/systemd/system/ollama.service.d/override.conf: >-
      made with other variables: ollama_keep_alive is -1 here and was 24h on the host
earlier:
  description: The variables of this and of earlier uses of the role on the host in the same run, by the root of files.
  returned: success
  type: dict
  sample: {}
empty_folders:
  description: Folders to remove once they are empty.
  returned: success
  type: list
  elements: str
  sample: []
firewall:
  description: >-
    What is loaded before the services start: C(rules), all of it; C(transition), what is added first; C(unit) and
    C(program). V(null) where nothing is.
  returned: success
  type: dict
  sample: null
zones:
  description: >-
    Rich rules of firewalld's zones, C(opened) before a server listens and C(closed) after it has moved, each with
    C(zone), C(rule) and C(state). V(null) where none come or go.
  returned: success
  type: dict
  sample: null
probe:
  description: What M(inference.ollama.exposure_info) is asked to prove the rules; V(null) where there are none.
  returned: success
  type: dict
  sample: {table: inference_ollama, ports: [11434], addresses: [10.20.0.1, 198.51.100.7]}
kernel_files:
  description: The files of the kernel that the plan sets.
  returned: success
  type: list
  elements: str
  sample: [/proc/sys/kernel/numa_balancing]
kernel:
  description: Path and command for each setting of the kernel that must be applied now.
  returned: success
  type: list
  elements: dict
  sample:
    - path: /etc/sysctl.d/90-ollama.conf
      argv: [/usr/lib/systemd/systemd-sysctl, /etc/sysctl.d/90-ollama.conf]
stop:
  description: Services to stop and disable.
  returned: success
  type: list
  elements: str
  sample: []
restart:
  description: Services to restart.
  returned: success
  type: list
  elements: str
  sample: [ollama.service]
start:
  description: Services to start and enable.
  returned: success
  type: list
  elements: str
  sample: [ollama.service]
enable:
  description: Whether the services start at boot by links, which a unit that a generator has made needs not.
  returned: success
  type: bool
  sample: true
containers:
  description:
    - C(made), the containers of Docker that come before their units start, and C(gone), the commands that remove
      those that are no longer planned; V(null) where nothing is started.
  returned: success
  type: dict
  sample: null
ended:
  description: The services whose container gives its place to another kind of unit, to be stopped before it does.
  returned: success
  type: list
  elements: str
  sample: []
generated:
  description: Those of RV(stop) that a generator of systemd has made, which systemctl cannot disable.
  returned: success
  type: list
  elements: str
  sample: []
engine:
  description:
    - C(argv), the command that fetches the image of containers; V(null) where the host has it, or needs none.
  returned: success
  type: dict
  sample: null
not_loadable:
  description: With check mode, services that a real run would start and systemd does not know yet.
  returned: success
  type: list
  elements: str
  sample: []
beside:
  description:
    - Units of the role's own beside the services that have to start, to start again or to start at boot.
    - Each has C(name), C(state), what is to become of it now, V(null) for nothing, and C(new), whether systemd does not
      know it yet.
  returned: success
  type: list
  elements: dict
  sample: []
metrics_left:
  description:
    - The file of metrics that an earlier run has had written for Prometheus, where nothing writes it any more, and the
      folder of the bytecode of what wrote it.
  returned: success
  type: list
  elements: str
  sample: [/var/lib/prometheus/node-exporter/inference_ollama.prom]
units:
  description: Unit and URL of every service of the plan, for M(inference.ollama.service_info).
  returned: success
  type: list
  elements: dict
  sample: [{unit: ollama.service, url: "http://127.0.0.1:11434"}]
served:
  description:
    - What is done with models, of O(inference.ollama.ollama#role:main:ollama_models). V(null) where no variable names
      models, or nothing runs on the host.
    - C(early) and C(steps) are calls of M(inference.ollama.model) in order, those of models that the change is proven
      with first. C(loads) are models that are to stay in memory and do not, C(memory) those that each server is to
      hold, C(verify) the derived model that proves a server, C(extra) what a store has beyond the list.
  returned: success
  type: dict
  sample: null
verify_with:
  description:
    - The model by which each unit is verified, O(inference.ollama.ollama#role:main:ollama_verify_model) or one derived
      of it.
  returned: success
  type: dict
  sample: {ollama.service: "llama3.2:3b"}
gate:
  description:
    - How the change is to be measured, and in C(reason) why it is not, for P(inference.ollama.gate_turn#filter).
      V(null) without O(inference.ollama.ollama#role:main:ollama_gate).
  returned: success
  type: dict
  sample: null
store:
  description: The folder of models that the planned servers use, C(~USER) for a home; V(null) where no unit says whose.
  returned: success
  type: str
  sample: ~ollama/.ollama/models
space:
  description: What O(search) may change, as P(inference.ollama.tuning_space#filter) returns it; V(null) without it.
  returned: success
  type: dict
  sample: null
"""
