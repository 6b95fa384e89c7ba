# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a server runs on its cards, and whether that is to be repaired now: observations in, decisions out."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._service.journal import start_of
from ansible_collections.inference.ollama.plugins.module_utils._service.placed import CPU, GPU, Placed, placed

# States of a server: on its cards; on the CPU alone; in part; without a model, but with its cards; not known; not up.
PARTLY, IDLE, UNKNOWN, DOWN = "partly", "idle", "unknown", "down"
HOUR = 3600


class Finding(NamedTuple):
    """What a check found of one server. ``models`` are those in memory, as /api/ps names them."""

    unit: str
    state: str
    reason: str
    models: Tuple[Mapping[str, Any], ...] = ()

    @property
    def fallen(self) -> bool:
        """Whether something runs on the CPU that was planned to run on a card."""
        return self.state in (CPU, PARTLY)


class Decision(NamedTuple):
    """Whether to repair, and why or why not."""

    act: bool
    why: str


def judge(observed: Mapping[str, Any], wanted: int) -> Finding:
    """What one instance of service_info says of a server that is planned with so many cards.

    The strongest word counts: what the server found at its start, then where each model's runner is.
    """
    unit, api, journal = str(observed.get("unit")), observed.get("api") or {}, observed.get("journal") or {}
    models, devices = tuple(api.get("models") or ()), journal.get("devices") or []
    if observed.get("active_state") not in ("active", None):
        return Finding(unit, DOWN, f"the unit is {observed.get('active_state')}")
    if devices and not _cards(devices):
        return Finding(unit, CPU, "the server found only the CPU at its start", models)
    runners = [each for each in observed.get("processes") or () if each.get("kind") == "runner"]
    starts = journal.get("starts") or ()
    places = [placed(each.get("pid"), each.get("gpu") or {}, _layers(each, starts)) for each in runners]
    return Finding(unit, *_of_runners(places, _cards(devices), wanted), models)


def _of_runners(places: Sequence[Placed], cards: int, wanted: int) -> Tuple[str, str]:
    """State and reason of a server that found so many cards, 0 where its log does not say, by where its models are."""
    on_cpu = [place for place in places if place.where == CPU]
    if on_cpu:
        state = CPU if len(on_cpu) == len(places) else PARTLY
        return state, f"{len(on_cpu)} of {len(places)} models run on the CPU: {on_cpu[0].evidence}"
    if 0 < cards < wanted:
        return PARTLY, f"the server found {cards} of {wanted} cards at its start"
    unclear = [place for place in places if place.where is None]
    if unclear:
        return UNKNOWN, unclear[0].evidence
    if places:
        return GPU, places[0].evidence
    if cards:
        return IDLE, f"no model is in memory; the server found {cards} card(s) at its start"
    return UNKNOWN, "its log has no line 'inference compute', and no model is in memory"


def _cards(devices: Sequence[Mapping[str, Any]]) -> int:
    return sum(str(device.get("library") or device.get("id")).lower() != "cpu" for device in devices)


def _layers(runner: Mapping[str, Any], starts: Sequence[Mapping[str, Any]]) -> Optional[int]:
    """The layers that a runner logged as offloaded."""
    found = ((start_of(starts, runner) or {}).get("offloaded") or {}).get("layers")
    return found if isinstance(found, int) else None


class Repairs(NamedTuple):
    """Earlier repairs, each with ``unit``, ``at`` in seconds since the epoch and ``helped``, and how many an hour."""

    made: Sequence[Mapping[str, Any]]
    limit: int


def decide(finding: Finding, repairs: Repairs, now: float, obstacle: Optional[str], *, busy: bool) -> Decision:
    """Whether a server is repaired now.

    ``obstacle`` says why a restart would not help, such as a driver that does not answer; ``busy`` is whether a request
    may be under way. A server that is on the CPU alone is restarted under requests too: they would take many times as
    long as they take after it, and clients try again.
    """
    if not finding.fallen:
        return Decision(act=False, why="nothing to repair")
    recent = [each for each in repairs.made if each.get("unit") == finding.unit and 0 <= now - _at(each) < HOUR]
    if len(recent) >= repairs.limit:
        why = f"{len(recent)} repairs in the last hour, of {repairs.limit} that are allowed"
    elif obstacle is not None:
        why = f"a restart would not help: {obstacle}"
    elif busy and finding.state != CPU:
        why = "requests run on a card; it is repaired once there are none"
    else:
        return Decision(act=True, why=finding.reason)
    return Decision(act=False, why=why)


def _at(repair: Mapping[str, Any]) -> float:
    at = repair.get("at")
    return float(at) if isinstance(at, (int, float)) and not isinstance(at, bool) else 0.0
