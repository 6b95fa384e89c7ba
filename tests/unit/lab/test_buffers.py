# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a runner says that it reserves, as it is read from its lines; and the models that it is asked about."""

from __future__ import annotations

import json
import os
import sys

import buffers
import memory_truth
import model_shapes
import pytest

from ansible_collections.inference.ollama.plugins.module_utils._models.files import read_model_files

# Of a b11434 with a GPU, a model with sliding windows and one with recurrent layers.
LINES = """\
load_tensors:   CPU_Mapped model buffer size =    90.00 MiB
load_tensors:        CUDA0 model buffer size =    32.50 MiB
load_tensors:        CUDA0 model buffer size =     1.50 MiB
llama_context:  CUDA_Host  output buffer size =     1.00 MiB
llama_kv_cache_iswa: creating non-SWA KV cache, size = 4096 cells
llama_kv_cache:      CUDA0 KV buffer size =     8.00 MiB
llama_kv_cache: size =    8.00 MiB (  4096 cells,   2 layers,  1/1 seqs), K (f16):    4.00 MiB, V (f16):    4.00 MiB
llama_kv_cache_iswa: creating     SWA KV cache, size = 1024 cells
llama_kv_cache:      CUDA0 KV buffer size =    10.00 MiB
llama_memory_recurrent:        CPU RS buffer size =     6.18 MiB
sched_reserve:      CUDA0 compute buffer size =   240.00 MiB
sched_reserve:      CUDA0 compute buffer size =    23.28 MiB
sched_reserve:  CUDA_Host compute buffer size =     4.50 MiB
""".splitlines()
BREAKDOWN = "common_memory_breakdown_print: | "
LAST = [
    f"{BREAKDOWN}memory breakdown [MiB] | total   free     self   model   context   compute    unaccounted |",
    f"{BREAKDOWN}  - CUDA0 (NVIDIA H100)| 81079 = 79436 + ( 193 =    34 +      18 +      23) +         451 |",
    f"{BREAKDOWN}  - Host               |                   182 =   123 +      36 +      23                |",
]
# A stand-in for the program: it says what it has, and ends when it is interrupted, also in the background of a shell,
# whose programs begin with interruptions ignored.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print(open(sys.argv[1]).read(), flush=True)
    signal.pause()
except KeyboardInterrupt:
    print(open(sys.argv[2]).read(), flush=True)
"""


def mib(size: float) -> int:
    return round(size * 1024**2)


def test_buffers_are_read_by_kind_and_device():
    """Parts of the weights add up, a later reservation replaces an earlier one, windows have a cache of their own."""
    assert buffers.parse(LINES) == {
        "model": {"CPU_Mapped": mib(90), "CUDA0": mib(34)},
        "output": {"CUDA_Host": mib(1)},
        "kv": {"CUDA0": mib(8)},
        "kv_sliding": {"CUDA0": mib(10)},
        "recurrent": {"CPU": mib(6.18)},
        "compute": {"CUDA0": mib(23.28), "CUDA_Host": mib(4.5)},
    }


def test_what_is_not_accounted_for_is_read_where_a_device_says_it():
    """The host's line has no total and nothing unaccounted."""
    found = buffers.breakdown(LAST)
    assert found["CUDA0"]["unaccounted"] == mib(451)
    assert found["CUDA0"]["self"] == mib(193)
    assert found["Host"]["compute"] == mib(23)
    assert found["Host"]["unaccounted"] is None


def measured(tmp_path, lines: list[str], load: buffers.Load):
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "lines").write_text("\n".join(lines))
    (tmp_path / "last").write_text("\n".join(LAST))
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "lines"), str(tmp_path / "last")]
    model_shapes.write_all(str(tmp_path), ["mamba2"])
    return buffers.measure(command, str(tmp_path / "mamba2.gguf"), model_shapes.SHAPES["mamba2"](1, 1), load)


def test_a_program_that_reserves_and_listens_makes_a_row(tmp_path):
    """The row has the load as it was asked for, and what the program said at its start and its end."""
    row = measured(tmp_path, [*LINES, "srv  update_slots: all slots are idle"], buffers.Load(8192, 2))
    assert (row["shape"], row["context"], row["rows"], row["flash_used"]) == ("mamba2", 4096, 1024, True)
    assert row["buffers"] == buffers.parse(LINES)
    assert row["breakdown"] == buffers.breakdown(LAST)
    assert row["resident"]["anon"] > 0


@pytest.mark.parametrize("lines", [["error: no such type"], ["srv  update_slots: all slots are idle"]])
def test_a_program_that_says_no_buffers_is_no_measurement(tmp_path, monkeypatch, lines):
    """Neither one that cannot load the model nor one whose words are others than they were."""
    monkeypatch.setattr(buffers, "LIMIT_S", 2)
    row = measured(tmp_path, lines, buffers.Load(4096))
    assert row["refused"] == lines
    assert "buffers" not in row


def test_a_batch_has_no_more_rows_than_there_are_tokens():
    """An encoder's own context ends that of a slot."""
    model = model_shapes.SHAPES["bert"](1, 1)
    given = buffers.arguments(model, "x.gguf", buffers.Load(8192), 512)
    assert given[given.index("-ub") + 1] == given[given.index("-c") + 1] == "512"
    assert "--embedding" in given


@pytest.mark.parametrize("name", model_shapes.SHAPES)
def test_each_shape_is_a_model_that_the_reader_reads_whole(tmp_path, name):
    """A file holds no more on disk than its header, and the bytes of its tensors are what it is long without that."""
    size = model_shapes.write_all(str(tmp_path), [name])[name]
    path = tmp_path / f"{name}.gguf"
    assert path.stat().st_blocks * 512 < 12 * 1024**2
    record, problems = read_model_files([str(path)])
    assert problems == []
    parts = record["tensor_bytes"]
    tensors = parts["input"] + parts["output"] + parts["other"] + sum(sum(each.values()) for each in parts["layers"])
    assert os.path.getsize(path) == size
    assert 0 < size - tensors < 12 * 1024**2


def row(compute: int) -> dict:
    """A row of the model at ``path`` for which all parts but the buffers of the computation are as reckoned."""
    return {
        "shape": "mamba2",
        "context": 4096,
        "parallel": 1,
        "kv_type": "f16",
        "rows": 512,
        "flash_used": True,
        "buffers": {"model": {"CPU": 0}, "recurrent": {"CPU": 0}, "compute": {"CPU": compute}, "output": {"CPU": 0}},
    }


@pytest.mark.parametrize(("more", "code"), [(0, 0), (40 * 1024**2, 1)])
def test_a_prediction_that_is_too_low_fails(tmp_path, monkeypatch, capsys, more, code):
    """More than 5 % and 16 MiB below what the server reserved is a failure, and the table says of what."""
    model_shapes.write_all(str(tmp_path), ["mamba2"])
    path = str(tmp_path / "mamba2.gguf")
    found = {**row(0), "path": path}
    mine = memory_truth.predicted(memory_truth.record(path), found)
    found["buffers"] = {
        "model": {"CPU": mine["weights"]},
        "recurrent": {"CPU": mine["cache"]},
        "compute": {"CPU": mine["compute"] + more},
        "output": {"CPU": mine["results"]},
    }
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps([found]))
    monkeypatch.setattr(sys, "argv", ["memory_truth.py", "compare", str(rows)])
    assert memory_truth.main() == code
    assert ("MiB too low" in capsys.readouterr().out) == bool(code)


def test_fewer_shapes_than_there_have_to_be_fail(tmp_path, monkeypatch):
    """A server that loads nothing any more must not pass for one that agrees."""
    rows = tmp_path / "rows.json"
    rows.write_text("[]")
    monkeypatch.setattr(sys, "argv", ["memory_truth.py", "compare", str(rows)])
    assert memory_truth.main() == 1
