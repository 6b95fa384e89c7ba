# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How bad a finding on the free environment has to be to stop the plan (_plan/environment.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.environment import ready
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.tests.unit.support import plans

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
    _settled, found, warned = ready(policy(level), NEW)
    assert [error.partition(":")[0] for error in found] == [f"ollama_environment.{name}" for name in errors]
    assert [warning["code"] for warning in warned] == warnings


def test_what_is_inert_is_left_out_and_the_warning_says_so():
    """A setting that does nothing does not end up in a unit, and nobody has to guess why."""
    settled, _errors, found = ready(policy("fatal"), NEW)
    assert settled.environment == {}
    assert (settled.max_queue, settled.cuda_visible_devices) == (64, ())
    warned = {warning["code"]: warning for warning in found}
    assert warned["environment-never"] == {
        "code": "environment-never",
        "message": "OLLAMA_NUM_THREADS: it has no effect: no release reads it; it was left out",
        "remedy": "use ollama_num_threads",
    }
    assert "left out" not in warned["environment-back-through-vulkan"]["message"]


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [("OLLAMA_NOPRUNE", "true", "1"), ("OLLAMA_NOPRUNE", "F", "0"), ("LLAMA_ARG_FIT", "off", "0")],
)
def test_booleans_are_written_as_1_and_0(name, value, written):
    """No two hosts spell the same value in two ways."""
    settled, errors, _warned = ready(Policy(environment={name: value}), NEW)
    assert (settled.environment, errors) == ({name: written}, [])


@pytest.mark.parametrize("name", ["OLLAMA_NOPRUNE", "OLLAMA_FLASH_ATTENTION"])
def test_a_boolean_that_the_server_takes_by_accident_is_refused(name):
    """Any unknown text means on to Ollama: the next one might be meant as off."""
    _settled, (error,), _warned = ready(Policy(environment={name: "on"}), NEW)
    assert error.startswith(f"ollama_environment.{name}: 'on' switches it on, as does any text")


def test_a_name_that_is_wrong_beside_a_variable_is_refused():
    """A quantised cache without flash attention stops every load, wherever the two come from."""
    with pytest.raises(OllamaError, match=r"ollama_environment\.LLAMA_ARG_CACHE_TYPE_V: a quantised cache needs"):
        plans.plan(plans.xeon(), flash_attention=False, environment={"LLAMA_ARG_CACHE_TYPE_V": "q8_0"})
