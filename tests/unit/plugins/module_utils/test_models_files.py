# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in files that lie anywhere."""

from __future__ import annotations

import os
import time

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._models.files import parts_of, read_model_files
from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Typed, Writer, llama

CLIP = {
    "general.architecture": "clip",
    "general.type": "mmproj",
    "clip.projector_type": "gemma3",
    "clip.vision.image_size": 896,
    "clip.vision.patch_size": 14,
    "clip.vision.embedding_length": 1152,
    "clip.vision.block_count": 27,
}


def written(path, *file):
    path.write_bytes(Writer().file(*file))
    return str(path)


def split(folder, count=3, **changes):
    """The files of a split model: the first has the metadata, each has a part of the tensors."""
    metadata, tensors = llama(layers=4)
    names = list(tensors)
    paths = []
    for number in range(count):
        here = {name: tensors[name] for name in names[number::count]}
        said = {"split.no": number, "split.count": count, "split.tensors.count": Typed("i32", len(names))}
        keys = {**(metadata if number == 0 else {}), **said, **changes.get(f"part{number}", {})}
        paths.append(written(folder / f"m-{number + 1:05}-of-{count:05}.gguf", keys, here))
    return paths


def test_one_file(tmp_path):
    """A file is a model with its own name, size and path."""
    path = written(tmp_path / "tiny.gguf", *llama())
    size = os.path.getsize(path)
    record, problems = read_model_files([path])
    assert problems == []
    assert (record["name"], record["source"], record["size_bytes"]) == ("tiny.gguf", "file", size)
    assert record["files"] == [{"role": "model", "path": path, "size_bytes": size}]


@pytest.mark.parametrize("named", [0, 1, 2])
def test_split_files(tmp_path, named):
    """Any file of a split model leads to all of them; their tensors together are those of the whole."""
    paths = split(tmp_path)
    record, problems = read_model_files([paths[named]])
    whole, _none = read_model_files([written(tmp_path / "whole.gguf", *llama(layers=4))])
    assert problems == []
    assert record["tensor_bytes"] == whole["tensor_bytes"]
    assert record["parameter_count"] == whole["parameter_count"]
    assert [file["path"] for file in record["files"]] == paths


def test_a_part_that_is_missing(tmp_path):
    """A split model without one of its files is not read, and the file is named."""
    paths = split(tmp_path)
    os.remove(paths[1])
    record, problems = read_model_files(paths)
    assert record is None
    assert problems[0] == f"{paths[1]}: cannot be read (No such file or directory)"


def test_parts_that_do_not_belong(tmp_path):
    """Parts out of order, of another count, or with other tensors are named."""
    paths = split(tmp_path, part1={"split.no": 2})
    assert "it says that it is part 2 from 0 on, expected 1" in read_model_files(paths)[1][0]
    paths = split(tmp_path, part0={"split.count": 4})
    assert "the model has 4 parts, of which 3 were read" in read_model_files(paths)[1][0]
    paths = split(tmp_path, part0={"split.tensors.count": 5})
    assert "the model has 5 tensors" in read_model_files(paths)[1][0]


def test_a_projector_beside(tmp_path):
    """A projector's file beside a model's is its projector."""
    model = written(tmp_path / "m.gguf", *llama())
    projector = written(tmp_path / "p.gguf", CLIP, {"v.patch_embd.weight": ([64, 64], 1), "x.weight": ([8], 0)})
    record, problems = read_model_files([model, projector])
    assert problems == []
    assert record["projector"] == {
        "size_bytes": 8192 + 32,
        "family": "clip",
        "type": "gemma3",
        "image_size": 896,
        "patch_size": 14,
        "embedding_length": 1152,
        "layers": 27,
    }
    assert [file["role"] for file in record["files"]] == ["model", "projector"]
    assert record["size_bytes"] == os.path.getsize(model) + os.path.getsize(projector)


def test_a_projector_alone(tmp_path):
    """A projector without a model is no model."""
    path = written(tmp_path / "p.gguf", CLIP)
    assert read_model_files([path]) == (None, [f"{path}: there is no model among the files"])


def test_what_is_no_file(tmp_path):
    """A folder, a pipe, a missing file and an invalid path are named, and nothing waits."""
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    paths = [str(tmp_path), pipe, str(tmp_path / "none"), "a\0b"]
    problems = [read_model_files([path])[1][0] for path in paths]
    assert [problem.rpartition(": ")[2] for problem in problems] == [
        "it is not a regular file",
        "it is not a regular file",
        "cannot be read (No such file or directory)",
        "cannot be read (its path is not one)",
    ]


def test_a_cut_file(tmp_path):
    """A file that is cut is named with its path."""
    path = written(tmp_path / "cut.gguf", *llama())
    os.truncate(path, os.path.getsize(path) - 1)
    record, problems = read_model_files([path])
    assert record is None
    assert problems[0].startswith(f"{path}: the tensor ")


def test_problems_of_values(tmp_path):
    """A value that is wrong is named with the path, and the rest of the record is there."""
    path = written(tmp_path / "odd.gguf", *llama(context_length="long"))
    record, problems = read_model_files([path])
    assert record["layers"] == 2
    assert problems == [f"{path}: llama.context_length is long, expected a whole number from 0 to 9223372036854775807"]


def test_parts():
    """Only names of split files lead to others."""
    assert parts_of("/m.gguf") == ["/m.gguf"]
    assert parts_of("/m-00002-of-00001.gguf") == ["/m-00002-of-00001.gguf"]
    assert parts_of("/m-00001-of-99999.gguf") == ["/m-00001-of-99999.gguf"]
    assert parts_of("/m-00002-of-00002.gguf") == ["/m-00001-of-00002.gguf", "/m-00002-of-00002.gguf"]


def test_the_time_of_a_large_file(tmp_path):
    """The header of a file of 40 GB, 256 Ki tokens, 500,000 merges and 5,000 tensors takes a fraction of a second."""
    tokens = Typed("text", [f"token{number}" for number in range(1 << 18)])
    metadata, tensors = llama(vocabulary=1)
    more = {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.merges": Typed("text", [f"a{number} b" for number in range(500_000)]),
        "tokenizer.ggml.scores": Typed("f32", [0.0] * (1 << 18)),
    }
    tensors.update({f"blk.1.ffn_up.{number}.weight": ([2048, 1953], 1) for number in range(5000)})
    header, size = Writer().header({**metadata, **more}, tensors)
    path = tmp_path / "large.gguf"
    path.write_bytes(header)
    os.truncate(path, len(header) + size)
    assert os.path.getsize(path) > 40 * 10**9
    begin = time.process_time()
    record, problems = read_model_files([str(path)])
    spent = time.process_time() - begin
    assert (record["vocabulary_size"], problems) == (1 << 18, [])
    # 0.1 s where the machine does nothing else.
    assert spent < 1
