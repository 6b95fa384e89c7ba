# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One planned server and what was observed of it, and the verdicts that a check can give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import as_text

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Observation

PASS, CONFIGURED, UNKNOWN, FAIL = "pass", "configured", "unknown", "fail"
# The best first.
VERDICTS = (PASS, CONFIGURED, UNKNOWN, FAIL)
SITE = "run the playbook inference.ollama.site"


class Check(NamedTuple):
    """A verdict: what was planned, what was seen, where, and what to do; None for nothing and for not known."""

    instance: Optional[str]
    setting: str
    verdict: str
    planned: Optional[str]
    seen: Optional[str]
    evidence: str
    remedy: Optional[str]


class Load(NamedTuple):
    """A model to verify with: why it was not loaded, why it did not answer, and why the memory is not as before."""

    model: str
    not_loaded: Tuple[str, ...]
    problem: Optional[str]
    left: Optional[str]


class Subject(NamedTuple):
    """What every check is a function of: one planned server and what was observed of it.

    ``planned`` is the plan's instance; ``environment``, ``directives`` and ``placement`` are views of its decisions;
    ``intended`` is the release that the plan was made for, ``running`` the one that answered, ``path`` our drop-in.
    ``files`` are the differences of its files, of file_drift(); None where they were not compared. ``load`` is the
    outcome of loading a model; None where none was named.
    """

    planned: Mapping[str, Any]
    environment: Mapping[str, str]
    directives: Mapping[str, Any]
    placement: Mapping[str, Any]
    observed: Observation
    intended: Optional[Release]
    running: Optional[Release]
    path: str
    files: Optional[Tuple[Mapping[str, Any], ...]]
    load: Optional[Load] = None

    @property
    def unit(self) -> str:
        return str(self.planned["unit"])

    @property
    def own(self) -> tuple[Mapping[str, Any], ...]:
        """The differences of our drop-in, without those of a template unit, which concern it too."""
        return tuple(row for row in self.files or () if row.get("unit") == self.unit)

    @property
    def bound(self) -> bool:
        """Whether the plan binds the server to CPUs."""
        return str(self.placement.get("binding", "none")) != "none"

    @property
    def release(self) -> Release | None:
        """The release whose rules count: that of the running server, if it answers."""
        return self.running or self.intended

    def passes(self, setting: str, planned: object, seen: object, evidence: str) -> Check:
        return Check(self.planned["name"], setting, PASS, as_text(planned), as_text(seen), evidence, None)

    def configured(self, setting: str, planned: object, seen: object, evidence: str, remedy: str) -> Check:
        return Check(self.planned["name"], setting, CONFIGURED, as_text(planned), as_text(seen), evidence, remedy)

    def fails(self, setting: str, planned: object, seen: object, evidence: str, remedy: str) -> Check:
        return Check(self.planned["name"], setting, FAIL, as_text(planned), as_text(seen), evidence, remedy)

    def unknown(self, setting: str, planned: object, seen: object, evidence: str, remedy: str) -> Check:
        return Check(self.planned["name"], setting, UNKNOWN, as_text(planned), as_text(seen), evidence, remedy)

    def unread(self, setting: str, planned: object, what: str, *needles: str) -> Check:
        """The verdict where something could not be read, with the reader's problem if it named one."""
        said = self.observed.problem(*needles) if needles else None
        evidence = f"{what} was not read" + (f": {said}" if said else "")
        if not self.observed.there:
            evidence = f"{what} was not read: service_info was not asked for {self.unit}"
        remedy = "run the playbook as root, with every part of service_info; its problems say why"
        return self.unknown(setting, planned, None, evidence, remedy)

    def no_server(self, setting: str, planned: object) -> Check | None:
        """The verdict where there is no process to look at; None where there is one."""
        observed = self.observed
        if observed.servers is None:
            return self.unread(setting, planned, f"the processes of {self.unit}", "cgroup", "systemctl", "/proc")
        if not observed.servers:
            remedy = f"start {self.unit}; journalctl -u {self.unit} shows why it ended"
            return self.unknown(setting, planned, None, f"{self.unit} runs no server", remedy)
        return None

    def server_environment(self, setting: str, planned: object) -> tuple[Mapping[str, str], str] | Check:
        """The variables of the server and the file that they are in; the verdict where nobody has read them."""
        missing, server = self.no_server(setting, planned), self.observed.server
        if missing is not None or server is None:
            return missing or self.unread(setting, planned, f"the server of {self.unit}")
        place = server.file("environ")
        if server.environment is None:
            return self.unread(setting, planned, place, place)
        return server.environment, place

    def no_runner(self, setting: str, planned: object) -> Check | None:
        """The verdict where no process holds a model; None where one does."""
        missing = self.no_server(setting, planned)
        if missing is None and not self.observed.runners:
            evidence = f"{self.unit} has no runner: no model is in memory"
            remedy = "send the server a request, and verify while the model is in memory"
            return self.unknown(setting, planned, None, evidence, remedy)
        return missing
