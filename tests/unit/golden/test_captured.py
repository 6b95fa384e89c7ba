# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for captured machines, where there are captures."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import FakeNvml, nvml_runner
from ansible_collections.inference.ollama.tests.unit.support.plans import instances
from ansible_collections.inference.ollama.tests.unit.support.trees import captures, names, tree, unpack

NONE = "no captured machines: set INFERENCE_OLLAMA_FIXTURES to the folder that holds topologies/trees"
needs_captures = pytest.mark.skipif(captures() is None, reason=NONE)


@needs_captures
@pytest.mark.parametrize(("host", "cpus", "cards"), [("x1", 16, 1), ("x2", 32, 2)])
def test_h200_hosts_are_used_whole_and_bound_to_nothing(host, cpus, cards):
    """One node, cards without display: all cores, models kept, flash attention, a context for each of eight slots."""
    nvml = json.loads((captures() / f"h200/{host}/nvml.json").read_text(encoding="utf-8"))
    runner = nvml_runner(FakeNvml(nvml, [f"0-{cpus - 1}"] * cards))
    topology = gather(Root(unpack(f"h200/{host}/tree.tar.xz")), runner, set(SUBSETS))
    (instance,) = instances(make_plan(topology, {}, "0.34.1"))
    assert (instance["binding"], instance["compute_threads"], len(instance["gpus"])) == ("none", cpus, cards)
    wanted = {
        "OLLAMA_NUM_PARALLEL": "8",
        "OLLAMA_CONTEXT_LENGTH": "32768",
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_FLASH_ATTENTION": "1",
        "LLAMA_ARG_THREADS": str(cpus),
    }
    assert wanted.items() <= instance["environment"].items()


@needs_captures
@pytest.mark.parametrize("name", names() or ["none"])
@pytest.mark.parametrize("release", ["0.24.0", "0.34.1"])
def test_every_captured_machine_has_a_plan_that_never_binds_without_threads(name, release):
    """Whatever the machine: a decision on everything, and no binding whose threads do not follow."""
    topology = gather(Root(tree(name)), None, set(SUBSETS))
    (instance,) = instances(make_plan(topology, {}, release))
    assert instance["binding"] == "none" or instance["environment"]["LLAMA_ARG_THREADS"] == str(
        instance["compute_threads"]
    )
