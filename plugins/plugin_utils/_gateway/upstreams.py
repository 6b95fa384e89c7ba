# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers are behind the gateway, at which address: those of the plans of hosts, or those that are named."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._gateway import models
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.names import server_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VARIABLE = "ollama_gateway_upstreams"
FIELDS = ("host", "instance", "address", "port", "slots", "weight", "models")
SCHEMA = 1
# The most that HAProxy takes (configuration manual, 5.2, weight).
MOST_WEIGHT = 256
_MOST_SLOTS = 100_000
# So many names are in a sentence.
_SHOWN = 10
# Names of servers of HAProxy have these alone, and : (cfgparse.c, invalid_char), which stands between the two parts.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")


class Upstream(NamedTuple):
    """One server. ``models`` are in their short form, None for all that there are."""

    host: str
    instance: str
    address: str
    port: int
    slots: int = 1
    weight: int = 1
    models: Optional[Tuple[str, ...]] = None

    @property
    def name(self) -> str:
        return server_name(self.host, self.instance)


class Known(NamedTuple):
    """What is known of a host of the group. ``upstreams`` is of its plan, None where that was not made in this run.

    ``address`` is what the operator has set, ``reached`` how Ansible reaches the host; both empty where they are not
    set. ``served`` are the models that it has, None for any.
    """

    name: str
    upstreams: Optional[Sequence[Mapping[str, Any]]]
    address: str = ""
    reached: str = ""
    served: Optional[Sequence[str]] = None


def known(hosts: Mapping[str, Any]) -> list[Known]:
    """Return the hosts of parallel lists (docs: the filter gateway_files)."""
    columns = (hosts["names"], hosts["upstreams"], hosts["addresses"], hosts["reached"], hosts["models"])
    placement = hosts.get("placement")
    return [
        Known(name, planned_here, str(address or ""), str(reached or ""), _served(name, placement, own))
        for name, planned_here, address, reached, own in zip(*columns, strict=True)
    ]


def _served(name: str, placement: Mapping[str, Sequence[str]] | None, own: object) -> list[str] | None:
    """The models of a host: those that are placed on it, and those that it has by itself."""
    if not placement:
        return None
    entries = own if isinstance(own, (list, tuple)) else []
    names = [entry.get("name") if isinstance(entry, Mapping) else entry for entry in entries]
    placed = [model for model, there in placement.items() if name in there]
    return [str(each) for each in (*placed, *names) if models.is_model(each)]


def named(value: object) -> tuple[list[Upstream], list[str]]:
    """Return the servers of a list that an operator typed, and a sentence for everything that is wrong."""
    if not isinstance(value, (list, tuple)) or not value:
        return [], [f"{VARIABLE}: allowed is auto, or a list of mappings, each with host and address"]
    found, errors = [], []
    for number, entry in enumerate(value, 1):
        problems = list(_problems(entry))
        errors += [f"{VARIABLE}, entry {number}: {problem}" for problem in problems]
        if not problems:
            found.append(_upstream(entry))
    return found, [*errors, *_twice(found)]


def planned(hosts: Sequence[Known], gateway: str, kept: object = None) -> tuple[list[Upstream], list[str], list[str]]:
    """Return the servers of the hosts' plans as one gateway reaches them, refusals, and warnings.

    ``kept`` is the text that kept_text() made in the last run: a host that this run has not read stays as it was.
    """
    before = _kept(kept)
    found: list[Upstream] = []
    errors, warnings = [], []
    unread = []
    for host in hosts:
        if host.upstreams is None:
            as_before = [each for each in before if each.host == host.name]
            found += as_before
            if as_before:
                warnings.append(f"{host.name} was not read in this run; its servers stay as the gateway has them")
            else:
                unread.append(host.name)
            continue
        if not _NAME.fullmatch(host.name):
            errors.append(
                f"{VARIABLE}: {host.name[:60]!r} cannot be the name of a server of HAProxy; allowed are letters,"
                " digits, ., _ and -"
            )
            continue
        for entry in host.upstreams:
            address, problem = _reached(host, entry, gateway)
            errors += [problem] if problem else []
            served = None if host.served is None else tuple(sorted({models.canonical(name) for name in host.served}))
            found.append(
                Upstream(
                    host.name,
                    entry["instance"],
                    address,
                    entry["port"],
                    entry.get("slots") or 1,
                    entry["weight"],
                    served,
                )
            )
    if unread:
        errors.append(
            f"{VARIABLE}: the plan of {_some(unread)} is not known in this run, and the gateway has no servers of it"
            " from an earlier one; run the playbook"
            " inference.ollama.gateway without --limit, or name the servers in this variable"
        )
    if not hosts:
        errors.append(
            f"{VARIABLE}: no host is in the group that ollama_gateway_group names, so there is no server to send to"
        )
    return found, [*errors, *_twice(found)], warnings


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def kept_text(upstreams: Sequence[Upstream]) -> str:
    """Return what a gateway keeps of its servers, for a run that does not read their hosts."""
    rows = [each._asdict() for each in upstreams]
    return json.dumps({"schema": SCHEMA, "upstreams": rows}, indent=2, sort_keys=True) + "\n"


def weights(upstreams: Sequence[Upstream]) -> dict[str, int]:
    """Return the weight of each server by its name, none above what HAProxy takes."""
    most = max((each.weight for each in upstreams), default=1)
    scale = max(most / MOST_WEIGHT, 1)
    return {each.name: max(1, round(each.weight / scale)) for each in upstreams}


def _kept(text: object) -> list[Upstream]:
    try:
        record = json.loads(text) if isinstance(text, str) else None
        if not isinstance(record, dict) or record.get("schema") != SCHEMA:
            return []
        rows = [row for row in record["upstreams"] if not list(_problems(row))]
        return [_upstream(row) for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def _reached(host: Known, entry: Mapping[str, Any], gateway: str) -> tuple[str, str]:
    """The address at which the gateway reaches a planned server, or why there is none."""
    listens, where = str(entry["host"]), f"{host.name}, {entry['instance']}"
    own = _address(listens)
    here = host.name == gateway
    if own is not None and own.is_loopback and not here:
        return "", (
            f"{VARIABLE}: {where} listens on {listens}, where {gateway} does not reach it; let it listen on an address"
            f" of its network, such as ollama_host: 0.0.0.0:{entry['port']}, and say by ollama_exposure what guards it"
        )
    if host.address and not (_address(host.address) or _HOST.fullmatch(host.address)):
        return "", f"ollama_gateway_address of {host.name}: {host.address[:60]!r} is neither an address nor a host name"
    if host.address:
        return host.address, ""
    if own is not None and not own.is_unspecified:
        return listens, ""
    return ("127.0.0.1" if here else host.reached or host.name), ""


def _problems(entry: object) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "it is no mapping with host and address"
        return
    unknown = [str(field)[:40] for field in entry if field not in FIELDS]
    if unknown:
        yield f"it has {', '.join(unknown)}; allowed are {', '.join(FIELDS)}"
    for field in ("host", "instance"):
        value = entry.get(field, "ollama" if field == "instance" else None)
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            yield f"{field}: {str(value)[:60]!r} is not allowed; allowed are letters, digits, ., _ and -"
    address = entry.get("address")
    if not isinstance(address, str) or not (_address(address) or _HOST.fullmatch(address)):
        yield f"address: {str(address)[:60]!r} is neither an address nor a host name"
    for field, most in (("port", 65535), ("slots", _MOST_SLOTS), ("weight", _MOST_SLOTS)):
        value = entry.get(field, 1)
        if isinstance(value, bool) or not re.fullmatch("[0-9]{1,6}", str(value)) or not 1 <= int(value) <= most:
            yield f"{field}: {str(value)[:60]!r} is not allowed; allowed is a whole number from 1 to {most}"
    served = entry.get("models")
    if served is not None and not (isinstance(served, (list, tuple)) and all(map(models.is_model, served))):
        yield f"models: allowed is a list of names, each {models.ALLOWED}"


def _upstream(entry: Mapping[str, Any]) -> Upstream:
    served = entry.get("models")
    return Upstream(
        entry["host"],
        entry.get("instance", "ollama"),
        entry["address"],
        int(entry.get("port", 11434)),
        int(entry.get("slots", 1)),
        int(entry.get("weight", 1)),
        None if served is None else tuple(sorted({models.canonical(name) for name in served})),
    )


def _twice(found: Sequence[Upstream]) -> list[str]:
    names, places = [each.name for each in found], [(each.address, each.port) for each in found]
    errors = [f"{VARIABLE}: the server {name} is there twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    for place in dict.fromkeys(places):
        if places.count(place) > 1 and place[0]:
            which = " and ".join(each.name for each in found if (each.address, each.port) == place)
            errors.append(f"{VARIABLE}: {which} are both at {place[0]}, port {place[1]}, which is one server")
    return errors


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
