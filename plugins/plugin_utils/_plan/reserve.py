# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of each card stays free for others.

Sources: docs/policy.md, rule M6.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import MARGIN_BYTES, MIB
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

OVERHEAD, TARGET = "OLLAMA_GPU_OVERHEAD", "LLAMA_ARG_FIT_TARGET"
# A desktop and a browser; what they take comes and goes, and the server looks at it only when it loads a model.
DISPLAY_BYTES = 1024 * MIB


def reserve(case: Case) -> int:
    """Bytes of each card that stay free beyond the server's own margin, as planned or as the operator says."""
    free = case.policy.environment
    own = free.get(TARGET, "").partition(",")[0]
    if own.isdigit() and case.acts(TARGET):
        return max(0, int(own) * MIB - MARGIN_BYTES)
    if free.get(OVERHEAD, "").isdigit() and case.acts(OVERHEAD):
        return int(free[OVERHEAD])
    if case.policy.gpu_reserve_bytes is not None:
        return int(case.policy.gpu_reserve_bytes)
    return DISPLAY_BYTES if any(gpu.display_active for gpu in case.gpus) else 0


def keep_free(case: Case) -> dict[str, str]:
    """The environment that keeps the reserve free, in the variable that acts on the release."""
    name = TARGET if case.acts(TARGET) else OVERHEAD
    wish = case.policy.gpu_reserve_bytes
    for other in (TARGET, OVERHEAD):
        if wish is not None and other in case.policy.environment:
            case.refuse(
                f"ollama_environment.{other}: contradicts ollama_gpu_reserve_bytes: {wish}; set only one of them"
            )
    source = POLICY if wish is None else OPERATOR
    if not case.gpus:
        case.decide(name, None, source, "not set: models run on no GPU")
        return {}
    if wish is not None:
        _refuse_too_much(case, wish)
    amount = wish if wish is not None else reserve(case) if not _free(case) else 0
    shown = [gpu.name for gpu in case.gpus if gpu.display_active]
    why = f"ollama_gpu_reserve_bytes is {wish}" if wish is not None else f"{', '.join(shown)} drives a display"
    if not amount:
        why = "no card drives a display" if wish is None else why
        case.decide(name, None, source, f"not set: {why}, and the server's own margin is enough")
        return {}
    if case.acts(TARGET):
        value = (MARGIN_BYTES + amount + MIB - 1) // MIB
        reason = f"{why}: {value} MiB of each card stay free, {amount // MIB} more than by default"
        return {TARGET: str(case.decide(TARGET, str(value), source, reason))}
    if case.acts(OVERHEAD):
        reason = f"{why}: {gib(amount)} of each card stay free beside the server's own margin"
        return {OVERHEAD: str(case.decide(OVERHEAD, str(amount), source, reason))}
    reason = f"not set: before 0.30.0 it is {OVERHEAD} that keeps memory of a card free and from then on {TARGET}"
    case.decide(OVERHEAD, None, CONTRACT, f"{reason}, and the release is unknown")
    return {}


def _free(case: Case) -> bool:
    """Whether the free environment says it; that decision is noted where the environment is merged."""
    return any(name in case.policy.environment for name in (TARGET, OVERHEAD))


def _refuse_too_much(case: Case, wish: int) -> None:
    # A larger number than the card's memory wraps round in the server (server/routes.go).
    for gpu in case.gpus:
        if gpu.memory_bytes and wish + MARGIN_BYTES >= gpu.memory_bytes:
            case.refuse(
                f"ollama_gpu_reserve_bytes: {wish} leaves nothing of {gpu.label}, of which the server keeps"
                f" {gib(MARGIN_BYTES)} free by itself; allowed is auto, or less than"
                f" {max(0, gpu.memory_bytes - MARGIN_BYTES)}"
            )


__all__ = ("keep_free", "reserve")
