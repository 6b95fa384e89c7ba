# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One planned server and what was read of it, and how a question answers.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional, Tuple

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Release
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import State

PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"
SITE = "run the playbook inference.ollama.site"


class Check(NamedTuple):
    """An answer: what was planned, what was seen, where, and what to do; None for nothing and for not known."""

    instance: str
    setting: str
    verdict: str
    planned: Optional[str]
    seen: Optional[str]
    evidence: str
    remedy: Optional[str]


class Case(NamedTuple):
    """What every question is asked of.

    ``planned`` is the plan's instance, ``intended`` the release that it was made for, ``running`` the one that
    answered, ``path`` our drop-in. ``files`` is how its files differ, of file_drift(); None where that was not asked.
    """

    planned: Mapping[str, Any]
    state: State
    intended: Optional[Release]
    running: Optional[Release]
    path: str
    files: Optional[Tuple[Mapping[str, Any], ...]]

    @property
    def unit(self) -> str:
        return str(self.planned["unit"])

    @property
    def own(self) -> tuple[Mapping[str, Any], ...]:
        """How our drop-in differs; a template unit's differences concern it too, and are not among these."""
        return tuple(row for row in self.files or () if row.get("unit") == self.unit)

    @property
    def release(self) -> Release | None:
        """The one whose rules count: that of the server which runs, if it says so."""
        return self.running or self.intended

    def passes(self, setting: str, planned: object, seen: object, evidence: str) -> Check:
        return Check(self.planned["name"], setting, PASS, shown(planned), shown(seen), evidence, None)

    def fails(self, setting: str, planned: object, seen: object, evidence: str, remedy: str) -> Check:
        return Check(self.planned["name"], setting, FAIL, shown(planned), shown(seen), evidence, remedy)

    def unknown(self, setting: str, planned: object, seen: object, evidence: str, remedy: str) -> Check:
        return Check(self.planned["name"], setting, UNKNOWN, shown(planned), shown(seen), evidence, remedy)

    def unread(self, setting: str, planned: object, what: str, *needles: str) -> Check:
        """The answer where something could not be read: what the reader said of it, or that it said nothing."""
        said = self.state.problem(*needles) if needles else None
        evidence = f"{what} was not read" + (f": {said}" if said else "")
        if not self.state.there:
            evidence = f"{what} was not read: the state has no {self.unit}"
        remedy = "run the playbook as root, with every part of service_info; its problems tell what is in the way"
        return self.unknown(setting, planned, None, evidence, remedy)

    def no_server(self, setting: str, planned: object) -> Check | None:
        """The answer where there is no process to look at; None where there is one."""
        state = self.state
        if state.servers is None:
            return self.unread(setting, planned, f"the processes of {self.unit}", "cgroup", "systemctl", "/proc")
        if not state.servers:
            remedy = f"start {self.unit}; journalctl -u {self.unit} tells why it ended"
            return self.unknown(setting, planned, None, f"{self.unit} runs no server", remedy)
        return None

    def no_runner(self, setting: str, planned: object) -> Check | None:
        """The answer where no process holds a model; None where one does."""
        missing = self.no_server(setting, planned)
        if missing is None and not self.state.runners:
            evidence = f"{self.unit} has no runner: no model is in memory"
            remedy = "send the server a request, and verify while the model is in memory"
            return self.unknown(setting, planned, None, evidence, remedy)
        return missing


def shown(value: object) -> str | None:
    """A value as a report has it."""
    return None if value is None else str(value)


__all__ = ("FAIL", "PASS", "SITE", "UNKNOWN", "Case", "Check", "shown")
