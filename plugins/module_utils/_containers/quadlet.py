# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers that files of Quadlet describe.

podman-systemd.unit(5), "UNIT FILES" for the folders and drop-ins, "Container units [Container]" for the lines.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Dict, Iterator, List

from ansible_collections.inference.ollama.plugins.module_utils._containers.form import (
    add_device,
    apply_options,
    digest_of,
    empty,
    is_ollama,
    limit,
    long_mount,
    mount,
    options,
    ports,
    size,
)
from ansible_collections.inference.ollama.plugins.module_utils._containers.inspected import variables
from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._preflight.engines import QUADLET_FOLDERS
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import Tree, UnreadableError
from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting, parse_unit
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import assignment, expand, split_words

# Below the administrator's folder are files for users.
_OF_USERS = "/etc/containers/systemd/users"
_HOMES = ("/home", "/var/home")
_OWN = ".config/containers/systemd"
_ENDS = (".container", ".kube", ".pod")
_DEEPEST = 4
_MOST_FILES, _MOST_HOMES = 500, 2000
_CONTAINER, _SERVICE = "Container", "Service"
_PERCENT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)%")


def read_files(tree: Tree, problems: List[str]) -> List[Dict[str, Any]]:
    """The containers of Ollama that files describe, in the order of the folders, secrets and all."""
    found: Dict[tuple[str | None, str], Dict[str, Any]] = {}
    for path, user in _paths(tree):
        name = posixpath.basename(path)
        if (user, name) in found:
            continue
        try:
            read = _Unit(tree, path, problems).container(user)
        except UnreadableError as error:
            problems.append(f"{tree.shown(path)}: {error}")
            continue
        if read is not None:
            found[user, name] = read
    return list(found.values())


def _paths(tree: Tree) -> Iterator[tuple[str, str | None]]:
    """Each file with the user whose systemd reads it; None for root's."""
    # A file of the first folder takes the place of one of the same name in a later one.
    for folder in QUADLET_FOLDERS:
        yield from ((path, None) for path in _below(tree, folder, 0) if not path.startswith(f"{_OF_USERS}/"))
    yield from ((path, "every user") for path in _below(tree, _OF_USERS, 0))
    homes = [(f"{place}/{name}", name) for place in _HOMES for name in tree.names(place)[:_MOST_HOMES]]
    for home, name in homes:
        yield from ((path, name) for path in _below(tree, f"{home}/{_OWN}", 0))


def _below(tree: Tree, folder: str, depth: int) -> List[str]:
    found: List[str] = []
    for name in tree.names(folder)[:_MOST_FILES]:
        path = f"{folder}/{name}"
        if name.endswith(_ENDS[:1]):
            found.append(path)
        elif not name.endswith(".d") and depth < _DEEPEST and "." not in name and tree.is_folder(path):
            found += _below(tree, path, depth + 1)
    return found


class _Unit:
    """A file with its drop-ins."""

    def __init__(self, tree: Tree, path: str, problems: List[str]) -> None:
        self._tree, self._path, self._problems = tree, path, problems
        self._stem = posixpath.basename(path).rpartition(".")[0]
        self._settings = self._read(path)

    def _read(self, path: str) -> List[Setting]:
        files = [path, *self._drop_ins(path)]
        return [each for file in files for each in parse_unit(self._tree.read(file) or "", self._tree.shown(file))[0]]

    def _drop_ins(self, path: str) -> List[str]:
        """Drop-ins by name, of every folder that is read with this one; the folder of the longest name comes first.

        podman-systemd.unit(5): ``foo-bar.container.d``, ``foo-.container.d`` and ``container.d``.
        """
        folder, name = posixpath.split(path)
        stem, _dot, kind = name.rpartition(".")
        parts = stem.split("-")
        stems = [stem, *("-".join(parts[:end]) + "-" for end in range(len(parts) - 1, 0, -1))]
        shared = path.startswith(tuple(f"{each}/" for each in QUADLET_FOLDERS)) and not path.startswith(_OF_USERS)
        found: Dict[str, str] = {}
        for place in dict.fromkeys([*(QUADLET_FOLDERS if shared else ()), folder]):
            for below in [*(f"{place}/{each}.{kind}.d" for each in stems), f"{place}/{kind}.d"]:
                for each in self._tree.names(below):
                    if each.endswith(".conf"):
                        found.setdefault(each, f"{below}/{each}")
        return [found[each] for each in sorted(found)]

    def _all(self, key: str, section: str = _CONTAINER) -> List[str]:
        """The values of a key of which there may be several; an empty one takes back those before it."""
        values: List[str] = []
        for each in self._settings:
            if (each.section, each.directive) == (section, key):
                values = [*values, self._expanded(each.value)] if each.value else []
        return values

    def _last(self, key: str, section: str = _CONTAINER) -> str | None:
        return next(iter(self._all(key, section)[-1:]), None)

    def _expanded(self, value: str) -> str:
        return expand(value, f"{self._stem}.service")

    def _words(self, key: str) -> List[str]:
        return [word for value in self._all(key) for word in split_words(value, command=True)[0]]

    def container(self, user: str | None) -> Dict[str, Any] | None:
        """What the file describes; None where it is no server of Ollama."""
        image, command = self._image(), [*self._words("Entrypoint"), *self._words("Exec")]
        if not is_ollama(image, command):
            return None
        found = empty()
        found.update(
            name=self._last("ContainerName") or f"systemd-{self._stem}",
            engine="podman",
            manager="quadlet",
            path=self._tree.shown(self._path),
            ours=self._is_ours(),
            files=[self._tree.shown(self._path)],
            unit=f"{self._last('ServiceName') or self._stem}.service",
            user=user,
            image=image,
            image_digest=digest_of(image),
            environment={**self._of_files(found), **self._variables()},
            command=command,
            network=self._last("Network"),
            restart=self._last("Restart", _SERVICE),
        )
        self._limits(found)
        found["mounts"] += self._mounts()
        found["ports"] += self._ports(self._all("PublishPort"))
        self._add_pod(found)
        for word in self._all("AddDevice"):
            add_device(found, word.lstrip("-"))
        apply_options(found, self._words("PodmanArgs"))
        return found

    def _ports(self, values: List[str]) -> List[Dict[str, Any]]:
        read = [(value, ports(value)) for value in values]
        self._problems += [
            f"{self._tree.shown(self._path)}: PublishPort={value!r} is no port or range of ports that is read"
            for value, found in read
            if found is None
        ]
        return [each for _value, found in read for each in found or ()]

    def _add_pod(self, found: Dict[str, Any]) -> None:
        """Add what the pod publishes: a container in it has the network of the pod."""
        name = self._last("Pod")
        if not name:
            return
        path = f"{posixpath.dirname(self._path)}/{name}"
        try:
            there = self._tree.read(path) is not None
            settings = [each for each in self._read(path) if each.section == "Pod" and each.value]
        except UnreadableError as error:
            self._problems.append(f"{self._tree.shown(path)}: {error}")
            return
        if not there:
            self._problems.append(f"{self._tree.shown(path)}: it is not there, so the ports of the pod are not known")
        found["ports"] += self._ports([each.value for each in settings if each.directive == "PublishPort"])
        found["network"] = next(
            (each.value for each in settings[::-1] if each.directive == "Network"), found["network"]
        )

    def _is_ours(self) -> bool:
        return any(line.startswith(HEADER) for line in (self._tree.read(self._path) or "").splitlines())

    def _image(self) -> str | None:
        image = self._last("Image")
        if image is None or not image.endswith((".image", ".build")):
            return image
        path = f"{posixpath.dirname(self._path)}/{image}"
        section, key = ("Image", "Image") if image.endswith(".image") else ("Build", "ImageTag")
        try:
            settings = self._read(path)
        except UnreadableError as error:
            self._problems.append(f"{self._tree.shown(path)}: {error}")
            return None
        said = [each.value for each in settings if (each.section, each.directive) == (section, key)]
        return next(iter(said[-1:]), None)

    def _variables(self) -> Dict[str, str]:
        found: Dict[str, str] = {}
        for value in self._all("Environment"):
            for word in split_words(value)[0]:
                pair = assignment(word)
                found.update([pair] if pair else [])
        return found

    def _of_files(self, container: Dict[str, Any]) -> Dict[str, str]:
        """The variables of environment files, of lines ``NAME=value`` without quotes (podman-run(1), --env-file)."""
        found: Dict[str, str] = {}
        by_option = [value for name, value in options(self._words("PodmanArgs")) if name == "--env-file"]
        for value in [*self._all("EnvironmentFile"), *by_option]:
            path = value.lstrip("-")
            path = path if path.startswith("/") else posixpath.normpath(f"{posixpath.dirname(self._path)}/{path}")
            container["environment_files"].append(self._tree.shown(path))
            try:
                text = self._tree.read(path)
            except UnreadableError as error:
                self._problems.append(f"{self._tree.shown(path)}: {error}")
                continue
            lines = [line.strip() for line in (text or "").splitlines()]
            found.update(variables([line for line in lines if line and not line.startswith("#") and "=" in line]))
        return found

    def _limits(self, found: Dict[str, Any]) -> None:
        for word in self._all("Ulimit"):
            known = limit(word)
            found["limits"].update([known] if known else [])
        memory = self._last("Memory")
        found["memory_max_bytes"] = size(memory) if memory else None
        # The unit's own limits hold for what runs in it, since Quadlet divides its control group (--cgroups=split).
        found["cpus"] = self._last("AllowedCPUs", _SERVICE)
        found["memory_nodes"] = self._last("AllowedMemoryNodes", _SERVICE)
        share = _PERCENT.fullmatch(self._last("CPUQuota", _SERVICE) or "")
        found["cpu_quota"] = float(share[1]) / 100 or None if share else None
        score = self._last("OOMScoreAdjust", _SERVICE) or ""
        found["oom_score_adjust"] = int(score) if re.fullmatch("-?[0-9]{1,4}", score) else None

    def _mounts(self) -> List[Dict[str, Any]]:
        read = [mount(word) for word in self._all("Volume")] + [long_mount(word) for word in self._all("Mount")]
        found = [each for each in read if each]
        for each in found:
            source, volume = each["source"], each["volume"]
            if source and source.startswith("."):
                each["source"] = posixpath.normpath(f"{posixpath.dirname(self._path)}/{source}")
            if volume and volume.endswith(".volume"):
                each["volume"] = f"systemd-{volume[: -len('.volume')]}"
        return found
