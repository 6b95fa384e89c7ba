# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a planned setting is not in effect, as far as the observation shows, and what to do about it.

systemd.unit(5) on drop-ins, systemd.exec(5) "EnvironmentFile=": files of variables come after all of Environment=.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import SITE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Override
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Subject

# Differences of a whole file, of file_drift().
# Where the host does not say with which variables it was made.
UNCERTAIN = "edited by hand, or the plan has changed since"
WHOLE = {"file-missing": "is not there", "not-ours": "was not written by the role"}


def overridden(subject: Subject, name: str) -> Override | None:
    """The file that wins over ours for this name."""
    found = subject.observed.override(name)
    return found if found is not None and subject.path in found.lost and found.kept != subject.path else None


def remedy(subject: Subject, name: str, planned: str | None = None) -> str:  # noqa: PLR0911
    """What to do where the host has another value for this name; the first cause that fits.

    ``planned`` is the value of a variable, None for a directive.
    """
    observed, found = subject.observed, overridden(subject, name)
    if found is not None:
        return (
            f"{found.kept} overrides {subject.path}: take {name} out of it, or give the role the value that it should"
            f" have; then {SITE}"
        )
    wrong = edited(subject)
    if wrong is not None:
        why = next((f" ({row['cause']})" for row in subject.own if row.get("cause")), "")
        return f"{subject.path} {wrong}{why}: {SITE}"
    for row in subject.own:
        if row.get("setting") in (name, f"[Unit]{name}"):
            return f"{subject.path} was {row.get('cause') or 'changed by hand, or the plan has changed since'}: {SITE}"
    if observed.dropins is not None and subject.path not in observed.dropins:
        return f"systemd has not loaded {subject.path}: {SITE}"
    if observed.need_daemon_reload:
        return reload(subject)
    if planned is not None and (observed.environment or {}).get(name) == planned:
        return (
            "the process was started before the unit said so, or a file of EnvironmentFile= says otherwise:"
            f" {restart(subject)}"
        )
    return f"{SITE}, and look at {subject.path} if it is the same again"


def with_last_words(subject: Subject, evidence: str) -> str:
    """The evidence, with the last line that an ended server logged."""
    said = subject.observed.journal.warned("server-ended") if subject.observed.journal else []
    return f"{evidence}; it logged: {said[-1]}" if said else evidence


def restart(subject: Subject) -> str:
    return f"systemctl restart {subject.unit}, and journalctl -u {subject.unit} if it does not come back"


def reload(subject: Subject) -> str:
    return f"the unit's files have changed since systemd read them: systemctl daemon-reload, then {restart(subject)}"


def edited(subject: Subject) -> str | None:
    """What is wrong with our file as a whole; None where nothing is, or where it was not compared."""
    kinds = [str(row.get("kind")) for row in subject.own]
    return next((WHOLE[kind] for kind in kinds if kind in WHOLE), None)
