# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How systemd orders, restarts and confines the server.

Sources: docs/policy.md, rules S7 to S9.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case, Value

# Nothing here takes a device file, a capability or a system call away that a GPU driver's library needs.
# PrivateDevices=, ProtectClock= and DeviceAllow= would hide the cards, MemoryDenyWriteExecute= stops CUDA's compiler,
# ProtectKernelModules= and NoNewPrivileges= keep nvidia-modprobe from making the device files, ProtectHome= and
# ProtectSystem= can hide the model store (systemd.exec(5)).
HARDENING = {
    "LockPersonality": "no program here changes its execution domain",
    "ProtectControlGroups": "the server only reads its limits",
    "ProtectHostname": "the server never changes the host's name",
    "ProtectKernelLogs": "the server has no use for the kernel's log",
    "RestrictRealtime": "a busy compute thread with realtime priority could stop the host",
}
# ProtectKernelLogs= is the youngest of them (systemd 244).
HARDENING_SINCE = 244
DRIVER = "nvidia-persistenced.service"


def order(case: Case) -> dict[str, Value]:
    """Directives of the unit's [Unit] section."""
    if any(gpu.vendor == "nvidia" for gpu in case.gpus):
        reason = (
            "keeps the driver loaded and makes its device files; a server that starts before them sees no card and runs"
            " on the CPUs; systemd ignores it where it is not installed"
        )
        return {"After": case.decide("After", DRIVER, POLICY, reason)}
    case.decide("After", None, POLICY, "not set: no driver's service has to come first")
    return {}


def supervise(case: Case) -> dict[str, Value]:
    """Restart= and hardening of the unit's [Service] section."""
    service: dict[str, Value] = {}
    reason = "a server that died, whatever the cause, comes back"
    service["Restart"] = case.decide("Restart", "always", POLICY, reason)
    reason = "after three seconds, as install.sh has it, so that a server that fails at once does not spin"
    service["RestartSec"] = case.decide("RestartSec", 3, POLICY, reason)
    service.update(_harden(case))
    return service


def _harden(case: Case) -> dict[str, Value]:
    wish, systemd = case.policy.hardening, case.machine.systemd
    if wish is False:
        for name in HARDENING:
            case.decide(name, None, OPERATOR, "not set: ollama_hardening is false")
        return {}
    if systemd is not None and systemd < HARDENING_SINCE:
        for name in HARDENING:
            case.decide(name, None, POLICY, f"not set: systemd {systemd} is older than {HARDENING_SINCE}")
        return {}
    source = OPERATOR if wish else POLICY
    return {name: case.decide(name, "true", source, reason) for name, reason in HARDENING.items()}


__all__ = ("HARDENING", "order", "supervise")
