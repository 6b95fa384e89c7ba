# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How systemd orders, restarts and confines the server.

Sources: docs/policy.md, rules S7 to S9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._places import FIREWALL_UNIT
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import readiness
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import DIRECTIVE, MOUNTS, ORDER

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

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


def order(planning: Planning, *, firewall: bool = False) -> None:
    """Decide on the directives of the unit's [Unit] section; with ``firewall`` the rules come before the server."""
    services = dict.fromkeys(gpu.maker.after for gpu in planning.gpus if gpu.maker.after)
    reason = "not set: no driver's service has to come first"
    if services:
        reason = (
            "keeps the driver loaded and makes its device files; a server that starts before them sees no card and runs"
            " on the CPUs; systemd ignores it where it is not installed"
        )
    if firewall:
        rules = "the rules that let known networks alone in are loaded first"
        reason = f"{reason}; {rules}" if services else rules
        services[FIREWALL_UNIT] = None
        why = "without these rules the server does not start, and where they are taken away it stops"
        planning.record(ORDER, "Requires", FIREWALL_UNIT, OPERATOR, why)
    planning.record(ORDER, "After", " ".join(services) or None, POLICY, reason)
    readiness.keep_loaded(planning)
    store = planning.policy.models_path
    reason = "not set: the store is the service user's own"
    if store:
        reason = (
            "starts the server after the mount that the store lies on, and never without it: it would make an empty"
            " store below the mount point; without such a mount the line does nothing"
        )
    planning.record(ORDER, MOUNTS, store, POLICY, reason)


def supervise(planning: Planning) -> None:
    """Decide on Restart= and hardening in the unit's [Service] section."""
    reason = "a server that died, whatever the cause, comes back"
    planning.record(DIRECTIVE, "Restart", "always", POLICY, reason)
    reason = "after three seconds, as install.sh has it, so that a server that fails at once does not spin"
    planning.record(DIRECTIVE, "RestartSec", 3, POLICY, reason)
    option, systemd = planning.policy.hardening, planning.machine.systemd
    value: str | None = "true"
    source, why = OPERATOR if option is not None else POLICY, ""
    if option is False:
        value, why = None, "not set: ollama_hardening is false"
    elif systemd is not None and systemd < HARDENING_SINCE:
        value, source, why = None, POLICY, f"not set: systemd {systemd} is older than {HARDENING_SINCE}"
    for name, reason in HARDENING.items():
        planning.record(DIRECTIVE, name, value, source, why or reason)
