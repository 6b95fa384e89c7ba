# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many models may be in memory, and so answer, at the same time, and how many requests each of them takes.

What no memory changes: what the operator, the objective and the CPUs say. Sources: docs/policy.md, rules C3, M1 and M2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import MODELS
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.threads import undivided

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.threads import Room

# Streams of fewer cores each are slower to read along with than one after the other.
CORES_PER_STREAM = 4
# Of one model, however many cores there are.
MOST_SLOTS = {"latency": 1, "balanced": 2, "throughput": 16}


def loaded_option(planning: Planning) -> int | None:
    """The operator's number of loaded models: the instance's own, or the host's, divided by its instances."""
    option: int | None = planning.policy.max_loaded_models
    if option is None or planning.count == 1 or planning.own_loaded_models:
        return option
    if option < planning.count:
        planning.error(
            f"ollama_max_loaded_models: {option} is the host's total, and each of its {planning.count} instances holds"
            f" at least one model; allowed is auto, or at least {planning.count}, or fewer instances"
        )
        return 1
    return option // planning.count + (planning.index < option % planning.count)


def most_models(planning: Planning, room: Room | None) -> int:
    """Models that share the prompt caches' part of the memory, and on a host without GPU the CPUs."""
    own = loaded_option(planning)
    if own is not None:
        return own
    named = len(planning.policy.reference_models)
    return named or MODELS if planning.gpus else _on_cpus(planning, room, named)


def _on_cpus(planning: Planning, room: Room | None, named: int) -> int:
    """One model with all threads, or as many of those named as have at least a thread each."""
    if room is None or undivided(planning) or planning.policy.objective == "latency":
        return 1
    return max(1, min(named, room.threads // (planning.policy.num_threads or 1)))


def most_slots(planning: Planning, room: Room | None) -> int:
    """Requests that each of the models takes at the same time on a host without GPU."""
    return max(1, min(cores_of_each(planning, room) // CORES_PER_STREAM, MOST_SLOTS[planning.policy.objective]))


def cores_of_each(planning: Planning, room: Room | None) -> int:
    """The cores that a model computes with where all of them are in memory; 0 where they could not be read.

    The same for fewer models, so that more memory, which holds more of them, never lowers the requests.
    """
    if planning.policy.num_threads is not None:
        return int(planning.policy.num_threads)
    if room is None:
        return 0
    # One CPU that is left to the server costs a model nothing, so it counts.
    cores = room.cores if room.quota is None else min(room.cores, max(1, int(room.quota)))
    return cores if undivided(planning) else cores // most_models(planning, room)
