# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of a plan's questions, and the notes that their answers are written to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, List, Mapping, NamedTuple, Union

from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.found import AFFINITY, NOTHING, Found, Kept
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import DIRECTIVE, FOUND, PLACEMENT, VARIABLE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Contract
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import Fit
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Machine
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

# None: not written, the server's own default holds. A list holds the words of a command.
Value = Union[str, int, List[str], None]

OPERATOR, POLICY, CONTRACT, MEASURED = views.OPERATOR, views.POLICY, views.CONTRACT, views.MEASURED
# The variable of the role behind a decision that is no environment variable.
_VARIABLES = {"compute_threads": "num_threads", "instance": "instances", "CPUWeight": "cpu_weight"}


class Taken(NamedTuple):
    """A setting that was measured, as the policy has it, and the figure."""

    meaning: object
    reason: str


@dataclass
class Notes:
    """Everything that the questions have answered so far, in order."""

    decisions: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    # How the models fit the memory of each server.
    fits: list[Fit] = field(default_factory=list)


@dataclass(frozen=True)
class Planning:
    """The inputs for one instance, and the host's notes. Every policy question is a function of a Planning.

    ``instance`` is None for the host as a whole; ``memory_bytes`` is the host memory that the instance may fill, None
    where it could not be read; ``gpus`` are the cards that its models run on. ``own_loaded_models`` means that
    ``max_loaded_models`` was set for the instance and is not the host's total. ``found`` is what the unit's other files
    set that the plan keeps, ``measured`` are options that a record of ollama_measured set in the policy.
    """

    machine: Machine
    policy: Policy
    release: Release | None
    contract: Contract
    gpus: tuple[Gpu, ...] = ()
    instance: str | None = "ollama"
    index: int = 0
    count: int = 1
    own_loaded_models: bool = False
    memory_bytes: int | None = None
    found: Found = NOTHING
    measured: Mapping[str, Taken] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)

    def of(self, share: Share) -> Planning:
        """The inputs for one instance, with the same notes."""
        return replace(
            self,
            policy=share.policy,
            gpus=share.gpus,
            instance=share.name,
            index=share.index,
            count=share.count,
            own_loaded_models=share.own_loaded_models,
            memory_bytes=share.memory_bytes,
        )

    def acts(self, name: str) -> bool:
        """Whether the installed release reads the variable; with the release unknown, whether all supported ones do."""
        return self.contract.acts(name, self.release)

    def reached(self, milestone: str) -> bool:
        """Whether the installed release is known and has this change, a milestone of the contract."""
        return self.contract.reached(milestone, self.release)

    def since(self, milestone: str) -> str:
        """The first release with this change, as a reason names it."""
        return str(self.contract.since(milestone))

    @property
    def release_text(self) -> str:
        """The release as a reason names it: ``Ollama 0.34.1``, or ``this release (unknown)``."""
        return f"Ollama {self.release}" if self.release else "this release (unknown)"

    def record(self, kind: str, setting: str, value: Value, source: str, reason: str) -> None:
        """Note one decision. A variable that the operator names in ``ollama_environment`` gets that value.

        What was found in the unit's other files comes before the rules, and so does what was measured.
        """
        kept = self._kept(kind, setting, value, source)
        if kept is not None:
            # The only server goes on reading it there; of several each may get a variable with a value of its own.
            as_found = kind == DIRECTIVE or (kind == VARIABLE and self.count == 1)
            value = kept.text if as_found else value
            source, reason = FOUND, kept.reason
        elif kind == VARIABLE and setting in self.policy.environment:
            value, source = self.policy.environment[setting], OPERATOR
            reason = f"ollama_environment.{setting}; the rule: {reason}"
        elif source == OPERATOR and self.is_measured(key := self._option_of(setting)):
            source, reason = MEASURED, self.measured[key].reason
        self._note(kind, setting, value, source, reason)

    def is_measured(self, key: str) -> bool:
        """Whether the policy has an option's value by a record of what was measured."""
        taken = self.measured.get(key)
        return taken is not None and getattr(self.policy, key) == taken.meaning

    def _option_of(self, setting: str) -> str:
        """The option that a decision of the operator's is by; nothing where no record can have one."""
        return _VARIABLES.get(setting) or self.contract.named.get(setting) or ""

    def _kept(self, kind: str, setting: str, value: Value, source: str) -> Kept | None:
        """What was found in place of this decision; None where there is nothing, or the operator says otherwise."""
        if kind == VARIABLE:
            return self._kept_variable(setting)
        if (kind, setting, source) == (PLACEMENT, "compute_threads", OPERATOR):
            return self._kept_variable("LLAMA_ARG_THREADS")
        if kind == PLACEMENT and setting in ("numa_node", "cpus", "binding") and self.found.cpus and self.count == 1:
            return self.found.directives[AFFINITY]
        kept = self.found.directives.get(setting) if kind == DIRECTIVE else None
        if kept is None or (source == OPERATOR and value is not None):
            return None
        # Each of several servers has CPUs of its own, and all are in one slice.
        return kept if self.count == 1 or not (setting in (AFFINITY, "Slice") or "%" in kept.text) else None

    def _kept_variable(self, name: str) -> Kept | None:
        kept = self.found.variables.get(name)
        if kept is None:
            return None
        now = self.policy.environment.get(name) if kept.key is None else getattr(self.policy, kept.key)
        return kept if now == kept.meaning else None

    def record_unruled(self) -> None:
        """Note the variables of ``ollama_environment`` that no rule has decided on."""
        decided = {note["setting"] for note in self.notes.decisions if note["instance"] == self.instance}
        for name, value in self.policy.environment.items():
            if name not in decided:
                kept = self._kept_variable(name)
                if kept is None:
                    self._note(VARIABLE, name, value, OPERATOR, f"ollama_environment.{name}")
                else:
                    self._note(VARIABLE, name, kept.text if self.count == 1 else value, FOUND, kept.reason)

    def written(self) -> dict[str, str]:
        """The variables recorded for the instance so far, without those that are not set."""
        return {
            note["setting"]: str(note["value"])
            for note in self.notes.decisions
            if (note["instance"], note["kind"]) == (self.instance, VARIABLE) and note["value"] is not None
        }

    def _note(self, kind: str, setting: str, value: Value, source: str, reason: str) -> None:
        self.notes.decisions.append(
            {
                "instance": self.instance,
                "setting": setting,
                "kind": kind,
                "value": value,
                "source": source,
                "reason": reason,
            }
        )

    def not_supported(self, setting: str) -> None:
        """Note that the release at hand does not read the variable."""
        since = getattr(self.contract.get(setting), "since", None)
        until = getattr(self.contract.get(setting), "until", None)
        span = f"from {since} to {until}" if until else f"from {since} on"
        what = f"{self.release_text} does not read it" if self.release else "not set while the release is unknown"
        self.record(VARIABLE, setting, None, CONTRACT, f"{what}; it acts {span}")

    def warn(self, code: str, message: str, remedy: str) -> None:
        """Note something that the operator can change, once even where several instances have it."""
        warning = {"code": code, "message": message, "remedy": remedy}
        if warning not in self.notes.warnings:
            self.notes.warnings.append(warning)

    def error(self, message: str) -> None:
        """Note a setting that cannot be planned, once even where several instances have it."""
        if message not in self.notes.errors:
            self.notes.errors.append(message)
