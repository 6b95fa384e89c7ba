# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a host is not changed: everything that is wrong at once, a sentence each.

A sentence names the variable, its value and what is allowed, or what was found on the host and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import UNITS_FOLDER
from ansible_collections.inference.ollama.plugins.plugin_utils import _preflight as preflight
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._files import unit_files
from ansible_collections.inference.ollama.plugins.plugin_utils._options import allowed, form_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import TEMPLATE
from ansible_collections.inference.ollama.plugins.plugin_utils._variables import ACCEPT, is_left_out, made_with
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import unknown_checks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._variables import Difference

_AUTO = ("", "auto", None)


def plan_or_errors(
    topology: Mapping[str, Any],
    options: Mapping[str, Any],
    found: Mapping[str, Any] | None = None,
    models: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the plan, or None and a sentence for each of the role's variables that is wrong."""
    try:
        return make_plan(topology, options, found=found, models=models), []
    except PlanError as error:
        return None, error.lines


def key_errors(key: object) -> list[str]:
    """Return what is wrong with the key, which is not shown: a text, or a number where it has digits alone."""
    if key is not None and (isinstance(key, bool) or not isinstance(key, (str, int, float))):
        option = load().options["api_key"]
        return [f"ollama_api_key: the value is {form_of(key)}; allowed is {allowed(option)}"]
    return option_errors({"api_key": None if key is None else str(key)})


def keyword_errors(host: str, *, check_mode: bool, run: bool, delegate: str | None) -> list[str]:
    """Return which keywords of a play, block or role would leave the host between two states.

    ``check_mode`` is what they say of check mode, ``run`` whether the run was started with --check, ``delegate`` the
    host that is to have the facts which tasks set, None where they stay with their own.
    """
    errors = []
    if check_mode and not run:
        errors.append(
            f"{host}: check_mode is true for the role in a run without --check; services would be asked whether they "
            "run by files that nobody has written. Leave the keyword out, and preview by --check --diff"
        )
    if run and not check_mode:
        errors.append(
            f"{host}: check_mode is false for the role in a run with --check; files would be written, and "
            "nothing would be restarted or verified. Leave the keyword out"
        )
    if delegate is not None:
        errors.append(
            f"{host}: delegate_facts is true for the role, and what it finds out would be lost to {delegate}; "
            "leave the keyword out"
        )
    return errors


def host_errors(
    topology: Mapping[str, Any], options: Mapping[str, Any], found: Mapping[str, Any], plan: Mapping[str, Any] | None
) -> Iterator[str]:
    """Yield why this host, as it was found, is not changed; without a plan, what can be said without one."""
    software = (topology.get("software") or {}).get("ollama") or {}
    staged = bool(options.get("staging_root"))
    root = options.get("topology_root", "/")
    if not staged and software.get("unit") and found.get("user_id", 0) != 0:
        # What else is wrong cannot be found out without these rights.
        yield (
            f"become: the role runs as the user with number {found['user_id']}, who may not change services. Allowed is"
            " root: set become: true on the play or the role, or ollama_staging_root to render into a folder"
        )
        return
    if not staged and root != "/":
        yield (
            f"ollama_topology_root: {root!r} is another machine's hardware; allowed is / on a running host, or set"
            " ollama_staging_root too, to render the files for that machine into a folder"
        )
    binary = software.get("binary")
    # A program that is not there has a sentence of its own.
    there = bool(binary) and binary not in {entry["value"] for entry in found.get("missing") or []}
    if not staged and there and not software.get("version") and options.get("version") in _AUTO:
        yield _unread_release(topology, options, str(binary))
    if plan is not None:
        if unknown := unknown_checks(options.get("verify_accept") or [], plan):
            yield (
                f"ollama_verify_accept: there is no check {', '.join(map(repr, unknown))}; allowed are the names of"
                " settings and checks that the playbook inference.ollama.verify prints, such as LimitMEMLOCK or"
                " numa_node"
            )
        yield from preflight.masked(plan, unit_files(plan, options["dropin_name"], _prefix(options)), found)
        path = template_path(options)
        if plan["template"] and path in found["files"] and path not in found["headed"]:
            yield (
                f"ollama_instances: several instances need {path}, and there is one that this role has not written."
                " Move it away, stop its instances, or set ollama_instances to single"
            )
    if not staged:
        yield from preflight.environment_files(found, str(options.get("secrets_path")))
        yield from preflight.missing(found, plan)
        yield from preflight.unread_metrics(found)
        if sandbox := preflight.sandboxed_store(options, found):
            yield sandbox
    if found["store_problem"]:
        user = (software.get("unit") or {}).get("user") or "root"
        yield (
            f"ollama_models_path: {options['models_path']!r} is not a directory that user {user} can read, write and"
            " enter. Allowed is an existing directory, every parent of which that user may enter; create or mount it,"
            f" or leave ollama_models_path empty ({found['store_problem']})"
        )


def earlier_errors(host: str, options: Mapping[str, Any], others: list[Difference]) -> Iterator[str]:
    """Yield that the role has run before on this host in the same run, with variables that contradict these."""
    if others and options.get("other_variables") != ACCEPT:
        yield (
            f"ollama_other_variables: in this run {host} was already {made_with(others)}. Each use would undo the other"
            " one's files, and restart the services, on every run. Allowed is one set of variables for a host; with"
            " accept the last one wins"
        )


def left_out_errors(
    host: str,
    options: Mapping[str, Any],
    others: list[Difference],
    removed: list[str],
    of_path: Mapping[str, tuple[str, ...]],
) -> Iterator[str]:
    """Yield that the run would remove what the host has by variables which the run does not mention.

    ``others`` is how its variables differ, ``removed`` are paths and units, ``of_path`` are the options of some paths.
    """
    if options.get("other_variables") == ACCEPT:
        return
    left_out = {difference.option: difference for difference in others if is_left_out(difference)}
    name = left_out["dropin_name"].on_host if "dropin_name" in left_out else None
    found: dict[str, list[str]] = {}
    for what in removed:
        for option in _options_of(what, of_path, str(name)):
            if option in left_out:
                found.setdefault(option, []).append(what)
    if found:
        lost = ", ".join(dict.fromkeys(what for each in found.values() for what in each))
        yield (
            f"ollama_other_variables: {host} was {made_with([left_out[option] for option in found])}. This run would"
            f" remove {lost}. Set {', '.join(f'ollama_{option}' for option in found)} where this run sees it, or"
            " confirm the removal with ollama_other_variables: accept"
        )


def _options_of(what: str, of_path: Mapping[str, tuple[str, ...]], dropin_name: str) -> Iterator[str]:
    """Yield the options by which a path or a unit may be on the host."""
    if what in of_path:
        yield from of_path[what]
    if what.rpartition("/")[2] == dropin_name:
        yield "dropin_name"
    if ".slice.d/" in what:
        yield from ("slice", "cpu_weight")
    if "ollama@" in what:
        yield "instances"


def _unread_release(topology: Mapping[str, Any], options: Mapping[str, Any], binary: str) -> str:
    said = "; ".join(line for line in topology.get("problems") or [] if "--version" in line)
    return (
        f"ollama_version: 'auto' asks {binary}, and the release could not be read: {said}. A plan for an unknown"
        " release would take settings away that the next run brings back. Give the program longer by"
        f" ollama_command_timeout, now {options.get('command_timeout')} seconds, or name the release in ollama_version,"
        " such as 0.34.1"
    )


def not_installed(host: str, found: Mapping[str, Any]) -> str:
    """Return why a host without Ollama is not changed; a dry run reports it and goes on."""
    return (
        f"ollama.service was not found on {host}.{preflight.managers(found)} Install Ollama first: set ollama_install:"
        " true, or bring it by any means that makes a systemd unit of that name; or set ollama_staging_root to render"
        " the files into a folder"
    )


def template_path(options: Mapping[str, Any]) -> str:
    """Return where the unit of several instances lies, below the staging folder where there is one."""
    return f"{_prefix(options)}{UNITS_FOLDER}/{TEMPLATE}"


def _prefix(options: Mapping[str, Any]) -> str:
    return str(options.get("staging_root") or "").rstrip("/")
