# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others set: in our files, in files that win over ours, and settings of Ollama that the plan leaves alone.

systemd.unit(5): a later drop-in wins; systemd.exec(5): files of EnvironmentFile= win over all of Environment=.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import SITE, Check

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Subject

FILES, OVERRIDDEN, BESIDE = "unit_files", "overridden_by", "unplanned"
_NONE = "none"
# Statuses of names that the server or a runner looks at, whether it should or not (settings.yml).
_READ = frozenset({"active", "passthrough", "removed", "overridden", "dangerous"})
# Names that every program has, or that systemd and distributions set.
_COMMON = frozenset({"HOME", "LD_LIBRARY_PATH"})


def check_files(subject: Subject) -> Check:
    """Fail on files edited by hand; differences in comments alone are ignored."""
    planned, evidence = "as planned", f"the files of {subject.unit}"
    if subject.files is None:
        remedy = "compare the files too (the filter file_drift), as the playbook inference.ollama.verify does"
        return subject.unknown(FILES, planned, None, f"{evidence} were not compared", remedy)
    wrong = [row for row in subject.files if row.get("kind") != "text"]
    if not wrong:
        return subject.passes(FILES, planned, planned, evidence)
    seen = ", ".join(f"{row.get('setting') or 'the file'}: {row.get('kind')}" for row in wrong)
    paths = ", ".join(dict.fromkeys(str(row.get("path")) for row in wrong))
    causes = "; ".join(dict.fromkeys(str(row["cause"]) for row in wrong if row.get("cause")))
    remedy = f"{causes or cause.UNCERTAIN}: {SITE}, or set in the variables what shall stay"
    return subject.fails(FILES, planned, seen, paths, remedy)


def check_overridden(subject: Subject) -> Check:
    """Whether a later file sets what ours sets."""
    evidence = f"the files of {subject.unit}"
    if subject.observed.overrides is None:
        return subject.unread(OVERRIDDEN, _NONE, evidence, "a file of the unit", "systemctl")
    planned = {**subject.environment, **subject.directives}
    found = [row for row in subject.observed.overrides if row.name in planned and cause.overridden(subject, row.name)]
    if not found:
        return subject.passes(OVERRIDDEN, _NONE, _NONE, evidence)
    kept = ", ".join(dict.fromkeys(row.kept for row in found))
    seen = ", ".join(row.name for row in found)
    remedy = f"take {seen} out of {kept}, or give the role the values that it should have; then {SITE}"
    return subject.fails(OVERRIDDEN, _NONE, f"{kept}: {seen}", kept, remedy)


def check_unplanned(subject: Subject) -> Check | None:
    """Settings in the server's environment that the plan leaves to the server's default.

    One from a unit's file may be the distribution's own; one from elsewhere was put there by somebody. A plan that sets
    nothing has no check: everything is as it was.
    """
    if not (subject.environment or subject.directives):
        return None
    read = subject.server_environment(BESIDE, _NONE)
    if isinstance(read, Check):
        return read
    environment, place = read
    names = sorted(name for name in environment if name not in subject.environment and _acts(name))
    loaded = subject.observed.environment
    foreign = [name for name in names if loaded is not None and name not in loaded]
    if foreign:
        remedy = (
            f"somebody set {', '.join(foreign)} in a file of EnvironmentFile= or for all of systemd: take it out there,"
            f" or name it in ollama_environment; then {SITE}"
        )
        return subject.fails(BESIDE, _NONE, ", ".join(foreign), f"{place}, and not in Environment= of the unit", remedy)
    others = [path for path in subject.observed.dropins or () if path != subject.path]
    if names and (loaded is None or others):
        where = ", ".join(others) or subject.unit
        remedy = f"check whether {where} sets them on purpose; name what shall stay in ollama_environment"
        return subject.unknown(BESIDE, _NONE, ", ".join(names), place, remedy)
    return subject.passes(BESIDE, _NONE, ", ".join(names) or _NONE, place)


def _acts(name: str) -> bool:
    setting = load().get(name)
    return setting is not None and setting.status in _READ and name not in _COMMON
