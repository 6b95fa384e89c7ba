# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of the fleet: its verdict with the reason, its hardware and its release."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import vendor_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.failed import failed_checks
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, rows

FAIL, UNREACHABLE, REFUSED = "fail", "unreachable", "refused"
UNKNOWN, CONFIGURED, PASS = "unknown", "configured", "pass"
# The worst first.
VERDICTS = (FAIL, UNREACHABLE, REFUSED, UNKNOWN, CONFIGURED, PASS)
PARTS = ("changes", "verification", "drift", "plan", "fit", "measurement", "tuning", "topology")

# A decision that lacks one of these places nothing.
_PLACED = {"instance", "setting", "kind", "value"}
# The number of settings that a sentence names.
_NAMED = 3


def host_of(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """``{name, verdict, reason, hardware, release, error, accepted, strict, changes, verification, ..., since}``.

    ``record`` is a cleaned one. A part that is not a mapping counts as missing; ``since`` is null.
    """
    parts = {part: mapping(record.get(part)) or None for part in PARTS}
    error = record.get("error")
    error = error if isinstance(error, str) and error.strip() else None
    named = record.get("accepted")
    accepted = [entry for entry in named if isinstance(entry, str)] if isinstance(named, list) else []
    unread = record.get("measured_problems")
    problems = [entry for entry in unread if isinstance(entry, str)] if isinstance(unread, list) else []
    host = {"accepted": accepted, "strict": record.get("strict") is True, **parts, "measured_problems": problems}
    verdict, reason = _judged(error, record.get("stopped"), host)
    return {
        "name": name,
        "verdict": verdict,
        "reason": reason,
        "hardware": _hardware(mapping(parts["topology"])),
        "release": _release(parts),
        "error": error,
        **host,
        "since": None,
    }


def servers(plan: object) -> list[dict[str, Any]]:
    """The instances of a plan, each with its placement."""
    instances, decisions = (rows(mapping(plan).get(part)) for part in ("instances", "decisions"))
    placed = [row for row in decisions if row.keys() >= _PLACED and isinstance(row["setting"], str)]
    return views.servers({"instances": [row for row in instances if "name" in row], "decisions": placed})


def differences(drift: object) -> list[Mapping[str, Any]]:
    """The differences between files, those in comments alone last."""
    found = rows(mapping(drift).get("differences"))
    return sorted(found, key=lambda row: row.get("kind") == "text")


def checks(verification: object, *verdicts: str) -> list[Mapping[str, Any]]:
    """The checks with these verdicts, in the order of the verdicts."""
    found = rows(mapping(verification).get("checks"))
    return [check for verdict in verdicts for check in found if check.get("verdict") == verdict]


def failed(host: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The checks that make the host fail, those that failed before those that are unknown."""
    found = {"checks": checks(host["verification"], FAIL, UNKNOWN)}
    return [*failed_checks(found, host["accepted"], strict=host["strict"])]


def is_accepted(check: Mapping[str, Any], host: Mapping[str, Any]) -> bool:
    """Whether the check would make the host fail if the operator did not accept it."""
    # Reports of earlier releases lack the key.
    alone, strict = {"checks": [check]}, host.get("strict") is True
    return bool(failed_checks(alone, strict=strict)) and not failed_checks(alone, host["accepted"], strict=strict)


def counted(count: int, what: str) -> str:
    """``1 host``, ``2 hosts``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _judged(error: str | None, stopped: object, host: Mapping[str, Any]) -> tuple[str, str]:
    if error is not None:
        return (str(stopped) if stopped in (UNREACHABLE, REFUSED) else FAIL), error
    run = _run(mapping(host["changes"]))
    if run is not None:
        return FAIL, run
    return _unverified(host) if host["verification"] is None else _verified(host)


def _unverified(parts: Mapping[str, Any]) -> tuple[str, str]:
    wrong = [row for row in differences(parts["drift"]) if row.get("kind") != "text"]
    if wrong:
        return FAIL, f"{counted(len(wrong), 'difference')} between the unit files and the plan"
    if parts["plan"] is None:
        return UNKNOWN, "there is no plan, and no error that explains it"
    software = mapping(mapping(parts["topology"]).get("software"))
    if _lacks_ollama(software):
        return UNKNOWN, "Ollama is not installed; the plan shows what a run would write"
    return UNKNOWN, "the running service was not compared with the plan"


def _run(changes: Mapping[str, Any]) -> str | None:
    """The failure of this run in a sentence; None without one."""
    what = {"failed": "was not rolled back", "restored": "was rolled back"}.get(str(changes.get("outcome")))
    if what is None:
        return None
    words = [str(changes[key]) for key in ("reason", "problem") if changes.get(key)]
    return f"The run failed and {what}{': ' if words else ''}{'; '.join(words)}"


def _verified(host: Mapping[str, Any]) -> tuple[str, str]:
    wrong, unknown = failed(host), checks(host["verification"], UNKNOWN)
    total = len(rows(host["verification"].get("checks")))
    of = f"of {counted(total, 'check')}"
    if wrong:
        what = "failed or unknown" if any(check["verdict"] == UNKNOWN for check in wrong) else "failed"
        return FAIL, f"{len(wrong)} {of} {what}: {_names(wrong)}"
    if unknown:
        return UNKNOWN, f"{len(unknown)} {of} unknown: {_names(unknown)}"
    if not total:
        return UNKNOWN, "the verification holds no check"
    accepted = len(checks(host["verification"], FAIL))
    configured = checks(host["verification"], CONFIGURED)
    rest = f", {accepted} failed and accepted" if accepted else ""
    if configured:
        return CONFIGURED, f"{len(configured)} {of} configured, not proven: {_names(configured)}{rest}"
    return PASS, f"{counted(total - accepted, 'check')} passed{rest}"


def _names(found: list[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(str(check.get("setting")) for check in found))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _hardware(topology: Mapping[str, Any]) -> str | None:
    """``2 sockets, 28 cores, 256 GiB, 2 x NVIDIA H200``; None if nothing was read."""
    cpu, memory = mapping(topology.get("cpu")), mapping(topology.get("memory"))
    words = [
        counted(cpu[key], what) for key, what in (("sockets", "socket"), ("cores", "core")) if _count(cpu.get(key))
    ]
    total = memory.get("host_bytes") or memory.get("total_bytes")
    if isinstance(total, int) and _count(total):
        words.append(bytes_of(total))
    cards: dict[str, int] = {}
    for gpu in rows(topology.get("gpus")):
        name = str(gpu.get("name") or f"{vendor_of(gpu.get('vendor')).title} GPU".strip())
        name += " without a driver" if gpu.get("answers") is False else ""
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
    """Whether the host was read and Ollama is not installed."""
    return bool(software) and not mapping(software.get("ollama")).get("unit")
