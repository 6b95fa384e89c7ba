# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan says of itself: one decision for every setting, and warnings.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Contract, Release
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Gpu, Machine
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share

# None: not written, the server's own default stands.
Value = Union[str, int, None]

OPERATOR = "operator"
POLICY = "policy"
CONTRACT = "contract"


@dataclass
class Case:
    """One instance to plan for, and the notes taken on the way. Every policy question is a function of a Case.

    ``memory_bytes`` is what of the host's memory the instance may fill, None where it could not be read; ``gpus``
    are the cards that its models run on; ``budget`` is how the two are filled. ``own_loaded_models`` says that
    ``max_loaded_models`` is the instance's own word and not the host's total. The notes are those of the host.
    """

    machine: Machine
    policy: Policy
    release: Release | None
    contract: Contract
    gpus: list[Gpu] = field(default_factory=list)
    instance: str = "ollama"
    index: int = 0
    count: int = 1
    own_loaded_models: bool = False
    memory_bytes: int | None = None
    budget: dict[str, Any] = field(default_factory=dict)
    decisions: list[dict[str, Value]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def of(self, share: Share) -> Case:
        """The case of one instance, which adds to the same notes."""
        return replace(
            self,
            policy=share.policy,
            gpus=list(share.gpus),
            instance=share.name,
            index=share.index,
            count=share.count,
            own_loaded_models=share.own_loaded_models,
            memory_bytes=share.memory_bytes,
            budget={},
        )

    def acts(self, name: str) -> bool:
        """Whether the installed release reads the variable; with the release unknown, whether all supported ones do."""
        return self.contract.acts(name, self.release)

    def at_least(self, release: str) -> bool:
        """Whether the installed release is known and not older."""
        return self.release is not None and self.release.at_least(release)

    @property
    def release_text(self) -> str:
        """How a reason names the release: ``Ollama 0.34.1``, or ``this release (unknown)``."""
        return f"Ollama {self.release}" if self.release else "this release (unknown)"

    def decide(self, setting: str, value: Value, source: str, reason: str) -> Value:
        """Note one decision and return its value."""
        self.decisions.append(
            {"instance": self.instance, "setting": setting, "value": value, "source": source, "reason": reason}
        )
        return value

    def withhold(self, setting: str) -> None:
        """Note that the release at hand does not read the setting."""
        since = getattr(self.contract.get(setting), "since", None)
        until = getattr(self.contract.get(setting), "until", None)
        span = f"from {since} to {until}" if until else f"from {since} on"
        what = f"{self.release_text} does not read it" if self.release else "not set while the release is unknown"
        self.decide(setting, None, CONTRACT, f"{what}; it acts {span}")

    def warn(self, code: str, message: str, remedy: str) -> None:
        """Note what the operator can change, once where several instances say the same."""
        warning = {"code": code, "message": message, "remedy": remedy}
        if warning not in self.warnings:
            self.warnings.append(warning)

    def refuse(self, message: str) -> None:
        """Note what cannot be planned, once where several instances say the same."""
        if message not in self.errors:
            self.errors.append(message)


__all__ = ("CONTRACT", "OPERATOR", "POLICY", "Case", "Value")
