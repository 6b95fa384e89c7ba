# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a plan turns from one answer into the other, as hosts grow (_plan)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    decision,
    environment,
    plan,
    topology,
    workstation,
)
from ansible_collections.inference.ollama.tests.unit.support.releases import OLDER, OLDEST

LOADED, PARALLEL, CONTEXT = "OLLAMA_MAX_LOADED_MODELS", "OLLAMA_NUM_PARALLEL", "OLLAMA_CONTEXT_LENGTH"


@pytest.mark.parametrize(("gib", "exceeded"), [(1, True), (2, False), (3, False), (4, False), (8, False)])
@pytest.mark.parametrize("objective", ["latency", "balanced", "throughput"])
def test_the_least_is_planned_on_small_hosts_without_a_warning(gib, exceeded, objective):
    """A small host runs small models: half of its memory for weights is no demand there."""
    made = plan(topology(cores=2, memory_gib=gib), objective=objective)
    assert ("budget-exceeded" in codes(made)) is exceeded


@pytest.mark.parametrize(("gib", "models"), [(10, "1"), (11, "3"), (12, "3")])
def test_several_models_stay_on_a_card_of_11_gib_or_more(gib, models):
    """A smaller one holds one model, so that no request waits for another model's unloading and loading."""
    assert environment(workstation(card(memory_bytes=gib << 30)))[LOADED] == models


@pytest.mark.parametrize(("cores", "slots"), [(7, "1"), (8, "2"), (11, "2"), (12, "3"), (16, "4")])
def test_each_request_on_cpus_has_four_threads(cores, slots):
    """More requests at a time would make each of them too slow."""
    assert environment(topology(cores=cores, memory_gib=128), objective="throughput")[PARALLEL] == slots


@pytest.mark.parametrize(("release", "source"), [(OLDER, "contract"), (OLDEST, "policy")])
def test_a_context_that_the_release_does_not_read_is_explained(release, source):
    """What is not set has a decision too, with the reason that it has no effect there."""
    found = decision(plan(topology(cores=8), release), CONTEXT)
    assert found["source"] == source
    assert (found["value"] is None) is (source == "contract")
