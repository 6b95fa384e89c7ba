# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rich rules by which zones of firewalld let the networks of a plan in, and which of them come and go.

firewalld.richlanguage(5), firewalld.zone(5): a zone refuses what no rule of it accepts, whatever other tables accept.
``read`` is what the module firewalld_info returned; a row is ``{zone, rule, state}``, with the states of the module
ansible.posix.firewalld.
"""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._places import FIREWALLD_FILE, HEADER
from ansible_collections.inference.ollama.plugins.plugin_utils._firewall import is_guarded, networks, ports
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.exposure import NETWORKS, has_rules
from ansible_collections.inference.ollama.plugins.plugin_utils._questions import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Row = tuple[str, str]

MODULE = "ansible.posix.firewalld"
_OPEN, _CLOSED = "enabled", "disabled"
_ABOUT = f"{HEADER.removeprefix('# ')} rules that it has added to zones of firewalld."


class ZoneRules(NamedTuple):
    """What becomes of the rules of zones.

    ``files`` is the record of those that are the role's by its path, ``absent`` its path where it goes; ``opened``
    come before a server listens, ``closed`` go after it has moved; ``errors`` are sentences.
    """

    files: dict[str, str]
    absent: list[str]
    opened: list[dict[str, str]]
    closed: list[dict[str, str]]
    errors: list[str]

    @property
    def steps(self) -> dict[str, list[dict[str, str]]] | None:
        """What the role's tasks do; None where that is nothing."""
        return {"opened": self.opened, "closed": self.closed} if self.opened or self.closed else None


_NOTHING = ZoneRules({}, [], [], [], [])


def is_asked(options: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether firewalld is asked: where rules are wanted, or an earlier run has added some."""
    here = not prefix_of(options) and options.get("topology_root") == "/" and not found.get("failed")
    wanted = has_rules(options.get("exposure"), options.get(NETWORKS))
    return here and (wanted or FIREWALLD_FILE in (found.get("digests") or {}))


def rich_rules(plan: Mapping[str, Any]) -> list[str]:
    """The rules that a zone needs, one for each network and port, as firewalld itself writes them."""
    if not is_guarded(plan):
        return []
    known = [ipaddress.ip_network(each) for each in networks(plan)]
    return [
        f'rule family="ipv{network.version}" source address="{network}" port port="{port}" protocol="tcp" accept'
        for network in dict.fromkeys(known)
        for port in ports(plan)
    ]


def zone_rules(plan: Mapping[str, Any], found: Mapping[str, Any], *, live: bool = True) -> ZoneRules:
    """Decide by what was found; ``found["firewalld"]`` is missing where firewalld was not asked."""
    read = found.get("firewalld")
    if read is None:
        return _NOTHING
    wanted = rich_rules(plan)
    if read["problems"]:
        why = "whether firewalld lets these networks in" if wanted else "what an earlier run has added to firewalld"
        return _NOTHING._replace(errors=[f"ollama_exposure: {why} cannot be read: {'; '.join(read['problems'])}"])
    if not read["running"]:
        # What an earlier run has added stays recorded until it can be taken away.
        return _NOTHING._replace(files=_record(_rows(read["recorded"])))
    planned = [(zone, rule) for zone in _zones(read) for rule in wanted]
    earlier, whole, partly = set(_rows(read["recorded"])), _whole(read), _partly(read)
    # A rule that somebody else has written is theirs, and stays when the plan has no use for it.
    ours = [row for row in planned if row in earlier or row not in whole]
    made = ZoneRules(
        _record(ours),
        [FIREWALLD_FILE] if read["recorded"] and not ours else [],
        _steps((row for row in planned if row not in whole), _OPEN) if live else [],
        _steps((row for row in _rows(read["recorded"]) if row not in planned and row in partly), _CLOSED)
        if live
        else [],
        [],
    )
    return made._replace(errors=list(_missing(read, made.opened or made.closed)))


def removed(read: Mapping[str, Any] | None) -> ZoneRules:
    """What becomes of them where all that the role has written goes."""
    if read is None or not (read["recorded"] or read["recorded"] is None):
        return _NOTHING
    if read["problems"]:
        return _NOTHING._replace(errors=list(read["problems"]))
    partly = _partly(read)
    closed = _steps((row for row in _rows(read["recorded"] or []) if row in partly), _CLOSED)
    return _NOTHING._replace(closed=closed, errors=list(_missing(read, closed)))


def restored(read: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{rules, refusals}`` (docs: the filter zone_rules) that lead to the rules which are recorded in ``read``.

    ``before`` was read before the record was restored: what only that one has goes.
    """
    now, then = _rows(read["recorded"] or []), _rows(before["recorded"] or [])
    if now == then and not now:
        return {"rules": [], "refusals": []}
    if read["problems"] or not read["running"]:
        return {"rules": [], "refusals": list(read["problems"])}
    whole, partly = _whole(read), _partly(read)
    rules = [
        *_steps((row for row in now if row not in whole), _OPEN),
        *_steps((row for row in then if row not in now and row in partly), _CLOSED),
    ]
    return {"rules": rules, "refusals": list(_missing(read, rules))}


def left_rules(read: Mapping[str, Any] | None) -> list[str]:
    """Sentences on recorded rules that cannot be taken away, since firewalld does not run."""
    if read is None or read["running"] is not False:
        return []
    return [
        f"in the zone {zone} of firewalld, which does not run, stays {rule}: firewall-offline-cmd --zone={zone}"
        f" --remove-rich-rule='{rule}' removes it"
        for zone, rule in _rows(read["recorded"] or [])
    ]


def _missing(read: Mapping[str, Any], rows: list[dict[str, str]]) -> Iterator[str]:
    if rows and not read.get("module"):
        yield (
            "ollama_exposure: firewalld runs on this host, and the rules of its zones are changed by the module"
            f" {MODULE}, which is not installed where Ansible runs; install its collection:"
            " ansible-galaxy collection install ansible.posix"
        )


def _zones(read: Mapping[str, Any]) -> list[str]:
    """The zones that packets of the networks may come in by and that do not accept all of them."""
    return [
        zone["name"] for zone in read["zones"] if (zone["active"] or zone["default"]) and zone["target"] != "ACCEPT"
    ]


def _whole(read: Mapping[str, Any]) -> set[Row]:
    """The rules that are there now and after the next start."""
    return {(zone["name"], rule) for zone in read["zones"] for rule in {*zone["rules"]} & {*zone["permanent_rules"]}}


def _partly(read: Mapping[str, Any]) -> set[Row]:
    return {(zone["name"], rule) for zone in read["zones"] for rule in (*zone["rules"], *zone["permanent_rules"])}


def _rows(rows: Iterable[Mapping[str, str]]) -> list[Row]:
    return [(row["zone"], row["rule"]) for row in rows]


def _steps(rows: Iterable[Row], state: str) -> list[dict[str, str]]:
    return [{"zone": zone, "rule": rule, "state": state} for zone, rule in rows]


def _record(rows: list[Row]) -> dict[str, str]:
    if not rows:
        return {}
    known = [{"zone": zone, "rule": rule} for zone, rule in rows]
    return {FIREWALLD_FILE: json.dumps({"about": _ABOUT, "rules": known}, indent=2) + "\n"}
