# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches servers that listen beyond loopback, and what keeps everybody else away from them.

Sources: docs/policy.md, rule S1; docs/exposure.md. No release of Ollama checks a key on requests (server/routes.go).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import is_loopback
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import EXPOSURE, OPERATOR

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

NONE, GATEWAY, FIREWALL, TRUSTED = "none", "gateway", "firewall", "trusted_network"
HOST, NETWORKS = "OLLAMA_HOST", "exposure_networks"
_GUARDS = {
    GATEWAY: "a gateway that authenticates is all that reaches it, as the operator says and nothing proves",
    TRUSTED: "whoever reaches it may use it, as the operator says",
}


def has_rules(exposure: object, networks: object) -> bool:
    """Whether rules of the host let the networks alone in, by the two variables on it."""
    return exposure == FIREWALL or (exposure == GATEWAY and bool(networks))


def exposed(instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of a plan's instances that listen beyond loopback."""
    return [each for each in instances if not is_loopback(each["host"])]


def guard(planning: Planning, instances: list[dict[str, Any]]) -> None:
    """Refuse addresses beyond loopback without a declared guard; note what guards them where one is declared."""
    policy, open_ones = planning.policy, exposed(instances)
    if policy.exposure == FIREWALL and not policy.exposure_networks:
        planning.error(
            "ollama_exposure_networks: with ollama_exposure: firewall it names the networks that are let in, such as"
            " [10.20.0.0/16, 'fd00:20::/32']; it is empty, which would let nobody in"
        )
    elif policy.exposure_networks and not has_rules(policy.exposure, policy.exposure_networks):
        planning.error(
            f"ollama_exposure_networks: nothing keeps other networks out with ollama_exposure: {policy.exposure}; set"
            " ollama_exposure: firewall or gateway, or leave the networks out"
        )
    if not open_ones:
        return
    if policy.exposure == NONE:
        planning.error(_refusal(planning, open_ones))
        return
    ruled = has_rules(policy.exposure, policy.exposure_networks)
    who = "the gateway's addresses" if policy.exposure == GATEWAY else "some networks"
    reason = f"rules of the host let {who} alone in" if ruled else _GUARDS[policy.exposure]
    places = ", ".join(f"{_place(each)} {_reached(each['host'])}" for each in open_ones)
    planning.record(EXPOSURE, "exposure", policy.exposure, OPERATOR, f"{places}; {reason}")
    if ruled:
        why = "ollama_exposure_networks; rules that are loaded before the servers start keep everybody else out"
        planning.record(EXPOSURE, NETWORKS, " ".join(policy.exposure_networks), OPERATOR, why)


def guard_of(planning: Planning, address: str) -> str | None:
    """What is declared to guard a server at this address; None where nothing is, or has to."""
    word: str = planning.policy.exposure
    return None if word == NONE or is_loopback(address) else word


def _refusal(planning: Planning, open_ones: list[dict[str, Any]]) -> str:
    kept = planning.found.variables.get(HOST)
    found = kept is not None and kept.meaning == planning.policy.host
    listed = isinstance(planning.policy.instances, tuple) and any(
        isinstance(each, Mapping) and "host" in each for each in planning.policy.instances
    )
    name = "ollama_instances" if listed and not found else "ollama_host"
    where = f", found in {kept.where}," if kept is not None and found else ""
    places = " and ".join(f"{_place(each)}{where} {_reached(each['host'])}" for each in open_ones)
    return (
        f"{name}: {places}, and no Ollama release checks a key on requests: whoever reaches it can use and delete its"
        " models. Say what guards it: ollama_exposure: gateway where a reverse proxy that authenticates is all that"
        " reaches it, ollama_exposure: firewall with ollama_exposure_networks to let these networks alone in, or"
        " ollama_exposure: trusted_network where whoever reaches it may use it. Or set"
        f" {name} to an address of this host alone, such as 127.0.0.1:{open_ones[0]['port']}"
    )


def _place(instance: Mapping[str, Any]) -> str:
    address, port = instance["host"], instance["port"]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _reached(address: str) -> str:
    try:
        every = ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return "is a name by which other hosts may reach the server"
    return "is every address of the host" if every else "can be reached by other hosts"
