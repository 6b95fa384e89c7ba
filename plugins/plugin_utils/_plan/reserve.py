# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of each card stays free for others.

Sources: docs/policy.md, rule M6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import MARGIN_BYTES, MIB
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

OVERHEAD, TARGET = "OLLAMA_GPU_OVERHEAD", "LLAMA_ARG_FIT_TARGET"
# A desktop and a browser; what they take comes and goes, and the server looks at it only when it loads a model.
DISPLAY_BYTES = 1024 * MIB


def reserve(planning: Planning) -> int:
    """Bytes of each card that stay free beyond the server's own margin, as planned or as the operator says."""
    free = planning.policy.environment
    own = free.get(TARGET, "").partition(",")[0]
    if own.isdigit() and planning.acts(TARGET):
        return max(0, int(own) * MIB - MARGIN_BYTES)
    if free.get(OVERHEAD, "").isdigit() and planning.acts(OVERHEAD):
        return int(free[OVERHEAD])
    if planning.policy.gpu_reserve_bytes is not None:
        return int(planning.policy.gpu_reserve_bytes)
    return DISPLAY_BYTES if any(gpu.may_display for gpu in planning.gpus) else 0


def shown(cards: Iterable[Gpu]) -> str | None:
    """Which of the cards drive a display, or may do so, as a reason begins; None where none does."""
    sure = [card.name for card in cards if card.may_display and card.display_active]
    unknown = [card.name for card in cards if card.may_display and not card.display_active]
    if sure:
        return f"{', '.join(sure)} drives a display"
    return f"whether {', '.join(unknown)} drives a display is unknown" if unknown else None


def keep_free(planning: Planning) -> None:
    """Decide on the reserve in the variable that acts on the release."""
    option, free = planning.policy.gpu_reserve_bytes, planning.policy.environment
    for name in (TARGET, OVERHEAD):
        if option is not None and name in free:
            planning.error(
                f"ollama_environment.{name}: contradicts ollama_gpu_reserve_bytes: {option}; set only one of them"
            )
    name = TARGET if planning.acts(TARGET) else OVERHEAD
    source = POLICY if option is None else OPERATOR
    if not planning.gpus:
        planning.record(VARIABLE, name, None, source, "not set: models run on no GPU")
        return
    if option is not None:
        _check_size(planning, option)
    named = TARGET in free or OVERHEAD in free
    amount = option if option is not None else 0 if named else reserve(planning)
    why = f"ollama_gpu_reserve_bytes is {option}" if option is not None else shown(planning.gpus)
    if not amount:
        why = "no card drives a display" if option is None else why
        planning.record(VARIABLE, name, None, source, f"not set: {why}, and the server's own margin is enough")
    elif planning.acts(TARGET):
        value = (MARGIN_BYTES + amount + MIB - 1) // MIB
        reason = f"{why}: {value} MiB of each card stay free, {amount // MIB} more than by default"
        planning.record(VARIABLE, TARGET, str(value), source, reason)
    elif planning.acts(OVERHEAD):
        reason = f"{why}: {gib(amount)} of each card stay free beside the server's own margin"
        planning.record(VARIABLE, OVERHEAD, str(amount), source, reason)
    else:
        since = planning.since("llama_server")
        reason = f"not set: {OVERHEAD} keeps memory of a card free before {since}, {TARGET} from then on"
        planning.record(VARIABLE, OVERHEAD, None, CONTRACT, f"{reason}, and the release is unknown")


def _check_size(planning: Planning, option: int) -> None:
    # A larger number than the card's memory wraps round in the server (server/routes.go).
    for gpu in planning.gpus:
        if gpu.memory_bytes and option + MARGIN_BYTES >= gpu.memory_bytes:
            planning.error(
                f"ollama_gpu_reserve_bytes: {option} leaves nothing of {gpu.label}, of which the server keeps"
                f" {gib(MARGIN_BYTES)} free by itself; allowed is auto, or less than"
                f" {max(0, gpu.memory_bytes - MARGIN_BYTES)}"
            )
