# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator may ask of a search: the settings by name, and the check of every option."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import OBJECTIVES, THROUGHPUT

THREADS, SLOTS, CONTEXT = "num_threads", "num_parallel", "context_length"
FLASH, KV_TYPE, INSTANCES, WEIGHT = "flash_attention", "kv_cache_type", "instances", "cpu_weight"
# In the order of the search: what decides most and costs one point comes first.
KNOBS = (INSTANCES, FLASH, KV_TYPE, THREADS, SLOTS, CONTEXT, WEIGHT)
MOST_CALLERS = 1024
# The type of the KV cache that needs nothing and costs no quality.
PLAIN_TYPE = "f16"


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, each with its default; refuse all wrong ones at once."""
    given: dict[str, Any] = {
        "objective": THROUGHPUT,
        "knobs": [name for name in KNOBS if name != WEIGHT],
        "kv_cache_types": [],
        "context_minimum": None,
        "concurrency": None,
    }
    if not isinstance(options, Mapping):
        raise OllamaError(f"the options of the search are a mapping of {', '.join(given)}")
    errors = [f"{name}: no such option; allowed are {', '.join(given)}" for name in options if name not in given]
    given.update({name: value for name, value in options.items() if value is not None and name in given})
    types = list(load().options[KV_TYPE].values)
    for name, allowed in (("knobs", list(KNOBS)), ("kv_cache_types", types)):
        values = given[name]
        if not isinstance(values, (list, tuple)) or not all(value in allowed for value in values):
            errors.append(f"{name}: {values!r} is not allowed; allowed is a list of {', '.join(allowed)}")
    if given["objective"] not in OBJECTIVES:
        errors.append(f"objective: {given['objective']!r} is not allowed; allowed are {', '.join(OBJECTIVES)}")
    for name, most in (("context_minimum", 1 << 24), ("concurrency", MOST_CALLERS)):
        value = given[name]
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most):
            errors.append(f"{name}: {value!r} is not allowed; allowed is a whole number from 1 to {most}")
    if errors:
        raise OllamaError("\n".join(errors))
    return given
