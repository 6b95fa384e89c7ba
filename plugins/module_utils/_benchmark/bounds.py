# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measurement may be asked for: the bounds of the module benchmark and of the variables of the playbook."""

from __future__ import annotations

import re

# Seconds of anything; points of a call; requests per second; requests in flight at a time.
LONGEST, MOST_POINTS, MOST_RATE, MOST_IN_FLIGHT = 86400, 100, 10000, 4096
MODEL = re.compile(r"[!-~]{1,500}")
# Least and most of each number, and the least of each number of seconds.
NUMBERS: dict[str, tuple[int, int]] = {
    "prompt_tokens": (1, 1 << 20),
    "output_tokens": (1, 1 << 17),
    "warmup_requests": (0, 10000),
    "requests": (1, 1000000),
    "seed": (-(1 << 63), (1 << 63) - 1),
}
SECONDS = {"duration": 1.0, "max_duration": 1.0, "request_timeout": 0.1}
# Where nothing is asked for.
DEFAULTS = {
    "prompt_tokens": 256,
    "output_tokens": 128,
    "output_tokens_stdev": 0,
    "prompt_cache": "defeat",
    "arrival": "poisson",
    "duration": 30.0,
    "requests": 10000,
}
# The values of a request that goodput has limits for; the last one must not be below its limit, the others not above.
GOODPUT = ("time_to_first_token_ms", "inter_token_latency_ms", "request_latency_ms", "output_token_throughput_per_user")
