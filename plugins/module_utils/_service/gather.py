# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe each instance: its unit, its processes, its API and its log."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._readiness.record import read_wait
from ansible_collections.inference.ollama.plugins.module_utils._service.api import read_api
from ansible_collections.inference.ollama.plugins.module_utils._service.cards import add_memory
from ansible_collections.inference.ollama.plugins.module_utils._service.contained import contained
from ansible_collections.inference.ollama.plugins.module_utils._service.contention import read_quotas
from ansible_collections.inference.ollama.plugins.module_utils._service.journal import read_journal
from ansible_collections.inference.ollama.plugins.module_utils._service.overrides import read_overrides
from ansible_collections.inference.ollama.plugins.module_utils._service.process import read_processes
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.module_utils._service.secret_files import read_secret_files
from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit, read_unit
from ansible_collections.inference.ollama.plugins.module_utils._service.weights import read_groups
from ansible_collections.inference.ollama.plugins.module_utils._text import visible_everywhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.answers import Whose
    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

SCHEMA = 1
PARTS = ("unit", "processes", "api", "journal")


class Host(NamedTuple):
    """Sources to read from. Without ``run`` and ``fetch`` only files are read; ``whose`` tells who has answered."""

    root: Proc
    run: Optional[Runner]
    fetch: Optional[Fetch]
    whose: Optional[Whose] = None


class Wanted(NamedTuple):
    """Which parts to read, and how many journal lines at most."""

    parts: Tuple[str, ...]
    lines: int


def observe(host: Host, units: Sequence[tuple[str, str]], wanted: Wanted) -> dict[str, Any]:
    """``{schema, instances, problems}`` for units, ``(name, address)`` each; parts that are not read are None.

    Problems of all of several instances are at the top.
    """
    redactor = Redactor()
    read = [_instance(host, unit, wanted, redactor) for unit in units]
    common = [problem for problem in (read[0]["problems"] if len(read) > 1 else []) if _everywhere(problem, read)]
    for instance in read:
        instance["problems"] = [problem for problem in instance["problems"] if problem not in common]
    found: dict[str, Any] = redactor.everywhere({"schema": SCHEMA, "instances": read, "problems": common})
    return dict(visible_everywhere(found))


def _everywhere(problem: str, instances: list[dict[str, Any]]) -> bool:
    return all(problem in instance["problems"] for instance in instances)


def _instance(host: Host, named: tuple[str, str], wanted: Wanted, redactor: Redactor) -> dict[str, Any]:
    (name, url), (root, run, fetch, whose), (parts, lines) = named, host, wanted
    root.problems = []
    unit = Unit(name) if set(parts) <= {"api"} else contained(root, run, read_unit(root, run, name))
    files = [path for path in (unit.fragment_path, *(unit.dropins or ())) if path is not None]
    # First, so that nothing that is read shows what these set.
    secrets = read_secret_files(root, files, unit.environment_files, redactor)
    processes = read_processes(root, unit, redactor) if "processes" in parts else None
    add_memory(root, run, processes or [])
    instance = {
        "unit": name,
        **_unit(root, unit if "unit" in parts else Unit(name), redactor),
        "secret_files": secrets if "unit" in parts else None,
        "control_groups": read_groups(root, unit) if "processes" in parts else None,
        "processes": processes,
        "device_wait": read_wait(root, name) if "processes" in parts else None,
        "cpu_quotas": read_quotas(root, processes),
        "api": read_api(root, fetch, url, whose and partial(whose, unit, url)) if "api" in parts else None,
        "journal": read_journal(root, run, unit, lines, redactor, processes or [])
        if "journal" in parts and run
        else None,
    }
    return {**instance, "problems": [redactor.text(problem) for problem in root.problems]}


def _unit(root: Proc, unit: Unit, redactor: Redactor) -> dict[str, Any]:
    files = [] if unit.fragment_path is None else [unit.fragment_path]
    files += unit.dropins or ()
    return {
        "load_state": unit.load_state,
        "active_state": unit.active_state,
        "sub_state": unit.sub_state,
        "unit_file_state": unit.unit_file_state,
        "result": unit.result,
        "restarts": unit.restarts,
        "main_pid": unit.main_pid,
        "invocation_id": unit.invocation_id,
        "started_at": unit.started_at,
        "need_daemon_reload": unit.need_daemon_reload,
        "fragment_path": unit.fragment_path,
        "dropins": None if unit.dropins is None else list(unit.dropins),
        "environment": None if unit.environment is None else redactor.environment(unit.environment),
        "overrides": read_overrides(root, files, unit.environment_files) if files else None,
    }
