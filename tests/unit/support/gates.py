# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements for the gate, as the module benchmark returns them."""

from __future__ import annotations


def benchmark(tokens, *, goodput=None, finished=None, errors=(), **counts):
    """A measurement of one point, by the tokens per second of each window and the counts of requests."""
    requests = {"successful": 20, "errored": 0, "refused": 0, "incomplete": 1, **counts}
    windows = {
        "seconds": 2.0,
        "output_token_throughput": list(tokens),
        "request_throughput": list(finished or [2.0] * len(tokens)),
        "goodput": goodput,
    }
    point = {
        "profile": "concurrent",
        "concurrency": 4,
        "seconds": 20.0,
        "requests": {"total": sum(requests.values()), **requests},
        "errors": list(errors),
        "windows": windows,
    }
    return {"schema": 1, "points": [point], "problems": []}
