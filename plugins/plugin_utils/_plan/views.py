# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of a plan's decisions, which hold the only copy of every value.

A decision is ``{instance, setting, kind, value, source, reason}``; ``instance`` is None for the host as a whole, and
``value`` is None where nothing is written and the server's or the host's own default holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# The version of a plan's shape, documented in tuning_plan.yml.
SCHEMA = 2
# Kinds: an environment variable; a directive of [Service]; one of [Unit]; where an instance runs, which other lines
# bring about; a setting of the kernel; a directive of [Slice] of the slice that all servers run in.
VARIABLE, DIRECTIVE, ORDER, PLACEMENT, KERNEL = "variable", "directive", "order", "placement", "kernel"
SLICE = "slice"
# A unit of the role's own beside the servers (_extras.py).
BESIDE = "beside"
# A variable whose value the plan does not know, but only that there is one.
SECRET = "secret"  # noqa: S105 - a kind
# What guards servers that listen beyond loopback.
EXPOSURE = "exposure"
# What a server's container is made of beside its variables and directives (_container/form.py).
CONTAINER = "container"
# The one directive that several decisions of an instance may have, each a command of its own.
BEFORE = "ExecStartPre"
# Of all directives of [Unit] the one whose value is a path.
MOUNTS = "RequiresMountsFor"
# In [Unit] too: what guards an address beyond loopback, for the lint and for people.
GUARD = "X-OllamaExposure"
# Sources: a variable says so; a rule; the release; a figure that was measured; another file of the unit.
OPERATOR, POLICY, CONTRACT, MEASURED = "operator", "policy", "contract", "measured"
FOUND = "found"


def decisions_of(plan: Mapping[str, Any], instance: str | None) -> list[Mapping[str, Any]]:
    """Return the decisions of one instance in the plan's order; those of the host for None."""
    return [decision for decision in plan["decisions"] if decision["instance"] == instance]


def environment(plan: Mapping[str, Any], instance: str) -> dict[str, str]:
    """Return the variables that the instance's unit sets."""
    return _written(plan, instance, VARIABLE)


def directives(plan: Mapping[str, Any], instance: str) -> dict[str, Any]:
    """Return the directives in the unit's section [Service].

    ``ExecStart`` is a list of words, ``ExecStartPre`` a list of commands, each a list of words.
    """
    found = {name: value for name, value in _written(plan, instance, DIRECTIVE).items() if name != BEFORE}
    before = [each["value"] for each in decisions_of(plan, instance) if each["setting"] == BEFORE and each["value"]]
    return {**found, BEFORE: before} if before else found


def secrets(plan: Mapping[str, Any], instance: str) -> tuple[str, ...]:
    """Return the names of the variables that the server gets as secrets."""
    return tuple(_values(plan, instance, SECRET))


def order(plan: Mapping[str, Any], instance: str) -> dict[str, str]:
    """Return the directives in the unit's section [Unit]."""
    return _written(plan, instance, ORDER)


def placement(plan: Mapping[str, Any], instance: str) -> dict[str, Any]:
    """Return ``{instance, numa_node, cpus, binding, compute_threads}``; None for what is not known or not bound."""
    return _values(plan, instance, PLACEMENT)


def kernel(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{transparent_hugepage, numa_balancing}``; None leaves the host's own."""
    return _values(plan, None, KERNEL)


def beside(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{gpu_watch, gpu_resume}``: the units beside the servers, None for those that are not wanted."""
    return _values(plan, None, BESIDE)


def exposure(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{exposure, exposure_networks}``; empty where every server listens on loopback."""
    return _values(plan, None, EXPOSURE)


def container(plan: Mapping[str, Any], instance: str) -> dict[str, Any]:
    """Return what the instance's container is made of by its decisions alone; empty where it runs in none."""
    return _values(plan, instance, CONTAINER)


def servers(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the instances, each with its placement."""
    return [{**instance, **placement(plan, instance["name"])} for instance in plan["instances"]]


def as_text(value: object) -> str | None:
    """Return a decision's value as people read it, a command as one line; None stays None."""
    return None if value is None else " ".join(value) if isinstance(value, list) else str(value)


def _values(plan: Mapping[str, Any], instance: str | None, kind: str) -> dict[str, Any]:
    found = (decision for decision in decisions_of(plan, instance) if decision["kind"] == kind)
    return {decision["setting"]: decision["value"] for decision in found}


def _written(plan: Mapping[str, Any], instance: str, kind: str) -> dict[str, Any]:
    return {setting: value for setting, value in _values(plan, instance, kind).items() if value is not None}
