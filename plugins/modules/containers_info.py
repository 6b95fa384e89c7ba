#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.containers_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: containers_info
short_description: Reads which containers of a host run Ollama
version_added: 0.1.0
description:
  - Reads the files of Quadlet, and asks Podman and Docker for their containers, those that Compose has made included.
  - A container is one of Ollama where its image is called so, where its command serves, or where a process in it does.
  - Where O(root) is V(/), Podman and Docker are asked of this host alone, as the user that the module runs as, which is
    root where the task has C(become). Containers of other users are known by their files of Quadlet alone.
  - Podman is asked where it has been used, Docker where its socket is. Nothing is started, and nothing changes.
  - What could not be asked is V(null) and named in RV(containers.problems). No secret is returned.
options:
  root:
    description: A folder that the paths of files are below. Programs are asked where it is V(/) alone.
    type: path
    default: /
  command_timeout:
    description: How many seconds each program on the host may take to answer.
    type: float
    default: 5
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - module: inference.ollama.service_info
"""

EXAMPLES = r"""
- name: Read which containers run Ollama
  inference.ollama.containers_info:
  become: true
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.containers.containers | map(attribute='name') }}"
"""

RETURN = r"""
containers:
  description: What was found.
  returned: success
  type: dict
  contains:
    schema:
      description: The form of this value.
      type: int
      sample: 1
    engines:
      description:
        - Whether C(podman) and C(docker) have answered, V(null) for one that the host does not use, and for both where
          O(root) is not V(/).
      type: dict
      sample: {podman: null, docker: true}
    cards:
      description: Whether the host has the device file of the driver for C(nvidia) and for C(amd).
      type: dict
      sample: {nvidia: true, amd: false}
    containers:
      description:
        - The containers of Ollama, first those that engines have. V(null) is what could not be read, or what is not set
          and not limited.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the container.
          type: str
          sample: ollama
        engine:
          description: V(podman) or V(docker).
          type: str
          sample: docker
        manager:
          description: What made it, V(quadlet), V(compose), V(podman) or V(docker).
          type: str
          sample: compose
        path:
          description: The file of Quadlet that describes it.
          type: str
          sample: null
        unit:
          description: The unit of systemd that starts it.
          type: str
          sample: null
        user:
          description: The user whose Podman it is, V(every user) for all of them; V(null) for root's.
          type: str
          sample: null
        project:
          description: The project of Compose.
          type: str
          sample: ai
        service:
          description: The service of that project.
          type: str
          sample: ollama
        id:
          description: The number that the engine has given it.
          type: str
          sample: 0123456789ab
        ours:
          description: Whether the role has made it, by its file or by a label.
          type: bool
          sample: false
        state:
          description: As the engine says, such as V(running) or V(exited). V(absent) where a file alone describes it.
          type: str
          sample: running
        main_pid:
          description: The number of its main process on the host.
          type: int
          sample: 812
        image:
          description: The image, as whoever made the container has named it.
          type: str
          sample: ollama/ollama:latest
        image_digest:
          description: The digest of the image in its registry.
          type: str
          sample: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        files:
          description: The files that it was made of, such as those of Compose.
          type: list
          elements: str
          sample: [/srv/ai/compose.yml]
        environment:
          description: The variables of its main process, by name. V(null) for a secret.
          type: dict
          sample: {OLLAMA_HOST: "0.0.0.0:11434", OLLAMA_NUM_PARALLEL: "4"}
        image_environment:
          description: The names of those that have the value that the image gives them.
          type: list
          elements: str
          sample: [OLLAMA_HOST]
        secrets:
          description: The names of those that hold a secret.
          type: list
          elements: str
          sample: []
        environment_files:
          description: The files of variables that a file of Quadlet names.
          type: list
          elements: str
          sample: []
        command:
          description: The program and its words.
          type: list
          elements: str
          sample: [/bin/ollama, serve]
        mounts:
          description:
            - What is mounted, each with C(source), the folder on the host, C(target), C(volume), the name of a volume,
              C(read_only) and C(label), how SELinux labels it, V(shared) or V(private).
          type: list
          elements: dict
          sample:
            - source: /var/lib/docker/volumes/ollama/_data
              target: /root/.ollama
              volume: ollama
              read_only: false
              label: null
        devices:
          description:
            - C(nvidia) is V(all), or a list of the numbers or UUIDs of cards, C(amd) whether it has cards of AMD.
          type: dict
          sample: {nvidia: all, amd: false}
        cpus:
          description: The CPUs that it is bound to, a kernel list.
          type: str
          sample: 0-7
        memory_nodes:
          description: The memory nodes that it is bound to, a kernel list.
          type: str
          sample: null
        cpu_quota:
          description: How many CPUs it may use together.
          type: float
          sample: 4.0
        limits:
          description: The limits C(memlock) in bytes and C(nofile), each a number or V(infinity).
          type: dict
          sample: {memlock: null, nofile: null}
        memory_max_bytes:
          description: The memory that it may have.
          type: int
          sample: null
        oom_score_adjust:
          description: By how much the kernel rather ends it, where memory is short.
          type: int
          sample: null
        network:
          description: Its network, V(host) for that of the host.
          type: str
          sample: bridge
        restart:
          description: When it is started again, as its manager calls it.
          type: str
          sample: always
        ports:
          description:
            - The ports that are published, each with C(address), empty for every one, C(port) and C(container_port).
          type: list
          elements: dict
          sample: [{address: "", port: 11434, container_port: 11434}]
    problems:
      description: What could not be read or asked.
      type: list
      elements: str
      sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._containers.gather import containers
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "root": {"type": "path", "default": "/"},
        "command_timeout": {"type": "float", "default": 5},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    asked = module.params
    proc = Proc(asked["root"])
    found = containers(proc, asked["command_timeout"])
    module.exit_json(changed=False, containers=found)


if __name__ == "__main__":
    main()
