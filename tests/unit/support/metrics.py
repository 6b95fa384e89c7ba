# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collector of metrics has read of a host, and its samples by name and labels."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._files import unit_files
from ansible_collections.inference.ollama.plugins.plugin_utils._metrics.decide import decide
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import MODEL, running

CONFIRMED = 1795795200.5


def seen_of(plan, service=None, **changes):
    """What collect() returns of a host that runs as planned, with one model in memory, but for the changes."""
    made = {str(file["path"]): "0a" for file in unit_files(plan, "override.conf")}
    service = running(plan) if service is None else service
    return {
        "plan": plan,
        "confirmed_at": CONFIRMED,
        "pending": False,
        "service": service,
        "models": {each["unit"]: {MODEL: "m:8b"} for each in service["instances"]},
        "made": made,
        "found": dict(made),
        "kernel": {"transparent_hugepage": "madvise", "numa_balancing": 0},
        "cards": [],
        "problems": [],
        "dropin_name": "override.conf",
        "accepted": [],
        **changes,
    }


def samples_of(seen):
    """The values by name, then by labels as a frozen set of pairs."""
    found = {}
    for name, value, labels in decide(seen):
        found.setdefault(name, {})[frozenset((key, each) for key, each in labels.items() if each is not None)] = value
    return found


def value(found, name, **labels):
    """The value of the one sample with these labels, and perhaps others; None where there is none."""
    rows = [each for key, each in found.get(name, {}).items() if set(labels.items()) <= key]
    return rows[0] if len(rows) == 1 else rows or None
