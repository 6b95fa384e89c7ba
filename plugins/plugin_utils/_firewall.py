# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that let the networks of a plan alone in, as nftables reads them, and the unit that loads them.

nft(8); netfilter's base chains: what one of them drops is lost whatever the others say, what one accepts is still asked
of the others. So a table of its own closes ports beside any other firewall, and opens none that another one closes.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    FIREWALL_FILE,
    FIREWALL_UNIT,
    HEADER,
    NFT,
    UNITS_FOLDER,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import is_loopback
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.exposure import NETWORKS, has_rules
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import exposure

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = "inference_ollama"
PATHS = (FIREWALL_FILE, f"{UNITS_FOLDER}/{FIREWALL_UNIT}")
# For forbidden clients of a proof: documentation addresses of RFC 5737 and RFC 3849, the first that no network has.
_STRANGERS = ("198.51.100.7", "203.0.113.7", "2001:db8:ffff::7", "2001:db8:fffe::7")


def firewall_files(plan: Mapping[str, Any]) -> dict[str, str]:
    """The content of each file by its path; none where the plan has no rules."""
    if not is_guarded(plan):
        return {}
    return dict(zip(PATHS, (f"{_HEAD}{_RESET}{_table(plan)}", _UNIT)))


def is_guarded(plan: Mapping[str, Any]) -> bool:
    """Whether the plan has rules of a firewall."""
    of = exposure(plan)
    return has_rules(of.get("exposure"), of.get(NETWORKS))


def loading(plan: Mapping[str, Any], changes: list[str], *, live: bool) -> dict[str, Any] | None:
    """What the role loads: ``{rules, transition}``; None where nothing of it changes.

    ``transition`` adds the rules to those that are loaded, which closes ports of before and of then until the servers
    have moved.
    """
    files = firewall_files(plan)
    if not files or not live or not set(changes) & set(PATHS):
        return None
    return {"rules": files[FIREWALL_FILE], "transition": _table(plan), "unit": FIREWALL_UNIT, "program": NFT}


def unloaded(plan: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """The unit to stop where an earlier run has left rules that the plan has not; systemd stops its servers first."""
    return [FIREWALL_UNIT] if not is_guarded(plan) and PATHS[1] in found["digests"] else []


def probe(plan: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the module exposure_info is asked: ``{ports, addresses}`` of allowed and forbidden clients."""
    if not is_guarded(plan):
        return None
    allowed, forbidden = clients(plan)
    return {"table": TABLE, "ports": ports(plan), "addresses": [*allowed, *forbidden]}


def clients(plan: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """An address of each network that is let in, and one of each version of IP that is not."""
    known = [ipaddress.ip_network(each) for each in networks(plan)]
    allowed = [str(each[1] if each.num_addresses > 2 else each[0]) for each in known]
    strangers: dict[int, str] = {}
    for text in _STRANGERS:
        address = ipaddress.ip_address(text)
        if not any(address in each for each in known):
            strangers.setdefault(address.version, text)
    return allowed, list(strangers.values())


def ports(plan: Mapping[str, Any]) -> list[int]:
    """The ports that other hosts may reach."""
    return sorted({each["port"] for each in plan["instances"] if not is_loopback(each["host"])})


def networks(plan: Mapping[str, Any]) -> list[str]:
    """The networks that are let in."""
    return str(exposure(plan).get(NETWORKS) or "").split()


def _table(plan: Mapping[str, Any]) -> str:
    # A set of nftables takes no network that lies in another one.
    old = ipaddress.collapse_addresses(ipaddress.IPv4Network(each) for each in networks(plan) if ":" not in each)
    new = ipaddress.collapse_addresses(ipaddress.IPv6Network(each) for each in networks(plan) if ":" in each)
    known = {"ip": ", ".join(map(str, old)), "ip6": ", ".join(map(str, new))}
    lines = [f"    {word} saddr {{ {of_version} }} accept" for word, of_version in known.items() if of_version]
    return _TABLE.format(table=TABLE, ports=", ".join(map(str, ports(plan))), accept="\n".join(lines))


_HEAD = f"""{HEADER} who reaches the servers.
# {FIREWALL_UNIT} loads it as a whole or not at all; nft list table inet {TABLE} shows what is loaded.
"""
_RESET = f"table inet {TABLE}\ndelete table inet {TABLE}\n"
# Of this host itself, whatever its address, packets come in by lo.
_TABLE = """table inet {table} {{
  chain input {{
    type filter hook input priority -10; policy accept;
    iifname != "lo" tcp dport {{ {ports} }} jump servers
  }}
  chain servers {{
{accept}
    reject with tcp reset
  }}
}}
"""
_UNIT = f"""{HEADER} loads the rules of who reaches the servers.
[Unit]
Description=Networks that reach Ollama (inference.ollama)
# What nftables.service loads begins with an empty set of rules on many hosts, so these follow it.
After=nftables.service firewalld.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={NFT} -f {FIREWALL_FILE}
ExecReload={NFT} -f {FIREWALL_FILE}
ExecStop=-{NFT} delete table inet {TABLE}
"""
