# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has to run containers with: the engine, its release, an image, control groups, and names of cards.

podman(1), podman-image-exists(1), docker(1); systemd.generator(7) for the folders of generators; the Container Device
Interface (CDI), SPEC.md, for the folders and the form of its files.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import CLIENTS

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

SCHEMA = 1
_VERSION = re.compile(r"\bversion ([0-9]{1,5}(?:\.[0-9]{1,5}){0,3})")
_GENERATOR = "podman-system-generator"
_GENERATORS = (
    *("/run/systemd/system-generators", "/etc/systemd/system-generators", "/usr/local/lib/systemd/system-generators"),
    *("/usr/lib/systemd/system-generators", "/lib/systemd/system-generators"),
)
# The file that the kernel has in the root of version 2 alone (Documentation/admin-guide/cgroup-v2.rst).
_CONTROLLERS = "/sys/fs/cgroup/cgroup.controllers"
# By this program of NVIDIA's container toolkit Docker knows that it can give cards (daemon/nvidia_linux.go of moby).
_NVIDIA_HOOK = "nvidia-container-runtime-hook"
_CDI = ("/etc/cdi", "/var/run/cdi", "/run/cdi")
_KIND = re.compile(r"""["']?kind["']?\s*:\s*["']?([A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100})["']?""")
_NAME = re.compile(r"""["']?\bname["']?\s*:\s*["']?([A-Za-z0-9][A-Za-z0-9._:/-]{0,127})["']?\s*[,}\n]""")
# What the engines end with where there is no such image, and nothing else is wrong.
_NO_IMAGE = re.compile(
    r"failed with exit status 1 and said: (?:nothing|.*no such image.*)\Z", re.IGNORECASE | re.DOTALL
)
_ASKED = {"podman": ("image", "exists"), "docker": ("image", "inspect", "--format", "{{.Id}}")}


def read_engine(root: Root, run: Runner, engine: str, image: str | None) -> dict[str, Any]:
    """Return everything of RETURN of the module engine_info; None for what could not be read, with a problem."""
    program = root.program(engine)
    version = _version(root, run, engine) if program else None
    controllers = root.text(_CONTROLLERS) if root.exists(_CONTROLLERS) else None
    return {
        "schema": SCHEMA,
        "engine": engine,
        "program": program,
        "version": version,
        "generator": next((path for folder in _GENERATORS if root.exists(path := f"{folder}/{_GENERATOR}")), None),
        "nvidia_hook": root.program(_NVIDIA_HOOK),
        "requests": find_spec("requests") is not None,
        "image": image,
        "image_there": _has_image(root, run, engine, image) if program and image else None,
        "cgroup_version": 2 if controllers is not None else 1,
        "controllers": None if controllers is None else controllers.split(),
        "cdi": _cdi(root),
        "problems": root.problems,
    }


def _version(root: Root, run: Runner, engine: str) -> str | None:
    said = run([engine, "--version"])
    found = _VERSION.search(said.out or "")
    if found is None:
        root.problem(said.problem or f"{engine} --version: read {(said.out or '')[:80]!r}, expected its version")
        return None
    return found[1]


def _has_image(root: Root, run: Runner, engine: str, image: str) -> bool | None:
    said = run([*CLIENTS[engine], *_ASKED[engine], image])
    if said.problem is None:
        return True
    if _NO_IMAGE.search(said.problem):
        return False
    root.problem(said.problem)
    return None


def _cdi(root: Root) -> dict[str, list[str]]:
    """The names of devices by their kind, as ``nvidia.com/gpu``, of all files of the interface."""
    found: dict[str, list[str]] = {}
    for folder in _CDI:
        for name in root.names(folder):
            text = root.text(f"{folder}/{name}") if name.endswith((".json", ".yaml", ".yml")) else None
            kind = _KIND.search(text or "")
            if kind is not None:
                names = found.setdefault(kind[1], [])
                names += [each for each in _NAME.findall(f"{text}\n") if each not in names]
    return found
