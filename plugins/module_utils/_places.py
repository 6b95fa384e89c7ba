# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths on a host that readers and deciders share, and the header of files that the role writes."""

from __future__ import annotations

import re
from typing import NamedTuple, Tuple

# The first line of every file of the role begins with it (roles/ollama/templates).
HEADER = "# Managed by Ansible, role inference.ollama.ollama:"
UNITS_FOLDER = "/etc/systemd/system"
# Where Quadlet reads the containers of the host (podman-systemd.unit(5)), and where its units are then.
CONTAINERS_FOLDER, CONTAINER_SUFFIX, GENERATED = "/etc/containers/systemd", ".container", "/run/systemd/generator"
# The variables that the files were made with, for every user to read.
VARIABLES_FILE = "/etc/inference.ollama/variables.json"
# Documentation/admin-guide/mm/transhuge.rst and sysctl/kernel.rst.
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled"
HUGE_PAGES_DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"
NUMA_BALANCING = "/proc/sys/kernel/numa_balancing"

SECRETS_PATH = "/etc/ollama/secrets.env"
# Where install.sh of Ollama puts the program, and where one that this collection replaces by a link is kept.
PROGRAM = "/usr/local/bin/ollama"
_FOUND = ".found"
PROGRAM_FOUND = f"{PROGRAM}{_FOUND}"
# The folder of releases, and the link in it to the one that runs.
INSTALL_FOLDER = "/opt/ollama"
# What the comment of an account says (passwd(5)) that the role ollama_install has made, and of one with its group.
ACCOUNT_MADE = "Ollama; account made by inference.ollama"
ACCOUNT_AND_GROUP_MADE = "Ollama; account and group made by inference.ollama"
CURRENT = "current"
# systemd-tmpfiles(8) and sysctl.d(5) read these at every boot.
HUGE_PAGES_FILE = "/etc/tmpfiles.d/ollama.conf"
NUMA_BALANCING_FILE = "/etc/sysctl.d/90-ollama.conf"
# Programs that stay on a host, and the units beside the servers that run them.
PROGRAMS_FOLDER = "/usr/local/lib/inference.ollama"
READINESS, READINESS_ARCHIVE = f"{PROGRAMS_FOLDER}/readiness", f"{PROGRAMS_FOLDER}/readiness.zip"
WATCH_TIMER, WATCH_SERVICE = "inference-ollama-gpu-watch.timer", "inference-ollama-gpu-watch.service"
RESUME_SERVICE = "inference-ollama-gpu-resume.service"
METRICS, METRICS_ARCHIVE = f"{PROGRAMS_FOLDER}/metrics", f"{PROGRAMS_FOLDER}/metrics.zip"
METRICS_TIMER, METRICS_SERVICE = "inference-ollama-metrics.timer", "inference-ollama-metrics.service"
TIMERS = (WATCH_TIMER, METRICS_TIMER)
BESIDE_UNITS = (WATCH_TIMER, WATCH_SERVICE, RESUME_SERVICE, METRICS_TIMER, METRICS_SERVICE)
PROGRAMS = (READINESS, READINESS_ARCHIVE, METRICS, METRICS_ARCHIVE)
# What the metrics program writes in the folder of node_exporter's textfile collector.
METRICS_FILE = "inference_ollama.prom"
# Where systemd lets that program keep its bytecode.
METRICS_CACHE = "/var/cache/inference.ollama-metrics"
# The rules of ollama_exposure: firewall, and the unit that loads them before a server starts.
FIREWALL_FILE = "/etc/inference.ollama/firewall.nft"
FIREWALL_UNIT = "inference-ollama-firewall.service"
# Those that the role has added to zones of firewalld.
FIREWALLD_FILE = "/etc/inference.ollama/firewalld.json"
# Of each server in Docker: what its container is made of, as a file, and the label of the container with its unit.
DOCKER_FOLDER = "/etc/inference.ollama/containers"
DOCKER_LABEL, DOCKER_SUFFIX = "inference.ollama.unit", ".service.json"
DOCKER_SOCKET = "/run/docker.sock"
DOCKER_HOST = f"unix://{DOCKER_SOCKET}"
# How the engines are called, so that they ask this host, whatever variables and files of the account name.
CLIENTS = {"podman": ("podman", "--remote=false"), "docker": ("docker", "--host", DOCKER_HOST)}
_ELSEWHERE = (
    *(HUGE_PAGES_FILE, NUMA_BALANCING_FILE, VARIABLES_FILE, *PROGRAMS),
    *(FIREWALL_FILE, f"{UNITS_FOLDER}/{FIREWALL_UNIT}", FIREWALLD_FILE),
)
NFT = "/usr/sbin/nft"
KERNEL_FILES = (HUGE_PAGES, HUGE_PAGES_DEFRAG, NUMA_BALANCING)

_SERVICE = r"ollama(?:@[^/]*)?\.service"
_CONTAINER = re.compile(r"ollama(?:@[^/]*)?\.container")
_DOCKER = re.compile(r"ollama(?:@[^/]*)?\.service\.json")
_BESIDE = "|".join(map(re.escape, BESIDE_UNITS))
# Units and their drop-ins, drop-ins of slices, links by which services start at boot, and the copy of a unit that gave
# its place to a container's, which a removal gives its name again.
_UNITS = re.compile(
    rf"ollama\.service\.[0-9]{{8}}T[0-9]{{6}}Z~|{_SERVICE}|{_SERVICE}\.d/[^/]+\.conf|[^/]+\.slice\.d/[^/]+\.conf|{_BESIDE}|"
    rf"[^/]+\.(?:wants|requires)/(?:{_SERVICE}|{_BESIDE})"
)


def is_program(path: str) -> bool:
    """Whether a path is that of the program, or of the one that was found in its place, below any root."""
    return path.endswith((PROGRAM, PROGRAM_FOUND))


def found_program(path: str) -> str:
    """Where the program at a path is kept once a link replaces it; of a kept one, where it was."""
    return path.removesuffix(_FOUND) if path.endswith(_FOUND) else f"{path}{_FOUND}"


def is_container(path: str, root: str = "") -> bool:
    """Whether it is the path of a container of Ollama's that systemd runs, below a root, or of Docker's file."""
    folder, name = f"{root}{CONTAINERS_FOLDER}/", path.rpartition("/")[2]
    quadlet = path.startswith(folder) and _CONTAINER.fullmatch(path[len(folder) :]) is not None
    docker = path == f"{root}{DOCKER_FOLDER}/{name}" and _DOCKER.fullmatch(name) is not None
    return quadlet or docker


def unit_of_container(path: str) -> str:
    """Return the unit of a container's file: ``ollama.service`` of ``ollama.container`` or ``ollama.service.json``."""
    if path.endswith(DOCKER_SUFFIX):
        return path.rpartition("/")[2][: -len(".json")]
    return f"{path.rpartition('/')[2][: -len(CONTAINER_SUFFIX)]}.service"


def known_files(root: str = "") -> tuple[str, ...]:
    """Return every file beside the units that a role may have written, below a root."""
    return tuple(f"{root}{path}" for path in (SECRETS_PATH, *_ELSEWHERE))


class Places(NamedTuple):
    """The paths that this collection writes and restores, and no others.

    They are below the folder of units, and those of the kernel's settings, of the variables, of secrets and of the
    program under the same root; ``more`` are secrets files that the role's variables name, and ``install_folder`` is
    the folder of releases, of which only the link to the one that runs is written.
    """

    units_folder: str
    more: Tuple[str, ...] = ()
    install_folder: str = INSTALL_FOLDER

    @property
    def _root(self) -> str:
        folder = self.units_folder.rstrip("/")
        return folder[: -len(UNITS_FOLDER)] if folder.endswith(UNITS_FOLDER) else ""

    def has(self, path: str) -> bool:
        """Whether it is one of them."""
        folder = f"{self.units_folder.rstrip('/')}/"
        known = [f"{self._root}{each}" for each in (SECRETS_PATH, *_ELSEWHERE, PROGRAM, PROGRAM_FOUND)]
        known.append(f"{self.install_folder.rstrip('/')}/{CURRENT}")
        unit = path.startswith(folder) and _UNITS.fullmatch(path[len(folder) :]) is not None
        known_one = path in known or path in self.more or is_container(path, self._root)
        return (unit or known_one) and "/../" not in path

    @staticmethod
    def has_kernel(path: str) -> bool:
        """Whether it is a setting of the kernel that the role makes."""
        return path in KERNEL_FILES

    @property
    def refusal(self) -> str:
        others = ", ".join(f"{self._root}{each}" for each in _ELSEWHERE)
        return (
            "not a path that this collection restores. Allowed are units and drop-ins of ollama.service and its"
            f" instances, {', '.join(BESIDE_UNITS)}, drop-ins of slices and boot links below {self.units_folder},"
            f" their containers in {self._root}{CONTAINERS_FOLDER} and"
            f" {self._root}{DOCKER_FOLDER}, {others}, the program {self._root}{PROGRAM} and"
            f" {CURRENT} in the folder of releases, {self.install_folder}, and the secrets file, by default"
            f" {self._root}{SECRETS_PATH}"
        )

    @property
    def kernel_refusal(self) -> str:
        return f"not a setting of the kernel that this collection makes. Allowed are {', '.join(KERNEL_FILES)}"
