# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a runner's model is: on a card, or on the CPU alone. Pure, for the program on a host and for verdicts alike.

``size_vram`` of /api/ps is what the server has reckoned, and no evidence: it is above 0 on a host without any card.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional

GPU, CPU = "gpu", "cpu"


class Placed(NamedTuple):
    """``where`` is GPU, CPU, or None where nothing says; ``evidence`` says by what."""

    where: Optional[str]
    evidence: str


def placed(pid: object, use: Mapping[str, Any], layers: Optional[int]) -> Placed:
    """Where the model of a runner is.

    ``use`` has ``libraries``, ``devices`` and ``memory_bytes`` as cards.read_use() gives them, None for what was not
    read; ``layers`` is how many the runner logged as offloaded, None where no such line is there.
    """
    memory, devices, libraries = (use.get(name) for name in ("memory_bytes", "devices", "libraries"))
    held = memory if isinstance(memory, int) and not isinstance(memory, bool) else None
    if held:
        return Placed(GPU, f"the driver's list of processes: {held} bytes of a card for {pid}")
    nothing_open = isinstance(devices, list) and not devices
    unlisted = held == 0 and nothing_open
    if layers and not unlisted:
        return Placed(GPU, "the line 'offloaded'")
    if layers == 0:
        return Placed(CPU, "the line 'offloaded'")
    if unlisted:
        return Placed(CPU, f"{pid} has no card open and is not in the driver's list of processes")
    if nothing_open and isinstance(libraries, list) and not libraries:
        return Placed(CPU, f"/proc/{pid}/maps has no library and no device of a card")
    return Placed(None, f"neither the log nor the driver's list of processes says where the model of {pid} is")
