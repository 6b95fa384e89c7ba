# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask Podman and Docker for the containers of Ollama that they have, as root of this host.

podman-ps(1), podman-container-inspect(1), docker-ps(1), docker-container-inspect(1). Each is asked of this host alone,
whatever a variable or a file of the account names, and only where it has been used, since Podman makes its folders when
it is asked and a socket starts Docker.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._containers.form import digest_of, is_ollama
from ansible_collections.inference.ollama.plugins.module_utils._containers.inspected import (
    container,
    inner,
    number,
    text,
    variables,
    words,
)
from ansible_collections.inference.ollama.plugins.module_utils._places import CLIENTS, DOCKER_SOCKET
from ansible_collections.inference.ollama.plugins.module_utils._preflight.engines import (
    DOCKER_LEFT,
    PODMAN_USED,
)
from ansible_collections.inference.ollama.plugins.module_utils._process import bounded
from ansible_collections.inference.ollama.plugins.module_utils._service.members import kind_of, members
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

_ID = re.compile("[0-9a-f]{12,64}")
# Looked at for what they are, and read as a whole.
_MOST_LISTED, _MOST_READ = 500, 20
# So many answers are less than the longest one that is parsed.
_AT_ONCE = 100
_BRIEF = (
    "[{{json .Id}},{{json .Config.Image}},{{json .Config.Entrypoint}},{{json .Config.Cmd}},{{json .State.Pid}},"
    "{{json .Path}},{{json .Args}}]"
)
_OF_IMAGE = "[{{json .Id}},{{json .RepoDigests}},{{json .Config.Env}}]"
_GROUP = re.compile(r"^[0-9]+:(?:name=systemd)?:(/.*)$", re.MULTILINE)
_ATTEMPTS = 2


class Engine(NamedTuple):
    """A program, how it is called for this host alone, and what is there where it has been used."""

    name: str
    argv: Tuple[str, ...]
    used: Tuple[str, ...]


ENGINES = (
    Engine("podman", CLIENTS["podman"], PODMAN_USED),
    Engine("docker", CLIENTS["docker"], (DOCKER_SOCKET,)),
)


def ask(root: Proc, run: Runner, problems: List[str]) -> Tuple[List[Dict[str, Any]], Dict[str, Any]]:
    """The containers of Ollama, and for each engine whether it could be asked: None where it was not used."""
    found: List[Dict[str, Any]] = []
    asked: Dict[str, Any] = {}
    for engine in ENGINES:
        asked[engine.name] = None
        if not any(root.exists(path) for path in engine.used):
            if engine.name == "docker" and root.exists(DOCKER_LEFT):
                asked[engine.name] = False
                problems.append(
                    f"docker: {DOCKER_SOCKET} is not there and {DOCKER_LEFT} is, so Docker does not run, and which"
                    " containers it has is not known"
                )
            continue
        # A host may have one program under the names of both.
        read, wrong = _Asked(engine, bounded(run), root).containers()
        asked[engine.name] = not wrong
        known = {each["id"] for each in found}
        found += [each for each in read if each["id"] not in known]
        problems += [f"{engine.name}: {problem}" for problem in wrong]
    return found, asked


class _Asked:
    """One engine."""

    def __init__(self, engine: Engine, run: Runner, root: Proc) -> None:
        self._engine, self._run, self._root = engine, run, root
        self._problems: List[str] = []

    def containers(self) -> Tuple[List[Dict[str, Any]], List[str]]:
        """Its containers of Ollama, and why some could not be read."""
        # A container that ends between two questions makes the second one fail.
        for _attempt in range(_ATTEMPTS):
            self._problems = []
            found = [container(each, self._engine.name) for each in self._inspect(self._servers())]
            self._add_images(found)
            if not self._problems:
                break
        return found, self._problems

    def _lines(self, *arguments: str) -> List[str]:
        outcome = self._run([*self._engine.argv, *arguments])
        if outcome.out is None:
            self._problems.append(one_line(outcome.problem or ""))
            return []
        return [line for line in outcome.out.splitlines() if line.strip()]

    def _parsed(self, line: str, form: type) -> Any:  # noqa: ANN401 - JSON of any form
        try:
            read = json.loads(line)
        except (ValueError, RecursionError):
            read = None
        if isinstance(read, form):
            return read
        self._problems.append(f"a line of its answer is no {form.__name__} in JSON: {one_line(line, 60)!r}")
        return None

    def _servers(self) -> List[str]:
        """The numbers of the containers of Ollama, by image, command, or the processes in them."""
        listed = [each.strip() for each in self._lines("ps", "--all", "--no-trunc", "--format", "{{.ID}}")]
        known = [each for each in listed if _ID.fullmatch(each)]
        if len(known) < len(listed):
            self._problems.append(f"{len(listed) - len(known)} of the containers that it lists have no number")
        if len(known) > _MOST_LISTED:
            self._problems.append(f"it has {len(known)} containers, of which the first {_MOST_LISTED} were looked at")
        found = []
        for ids in _parts(known[:_MOST_LISTED]):
            for line in self._lines("container", "inspect", "--format", _BRIEF, *ids):
                row = self._parsed(line, list)
                if row is not None and len(row) == 7 and self._is_server(row):
                    found.append(str(row[0]))
        if len(found) > _MOST_READ:
            self._problems.append(f"it has {len(found)} containers of Ollama, of which {_MOST_READ} were read")
        return [each for each in found if _ID.fullmatch(each)][:_MOST_READ]

    def _is_server(self, row: List[object]) -> bool:
        said = dict(zip(("id", "image", "entrypoint", "cmd", "pid", "path", "args"), row))
        for first, rest in (("entrypoint", "cmd"), ("path", "args")):
            if is_ollama(text(said, "image"), [*words(said, first), *words(said, rest)]):
                return True
        pid = number(said, "pid")
        return pid is not None and pid > 0 and self._serves(pid)

    def _serves(self, pid: int) -> bool:
        """Whether a process of the container serves, be it below another program; as of the host."""
        match = _GROUP.search(self._root.text(f"/proc/{pid}/cgroup") or "")
        group = match[1] if match and match[1] != "/" else None
        for each in members(self._root, "", group, None) or [] if group else []:
            comm = self._root.text(f"/proc/{each}/comm") or ""
            if comm == "ollama" and kind_of(comm, self._root.strings(f"/proc/{each}/cmdline") or [], main=False):
                return True
        return False

    def _inspect(self, ids: List[str]) -> List[Dict[str, Any]]:
        lines = self._lines("container", "inspect", "--format", "{{json .}}", *ids) if ids else []
        return [each for each in (self._parsed(line, dict) for line in lines) if each is not None]

    def _add_images(self, found: List[Dict[str, Any]]) -> None:
        """Add the digest in the registry, and which variables are the image's own."""
        images = {each["id"]: each.pop("image_id", None) for each in found}
        ids = [each for each in dict.fromkeys(images.values()) if each]
        for line in self._lines("image", "inspect", "--format", _OF_IMAGE, *ids) if ids else []:
            row = self._parsed(line, list)
            if row is None or len(row) != 3:
                continue
            facts = dict(zip(("id", "digests", "env"), row))
            own = variables(words(facts, "env"))
            for each in found:
                if _bare(images[each["id"]]) != _bare(inner(facts, "id")):
                    continue
                each["image_digest"] = each["image_digest"] or next(
                    filter(None, map(digest_of, words(facts, "digests"))), None
                )
                environment = each["environment"]
                each["image_environment"] = sorted(name for name in own if environment.get(name) == own[name])


def _bare(number_of: object) -> str:
    """The number of an image, with or without the name of its hash before it."""
    return str(number_of or "").rpartition(":")[2]


def _parts(ids: List[str]) -> Iterable[List[str]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))
