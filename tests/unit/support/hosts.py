# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of many hosts, and what operators may want of them, for properties that must hold of every plan."""

from __future__ import annotations

import contextlib
import copy
import functools
import tempfile
from pathlib import Path

from hypothesis import assume
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.tests.unit.support import trees
from ansible_collections.inference.ollama.tests.unit.support.plans import SOFTWARE, card, topology
from ansible_collections.inference.ollama.tests.unit.support.releases import releases
from ansible_collections.inference.ollama.tests.unit.support.replay import planted

GIB = 1 << 30
STORED = sorted((Path(__file__).resolve().parents[1] / "machines").glob("*.txt"))
SHAPES = (
    {"cores": 2},
    {"cores": 8, "threads": 2},
    {"sockets": 2, "cores": 14, "threads": 2, "nodes": 2, "memory_gib": 128},
    {"sockets": 2, "cores": 14, "threads": 2, "nodes": 2, "numbering": "alternating"},
    {"sockets": 2, "cores": 8, "nodes": 2, "offline": "9-15", "memory_gib": [16, 96]},
    {"sockets": 2, "cores": 8, "threads": 2, "nodes": 2, "isolated": "1-3", "memory_only_nodes": [64]},
    {"sockets": 4, "cores": 4, "nodes": 4, "memory_gib": [8, 8, 0, 8]},
    {"sockets": 1, "cores": 16, "threads": 2, "nodes": 4},
    {"cores": 6, "threads": 2, "efficiency_cores": 8, "memory_gib": 32},
    {"cores": 16, "cpu_max": "250000 100000", "memory_max": "8589934592"},
    {"sockets": 2, "cores": 64, "threads": 2, "nodes": 8, "memory_gib": 96},
    {"sockets": 1, "cores": 10, "threads": 8, "memory_gib": 256},
    {"sockets": 1, "cores": 10, "threads": 8, "memory_gib": 256, "architecture": "ppc64le"},
    {"cores": 16, "memory_gib": 64},
)
CARDS = st.builds(
    dict,
    memory_bytes=st.sampled_from([None, 4, 6, 8, 12, 24, 48, 80, 141, 192]).map(lambda gib: gib and gib * GIB),
    compute_capability=st.sampled_from([None, "3.5", "5.2", "6.1", "7.2", "7.5", "8.6", "9.0", "10.0", "12.0"]),
    numa_node=st.sampled_from([None, 0, 1]),
    display_active=st.booleans(),
    vendor=st.sampled_from(["nvidia", "nvidia", "nvidia", "amd"]),
)
MODELS = st.lists(
    st.builds(
        dict,
        size_bytes=st.integers(1, 90).map(lambda gib: gib * GIB),
        layers=st.integers(16, 96),
        kv_heads=st.sampled_from([1, 4, 8, 32]),
        key_length=st.sampled_from([64, 128]),
        value_length=st.sampled_from([64, 128]),
        context_length=st.sampled_from([2048, 8192, 131072]),
        family=st.sampled_from(["llama", "gemma2", "qwen3next", "bert", "mllama"]),
    ),
    max_size=3,
).map(lambda models: [{"name": f"model{number}", **model} for number, model in enumerate(models)])
INSTANCES = [
    *("auto", "single", "per_numa_node", "per_gpu"),
    [{"name": "a"}, {"name": "b"}],
    [{"name": "a", "numa_node": 0}, {"name": "b"}],
]
OPTIONS = st.fixed_dictionaries(
    {"instances": st.sampled_from(INSTANCES)},
    optional={
        "objective": st.sampled_from(["latency", "balanced", "throughput"]),
        "reference_models": MODELS,
        "bind_method": st.sampled_from(["auto", "affinity"]),
        "flash_attention": st.sampled_from(["auto", True]),
        "num_parallel": st.integers(1, 16),
        "context_length": st.sampled_from([2048, 16384, 262144]),
        "max_loaded_models": st.integers(1, 12),
        "kv_cache_type": st.sampled_from(["auto", "f16", "q8_0"]),
        "load_mode": st.sampled_from(["auto", "mmap+mlock"]),
        "gpu_reserve_bytes": st.sampled_from([0, GIB, 3 * GIB]),
        "environment": st.sampled_from([{}, {"OLLAMA_NUM_THREADS": "8"}, {"OLLAMA_DEBUG": "1"}]),
        "hardening": st.booleans(),
    },
)


@functools.cache
def _stored(path):
    with tempfile.TemporaryDirectory() as folder:
        _capture, root = planted(path.read_text(encoding="utf-8"), folder)
        return gather(root, None, set(SUBSETS))


@functools.cache
def _captured(name):
    return gather(Root(trees.tree(name)), None, set(SUBSETS))


@functools.cache
def _all():
    """Machines that somebody has, and machines that test a rule each, as functions that read them."""
    stored = [functools.partial(_stored, path) for path in STORED]
    captured = [functools.partial(_captured, name) for name in trees.names()]
    return [*stored, *captured], [functools.partial(topology, **shape) for shape in SHAPES]


@st.composite
def machines(draw):
    """Facts of a machine, with software, and often with other cards than it has."""
    # A kind first, since the machines that somebody has are many and mostly have one node.
    facts = copy.deepcopy(draw(st.sampled_from(draw(st.sampled_from(_all()))))())
    facts["software"] = copy.deepcopy(SOFTWARE)
    total = (facts["memory"] or {}).get("total_bytes")
    if total and draw(st.integers(0, 3)) == 0:
        # A container has less than the nodes of its machine, or a group limits the service.
        part = total // draw(st.integers(2, 40))
        if draw(st.booleans()):
            facts["memory"].update(total_bytes=part, host_bytes=part)
        else:
            facts["allowed"]["memory_bytes"] = part
    facts["software"]["numactl"] = draw(st.sampled_from([None, "/usr/bin/numactl"]))
    if draw(st.booleans()):
        drawn = draw(st.lists(CARDS, max_size=4))
        facts["gpus"] = [card(number, **facts_of) for number, facts_of in enumerate(drawn)]
        driver = draw(st.sampled_from(["470.1", "550.1", "580.65.06"]))
        facts["drivers"] = {"nvidia": {"driver": driver, "cuda": "13.0", "error": None}, "amd": None}
    return facts


@st.composite
def cases(draw):
    """A machine, options and a release that go together."""
    return draw(machines()), draw(OPTIONS), draw(releases)


def planned(case):
    """Return the plan, and reject a case whose options contradict each other. The release is the argument alone."""
    machine, options, release = case
    machine["software"]["ollama"]["version"] = None
    made = None
    with contextlib.suppress(OllamaError):
        made = make_plan(machine, options, release)
    assume(made)
    return made
