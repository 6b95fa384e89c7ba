# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What inference.ollama.service_info returned for one server, with every value of the type that it should have.

The data come from another host or a saved file: a value of another type counts as not read, so no check asks twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Dict, Iterable, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._service.command_line import last_of, options_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import (
    amount,
    cpu_list,
    mapping,
    number,
    rows,
    text,
    texts,
    variables,
)

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet

SCHEMA = 1


class Process(NamedTuple):
    """A server or a runner; None for what was not read. ``limits`` is the mapping as it was read.

    ``wait`` is how many seconds the thread that waited longest for a CPU waited and ran.
    """

    kind: str
    pid: Optional[int]
    exe: Optional[str]
    model: Optional[str]
    command_line: Optional[Tuple[str, ...]]
    environment: Optional[Dict[str, str]]
    cpus: Optional[CpuSet]
    mems: Optional[CpuSet]
    memory: Optional[Dict[str, int]]
    compute_threads: Optional[int]
    switches: Optional[int]
    cpu_seconds: Optional[float]
    wait: Optional[Tuple[float, float]]
    resident_bytes: Optional[int]
    locked_bytes: Optional[int]
    limits: Mapping[str, Any]
    oom_score_adjust: Optional[int]
    started_seconds: Optional[float]
    gpu: Mapping[str, Any]

    def file(self, name: str) -> str:
        """The path under which the kernel shows it."""
        return f"/proc/{'?' if self.pid is None else self.pid}/{name}"


class Level(NamedTuple):
    """A control group of a service or above it: its path below the root, and its share of busy CPUs."""

    path: str
    cpu_weight: Optional[int]

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


class Quota(NamedTuple):
    """A control group with a quota: of CPUs in each period, and how often and how long it was stopped."""

    group: str
    cpus: float
    period_usec: int
    periods: int
    throttled: int
    throttled_usec: int


class Override(NamedTuple):
    """A setting of several files: the file whose value holds, and the others."""

    name: str
    kept: str
    lost: Tuple[str, ...]


class Journal(NamedTuple):
    """What was logged. ``config`` and ``devices`` are None where no such line was read."""

    config: Optional[Dict[str, str]]
    devices: Optional[Tuple[Mapping[str, Any], ...]]
    starts: Tuple[Mapping[str, Any], ...]
    warnings: Tuple[Tuple[str, str], ...]

    def start_of(self, runner: Process) -> Mapping[str, Any]:
        """The start of this runner, empty where it was not logged: ports tell those of one model apart."""
        of_model = [each for each in self.starts if runner.model and text(each.get("model")) == runner.model]
        found = [start for start in of_model if _port(start.get("command_line")) in (None, _port(runner.command_line))]
        return found[-1] if found else {}

    def warned(self, *codes: str) -> list[str]:
        """The lines of these codes, in their order."""
        return [line for code, line in self.warnings if code in codes]


class Observation(NamedTuple):
    """One server. ``there`` is False where nothing at all was read of the unit; None is what was not read."""

    there: bool
    load_state: Optional[str]
    active_state: Optional[str]
    sub_state: Optional[str]
    result: Optional[str]
    restarts: Optional[int]
    main_pid: Optional[int]
    need_daemon_reload: Optional[bool]
    fragment: Optional[str]
    dropins: Optional[Tuple[str, ...]]
    environment: Optional[Dict[str, str]]
    overrides: Optional[Tuple[Override, ...]]
    groups: Optional[Tuple[Level, ...]]
    secret_files: Optional[Dict[str, Tuple[str, int]]]
    servers: Optional[Tuple[Process, ...]]
    runners: Tuple[Process, ...]
    quotas: Optional[Tuple[Quota, ...]]
    version: Optional[str]
    own: Optional[bool]
    answered_by: Optional[str]
    models: Optional[Tuple[Mapping[str, Any], ...]]
    journal: Optional[Journal]
    missing_devices: Optional[Tuple[str, ...]]
    problems: Tuple[str, ...]

    @property
    def server(self) -> Process | None:
        """The server; the one that systemd calls the main process where there are several."""
        servers = self.servers or ()
        return next((each for each in servers if each.pid == self.main_pid), servers[0] if servers else None)

    def start_of(self, runner: Process) -> Mapping[str, Any]:
        """What was logged of the start of this runner; empty where nothing was."""
        return self.journal.start_of(runner) if self.journal else {}

    @property
    def config(self) -> dict[str, str] | None:
        """The line 'server config'; None where it was not read."""
        return self.journal.config if self.journal else None

    def complaints(self, runners: Iterable[Process], codes: tuple[str, ...]) -> list[str]:
        """What was logged with these codes of the starts of these runners, of any start where they have no own."""
        found: list[str] = []
        for runner in runners:
            own = self.start_of(runner).get("warnings")
            said = rows(own) if isinstance(own, list) else []
            found += [str(row.get("line")) for row in said if row.get("code") in codes]
            if not isinstance(own, list) and self.journal:
                found += self.journal.warned(*codes)
        return found

    def out_of_reach(self, runner: Process) -> str | None:
        """Why the log does not show the whole start of this runner; None where it does."""
        start = self.start_of(runner)
        if start and start.get("complete") is not False:
            return None
        said = self.problem(f"of the runner {runner.pid},", f"of the runner {runner.pid} ", "journalctl", "invocation")
        return f"the log of the start of the runner {runner.pid} was not read{f': {said}' if said else ''}"

    def override(self, name: str) -> Override | None:
        """Which file won over which for this name."""
        return next((each for each in self.overrides or () if each.name == name), None)

    def problem(self, *needles: str) -> str | None:
        """The first sentence of the reader's problems that holds one of the words."""
        return next((said for needle in needles for said in self.problems if needle in said), None)


def observations(service: Mapping[str, Any]) -> dict[str, Observation]:
    """The servers by the names of their units."""
    common = texts(service.get("problems"))
    found: dict[str, Observation] = {}
    for entry in rows(service.get("instances")):
        unit = text(entry.get("unit"))
        if unit is not None:
            found.setdefault(unit, _observation(entry, common))
    return found


def nothing(service: Mapping[str, Any]) -> Observation:
    """The observation of a unit that was not asked for."""
    return _observation({}, texts(service.get("problems")), there=False)


def _observation(entry: Mapping[str, Any], common: tuple[str, ...], *, there: bool = True) -> Observation:
    processes = entry.get("processes")
    read = tuple(_process(row) for row in rows(processes))
    api, journal = mapping(entry.get("api")), mapping(entry.get("journal"))
    models = api.get("models")
    reload, own, waited = entry.get("need_daemon_reload"), api.get("own"), mapping(entry.get("device_wait"))
    return Observation(
        there=there,
        load_state=text(entry.get("load_state")),
        active_state=text(entry.get("active_state")),
        sub_state=text(entry.get("sub_state")),
        result=text(entry.get("result")),
        restarts=number(entry.get("restarts")),
        main_pid=number(entry.get("main_pid")),
        need_daemon_reload=reload if isinstance(reload, bool) else None,
        fragment=text(entry.get("fragment_path")),
        dropins=texts(entry.get("dropins")) if isinstance(entry.get("dropins"), list) else None,
        environment=variables(entry.get("environment")),
        overrides=_overrides(entry.get("overrides")),
        groups=_levels(entry.get("control_groups")),
        secret_files=_secret_files(entry.get("secret_files")),
        servers=tuple(each for each in read if each.kind == "server") if isinstance(processes, list) else None,
        runners=tuple(each for each in read if each.kind == "runner"),
        quotas=_quotas(entry.get("cpu_quotas")),
        version=text(api.get("version")),
        own=own if isinstance(own, bool) else None,
        answered_by=text(api.get("answered_by")),
        models=tuple(rows(models)) if isinstance(models, list) else None,
        journal=_journal(journal) if journal else None,
        missing_devices=texts(waited["missing"]) if isinstance(waited.get("missing"), list) else None,
        problems=texts(entry.get("problems")) + common,
    )


def _process(row: Mapping[str, Any]) -> Process:
    memory, argv = row.get("memory_by_node"), row.get("command_line")
    return Process(
        kind=text(row.get("kind")) or "",
        pid=number(row.get("pid")),
        exe=text(row.get("exe")),
        model=text(row.get("model")),
        command_line=texts(argv) if isinstance(argv, list) else None,
        environment=variables(row.get("environment")),
        cpus=cpu_list(row.get("cpus_allowed")),
        mems=cpu_list(row.get("mems_allowed")),
        memory={node: size for node, size in memory.items() if isinstance(node, str) and (number(size) or 0) > 0}
        if isinstance(memory, Mapping)
        else None,
        compute_threads=number(row.get("compute_threads")),
        switches=number(row.get("involuntary_switches")),
        cpu_seconds=amount(row.get("cpu_seconds")),
        wait=_wait(mapping(row.get("longest_wait"))),
        resident_bytes=number(row.get("resident_bytes")),
        locked_bytes=number(row.get("locked_bytes")),
        limits=mapping(row.get("limits")),
        oom_score_adjust=number(row.get("oom_score_adjust")),
        started_seconds=amount(row.get("started_seconds")),
        gpu=mapping(row.get("gpu")),
    )


def _wait(row: Mapping[str, Any]) -> tuple[float, float] | None:
    waited, ran = (amount(row.get(name)) for name in ("wait_seconds", "cpu_seconds"))
    return None if waited is None or ran is None else (waited, ran)


def _journal(journal: Mapping[str, Any]) -> Journal:
    devices = rows(journal.get("devices"))
    said = ((text(row.get("code")), text(row.get("line"))) for row in rows(journal.get("warnings")))
    return Journal(
        config=variables(journal.get("server_config")),
        # The server always logs one, the CPU where it has no card: without any the line was not read.
        devices=tuple(devices) or None,
        starts=tuple(rows(journal.get("starts"))),
        warnings=tuple((code, line) for code, line in said if code is not None and line is not None),
    )


def _levels(value: object) -> tuple[Level, ...] | None:
    if not isinstance(value, list):
        return None
    found = ((text(row.get("path")), number(row.get("cpu_weight"))) for row in rows(value))
    return tuple(Level(path, weight) for path, weight in found if path is not None)


def _overrides(value: object) -> tuple[Override, ...] | None:
    if not isinstance(value, list):
        return None
    found = []
    for row in rows(value):
        name, kept = text(row.get("name")), text(row.get("kept"))
        if name is not None and kept is not None:
            found.append(Override(name, kept, texts(row.get("lost"))))
    return tuple(found)


def _secret_files(value: object) -> dict[str, tuple[str, int]] | None:
    """Mode and owner of each file of variables, by its path."""
    if not isinstance(value, list):
        return None
    found = ((text(row.get("path")), text(row.get("mode")), number(row.get("user_id"))) for row in rows(value))
    return {path: (mode, user) for path, mode, user in found if path and mode and user is not None}


def _quotas(value: object) -> tuple[Quota, ...] | None:
    """The quotas; None where one of them was not read as a whole."""
    if not isinstance(value, list):
        return None
    found = []
    for row in value:
        said = mapping(row)
        group, cpus = text(said.get("group")), amount(said.get("quota_cpus"))
        counts = [number(said.get(name)) for name in ("period_usec", "nr_periods", "nr_throttled", "throttled_usec")]
        known = [count for count in counts if count is not None and count >= 0]
        if group is None or cpus is None or cpus <= 0 or len(known) < len(counts) or not known[0]:
            return None
        found.append(Quota(group, cpus, *known))
    return tuple(found)


def _port(argv: object) -> str | None:
    return last_of(options_of(texts(argv)), "--port")
