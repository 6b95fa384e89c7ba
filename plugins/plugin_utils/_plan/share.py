# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the host that one instance gets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Machine, Node
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy

SINGLE, TEMPLATE = "ollama.service", "ollama@.service"


@dataclass(frozen=True)
class Share:
    """One ``ollama serve``: its name, its part of the host, and its policy.

    ``cpus`` None leaves CPUs and node to the questions of cpu.py; ``node`` is the node or socket that all of ``cpus``
    lie on, None without one. ``memory_bytes`` is None where it could not be read. ``why`` ends in numbers.
    """

    name: str
    policy: Policy
    gpus: tuple[Gpu, ...]
    memory_bytes: int | None
    source: str
    why: str
    cpus: CpuSet | None = None
    node: Node | None = None
    index: int = 0
    count: int = 1
    # Whether the policy's max_loaded_models is the instance's own, or the host's total.
    own_loaded_models: bool = False

    @property
    def unit(self) -> str:
        """The systemd unit: the only instance is the installed service, of several each is one of a template."""
        return SINGLE if self.count == 1 else TEMPLATE.replace("@", f"@{self.name}")


def memory_of(machine: Machine, node: Node | None, neighbours: int, count: int) -> int | None:
    """Bytes that one of ``count`` instances may fill, ``neighbours`` of which share its node.

    A limit on the service's control group holds for all of them together, so each gets an equal part of it.
    """
    if node is None or node.memory_bytes is None:
        return None if machine.memory_bytes is None else machine.memory_bytes // count
    local = node.memory_bytes // neighbours
    return local if machine.memory_limit is None else min(local, machine.memory_limit // count)


def within(machine: Machine, shares: Sequence[Share]) -> list[Share]:
    """The shares, whose memory is cut in proportion where it is more together than the host has or its limit allows.

    None of several has more than a limit of each instance leaves.
    """
    each = machine.instance_memory
    if each is not None and len(shares) > 1:
        shares = [
            share if share.memory_bytes is None else replace(share, memory_bytes=min(share.memory_bytes, each))
            for share in shares
        ]
    total = machine.memory_bytes
    together = sum(share.memory_bytes or 0 for share in shares)
    if total is None or together <= total:
        return list(shares)
    return [
        share if share.memory_bytes is None else replace(share, memory_bytes=share.memory_bytes * total // together)
        for share in shares
    ]
