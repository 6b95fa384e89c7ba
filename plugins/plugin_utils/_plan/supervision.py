# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How systemd orders, restarts and confines the server.

Sources: docs/policy.md, rules S7 to S9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._places import FIREWALL_UNIT
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import readiness
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.exposure import has_rules
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import DIRECTIVE, GUARD, MOUNTS, ORDER
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.writable import Writable, writable

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

# Nothing of the first table takes a device file or a system call away that a GPU driver's library needs. All but
# ProtectControlGroups= work by a filter of system calls, for which systemd sets no_new_privs for a service with User=
# (docs/hardening.md): nvidia-modprobe, which is setuid, makes no device files then.
HARDENING = {
    "LockPersonality": "no program here changes its execution domain",
    "ProtectControlGroups": "the server only reads its limits",
    "ProtectHostname": "the server never changes the host's name",
    "ProtectKernelLogs": "the server has no use for the kernel's log",
    "RestrictRealtime": "a busy compute thread with realtime priority could stop the host",
}
# ProtectKernelLogs= is the youngest of them (systemd 244).
HARDENING_SINCE = 244
PATHS, HOME = "ReadWritePaths", "ProtectHome"
# The unit of nvidia-container-toolkit that writes the names of the Container Device Interface at a boot.
CDI_UNIT = "nvidia-cdi-refresh.service"


class Strict(NamedTuple):
    """A directive that is set where the host has no card, or by the operator's word; ``card`` is what one may lose.

    ``folders`` marks those that need to know where the server writes.
    """

    value: str
    reason: str
    card: str
    unprivileged: bool = False
    folders: bool = False


# PrivateDevices=, ProtectClock=, DeviceAllow= and MemoryDenyWriteExecute= are not among them: a card that is put in
# later would stay hidden without a word.
STRICT = {
    "CapabilityBoundingSet": Strict(
        "CAP_NET_BIND_SERVICE",
        "of root's rights the server can use a port below 1024 alone",
        "a driver's helper that loads modules",
        unprivileged=True,
    ),
    "NoNewPrivileges": Strict("true", "no program here gains rights by setuid", "nvidia-modprobe, which is setuid"),
    "PrivateTmp": Strict("true", "temporary files are the service's own", "the pipes of CUDA's MPS in /tmp"),
    "ProtectKernelModules": Strict("true", "without a card no module is loaded", "the driver's modules"),
    "ProtectKernelTunables": Strict("true", "the server only reads /proc and /sys", "settings of /sys by ROCm's tools"),
    "ProtectSystem": Strict(
        "strict",
        "the server writes to its home and its store alone",
        "a driver that writes elsewhere",
        folders=True,
    ),
    "ProtectHome": Strict(
        "true",
        "nothing that the server needs lies in the homes of people",
        "a driver's library or cache there",
        folders=True,
    ),
    "ReadWritePaths": Strict(
        "",
        "where the server writes: its home with its key and caches, its store, and folders that variables name; one"
        " that begins with - may be missing",
        "what else it writes to",
        folders=True,
    ),
    "RestrictAddressFamilies": Strict(
        "AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "the server speaks to clients, to runners and to the resolver",
        "sockets of other kinds between cards of several hosts",
    ),
    "RestrictNamespaces": Strict("true", "no program here makes namespaces", "a container that a driver's tool starts"),
    "RestrictSUIDSGID": Strict("true", "no program here makes setuid files", "nothing that is known"),
    "SystemCallArchitectures": Strict("native", "server and runners are of this machine's kind", "32-bit helpers"),
}


def order(planning: Planning, guard: str | None = None) -> None:
    """Decide on the directives of the unit's [Unit] section; ``guard`` is what guards its address."""
    services = dict.fromkeys(gpu.maker.after for gpu in planning.gpus if gpu.maker.after)
    reason = "not set: no driver's service has to come first"
    if services:
        reason = (
            "keeps the driver loaded and makes its device files; a server that starts before them sees no card and runs"
            " on the CPUs; systemd ignores it where it is not installed"
        )
    if engine_of(planning.policy.deployment) is not None and any(gpu.maker.cuda for gpu in planning.gpus):
        services[CDI_UNIT] = None
        reason += "; what writes the names of cards for containers comes first too"
    if guard:
        planning.record(ORDER, GUARD, guard, OPERATOR, "for whoever reads the unit; systemd passes over names with X-")
    if has_rules(guard, planning.policy.exposure_networks):
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
    engine = engine_of(planning.policy.deployment)
    value: str | None = "true"
    source, why = OPERATOR if option is not None else POLICY, ""
    if engine is not None:
        value, source = None, POLICY
        why = f"not set: it would hold {engine}, which needs these rights; the container has bounds of its own"
    elif option is False:
        value, why = None, "not set: ollama_hardening is false"
    elif systemd is not None and systemd < HARDENING_SINCE:
        value, source, why = None, POLICY, f"not set: systemd {systemd} is older than {HARDENING_SINCE}"
    for name, reason in HARDENING.items():
        planning.record(DIRECTIVE, name, value, source, why or reason)
    places = writable(planning)
    for name, strict in STRICT.items():
        kept_out = why or _kept_out(planning, strict) or (_out_of_reach(name, places) if strict.folders else None)
        said = None if kept_out else places.paths if name == PATHS else strict.value
        planning.record(DIRECTIVE, name, said, source if said or why else POLICY, kept_out or strict.reason)


def _kept_out(planning: Planning, strict: Strict) -> str | None:
    """Why a directive of the strict ones is not set; None where it is."""
    machine, user = planning.machine, (planning.machine.ollama.get("unit") or {}).get("user")
    if strict.unprivileged and user in (None, "root"):
        return "not set: the service is root's, or nobody knows whose, and root may need its rights for the store"
    if planning.policy.hardening is True:
        return None
    if not machine.gpus_read:
        return f"not set: nobody knows whether the host has a card, which could lose {strict.card}"
    if machine.gpus:
        return f"not set: it is not proven with cards, which could lose {strict.card}; ollama_hardening: true sets it"
    return None


def _out_of_reach(name: str, places: Writable) -> str | None:
    """Why a directive that closes folders to the server is not set; None where it leaves all that it needs."""
    if places.unknown:
        return f"not set: {places.unknown}, and without its home or its store the server does not start"
    if name == HOME and places.at_home:
        return f"not set: {places.at_home} lies there"
    return None
