# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a planned setting is not in effect, as far as the state tells, and what to do about it.

systemd.unit(5) on drop-ins, systemd.exec(5) "EnvironmentFile=": files of variables come after all of Environment=.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import SITE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import Case
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import Override

# What concerns a file as a whole, of file_drift().
WHOLE = {"file-missing": "is not there", "not-ours": "was not written by the role"}


def overridden(case: Case, name: str) -> Override | None:
    """The file that wins over ours for this name, and over whom."""
    found = case.state.override(name)
    return found if found is not None and case.path in found.lost and found.kept != case.path else None


def remedy(case: Case, name: str, planned: str | None = None) -> str:  # noqa: PLR0911
    """What to do where the host has another value for this name; the first cause that fits is told.

    ``planned`` is the value of a variable, None for a directive.
    """
    state, found = case.state, overridden(case, name)
    if found is not None:
        return (
            f"{found.kept} overrides {case.path}: take {name} out of it, or give the role the value that it should"
            f" have; then {SITE}"
        )
    wrong = edited(case)
    if wrong is not None:
        return f"{case.path} {wrong}: {SITE}"
    if any(row.get("setting") in (name, f"[Unit]{name}") for row in case.own):
        return f"{case.path} was changed by hand, or the plan has changed since: {SITE}"
    if state.dropins is not None and case.path not in state.dropins:
        return f"systemd has not loaded {case.path}: {SITE}"
    if state.need_daemon_reload:
        return reload(case)
    if planned is not None and (state.environment or {}).get(name) == planned:
        return (
            "the process was started before the unit said so, or a file of EnvironmentFile= says otherwise:"
            f" {restart(case)}"
        )
    return f"{SITE}, and look at {case.path} if it is the same again"


def words(case: Case, evidence: str) -> str:
    """The evidence, with the server's own last words where it has ended."""
    said = case.state.journal.warned("server-ended") if case.state.journal else []
    return f"{evidence}; it said: {said[-1]}" if said else evidence


def restart(case: Case) -> str:
    return f"systemctl restart {case.unit}, and journalctl -u {case.unit} if it does not come back"


def reload(case: Case) -> str:
    return f"the unit's files have changed since systemd read them: systemctl daemon-reload, then {restart(case)}"


def edited(case: Case) -> str | None:
    """What is the matter with our file as a whole; None where nothing is, or where it was not compared."""
    kinds = [str(row.get("kind")) for row in case.own]
    return next((WHOLE[kind] for kind in kinds if kind in WHOLE), None)


__all__ = ("edited", "overridden", "reload", "remedy", "restart", "words")
