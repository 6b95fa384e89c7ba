# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of what was measured, for plans that take them."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._hardware import hardware

DIGEST = "ab" * 32


def record_of(facts, settings, **fields):
    """A record that was measured on a host of these facts, with other fields where given; None takes one out."""
    found = hardware(facts)
    made = {
        "hardware": found["key"],
        "machine": found["text"],
        "release": "0.34.1",
        "model": "llama3.1:8b",
        "digest": DIGEST,
        "objective": "balanced",
        "settings": settings,
        "metric": "output_token_throughput",
        "unit": "tokens/s",
        "value": 455.0,
        "before": 312.0,
        "gain_percent": 45.8,
        "at": "2026-11-27",
        "host": "node-17",
        **fields,
    }
    return {key: value for key, value in made.items() if value is not None or key == "value"}
