# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How bad a finding on the free environment has to be to stop the plan (_plan/environment.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.environment import check, without_inert
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy

NEW = parse_release("0.34.1")
FREE = {
    "OLLAMA_KEEP_ALIVE": "1d",
    "OLLAMA_NUM_THREADS": "14",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OLLAMA_MAX_QUEUE": "64",
}


def policy(level):
    return Policy(environment=FREE, lint_level=level)


@pytest.mark.parametrize(
    ("level", "errors", "warnings"),
    [
        ("fatal", ["OLLAMA_KEEP_ALIVE"], ["environment-back-through-vulkan", "environment-never"]),
        ("inert", ["OLLAMA_KEEP_ALIVE", "OLLAMA_NUM_THREADS"], ["environment-back-through-vulkan"]),
    ],
)
def test_level_decides_what_stops(level, errors, warnings):
    """Fatal findings always stop, inert ones where the operator asks for it, advice never."""
    found, warned = check(policy(level), NEW)
    assert [error.partition(":")[0] for error in found] == [f"ollama_environment.{name}" for name in errors]
    assert [warning["code"] for warning in warned] == warnings


def test_what_is_inert_is_left_out_and_the_warning_says_so():
    """A setting that does nothing does not end up in a unit, and nobody has to guess why."""
    assert sorted(without_inert(policy("fatal"), NEW).environment) == sorted(set(FREE) - {"OLLAMA_NUM_THREADS"})
    warned = {warning["code"]: warning for warning in check(policy("fatal"), NEW)[1]}
    assert warned["environment-never"] == {
        "code": "environment-never",
        "message": "OLLAMA_NUM_THREADS: it has no effect: no release reads it; it was left out",
        "remedy": "use ollama_num_threads",
    }
    assert "left out" not in warned["environment-back-through-vulkan"]["message"]
