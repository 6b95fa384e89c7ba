# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change goes through a fleet: in which batches, at which gateways hosts are drained, what gateways have said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.names import server_name
from ansible_collections.inference.ollama.plugins.plugin_utils._options import AUTO

if TYPE_CHECKING:
    from collections.abc import Iterable

# The group of the inventory that "auto" stands for.
GROUP = "ollama_gateways"
READY, DRAINED = "ready", "drained"
_LOCAL = "localhost"
_BATCH = re.compile(r"([1-9][0-9]{0,5})(%?)")
_LONGEST = 1000


def serial_errors(value: object) -> list[str]:
    """Return what is wrong with how many hosts change at a time, which Ansible itself does not judge."""
    entries = list(value) if isinstance(value, (list, tuple)) else [value]
    wrong = [entry for entry in entries if not _is_batch(entry)]
    if entries and not wrong:
        return []
    shown = one_line(repr(wrong[0] if wrong else value), 60)
    sentence = (
        f"ollama_serial: {shown} is not allowed; allowed is a number of hosts from 1, a share such as 25%, or a list of"
        " those, one for each batch and the last for all that come after it"
    )
    return [sentence]


def _is_batch(entry: object) -> bool:
    match = None if isinstance(entry, bool) else _BATCH.fullmatch(str(entry))
    return match is not None and (not match[2] or int(match[1]) <= 100)


def gateways_of(value: object, groups: Mapping[str, Iterable[str]]) -> tuple[list[str], list[str]]:
    """Return the gateways before a host, and which names are not in the inventory.

    ``value`` is the variable ollama_gateways, ``groups`` are those of the inventory, with their hosts.
    """
    if value is None or (isinstance(value, str) and value.lower() in ("", AUTO)):
        return list(groups.get(GROUP) or ()), []
    if not isinstance(value, (list, tuple)):
        # It is refused with the other variables.
        return [], []
    known = {*(groups.get("all") or ()), _LOCAL}
    errors = [
        f"ollama_gateways: {one_line(repr(name), 60)} is no host of the inventory; allowed is auto, which stands for"
        f" its group {GROUP}, or a list of names in it; an empty list drains nowhere"
        for name in dict.fromkeys(map(str, value))
        if name not in known
    ]
    return list(dict.fromkeys(map(str, value))), errors


def drained_servers(host: str) -> list[str]:
    """Return what the module gateway_server is asked for: all servers of a host, the ones that a change ends too."""
    return [server_name(host, "*")]


def drain_of(host: str, gateways: list[str], units: Iterable[str], *, live: bool) -> dict[str, Any]:
    """Return ``{gateways, gateway_servers, interrupts}`` of a host whose change stops or restarts these units."""
    return {
        "gateways": gateways if live else [],
        "gateway_servers": drained_servers(host),
        "interrupts": live and any(units),
    }


def gateway_turns(hosts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what each gateway is asked for once all hosts are read: ``[{gateway, servers, needed}]``.

    ``hosts`` are the variables of each host, of which only the role's are looked at. ``servers`` are those of hosts
    that need no change and answer, so that one which an earlier run has left drained takes requests again; ``needed``
    is whether a host is to be drained there in this run.
    """
    turns: dict[str, dict[str, Any]] = {}
    for host, variables in hosts.items():
        desired = variables.get("__ollama") or {}
        for gateway in desired.get("gateways") or ():
            turn = turns.setdefault(gateway, {"gateway": gateway, "servers": [], "needed": False})
            if desired.get("pending"):
                turn["needed"] = turn["needed"] or bool(desired.get("interrupts"))
            else:
                turn["servers"] += drained_servers(host)
    return list(turns.values())


def gateway_report(
    results: Iterable[Mapping[str, Any]], state: str | None = None, *, late_fails: bool = False
) -> dict[str, list[str]]:
    """Return ``{failed, said}``, sentences on what gateways have answered.

    ``results`` are those of a loop over gateways, or over what gateway_turns() returns, in which each called the module
    gateway_server, to reach ``state``.
    ``late_fails`` is whether streams that are left at the end of the wait are a failure.
    """
    failed: list[str] = []
    said: list[str] = []
    for result in results:
        item = result.get("item")
        gateway, needed = (item.get("gateway"), item.get("needed")) if isinstance(item, Mapping) else (item, True)
        if result.get("skipped"):
            continue
        if result.get("absent"):
            # As before a gateway is set up for the first time.
            said.append(f"gateway {gateway} does not run, so no request comes through it: {_message(result)}")
            continue
        if result.get("unreachable") or "servers" not in result:
            why = "cannot be reached" if result.get("unreachable") else "cannot drain a server"
            # Where nothing is to be drained a gateway that is down keeps nobody from anything.
            (failed if needed else said).append(f"gateway {gateway} {why}: {_message(result)}")
        else:
            said += [f"gateway {gateway}: {problem}" for problem in result.get("problems") or ()]
            if result.get("stranded"):
                failed.append(_stranded(str(gateway), result["stranded"]))
            if state == DRAINED and not result["settled"]:
                (failed if late_fails else said).append(_late(str(gateway), result["servers"]))
            if state == READY and not result["settled"]:
                failed.append(_absent(str(gateway), result["servers"]))
    return {"failed": failed, "said": said}


def _message(result: Mapping[str, Any]) -> str:
    return one_line(str(result.get("msg") or "it did not say why").strip(), _LONGEST).rstrip(". ")


def _stranded(gateway: str, backends: Iterable[str]) -> str:
    return (
        f"gateway {gateway}: no other server of the backend {', '.join(backends)} takes requests, so nobody would"
        " answer them during the change. Bring the others back, lower ollama_serial where they are drained by this run,"
        " or set ollama_gateways: [] to change the host without a drain"
    )


def _late(gateway: str, servers: Iterable[Mapping[str, Any]]) -> str:
    left = [f"{each['sessions'] + each['queued']} of {each['name']}" for each in servers if _streams(each)]
    return (
        f"gateway {gateway}: requests were left after ollama_drain_timeout, and the change cuts them: {', '.join(left)}"
    )


def _absent(gateway: str, servers: Iterable[Mapping[str, Any]]) -> str:
    away = [f"{each['name']} is {each['state']}" for each in servers if each["state"] != READY]
    return f"gateway {gateway} sends no requests: {', '.join(away)}, though the server answers on its own host"


def _streams(server: Mapping[str, Any]) -> int:
    return int(server["sessions"]) + int(server["queued"])
