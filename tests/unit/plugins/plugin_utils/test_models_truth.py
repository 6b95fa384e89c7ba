# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is reckoned for models of 25 families, and what a llama-server b11434 said that it reserves for them.

memory_truth.json has the bytes of a CPU with AVX-512 and of an NVIDIA H100, made by tests/lab/memory_truth.py.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load, ModelMemory, model_memory

TRUTH = json.loads((Path(__file__).parent / "memory_truth.json").read_text("utf-8"))
# The program says MiB with two digits; the buffers of the results of small models are not much more.
ROUNDED = 12 * 1024
MIB = 1024**2
# What a process has of an H100 beside its model, and what an error is that does not matter beside it.
CUDA, VARIES = 590 * MIB, 16 * MIB
# Of these the head is made before the embedding, so it is never the same (src/models/gemma4.cpp@b11434).
HEAD_FIRST = ("gemma3n", "gemma4")


class Row(NamedTuple):
    """A load and its bytes, in the order of the file's columns."""

    shape: str
    where: str
    gpu_layers: int | None
    context: int
    parallel: int
    kv_type: str
    flash: bool
    rows: int
    weights: int
    cache: int
    compute: int
    results: int
    host: int
    process: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.compute + self.results


def record(name: str) -> dict[str, Any]:
    model = TRUTH["records"][name]
    known = model["tensor_bytes"]
    return {**model, "tensor_bytes": {**known, "layers": [known["layers"][kind] for kind in known["kinds"]]}}


RECORDS = {name: record(name) for name in TRUTH["records"]}
ROWS = [Row(*row) for row in TRUTH["rows"]]
MEMORY: dict[Row, ModelMemory] = {
    row: model_memory(RECORDS[row.shape], Load(row.context, row.parallel, row.kv_type, row.flash, row.rows))
    for row in ROWS
}
CPU = [row for row in ROWS if row.where != "gpu"]
GPU = [row for row in ROWS if row.where == "gpu"]


def weights(row: Row) -> int:
    """What is reckoned for the weights: on a GPU without the embedding, on a CPU with one that is the head, too, once,
    unless the CPU's instructions want the head in an order of their own."""
    memory, known = MEMORY[row], RECORDS[row.shape]["tensor_bytes"]
    if row.where == "gpu":
        return memory.weights - memory.input
    copied = memory.output - known["output"] - known["other"]
    return memory.weights - (0 if row.where == "repacked" or RECORDS[row.shape]["family"] in HEAD_FIRST else copied)


def errors(rows: list[Row]) -> list[float]:
    """By how many percent each row's total is reckoned too high, or, negative, too low."""
    found = []
    for row in rows:
        memory = MEMORY[row]
        mine = weights(row) + memory.cache + memory.results
        mine += memory.compute if row.where == "gpu" else memory.compute_cpu
        found.append((mine - row.total) * 100 / row.total)
    return found


def test_the_columns_are_those_that_are_read():
    """The file names what it holds."""
    assert tuple(TRUTH["columns"]) == Row._fields
    assert len(RECORDS) == 25
    assert len({(row.parallel, row.context) for row in CPU}) > 8


@pytest.mark.parametrize("name", RECORDS)
def test_weights_and_cache_are_exact(name):
    """On the CPU and on the GPU, for every context, count of slots and type of the cache."""
    rows = [row for row in ROWS if row.shape == name]
    assert rows
    for row in rows:
        assert weights(row) == pytest.approx(row.weights, rel=2e-3, abs=3 * ROUNDED), row
        assert MEMORY[row].cache == pytest.approx(row.cache, abs=3 * ROUNDED), row
        assert MEMORY[row].results == pytest.approx(row.results, abs=ROUNDED), row


@pytest.mark.parametrize("rows", [CPU, GPU], ids=["cpu", "gpu"])
def test_the_median_error_is_below_three_percent(rows):
    """Half of all loads are nearer than that, on the CPU and on the GPU."""
    assert statistics.median(map(abs, errors(rows))) < 3


@pytest.mark.parametrize("name", RECORDS)
def test_no_model_on_a_cpu_is_reckoned_much_too_low(name):
    """Not by more than 5 % of all that is reserved."""
    assert min(errors([row for row in CPU if row.shape == name])) > -5


@pytest.mark.parametrize("name", RECORDS)
def test_no_model_on_a_card_is_reckoned_much_too_low(name):
    """Not by more than 5 %, or what a process varies by; nor beside what nvidia-smi says of the process."""
    for row in GPU:
        if row.shape == name:
            mine = weights(row) + MEMORY[row].cache + MEMORY[row].compute
            so = row.weights + row.cache + row.compute
            assert so - mine <= max(so // 20, VARIES), row
            assert row.process - mine - CUDA <= 128 * MIB, row
