# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of the fleet: how it stands, in a word and a sentence, and what it is.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import VENDORS
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.words import bytes_of

FAIL, UNREACHABLE, REFUSED, UNKNOWN, PASS = "fail", "unreachable", "refused", "unknown", "pass"
# The worst first.
VERDICTS = (FAIL, UNREACHABLE, REFUSED, UNKNOWN, PASS)
PARTS = ("changes", "verification", "drift", "plan", "topology")

# So many settings are named in a sentence.
_NAMED = 3


def host_of(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """``{name, verdict, reason, hardware, release, error, accepted, changes, verification, drift, plan, topology}``.

    ``record`` is a cleaned one. A part of another kind than a mapping counts as one that is not there.
    """
    parts = {part: mapping(record.get(part)) or None for part in PARTS}
    error = record.get("error")
    error = error if isinstance(error, str) and error.strip() else None
    named = record.get("accepted")
    accepted = [entry for entry in named if isinstance(entry, str)] if isinstance(named, list) else []
    verdict, reason = _judged(error, record.get("stopped"), parts, accepted)
    return {
        "name": name,
        "verdict": verdict,
        "reason": reason,
        "hardware": _hardware(mapping(parts["topology"])),
        "release": _release(parts),
        "error": error,
        "accepted": accepted,
        **parts,
    }


def mapping(value: object) -> Mapping[str, Any]:
    """The value, or an empty mapping where it is of another kind."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list; none where it is of another kind."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def servers(plan: object) -> list[dict[str, Any]]:
    """The instances of a plan, each with its placement."""
    placed = [row for row in rows(mapping(plan).get("decisions")) if row.get("kind") == "placement"]
    return [
        {**entry, **{str(row.get("setting")): row.get("value") for row in placed if row.get("instance") == name}}
        for entry in rows(mapping(plan).get("instances"))
        for name in [entry.get("name")]
    ]


def differences(drift: object) -> list[Mapping[str, Any]]:
    """How the files differ; what is a matter of comments alone comes last."""
    found = rows(mapping(drift).get("differences"))
    return sorted(found, key=lambda row: row.get("kind") == "text")


def checks(verification: object, *verdicts: str) -> list[Mapping[str, Any]]:
    """The checks with these verdicts, in the order of the verdicts."""
    found = rows(mapping(verification).get("checks"))
    return [check for verdict in verdicts for check in found if check.get("verdict") == verdict]


def failed(host: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The checks that failed, without those whose failure the operator accepts."""
    return [check for check in checks(host["verification"], FAIL) if check.get("setting") not in host["accepted"]]


def counted(count: int, what: str) -> str:
    """``1 host``, ``2 hosts``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _judged(error: str | None, stopped: object, parts: Mapping[str, Any], accepted: list[str]) -> tuple[str, str]:
    if error is not None:
        return (str(stopped) if stopped in (UNREACHABLE, REFUSED) else FAIL), error
    run = _run(mapping(parts["changes"]))
    if run is not None:
        return FAIL, run
    if parts["verification"] is not None:
        return _verified(parts["verification"], accepted)
    return _unverified(parts)


def _unverified(parts: Mapping[str, Any]) -> tuple[str, str]:
    wrong = [row for row in differences(parts["drift"]) if row.get("kind") != "text"]
    if wrong:
        return FAIL, f"{counted(len(wrong), 'difference')} between the unit files and the plan"
    if parts["plan"] is None:
        return UNKNOWN, "no plan was made, and nothing says why"
    software = mapping(mapping(parts["topology"]).get("software"))
    if _lacks_ollama(software):
        return UNKNOWN, "Ollama is not installed; the plan is what a run would write"
    return UNKNOWN, "the running service was not compared with the plan"


def _run(changes: Mapping[str, Any]) -> str | None:
    """What went wrong in this run; None where nothing did."""
    what = {"failed": "was not taken back", "restored": "was taken back"}.get(str(changes.get("outcome")))
    if what is None:
        return None
    words = [str(changes[key]) for key in ("reason", "problem") if changes.get(key)]
    return f"The run failed and {what}{': ' if words else ''}{'; '.join(words)}"


def _verified(verification: Mapping[str, Any], accepted: list[str]) -> tuple[str, str]:
    wrong = failed({"verification": verification, "accepted": accepted})
    unseen = checks(verification, UNKNOWN)
    total = len(rows(verification.get("checks")))
    if wrong:
        return FAIL, f"{len(wrong)} of {counted(total, 'check')} failed: {_names(wrong)}"
    if unseen:
        return UNKNOWN, f"{len(unseen)} of {counted(total, 'check')} could not be told: {_names(unseen)}"
    if not total:
        return UNKNOWN, "the verification holds no check"
    borne = len(checks(verification, FAIL))
    return PASS, f"{counted(total - borne, 'check')} passed{f', {borne} failed and accepted' if borne else ''}"


def _names(found: list[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(str(check.get("setting")) for check in found))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _hardware(topology: Mapping[str, Any]) -> str | None:
    """``2 sockets, 28 cores, 256 GiB, 2 x NVIDIA H200``; None where nothing of it was read."""
    cpu, memory = mapping(topology.get("cpu")), mapping(topology.get("memory"))
    words = [
        counted(cpu[key], what) for key, what in (("sockets", "socket"), ("cores", "core")) if _count(cpu.get(key))
    ]
    total = memory.get("host_bytes") or memory.get("total_bytes")
    if isinstance(total, int) and _count(total):
        words.append(bytes_of(total))
    cards: dict[str, int] = {}
    for gpu in rows(topology.get("gpus")):
        vendor = str(gpu.get("vendor") or "")
        name = str(gpu.get("name") or f"{VENDORS.get(vendor, vendor)} GPU".strip())
        cards[name] = cards.get(name, 0) + 1
    words += [name if count == 1 else f"{count} x {name}" for name, count in cards.items()]
    return ", ".join(words) or None


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _release(parts: Mapping[str, Any]) -> str | None:
    software = mapping(mapping(parts["topology"]).get("software"))
    found = mapping(software.get("ollama")).get("version")
    if found is None and not _lacks_ollama(software):
        found = mapping(parts["plan"]).get("release")
    return found if isinstance(found, str) else None


def _lacks_ollama(software: Mapping[str, Any]) -> bool:
    """Whether the host was asked and has none."""
    return bool(software) and not mapping(software.get("ollama")).get("unit")


__all__ = (
    "FAIL",
    "PARTS",
    "PASS",
    "REFUSED",
    "UNKNOWN",
    "UNREACHABLE",
    "VERDICTS",
    "checks",
    "counted",
    "differences",
    "failed",
    "host_of",
    "mapping",
    "rows",
    "servers",
)
