# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What models of a host's store change on the host (_desired.py)."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._desired import Run, desired_state
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_desired import DEFAULTS, after, found
from ansible_collections.inference.ollama.tests.unit.support.models import GEMMA, LLAMA, read
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

GIB = 1 << 30
SMALL = {**LLAMA, "name": "all-minilm:latest", "size_bytes": GIB // 16, "family": "bert", "layers": 6}
LARGE = {**LLAMA, "name": "llama3.3:70b", "size_bytes": 70 * GIB, "layers": 80, "kv_heads": [8] * 80}


def desired(models, host=None, *, check_mode=False, **options):
    """What a run does where the store has these models, two of which may be in memory at once."""
    variables = {**DEFAULTS, "api_key": False, "reference_models": "auto", "max_loaded_models": 2, **options}
    return desired_state(xeon(), variables, host or found(), Run("gpu1", check_mode), read(*models))


def test_a_second_run_on_the_same_store_does_nothing():
    """In whatever order it was read, and in check mode too."""
    first = desired([LLAMA, GEMMA])
    for check_mode in (False, True):
        second = desired([GEMMA, LLAMA], after(first), check_mode=check_mode)
        assert (second["pending"], second["changes"], second["refusals"]) == (False, [], [])


def test_a_model_that_decides_nothing_changes_nothing():
    """Neither a value nor a reason, so that no pull of a small model restarts a service."""
    first = desired([LLAMA, GEMMA])
    second = desired([LLAMA, GEMMA, SMALL], after(first))
    assert (second["pending"], second["changes"]) == (False, [])


def test_a_model_that_decides_changes_the_unit():
    """A larger one than all others, after which the run restarts the service once."""
    first = desired([LLAMA, GEMMA])
    second = desired([LLAMA, GEMMA, LARGE], after(first))
    assert second["restart"] == ["ollama.service"]
    assert desired([LLAMA, GEMMA, LARGE], after(second))["pending"] is False


def test_no_variable_is_another_one_by_what_the_store_has():
    """The host keeps that the models were its own, not which ones."""
    first = desired([LLAMA])
    assert first["earlier"]["/"]["reference_models"] == "auto"
    assert desired([GEMMA])["earlier"] == first["earlier"]
    assert desired([], reference_models=[])["earlier"] != first["earlier"]
