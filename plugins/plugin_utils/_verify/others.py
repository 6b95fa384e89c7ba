# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others set: in our files, in files that win over ours, and settings of Ollama that the plan leaves alone.

systemd.unit(5): a later drop-in wins; systemd.exec(5): files of EnvironmentFile= win over all of Environment=.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import SITE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import Case, Check

_FILES, _OVERRIDDEN, _BESIDE = "unit_files", "overridden_by", "unplanned"
_NONE = "none"
# Statuses of names that the server or a runner looks at, whether it should or not (settings.yml).
_READ = frozenset({"active", "passthrough", "removed", "overridden", "dangerous"})
# Names that every program has, or that systemd and distributions set.
_COMMON = frozenset({"HOME", "LD_LIBRARY_PATH"})


def look(case: Case) -> list[Check]:
    """What is beside a plan that sets nothing is all as it was."""
    sets = case.planned["environment"] or case.planned["service"]
    return [_files(case), _overridden(case), *([_beside(case)] if sets else [])]


def _files(case: Case) -> Check:
    """A file that was edited by hand, whatever came of it; other comments are no other settings."""
    planned, evidence = "as planned", f"the files of {case.unit}"
    if case.files is None:
        remedy = "compare the files too (the filter file_drift), as the playbook inference.ollama.verify does"
        return case.unknown(_FILES, planned, None, f"{evidence} were not compared", remedy)
    wrong = [row for row in case.files if row.get("kind") != "text"]
    if not wrong:
        return case.passes(_FILES, planned, planned, evidence)
    seen = ", ".join(f"{row.get('setting') or 'the file'}: {row.get('kind')}" for row in wrong)
    paths = ", ".join(dict.fromkeys(str(row.get("path")) for row in wrong))
    remedy = f"edited by hand, or the plan has changed since: {SITE}, or take over into the variables what shall stay"
    return case.fails(_FILES, planned, seen, paths, remedy)


def _overridden(case: Case) -> Check:
    evidence = f"the files of {case.unit}"
    if case.state.overrides is None:
        return case.unread(_OVERRIDDEN, _NONE, evidence, "a file of the unit", "systemctl")
    planned = {**case.planned["environment"], **case.planned["service"]}
    found = [row for row in case.state.overrides if row.name in planned and cause.overridden(case, row.name)]
    if not found:
        return case.passes(_OVERRIDDEN, _NONE, _NONE, evidence)
    kept = ", ".join(dict.fromkeys(row.kept for row in found))
    seen = ", ".join(row.name for row in found)
    remedy = f"take {seen} out of {kept}, or give the role the values that it should have; then {SITE}"
    return case.fails(_OVERRIDDEN, _NONE, f"{kept}: {seen}", kept, remedy)


def _beside(case: Case) -> Check:
    """Settings in the server's environment that the plan leaves to the server's default.

    One from a unit's file may be the distribution's own; one from elsewhere was put there by somebody.
    """
    missing = case.no_server(_BESIDE, _NONE)
    server = case.state.server
    if missing is not None or server is None:
        return missing or case.unread(_BESIDE, _NONE, f"the server of {case.unit}")
    place = server.file("environ")
    if server.environment is None:
        return case.unread(_BESIDE, _NONE, place, place)
    names = sorted(name for name in server.environment if name not in case.planned["environment"] and _acts(name))
    loaded = case.state.environment
    foreign = [name for name in names if loaded is not None and name not in loaded]
    if foreign:
        remedy = (
            f"somebody set {', '.join(foreign)} in a file of EnvironmentFile= or for all of systemd: take it out there,"
            f" or name it in ollama_environment; then {SITE}"
        )
        return case.fails(_BESIDE, _NONE, ", ".join(foreign), f"{place}, and not in Environment= of the unit", remedy)
    others = [path for path in case.state.dropins or () if path != case.path]
    if names and (loaded is None or others):
        where = ", ".join(others) or case.unit
        remedy = f"look whether {where} sets them on purpose; what shall stay belongs into ollama_environment"
        return case.unknown(_BESIDE, _NONE, ", ".join(names), place, remedy)
    return case.passes(_BESIDE, _NONE, ", ".join(names) or _NONE, place)


def _acts(name: str) -> bool:
    setting = load().get(name)
    return setting is not None and setting.status in _READ and name not in _COMMON


__all__ = ("look",)
