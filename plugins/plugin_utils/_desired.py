# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired state of a host: what a run refuses, writes, removes, stops, restarts, starts and sets in the kernel.

Topology, the role's variables and what was found on the host in; everything that the role's steps need out.
"""

from __future__ import annotations

import functools
import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    CONTAINER_SUFFIX,
    DOCKER_SUFFIX,
    FIREWALLD_FILE,
    HEADER,
    UNITS_FOLDER,
    VARIABLES_FILE,
    unit_of_container,
)
from ansible_collections.inference.ollama.plugins.plugin_utils import _preflight as preflight
from ansible_collections.inference.ollama.plugins.plugin_utils._container import docker
from ansible_collections.inference.ollama.plugins.plugin_utils._container.applied import found_for_container, to_fetch
from ansible_collections.inference.ollama.plugins.plugin_utils._container.conflicts import conflicts
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import PODMAN, engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._container.refusals import engine_errors, uncontained
from ansible_collections.inference.ollama.plugins.plugin_utils._extras import metrics_left, servers_of
from ansible_collections.inference.ollama.plugins.plugin_utils._files import changed_units, containers_of
from ansible_collections.inference.ollama.plugins.plugin_utils._firewall import PATHS as FIREWALL_PATHS
from ansible_collections.inference.ollama.plugins.plugin_utils._firewall import loading, probe, unloaded
from ansible_collections.inference.ollama.plugins.plugin_utils._firewalld import zone_rules
from ansible_collections.inference.ollama.plugins.plugin_utils._found import found_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._gate_steps import gate_errors, gate_of
from ansible_collections.inference.ollama.plugins.plugin_utils._install.applied import found_with, is_new, switched
from ansible_collections.inference.ollama.plugins.plugin_utils._kernel_settings import KERNEL
from ansible_collections.inference.ollama.plugins.plugin_utils._models.room import rewriting
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.deployment import topology_with
from ansible_collections.inference.ollama.plugins.plugin_utils._questions import prefix_of, store_of, unit_of
from ansible_collections.inference.ollama.plugins.plugin_utils._refusals import (
    earlier_errors,
    host_errors,
    left_out_errors,
    not_installed,
    plan_or_errors,
    template_path,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._rollout import drain_of, gateways_of
from ansible_collections.inference.ollama.plugins.plugin_utils._served.decide import (
    askable,
    has_work,
    served,
    verified_with,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import served_names
from ansible_collections.inference.ollama.plugins.plugin_utils._store_move import with_moves
from ansible_collections.inference.ollama.plugins.plugin_utils._template import inherited
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.space import tuning_space
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import command_line
from ansible_collections.inference.ollama.plugins.plugin_utils._variables import (
    differences,
    kept_text,
    lost_secrets,
    origins,
    read_kept,
    record_lost,
    taken_record,
    used,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._wanted import present, text_digests, wanted_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Run(NamedTuple):
    """On which host the role runs, whether it may change it, and whether to refuse more than what cannot be planned.

    ``earlier`` are the variables that the role has run with before on this host in the same run, by the root of the
    files, as desired_state() returned them; ``lockstep`` says whether the hosts of a batch do each task together;
    ``search`` are the options of a search for the best settings, None where there is none; ``install`` is what
    _install.decide returned, None where nothing is installed; ``programs`` are the SHA-256 of the programs that the
    role has, by their paths; ``trial``: settings are tried in the place of variables. ``known`` is what was read for
    the models to serve beside the store, ``{service, files}``: what service_info returned, and files of the controller
    by their path. ``groups`` are those of the inventory, with their hosts.
    """

    host: str
    check_mode: bool = False
    preflight: bool = True
    earlier: Mapping[str, Any] | None = None
    lockstep: bool = True
    search: Mapping[str, Any] | None = None
    install: Mapping[str, Any] | None = None
    programs: Mapping[str, str] = MappingProxyType({})
    trial: bool = False
    known: Mapping[str, Any] | None = None
    groups: Mapping[str, Any] = MappingProxyType({})


def desired_state(
    topology: Mapping[str, Any],
    options: Mapping[str, Any],
    found: Mapping[str, Any],
    run: Run,
    models: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what the role's steps need; ``refusals`` alone where there are some (docs: the module desired_state).

    ``options`` are the role's variables without their prefix, with api_key as a truth value; ``found`` is what
    unit_files_info returned, ``models`` what models_info did, None where it was not asked. Where something is
    installed, the topology is that of afterwards.
    """
    topology, engine = topology_with(topology, options), engine_of(options.get("deployment"))
    prefix, installed, install = prefix_of(options), bool(unit_of(topology)), run.install or {}
    before, (moves, found) = found.get("found_unit"), with_moves(found_with(found, run.install))
    if engine is not None:
        found = found_for_container(found, options)
        before = found["found_unit"]
    plan, errors = plan_or_errors(topology, options, before, models)
    if plan is not None and plan["template"]:
        plan, problems = _with_template(plan, options, found, live=installed and not prefix)
        errors += problems
    notices: list[str] = [*install.get("notices", ()), *moves.notices]
    if run.preflight:
        errors += [
            *host_errors(topology, options, found, plan),
            *found_errors(options, found, plan),
            *engine_errors(options, found.get("engine"), plan),
            *uncontained(topology, engine, found["headed"]),
            *gate_errors(options, models, served_names(options)),
            *install.get("refusals", ()),
            *moves.errors,
        ]
        if not installed and not prefix and not install:
            # A dry run shows what would be once it is; beside another Ollama there would be two for one port.
            (notices if run.check_mode and not preflight.managers(found) else errors).append(
                not_installed(run.host, found)
            )
    if plan is None:
        return {"refusals": list(dict.fromkeys(errors))}
    live, ours = installed and not prefix, found["headed"]
    zones = zone_rules(plan, found, live=live)
    wanted = wanted_of(plan, options, found, install, zones, run.host)
    extras, absent, stale, paths = wanted.extras, wanted.absent, wanted.stale, list(wanted.unit_texts())
    read, made_with = (models or {}) if run.preflight and live else {}, read_kept(found.get("variables"))
    notices += [*wanted.notices, *rewriting(plan["release"], read)]
    variables, earlier, record = used(options), run.earlier or {}, taken_record(plan)
    others = differences({**variables, **record}, made_with.variables) if made_with is not None else []
    stale_units = (unit for unit in stale["units"] if _runs_or_starts(unit, found))
    stop = [*stale_units, *extras.ended(found), *unloaded(plan, found)] if live else []
    removed = [*present(absent, found), *stop, *lost_secrets(options, made_with, wanted.secrets_path)]
    if "variables" in found:
        digests = text_digests(wanted.unit_texts())
        wanted.texts[f"{prefix}{VARIABLES_FILE}"] = kept_text({**variables, **record}, digests)
    changes = wanted.changes(found, run.programs, install)
    # A dry run cannot ask systemd for instances of a template, or for a container, that is not there yet.
    needed = [path for path in paths if path.endswith((CONTAINER_SUFFIX, DOCKER_SUFFIX))]
    needed += [template_path(options)] if plan["template"] else []
    loadable = live and (not run.check_mode or (set(needed) <= set(ours) if needed else not is_new(run.install)))
    brought, wrong, said_of_models = served(
        plan,
        topology,
        options,
        functools.partial(store_of, plan, topology, options, found),
        # Where settings are tried or searched no model comes or goes.
        {**models, **(run.known or {})} if models and live and not run.trial and run.search is None else None,
    )
    store = store_of(plan, topology, options, found)
    held, rest = conflicts(plan, store, found, frozenset(paths))
    gateways, unknown = gateways_of(options.get("gateways"), run.groups)
    if run.preflight:
        errors += [
            *unknown,
            *_other_variables(options, run, variables, others, removed),
            *(held if live else ()),
            *(_unchangeable(plan, options, rest, changes, stale["units"]) if live else ()),
            *wrong,
            *zones.errors,
        ]
    if errors:
        return {"refusals": list(dict.fromkeys(errors))}
    of_all = {wanted.secrets_path, *switched(install), *install.get("texts", ())}
    everywhere = found["unfinished"] or not of_all.isdisjoint(changes)
    restart = changed_units(plan, changes, everywhere=everywhere) if loadable else []
    # systemd makes the links of a container's unit by itself, and starts it at boot by its file.
    linked = {unit_of_container(path) for path in needed if path.endswith(CONTAINER_SUFFIX)}
    start = [each["unit"] for each in plan["instances"] if live and _is_started(each["unit"], restart, found, linked)]
    in_kernel = topology.get("kernel") or {}
    apply = [setting for setting, value in wanted.kernel if live and in_kernel.get(setting.name) != value]
    made: dict[str, Any] = {
        "refusals": [],
        "notices": [*notices, *said_of_models, *record_lost(made_with, plan)],
        "plan": plan,
        "installed": installed,
        "store": store,
        "live": live,
        "changes": changes,
        "pending": bool(
            changes
            or found["unfinished"]
            or stop
            or start
            or apply
            or moves.step
            or zones.steps
            or has_work(brought)
            or (live and extras.due(changes, found))
        ),
        # What becomes of the models where their folder is another one than before.
        "store_move": moves.step,
        "folder": f"{prefix}{UNITS_FOLDER}",
        "header": HEADER,
        "unit_files": [{**file, "content": wanted.texts[str(file["path"])]} for file in wanted.files],
        "files": [*({"path": path, "content": text} for path, text in wanted.texts.items()), *extras.program_files()],
        "kept": {**wanted.kept, **install.get("kept", {})},
        "links": install.get("links", {}),
        "install": run.install,
        "backup": [
            *install.get("backup", ()),
            *(path for path in paths if path not in {*ours, *wanted.kept}),
            *wanted.given_up,
        ],
        "absent": absent,
        "stale": stale["files"],
        "origins": origins(made_with, others, [*paths, *stale["files"]], found["digests"]),
        "earlier": {**earlier, prefix or "/": variables},
        "empty_folders": stale["folders"],
        "firewall": loading(plan, changes, live=live),
        "zones": zones.steps,
        "probe": probe(plan),
        "kernel_files": [setting.file for setting, _value in wanted.kernel],
        "kernel": [{"path": setting.path, "argv": [*setting.command, setting.path]} for setting in apply],
        "stop": stop,
        "restart": restart,
        "start": start if loadable else [],
        # Whether the services have links by which they start at boot, which systemctl makes.
        "enable": engine != PODMAN,
        # What becomes another kind of unit of the same name: systemd has to stop it as long as it knows how.
        "ended": sorted(containers_of(stale["files"]) - set(stale["units"])) if live else [],
        "containers": docker.containers(plan, found, [*restart, *start], restart) if loadable else None,
        "generated": [unit_of_container(path) for path in stale["files"] if path.endswith(CONTAINER_SUFFIX)],
        "engine": to_fetch(plan, found.get("engine")),
        "not_loadable": [] if loadable else start,
        "beside": extras.due(changes, found) if live else [],
        "metrics_left": metrics_left(made_with.variables, options) if live and made_with is not None else [],
        "units": [{"unit": instance["unit"], "url": instance["url"]} for instance in plan["instances"]],
    }
    return {
        **made,
        **drain_of(run.host, gateways, [*restart, *stop], live=live),
        "verify_with": verified_with(plan, options, brought),
        "served": askable(brought, [unit for unit in found["active"] or () if unit not in restart]),
        "gate": gate_of(topology, options, made, servers_of(found), lockstep=run.lockstep),
        "space": None if run.search is None else tuning_space(topology, options, run.search, before, models),
    }


def _other_variables(
    options: Mapping[str, Any], run: Run, variables: Mapping[str, Any], others: list[Any], removed: list[str]
) -> Iterator[str]:
    """Yield why variables other than those of before, in this run or in an earlier one, change nothing here."""
    prefix = prefix_of(options)
    secrets_path = f"{prefix}{options['secrets_path']}"
    of_path: dict[str, tuple[str, ...]] = {f"{prefix}{setting.path}": (setting.name,) for setting in KERNEL}
    of_path |= {secrets_path: ("api_key", "secret_environment")}
    of_path |= dict.fromkeys((f"{prefix}{path}" for path in (*FIREWALL_PATHS, FIREWALLD_FILE)), ("exposure",))
    of_path |= {lost: ("secret_environment",) for lost in removed if lost.endswith(f" of {secrets_path}")}
    before = (run.earlier or {}).get(prefix or "/") or {}
    yield from earlier_errors(run.host, options, differences(variables, before, "before"))
    yield from left_out_errors(run.host, options, others, removed, of_path)


def _unchangeable(
    plan: Mapping[str, Any],
    options: Mapping[str, Any],
    found: Mapping[str, Any],
    changes: list[str],
    stopped: list[str],
) -> Iterator[str]:
    """Yield what on the host would keep the change from being made. What is stopped first holds no port then."""
    states = [f"{options['state_folder']}/states"] if changes else []
    yield from preflight.unwritable([*changes, *states], found)
    yield from preflight.ports(plan, found, stopped)


def _with_template(
    plan: dict[str, Any], options: Mapping[str, Any], found: Mapping[str, Any], *, live: bool
) -> tuple[dict[str, Any], list[str]]:
    """The plan with what its template takes over of the installed unit, and why it cannot take it over."""
    unit = found.get("found_unit")
    if unit is None:
        return plan, []
    named = options.get("binary_path") not in ("", "auto", None)
    sections, problems = inherited(unit, command_line([plan["template"]["binary"], "serve"]), replace=named)
    if not live and problems:
        # A staged tree may hold any unit; what is rendered there is looked at before it is used.
        return plan, problems
    warnings = [warning for warning in plan["warnings"] if warning["code"] != "dropins-left-behind"]
    return {**plan, "warnings": warnings, "template": {**plan["template"], "sections": sections}}, problems


def _starts(unit: str, found: Mapping[str, Any]) -> bool:
    return any(posixpath.basename(link) == unit for link in found["boot_links"])


def _runs_or_starts(unit: str, found: Mapping[str, Any]) -> bool:
    return found["active"] is None or unit in found["active"] or _starts(unit, found)


def _is_started(unit: str, restart: list[str], found: Mapping[str, Any], linked: set[str]) -> bool:
    return unit in restart or unit not in (found["active"] or ()) or not (unit in linked or _starts(unit, found))
