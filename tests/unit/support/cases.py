# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs for one question of the plan, without a machine around them, and what it records."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import attention, capacity
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import fit
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Machine
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import parse
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.threads import Room
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

GIB = 1 << 30
LLAMA_8B = {
    "name": "llama3.1:8b",
    "size_bytes": 4_920_753_328,
    "layers": 32,
    "kv_heads": 8,
    "key_length": 128,
    "value_length": 128,
    "context_length": 131072,
    "family": "llama",
}
QWEN_7B = {
    "name": "qwen2.5:7b",
    "size_bytes": 4_683_087_332,
    "layers": 28,
    "kv_heads": 4,
    "key_length": 128,
    "value_length": 128,
    "context_length": 32768,
    "family": "qwen2",
}
LLAMA_70B = {**LLAMA_8B, "name": "llama3.1:70b", "size_bytes": 42_520_413_916, "layers": 80}
EMBEDDING = {
    "name": "nomic-embed-text",
    "size_bytes": 274_302_450,
    "layers": 12,
    "kv_heads": 12,
    "key_length": 64,
    "value_length": 64,
    "context_length": 2048,
    "family": "nomic-bert",
}


def gpu(vram, index=0, **facts):
    """An NVIDIA card with ``vram`` bytes, None where they could not be read."""
    known = {
        "vendor": "nvidia",
        "index": index,
        "name": f"Card {index}",
        "uuid": f"GPU-{index}",
        "pci_bus_id": f"0000:0{index}:00.0",
        "memory_bytes": vram,
        "compute": (8, 6),
        "gfx_target": None,
        "numa_node": None,
        "display_active": False,
        "integrated": False,
    }
    return Gpu(**{**known, **facts})


def case(memory=64 * GIB, cards=(), release="0.34.1", place=(0, 1), **options):
    """Inputs with ``memory`` bytes for the instance and the cards given; ``place`` is its index among how many."""
    policy, errors = parse(options)
    assert not errors
    return Planning(
        Machine({"schema": 1, "memory": {"total_bytes": memory}}),
        policy,
        parse_release(release) if release else None,
        load(),
        gpus=tuple(cards),
        memory_bytes=memory,
        index=place[0],
        count=place[1],
    )


def room(cores):
    """CPUs of so many cores with two threads each; None where they could not be read."""
    return None if cores is None else Room(CpuSet(range(2 * cores)), cores, cores, cores, None, f"{cores} cores")


def fill(made, cores):
    """The variables that the questions of capacity write."""
    capacity.fill(made, fit(made, room(cores)))
    return _written(made)


def attend(made):
    """The variables that the questions of attention write."""
    attention.attend(made)
    return _written(made)


def _written(made):
    return {entry["setting"]: entry["value"] for entry in made.notes.decisions if entry["value"] is not None}


def budget_of(made, cores=16):
    """How the memory is filled."""
    return fit(made, room(cores)).summary


def reason(made, setting):
    """Why the setting is as it is."""
    (found,) = [entry["reason"] for entry in made.notes.decisions if entry["setting"] == setting]
    return found


def source(made, setting):
    """Who decided the setting."""
    (found,) = [entry["source"] for entry in made.notes.decisions if entry["setting"] == setting]
    return found


def warned(made):
    """The codes of the warnings, in order."""
    return [warning["code"] for warning in made.notes.warnings]
