# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files beside the units and drop-ins of servers that a plan asks for: units of the role's own, and their program.

They are written with the others, so that a state that is restored, a dry run and a second run know them as well.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._gateway.places import GATEWAY_ARCHIVE
from ansible_collections.inference.ollama.plugins.module_utils._places import (
    BESIDE_UNITS,
    METRICS,
    METRICS_ARCHIVE,
    METRICS_CACHE,
    METRICS_FILE,
    METRICS_SERVICE,
    METRICS_TIMER,
    PROGRAMS,
    READINESS,
    READINESS_ARCHIVE,
    RESUME_SERVICE,
    TIMERS,
    UNITS_FOLDER,
    WATCH_SERVICE,
    WATCH_TIMER,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.readiness import RESUME, WATCH, cards_of, waits
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import command_line, path_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLUGINS = "ansible_collections.inference.ollama.plugins"


class Program(NamedTuple):
    """What a program is made of (_program.py): modules of the collection, and whether it needs the contract."""

    module: str
    decider: Optional[str] = None
    contract: bool = False


# The programs that the role has, by their names, which are their paths.
PROGRAM_MODULES = {
    READINESS_ARCHIVE: Program(f"{_PLUGINS}.module_utils._readiness.program"),
    METRICS_ARCHIVE: Program(
        f"{_PLUGINS}.module_utils._metrics.program", f"{_PLUGINS}.plugin_utils._metrics.decide", contract=True
    ),
    GATEWAY_ARCHIVE: Program(f"{_PLUGINS}.module_utils._gateway.keeper"),
}
# Seconds that a collection may take, and those that it has to write its file after that.
_COLLECTION, _SPARE = 45, 15


class Extras(NamedTuple):
    """What a plan asks for beside its servers.

    ``texts`` are files by path, ``programs`` the names of archives by their paths, ``enabled`` the units that start at
    boot, and ``running`` those of them that run. ``found`` is what unit_files_info returned.
    """

    texts: dict[str, str]
    programs: dict[str, str]
    enabled: tuple[str, ...]
    running: tuple[str, ...]

    def program_files(self) -> list[dict[str, str]]:
        """The programs as file_transaction takes them."""
        return [{"path": path, "program": name} for path, name in self.programs.items()]

    def digests(self, known: Mapping[str, str]) -> dict[str, str]:
        """The SHA-256 of the programs by their paths; ``known`` has them by name."""
        return {path: known.get(name, "") for path, name in self.programs.items()}

    def unwanted(self, prefix: str, found: Mapping[str, Any]) -> list[str]:
        """The files and the links by which units start at boot that this plan does not ask for."""
        kept = {**self.texts, **self.programs}
        paths = [path for path in extra_paths(prefix) if path in found["digests"] and path not in kept]
        units = {*BESIDE_UNITS} - {*self.enabled}
        return [*paths, *(link for link in found["boot_links"] if posixpath.basename(link) in units)]

    def ended(self, found: Mapping[str, Any]) -> list[str]:
        """The units that run and are not to run."""
        return [unit for unit in found["active"] or () if unit in BESIDE_UNITS and unit not in self.running]

    def due(self, changes: Sequence[str], found: Mapping[str, Any]) -> list[dict[str, Any]]:
        """``{name, state, new}`` of each unit that has to start, to start again, or to start at boot."""
        rows = []
        for unit in self.enabled:
            path = next(path for path in self.texts if posixpath.basename(path) == unit)
            runs, at_boot = unit in self.running, any(posixpath.basename(link) == unit for link in found["boot_links"])
            changed = runs and path in changes
            if changed or not at_boot or (runs and unit not in (found["active"] or ())):
                state = ("restarted" if changed else "started") if runs else None
                rows.append({"name": unit, "state": state, "new": path not in found["digests"]})
        return rows


def metrics_left(before: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """The file of metrics that nothing writes any more, and that would be read for ever; the program's bytecode too.

    ``before`` are the variables that the host was made with, without their prefix.
    """
    if before.get("metrics") is not True:
        return []
    old = str(before.get("metrics_folder"))
    stays = options.get("metrics") is True and options.get("metrics_folder") == old
    left = [f"{old.rstrip('/')}/{METRICS_FILE}"] if old.startswith("/") and not stays else []
    return left if options.get("metrics") is True else [*left, METRICS_CACHE]


def servers_of(found: Mapping[str, Any]) -> list[str] | None:
    """The servers that run, without timers beside them; None where that is not known."""
    active = found["active"]
    return None if active is None else [unit for unit in active if unit not in BESIDE_UNITS]


def extra_paths(prefix: str = "") -> tuple[str, ...]:
    """Every path that a plan may ask for here, so that what is no longer wanted is found."""
    return (*(f"{prefix}{UNITS_FOLDER}/{unit}" for unit in BESIDE_UNITS), *(f"{prefix}{path}" for path in PROGRAMS))


def programs_of(topology: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """The names of the programs that a plan may want on this host."""
    wanted = {READINESS_ARCHIVE: bool(topology.get("gpus")), METRICS_ARCHIVE: options.get("metrics") is True}
    return [name for name, is_wanted in wanted.items() if is_wanted]


def extras_of(plan: Mapping[str, Any], options: Mapping[str, Any], prefix: str = "", host: str = "localhost") -> Extras:
    """What the plan asks for; ``options`` are the role's variables without their prefix, ``host`` its name."""
    asked = views.beside(plan)
    texts: dict[str, str] = {}
    if asked.get(WATCH) is not None:
        words = ["watch", "--repairs", str(int(options["gpu_watch_repairs"])), *_servers(plan)]
        texts[WATCH_SERVICE] = render("gpu-watch.service.j2", command=_command(words))
        texts[WATCH_TIMER] = render("gpu-watch.timer.j2", seconds=asked[WATCH])
    if asked.get(RESUME) is not None:
        words = ["resume", "--seconds", str(asked[RESUME]), *_servers(plan)]
        texts[RESUME_SERVICE] = render("gpu-resume.service.j2", command=_command(words))
    waited = bool(texts) or any(waits(plan, instance["name"]) for instance in plan["instances"])
    texts |= _metrics(plan, options, host)
    files = {f"{prefix}{UNITS_FOLDER}/{unit}": text for unit, text in texts.items()}
    launchers = {READINESS: (READINESS_ARCHIVE, waited), METRICS: (METRICS_ARCHIVE, METRICS_SERVICE in texts)}
    programs = {}
    for path, (name, is_wanted) in launchers.items():
        if is_wanted:
            files[f"{prefix}{path}"] = render("readiness.sh.j2", archive=name)
            programs[f"{prefix}{name}"] = name
    enabled = tuple(unit for unit in (*TIMERS, RESUME_SERVICE) if unit in texts)
    return Extras(files, programs, enabled, tuple(unit for unit in enabled if unit in TIMERS))


def _metrics(plan: Mapping[str, Any], options: Mapping[str, Any], host: str) -> dict[str, str]:
    """The units of the metrics, where they are wanted."""
    if options.get("metrics") is not True:
        return {}
    folder, seconds = str(options["metrics_folder"]), options["metrics_interval"]
    words = ["--host", host, "--folder", folder, "--state-folder", str(options["state_folder"])]
    words += ["--dropin-name", str(options["dropin_name"]), "--interval", str(seconds), "--seconds", str(_COLLECTION)]
    words += [word for name in options.get("verify_accept") or () for word in ("--accept", str(name))]
    vendors = sorted({card.partition("@")[0] for instance in plan["instances"] for card in cards_of(instance)})
    service = render(
        "metrics.service.j2",
        command=command_line(["/bin/sh", METRICS, *words]),
        folder=path_word(folder),
        cache=posixpath.basename(METRICS_CACHE),
        vendors=vendors,
        timeout=_COLLECTION + _SPARE,
    )
    return {METRICS_SERVICE: service, METRICS_TIMER: render("metrics.timer.j2", seconds=seconds)}


def _command(words: list[str]) -> str:
    return command_line(["/bin/sh", READINESS, *words])


def _servers(plan: Mapping[str, Any]) -> list[str]:
    """The servers with cards as the program takes them: unit, address, cards."""
    found: list[str] = []
    for instance in plan["instances"]:
        cards = cards_of(instance)
        found += ["--server", str(instance["unit"]), str(instance["url"]), ",".join(cards)] if cards else []
    return found
