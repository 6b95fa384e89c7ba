# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the servers run in the planned slice, and whether that slice has the planned CPU weight.

systemd.slice(5): a slice without a dash in its name lies directly below the root. A service changes its slice when it
starts; a slice gets its weight as soon as systemd has read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import SLICE, as_text, decisions_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import FAIL, PASS, SITE, UNKNOWN, Check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Observation
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Subject

NAME = "Slice"


def check_slice(subject: Subject, planned: str) -> Check:
    """The slice that the control group of the running service lies in."""
    groups, evidence = subject.observed.groups, f"systemctl show {subject.unit}: ControlGroup"
    if groups is None:
        return subject.unread(NAME, planned, f"the control group of {subject.unit}", "systemctl", "control group")
    if len(groups) < 2:
        remedy = f"start {subject.unit}; journalctl -u {subject.unit} shows why it ended"
        return subject.unknown(NAME, planned, None, f"{subject.unit} has no control group", remedy)
    own, parent = groups[:2]
    evidence += f" is {own.path}"
    if parent.name == planned:
        return subject.passes(NAME, planned, planned, evidence)
    changed = (
        cause.overridden(subject, NAME) or cause.edited(subject) or any(r.get("setting") == NAME for r in subject.own)
    )
    remedy = (
        cause.remedy(subject, NAME)
        if changed
        else f"it was started elsewhere, and moves when it starts: {cause.restart(subject)}"
    )
    return subject.fails(NAME, planned, parent.name or parent.path, evidence, remedy)


def check_weight(plan: Mapping[str, Any], observed: Iterable[Observation]) -> Iterator[Check]:
    """The weight of the slice that the plan gives one, where a server runs in it."""
    found = list(observed)
    for decision in decisions_of(plan, None):
        setting, planned = decision["setting"], as_text(decision["value"])
        if decision["kind"] == SLICE and planned is not None:
            yield _weight(str(plan["slice"]), setting, planned, found)


def _weight(name: str, setting: str, planned: str, observed: list[Observation]) -> Check:
    level = next((each for server in observed for each in server.groups or () if each.name == name), None)
    if level is None:
        said = next((said for server in observed if (said := server.problem("control group", "systemctl"))), None)
        read = [server for server in observed if server.groups]
        evidence = f"no server runs in {name}" if read else "the servers' control groups were not read"
        remedy = f"see the check {NAME} of each server" if read else "start the servers, and run the playbook as root"
        return Check(None, setting, UNKNOWN, planned, None, f"{evidence}: {said}" if said else evidence, remedy)
    evidence = f"cpu.weight, or in version 1 cpu.shares, of the control group {level.path}"
    if level.cpu_weight is None:
        said = next((said for server in observed if (said := server.problem("cpu.weight", "cpu.shares"))), None)
        remedy = f"systemctl daemon-reload, and look whether control groups have the controller cpu; then {SITE}"
        if said is None:
            return Check(None, setting, FAIL, planned, "none", evidence, remedy)
        return Check(None, setting, UNKNOWN, planned, None, f"{evidence} was not read: {said}", remedy)
    seen = str(level.cpu_weight)
    if seen == planned:
        return Check(None, setting, PASS, planned, seen, evidence, None)
    remedy = (
        f"systemctl cat {name} shows which other file sets it: take it out there, or set ollama_cpu_weight; then {SITE}"
    )
    return Check(None, setting, FAIL, planned, seen, evidence, remedy)
