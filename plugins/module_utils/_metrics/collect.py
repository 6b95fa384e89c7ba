# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that metrics are made of: the plan that was proven last, and what its servers do now."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._metrics.cards import read_cards
from ansible_collections.inference.ollama.plugins.module_utils._metrics.names import names_of_files
from ansible_collections.inference.ollama.plugins.module_utils._places import (
    HUGE_PAGES,
    NUMA_BALANCING,
    UNITS_FOLDER,
    VARIABLES_FILE,
)
from ansible_collections.inference.ollama.plugins.module_utils._service.api import check_url
from ansible_collections.inference.ollama.plugins.module_utils._service.gather import PARTS, Host, Wanted, observe
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import chosen

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.answers import Whose
    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch

# The last plan that was confirmed, and the change that is not (_snapshots/store.py).
_CURRENT, _PENDING = "current.json", "pending.json"
_LARGEST_PLAN = 1 << 22
_LINES = 500
# More servers than any host has.
_MOST = 64
_WALKED = ("/numa_maps", "/smaps_rollup")


class System(NamedTuple):
    """What the host is read and asked with."""

    root: Callable[[], Light]
    run: Runner
    fetch: Fetch
    whose: Whose


class Light(Proc):
    """A root without the files for which the kernel walks the page tables of a process.

    That takes it about a second for each 100 GiB, in which the process cannot change its memory.
    """

    def most(self, path: str) -> int:
        return _LARGEST_PLAN if path.endswith(f"/{_CURRENT}") else super().most(path)

    def text(self, path: str) -> str | None:
        return None if path.endswith(_WALKED) else super().text(path)

    def data(self, path: str) -> bytes | None:
        """The bytes of a file; None where absent or, with a problem, unreadable."""
        return self._data(path)

    def written(self, path: str) -> float | None:
        """When a file was written, in seconds since the epoch; None where it is absent."""
        try:
            return os.stat(self._end(path)).st_mtime
        except OSError:
            return None

    def required(self, path: str, expected: str) -> str | None:
        return None if path.endswith(_WALKED) else super().required(path, expected)


def collect(system: System, state_folder: str) -> dict[str, Any]:
    """What decide() of the metrics is given; None for what is not known.

    ``plan`` is the one confirmed last, at ``confirmed_at``; ``pending`` whether a change is not confirmed; ``service``
    is what service_info returns, ``models`` the names of models by unit and file; ``made`` and ``found`` are the
    SHA-256 of unit files as they were written and as they are; ``kernel`` and ``cards`` are read where the plan
    counts on them; ``problems`` are sentences on all that concerns no server.
    """
    root = system.root()
    plan, confirmed_at = _plan(root, posixpath.join(state_folder, _CURRENT))
    problems = root.problems
    units = [(each["unit"], each["url"]) for each in _instances(plan)]
    service = observe(Host(root, system.run, system.fetch, system.whose), units, Wanted(PARTS, _LINES))
    root.problems = []
    made = _made(root)
    return {
        "plan": plan,
        "confirmed_at": confirmed_at,
        "pending": root.exists(posixpath.join(state_folder, _PENDING)),
        "service": service,
        "models": {each["unit"]: names_of_files(root, each) for each in service["instances"]},
        "made": made,
        "found": {path: _digest(root, path) for path in made or {}},
        "kernel": _kernel(root),
        "cards": read_cards(root, system.run) if any(each.get("gpus") for each in _instances(plan)) else [],
        "problems": [*problems, *root.problems],
    }


def _instances(plan: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    found = plan.get("instances") if plan else None
    rows = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return [each for each in rows if isinstance(each.get("unit"), str) and _is_address(each.get("url"))][:_MOST]


def _is_address(url: object) -> bool:
    try:
        check_url(str(url))
    except OllamaError:
        return False
    return True


def _plan(root: Light, path: str) -> tuple[dict[str, Any] | None, float | None]:
    """The plan and when its file was written, which is when it was confirmed."""
    found = _json(root, path).get("plan")
    return (found, root.written(path)) if isinstance(found, dict) else (None, None)


def _made(root: Proc) -> dict[str, str] | None:
    """The SHA-256 of each unit file that the role has written, by its path (_variables.py)."""
    files = _json(root, VARIABLES_FILE).get("files")
    if not isinstance(files, dict):
        return None
    inside = (path for path in files if path.startswith(f"{UNITS_FOLDER}/") and "/../" not in path)
    return {path: str(files[path]) for path in sorted(inside)[:_MOST]}


def _json(root: Proc, path: str) -> dict[str, Any]:
    try:
        found = json.loads(root.text(path) or "{}")
    except (ValueError, RecursionError):
        root.problem(f"{path}: is not JSON")
        return {}
    return found if isinstance(found, dict) else {}


def _digest(root: Light, path: str) -> str | None:
    data = root.data(path)
    return None if data is None else hashlib.sha256(data).hexdigest()


def _kernel(root: Proc) -> dict[str, Any]:
    return {
        "transparent_hugepage": chosen(root.text(HUGE_PAGES) or ""),
        "numa_balancing": root.integer(NUMA_BALANCING),
    }
