# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the rules of the firewall let in whom the plan lets in, and nobody else: by connections that were tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._firewall import (
    TABLE,
    clients,
    is_guarded,
    networks,
    ports,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import FAIL, PASS, SITE, UNKNOWN, Check
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, number, rows, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXPOSURE = "exposure"
_TRY = "run the playbook inference.ollama.verify as root, on a host with the programs ip and nft"


def check_exposure(plan: Mapping[str, Any], found: Mapping[str, Any] | None) -> Iterator[Check]:
    """One check of the host, where the plan has rules of a firewall."""
    if not is_guarded(plan):
        return
    planned, place = f"{' '.join(networks(plan))} alone", f"table inet {TABLE}, as the kernel has it"
    allowed, forbidden = clients(plan)
    tried = {
        (text(row.get("address")), number(row.get("port"))): row for row in rows(mapping(found).get("connections"))
    }
    if mapping(found).get("loaded") is False:
        yield Check(None, EXPOSURE, FAIL, planned, "everybody", f"there is no {place}", SITE)
        return
    wanted = [(address, port, address in allowed) for address in (*allowed, *forbidden) for port in ports(plan)]
    wrong, unsure = [], []
    for address, port, let_in in wanted:
        connected = tried.get((address, port), {}).get("connected")
        if not isinstance(connected, bool):
            unsure.append(f"{address} to port {port}")
        elif connected is not let_in:
            wrong.append(f"{address} {'is let in to' if connected else 'is kept out of'} port {port}")
    evidence = f"{place}: connections from {', '.join(allowed)} (allowed) and {', '.join(forbidden)} (not)"
    if wrong:
        yield Check(
            None, EXPOSURE, FAIL, planned, "; ".join(wrong), evidence, f"{SITE}; something has changed the rules"
        )
    elif unsure:
        said = "; ".join(texts(mapping(found).get("problems")) or [])
        why = f"not tried: {', '.join(unsure)}{f' ({said})' if said else ''}"
        yield Check(None, EXPOSURE, UNKNOWN, planned, None, why, _TRY)
    else:
        yield Check(None, EXPOSURE, PASS, planned, planned, evidence, None)
