# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many slots pay on a card, from the bandwidth of its memory and the bytes of the model.

Arithmetic alone. The model and its constants were fitted to measurements on an H100 80GB with models of 3, 8, 32 and
70 billion parameters in q4_0; docs/performance.md has them, with the error. Source: docs/policy.md, rule M1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu

# One step gives every stream a token. READ is the time in which the card's memory could deliver the weights once.
# The host's own part of a step, such as starting kernels; multiples of READ that the first slot takes.
STEP_SECONDS, STEP_READS = 0.0015, 1.75
# What each further slot adds: the host's part, sampling from a vocabulary of 128,000 tokens, and multiples of READ.
SLOT_SECONDS, SLOT_READS = 0.00095, 0.42
# The same for a prompt of 256 tokens.
PROMPT_SECONDS, PROMPT_READS = 0.004, 16
# ``balanced``: each stream makes at least so many tokens/s, with a margin for the model's error, and when all slots
# get a prompt at once, the last of them has its first token within this time.
STREAM_TOKENS, MARGIN, FIRST_TOKEN_SECONDS = 20, 0.95, 2.0
# With fewer slots a second caller would wait for the whole answer of the first, whatever the card makes.
LEAST = 2
# ``throughput``: the most slots that were measured to pay.
MOST_PAYING = 64
# Where the bandwidth is not known, or the card is of a kind whose arithmetic was never measured.
UNKNOWN = {"latency": 1, "balanced": 8, "throughput": 16}
# The least compute capability with matrix units that llama.cpp uses on quantised weights (ggml-cuda, mma.cuh).
MEASURED_COMPUTE = (7, 5)
# Without reference models: eight billion parameters at 4.5 bits each.
ASSUMED_BYTES = 4_500_000_000


class Paying(NamedTuple):
    """``slots`` that pay for an objective, and why no more do, as a reason ends in it."""

    slots: int
    text: str


def bandwidth(cards: Iterable[Gpu]) -> int | None:
    """Bytes per second of the slowest card; None where one's is not known, or cards of its kind were never measured."""
    known = []
    for card in cards:
        if card.memory_bandwidth is None or card.compute is None or card.compute < MEASURED_COMPUTE:
            return None
        known.append(card.memory_bandwidth)
    return min(known, default=None)


def step_seconds(slots: int, weights: int, bytes_per_second: int) -> float:
    """Seconds between two tokens of a stream while all slots are busy."""
    read = weights / bytes_per_second
    return STEP_SECONDS + STEP_READS * read + (slots - 1) * (SLOT_SECONDS + SLOT_READS * read)


def paying(objective: str, weights: int, bytes_per_second: int | None) -> Paying:
    """The slots that pay for an objective on a card that reads so many bytes per second, at least one."""
    if bytes_per_second is None:
        return Paying(UNKNOWN[objective], "the bandwidth of the card's memory is not known, so no more are planned")
    if objective == "latency":
        return Paying(1, "one caller gets the card to itself")
    read = weights / bytes_per_second
    if objective == "throughput":
        return Paying(MOST_PAYING, f"more than {MOST_PAYING} were not measured to pay")
    step = MARGIN / STREAM_TOKENS
    by_stream = 1 + int((step - step_seconds(1, weights, bytes_per_second)) / (SLOT_SECONDS + SLOT_READS * read))
    prompt = PROMPT_SECONDS + PROMPT_READS * read
    slots = max(LEAST, min(by_stream, int(FIRST_TOKEN_SECONDS / prompt), MOST_PAYING))
    speed = 1 / step_seconds(slots, weights, bytes_per_second)
    return Paying(
        slots,
        f"with {slots} at work each stream makes about {speed:.0f} tokens/s, and the first token comes within about"
        f" {prompt * slots:.1f} s",
    )
