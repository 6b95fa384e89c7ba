# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired state of a host: what a run refuses, writes, removes, stops, restarts, starts and sets in the kernel.

Topology, the role's variables and what was found on the host in; everything that the role's steps need out.
"""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    HEADER,
    HUGE_PAGES,
    NUMA_BALANCING,
    UNITS_FOLDER,
    VARIABLES_FILE,
)
from ansible_collections.inference.ollama.plugins.plugin_utils import _preflight as preflight
from ansible_collections.inference.ollama.plugins.plugin_utils._files import (
    changed_units,
    foreign_dropins,
    kept_name,
    stale_files,
    unit_files,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._found import found_errors, lost_settings
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.found import REPLACE
from ansible_collections.inference.ollama.plugins.plugin_utils._refusals import (
    earlier_errors,
    host_errors,
    left_out_errors,
    not_installed,
    plan_or_errors,
    template_path,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._render import (
    render,
    render_dropin,
    render_slice,
    render_template_unit,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._template import inherited
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import command_line
from ansible_collections.inference.ollama.plugins.plugin_utils._variables import (
    differences,
    kept_text,
    origins,
    read_kept,
    used,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODE = "0644"


class KernelSetting(NamedTuple):
    """A setting of the kernel: its file for the next boots, where it acts, and the program that applies the file."""

    name: str
    source: str
    path: str
    file: str
    command: tuple[str, ...]


KERNEL = (
    KernelSetting(
        "transparent_hugepage",
        "tmpfiles.conf.j2",
        "/etc/tmpfiles.d/ollama.conf",
        HUGE_PAGES,
        ("systemd-tmpfiles", "--create"),
    ),
    KernelSetting(
        "numa_balancing",
        "sysctl.conf.j2",
        "/etc/sysctl.d/90-ollama.conf",
        NUMA_BALANCING,
        ("/usr/lib/systemd/systemd-sysctl",),
    ),
)


class Run(NamedTuple):
    """On which host the role runs, whether it may change it, and whether to refuse more than what cannot be planned.

    ``earlier`` are the variables that the role has run with before on this host in the same run, by the root of the
    files, as desired_state() returned them.
    """

    host: str
    check_mode: bool = False
    preflight: bool = True
    earlier: Mapping[str, Any] | None = None


def questions(
    topology: Mapping[str, Any], options: Mapping[str, Any], secrets: Mapping[str, str], *, preflight: bool = True
) -> dict[str, Any]:
    """Return what the module unit_files_info is asked, for desired_state() to decide by its answer.

    Without preflight it is what any user may read: the unit files alone.
    """
    prefix, unit = _prefix(options), _unit(topology)
    changeable = preflight and bool(unit) and not prefix
    store = options.get("models_path") if changeable else None
    variables = f"{prefix}{VARIABLES_FILE}"
    known = [f"{prefix}{options['secrets_path']}", *(f"{prefix}{setting.path}" for setting in KERNEL), variables]
    return {
        "folder": f"{prefix}{UNITS_FOLDER}",
        "header": HEADER,
        "paths": known,
        "variables": variables,
        "secrets": dict(secrets),
        "services": changeable,
        "state_folder": options["state_folder"] if changeable else None,
        # A path that is refused is not tried.
        "store": store if str(store).startswith("/") else None,
        "store_user": unit.get("user") or "root",
        "writes": _written_folders(options) if changeable else [],
        "ports": _ports(topology, options) if preflight and not prefix else [],
        "command_timeout": options["command_timeout"],
    }


def desired_state(
    topology: Mapping[str, Any],
    options: Mapping[str, Any],
    found: Mapping[str, Any],
    run: Run,
) -> dict[str, Any]:
    """Return what the role's steps need; ``refusals`` alone where there are some (docs: the module desired_state).

    ``options`` are the role's variables without their prefix, with api_key as a truth value; ``found`` is what
    unit_files_info returned.
    """
    prefix, installed = _prefix(options), bool(_unit(topology))
    before = found.get("found_unit")
    plan, errors = plan_or_errors(topology, options, before)
    if plan is not None and plan["template"]:
        plan, problems = _with_template(plan, options, found, live=installed and not prefix)
        errors += problems
    notices: list[str] = []
    if run.preflight:
        errors += host_errors(topology, options, found, plan)
        errors += found_errors(options, found, plan)
        if not installed and not prefix:
            (notices if run.check_mode else errors).append(not_installed(run.host, found))
    if plan is None:
        return {"refusals": errors}
    live = installed and not prefix
    files = unit_files(plan, options["dropin_name"], prefix)
    ours = found["headed"]
    replaces = options.get("adopt") == REPLACE
    foreign = foreign_dropins(files, found["files"], ours)
    kept = {} if replaces else {path: kept_name(path) for path in foreign}
    given_up = [path for path in map(kept_name, _dropins(files)) if replaces and path in found["files"]]
    notices += (f"{path} stays as {other}, which systemd reads before it" for path, other in kept.items())
    notices += lost_settings(plan, before, [*foreign, *given_up]) if replaces else ()
    notices += _foreign_slice(plan, files, found)
    template_is_ours = template_path(options) in ours
    # A link to an instance is the role's if the template is.
    links = [path for path in found["boot_links"] if template_is_ours and "/ollama@" in path]
    stale = stale_files(plan, files, ours, links)
    planned_kernel = views.kernel(plan)
    kernel = [(setting, planned_kernel[setting.name]) for setting in KERNEL]
    wanted = [(setting, value) for setting, value in kernel if value is not None]
    texts = {str(file["path"]): _text(plan, file) for file in files}
    texts.update((f"{prefix}{setting.path}", render(setting.source, value=value)) for setting, value in wanted)
    stale_links = [link for link in links if posixpath.basename(link) in stale["units"]]
    left = [f"{prefix}{setting.path}" for setting, value in kernel if value is None]
    secrets_path = f"{prefix}{options['secrets_path']}"
    absent = [*stale["files"], *given_up, *stale_links, *left, *([] if options["api_key"] else [secrets_path])]
    variables, earlier, made_with = used(options), run.earlier or {}, read_kept(found.get("variables"))
    others = differences(variables, made_with.variables) if made_with is not None else []
    stop = [unit for unit in stale["units"] if _runs_or_starts(unit, found)] if live else []
    removed = [*_present(absent, found), *stop]
    if run.preflight:
        of_path = {f"{prefix}{setting.path}": setting.name for setting in KERNEL} | {secrets_path: "api_key"}
        errors += earlier_errors(run.host, options, differences(variables, earlier.get(prefix or "/") or {}, "before"))
        errors += left_out_errors(run.host, options, others, removed, of_path)
    if "variables" in found:
        digests = {str(file["path"]): _sha256(texts[str(file["path"])]) for file in files}
        texts[f"{prefix}{VARIABLES_FILE}"] = kept_text(variables, digests)
    changes = [*kept.values(), *_changes(texts, absent, found)]
    # A dry run cannot ask systemd for instances of a template that is not there yet.
    loadable = live and (not run.check_mode or not plan["template"] or template_is_ours)
    if run.preflight and live:
        # What is stopped before anything starts holds no port then.
        states = [f"{options['state_folder']}/states"] if changes else []
        errors += [*preflight.unwritable([*changes, *states], found), *preflight.ports(plan, found, stale["units"])]
    if errors:
        return {"refusals": errors}
    everywhere = found["unfinished"] or secrets_path in changes
    restart = changed_units(plan, changes, everywhere=everywhere) if loadable else []
    planned = [instance["unit"] for instance in plan["instances"]]
    start = [unit for unit in planned if live and (unit in restart or not _runs_and_starts(unit, found))]
    now = topology.get("kernel") or {}
    apply = [setting for setting, value in wanted if live and now.get(setting.name) != value]
    return {
        "refusals": [],
        "notices": notices,
        "plan": plan,
        "installed": installed,
        "live": live,
        "changes": changes,
        "pending": bool(changes or found["unfinished"] or stop or start or apply),
        "folder": f"{prefix}{UNITS_FOLDER}",
        "header": HEADER,
        "unit_files": [{**file, "content": texts[str(file["path"])]} for file in files],
        "files": [{"path": path, "content": text} for path, text in texts.items()],
        "kept": kept,
        "backup": [*(file["path"] for file in files if file["path"] not in {*ours, *kept}), *given_up],
        "absent": absent,
        "stale": stale["files"],
        "origins": origins(made_with, others, [*(str(file["path"]) for file in files), *stale["files"]], found["digests"]),
        "earlier": {**earlier, prefix or "/": variables},
        "empty_folders": stale["folders"],
        "kernel_files": [setting.file for setting, _value in wanted],
        "kernel": [{"path": setting.path, "argv": [*setting.command, setting.path]} for setting in apply],
        "stop": stop,
        "restart": restart,
        "start": start if loadable else [],
        "not_loadable": [] if loadable else start,
        "units": [{"unit": instance["unit"], "url": instance["url"]} for instance in plan["instances"]],
    }


def _dropins(files: list[dict[str, str | None]]) -> list[str]:
    return [str(file["path"]) for file in files if str(file["path"]).endswith(".conf")]


def _foreign_slice(
    plan: Mapping[str, Any], files: list[dict[str, str | None]], found: Mapping[str, Any]
) -> Iterator[str]:
    """Yield each file for the slice that the role has not written, since only one of them can set the weight."""
    path = next((str(file["path"]) for file in files if plan["slice"] and file["unit"] == plan["slice"]), None)
    if path is not None:
        folder = posixpath.dirname(path)
        beside = {folder.removesuffix(".d"), *(file for file in found["files"] if posixpath.dirname(file) == folder)}
        for file in sorted(beside & set(found["files"]) - set(found["headed"]) - {path}):
            yield f"{file} is not the role's and stays beside {path}; only one of the two can set CPUWeight="


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


def _written_folders(options: Mapping[str, Any]) -> list[str]:
    """The folders that a run writes files to, without those of drop-ins."""
    files = [options["secrets_path"], *(setting.path for setting in KERNEL)]
    folders = [UNITS_FOLDER, *(posixpath.dirname(str(path)) for path in files), str(options["state_folder"])]
    return sorted({folder for folder in folders if folder.startswith("/")})


def _ports(topology: Mapping[str, Any], options: Mapping[str, Any]) -> list[int]:
    plan, _errors = plan_or_errors(topology, options)
    return [] if plan is None else [instance["port"] for instance in plan["instances"]]


def _prefix(options: Mapping[str, Any]) -> str:
    return str(options.get("staging_root") or "").rstrip("/")


def _unit(topology: Mapping[str, Any]) -> Mapping[str, Any]:
    ollama = (topology.get("software") or {}).get("ollama") or {}
    return ollama.get("unit") or {}


def _text(plan: Mapping[str, Any], file: Mapping[str, Any]) -> str:
    if file["instance"] is not None:
        return render_dropin(plan, file["instance"])
    return render_slice(plan) if file["unit"] == plan["slice"] else render_template_unit(plan)


def _changes(texts: Mapping[str, str], absent: list[str], found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths that file_transaction will change."""
    digests = found["digests"]
    for path, text in texts.items():
        if digests.get(path) != {"sha256": _sha256(text), "mode": _MODE}:
            yield path
    yield from _present(absent, found)
    yield from found["different"]


def _present(paths: list[str], found: Mapping[str, Any]) -> Iterator[str]:
    return (path for path in paths if path in found["digests"] or path in found["boot_links"])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _starts(unit: str, found: Mapping[str, Any]) -> bool:
    return any(posixpath.basename(link) == unit for link in found["boot_links"])


def _runs_or_starts(unit: str, found: Mapping[str, Any]) -> bool:
    return found["active"] is None or unit in found["active"] or _starts(unit, found)


def _runs_and_starts(unit: str, found: Mapping[str, Any]) -> bool:
    return unit in (found["active"] or ()) and _starts(unit, found)
