# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server says of models that no file could be read of."""

from __future__ import annotations

import io
import json
import os

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._models import api as api_module
from ansible_collections.inference.ollama.plugins.module_utils._models.gather import gather
from ansible_collections.inference.ollama.plugins.module_utils._models.ggml_types import BLOCKS, NAMES
from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Skipped, read_header
from ansible_collections.inference.ollama.plugins.module_utils._models.record import record_of
from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Typed, Writer, llama
from ansible_collections.inference.ollama.tests.unit.support.stores import Store
from ansible_collections.inference.ollama.tests.unit.support.web import respond, serving

DIGEST = "46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e"
TYPE_NAMES = {number: name for name, number in NAMES.items()}
ENTRY = {
    "name": "tiny:latest",
    "model": "tiny:latest",
    "size": 12345,
    "digest": DIGEST,
    "details": {"family": "llama", "parameter_size": "1B", "quantization_level": "F16"},
}


def written(**more):
    metadata, tensors = llama(**more)
    return Writer().file(metadata, tensors)


def shown(data, *, verbose=False, **more):
    """What /api/show says of a file: without its lists unless verbose, as fs/ggml/gguf.go writes them."""
    header = read_header(io.BytesIO(data), len(data))
    info = {
        key: ["<a>"] * value.count
        if isinstance(value, Skipped) and verbose
        else None
        if isinstance(value, Skipped) or (isinstance(value, list) and not verbose)
        else value
        for key, value in header.metadata.items()
    }
    tensors = [{"name": each.name, "type": TYPE_NAMES[each.kind], "shape": list(each.shape)} for each in header.tensors]
    info["general.parameter_count"] = sum(tensor.elements for tensor in header.tensors)
    return {"model_info": info, "tensors": tensors, "details": ENTRY["details"], **more}


class Answers:
    """A server that answers with what it is given by path; ``posted`` is what was asked of /api/show."""

    def __init__(self, tags, show=None, verbose=None):
        self.tags, self.show, self.verbose, self.posted = tags, show, verbose, []

    def __call__(self, handler, posted):
        if posted is None:
            assert handler.path == "/api/tags"
            respond(handler, 200, self.tags)
            return
        assert handler.path == "/api/show"
        self.posted.append(posted)
        answer = self.verbose if posted.get("verbose") else self.show
        if answer is None:
            respond(handler, 404, {"error": f"model '{posted['model']}' not found"})
        else:
            respond(handler, 200, answer)


def asked(answers, stores=(), names=()):
    """The records and problems, without the address in these."""
    with serving(answers) as url:
        found = gather(list(stores), [], list(names), f"{url}/", 10)
    return found["models"], [problem.replace(url, "") for problem in found["problems"]]


def test_a_model_as_the_server_knows_it():
    """The record is the file's, but for files, with the name, digest and size of /api/tags."""
    data = written()
    records, problems = asked(Answers({"models": [ENTRY]}, shown(data)))
    header = read_header(io.BytesIO(data), len(data))
    expected = record_of([header], pytest.fail)
    expected.update(name="tiny:latest", source="api", digest=DIGEST, size_bytes=12345)
    assert problems == []
    assert records == [expected]


def test_lists_are_asked_for():
    """Where layers differ the answer with lists is asked for, and once."""
    more = {"attention__head_count_kv": [1, 2], "attention__sliding_window_pattern": [True, False]}
    data = written(**more, attention__sliding_window=512)
    answers = Answers({"models": [ENTRY]}, shown(data), shown(data, verbose=True))
    records, problems = asked(answers)
    assert problems == []
    assert (records[0]["kv_heads"], records[0]["sliding_window_pattern"]) == ([1, 2], [True, False])
    assert records[0]["vocabulary_size"] == 96
    assert [posted.get("verbose", False) for posted in answers.posted] == [False, True]


def test_lists_that_are_not_given():
    """Without the answer with lists they are unknown, and never taken for what their absence would mean."""
    more = {"attention__head_count_kv": [1, 2], "attention__sliding_window_pattern": [True, False]}
    records, problems = asked(Answers({"models": [ENTRY]}, shown(written(**more))))
    assert (records[0]["heads"], records[0]["kv_heads"], records[0]["sliding_window_pattern"]) == ([8, 8], None, None)
    assert [problem.partition("expected")[0] for problem in problems] == [
        "tiny:latest: /api/show: it answered with status 404, ",
        "/api/show: tiny:latest: llama.attention.head_count_kv is a list that was left out, ",
        "/api/show: tiny:latest: llama.attention.sliding_window_pattern is a list that was left out, ",
    ]


def test_a_verbose_answer_without_anything():
    """A verbose answer that says nothing leaves the plain one."""
    data = written(attention__head_count_kv=[1, 2])
    records, problems = asked(Answers({"models": [ENTRY]}, shown(data), {"model_info": []}))
    assert records[0]["layers"] == 2
    assert problems[0] == "tiny:latest: /api/show: the verbose answer has no model_info"


def test_parameters_and_projector():
    """Parameters are lines of text; a projector has no bytes."""
    more = {
        "parameters": 'num_ctx                        8192\nstop                           "a"\nuse_mmap    false\n'
        "num_gpu    many\nnum_thread    1e+06",
        "projector_info": {"general.architecture": "clip", "clip.vision.block_count": 27},
        "requires": "0.14.0",
    }
    records, problems = asked(Answers({"models": [ENTRY]}, shown(written(), **more)))
    record = records[0]
    assert record["parameters"] == {
        "num_ctx": 8192,
        "num_thread": 1000000,
        "num_gpu": None,
        "use_mmap": False,
        "num_batch": None,
    }
    assert (record["projector"]["layers"], record["projector"]["size_bytes"], record["requires"]) == (
        27,
        None,
        "0.14.0",
    )
    assert problems == ["/api/show: tiny:latest: the bytes of its projector are not known"]


def test_a_server_without_tensors():
    """An old server names no tensors: their bytes are unknown, and the number of parameters is what it says."""
    said = shown(written())
    del said["tensors"]
    records, problems = asked(Answers({"models": [ENTRY]}, said))
    assert (records[0]["tensor_bytes"], records[0]["parameter_count"]) == (
        None,
        said["model_info"]["general.parameter_count"],
    )
    assert problems == ["/api/show: tiny:latest: the answer has no tensors"]


@pytest.mark.parametrize(
    "tensor",
    [
        5,
        {"name": 5, "type": "F16", "shape": [1]},
        {"name": "a", "type": "unknown", "shape": [1]},
        {"name": "a", "type": "F16", "shape": [1] * 5},
        {"name": "a", "type": "F16", "shape": ["1"]},
        {"name": "a", "type": "F16", "shape": [1 << 62, 8]},
    ],
)
def test_tensors_that_are_not_tensors(tensor):
    """A tensor that no model has makes all bytes unknown, and is named."""
    said = {**shown(written()), "tensors": [tensor]}
    records, problems = asked(Answers({"models": [ENTRY]}, said))
    assert records[0]["tensor_bytes"] is None
    assert "expected a name, a type and a shape" in problems[0]


def test_very_many_tensors():
    """More tensors than any model has are not read."""
    said = {**shown(written()), "tensors": [0] * ((1 << 15) + 1)}
    assert asked(Answers({"models": [ENTRY]}, said))[1] == [
        "/api/show: tiny:latest: the answer has 32769 tensors, expected 32768 at most"
    ]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ([], "the answer has no list models"),
        ({"models": 5}, "the answer has no list models"),
        ({"models": [5]}, "a model has no valid name"),
        ({"models": [{"name": ""}]}, "a model has no valid name"),
        (b"<html>", "expected JSON"),
    ],
)
def test_wrong_lists(tags, words):
    """A list of models that is not one is named."""
    records, problems = asked(Answers(tags))
    assert records == []
    assert words in problems[0]


def test_no_models():
    """A server without models says null, as Go writes it."""
    assert asked(Answers({"models": None})) == ([], [])


def test_answers_that_are_no_object():
    """A model of which the server says nothing is named."""
    assert asked(Answers({"models": [ENTRY]}, [5]))[1] == ["tiny:latest: /api/show: the answer is not an object"]
    assert asked(Answers({"models": [ENTRY]}, {"model_info": {}}))[0][0]["family"] == "llama"


def test_only_some_names_are_asked_for():
    """Models of the cloud, and those that nobody asks for, are left out."""
    cloud = {**ENTRY, "name": "big:cloud", "remote_host": "https://ollama.com:443"}
    others = [{**ENTRY, "name": f"other:{number}", "digest": "x", "size": -1} for number in range(3)]
    answers = Answers({"models": [cloud, ENTRY, *others]}, shown(written()))
    assert [record["name"] for record in asked(answers, names=["TINY", "other:2"])[0]] == ["tiny:latest", "other:2"]
    records, _problems = asked(answers)
    assert (records[3]["digest"], records[3]["size_bytes"]) == (None, None)


def test_very_many_models(monkeypatch):
    """Of very many models the first are asked for."""
    monkeypatch.setattr(api_module, "MOST_MODELS", 2)
    entries = [{**ENTRY, "name": f"tiny:{number}"} for number in range(3)]
    records, problems = asked(Answers({"models": entries}, shown(written())))
    assert [record["name"] for record in records] == ["tiny:0", "tiny:1"]
    assert problems == ["/api/tags: it names 3 models, of which the first 2 were read"]


def test_what_the_store_could_not_give(tmp_path):
    """A model whose file cannot be read has the server's values, and the store's name, digest, files and parameters."""
    store = Store(tmp_path)
    store.model("registry.ollama.ai/library/whole/latest")
    digest = store.model("registry.ollama.ai/library/tiny/latest", ("params", {"num_ctx": 2048}), file=b"GGUF")
    answers = Answers({"models": [{**ENTRY, "name": "whole:latest"}, ENTRY]}, shown(written(block_count=2)))
    records, problems = asked(answers, [store.path])
    assert [(record["name"], record["source"]) for record in records] == [
        ("tiny:latest", "api"),
        ("whole:latest", "store"),
    ]
    record = records[0]
    assert (record["digest"], record["layers"], record["parameters"]["num_ctx"]) == (digest, 2, 2048)
    assert [os.path.dirname(file["path"]) for file in record["files"]] == [os.path.join(store.path, "blobs")]
    assert [posted["model"] for posted in answers.posted] == ["tiny:latest"]
    assert len(problems) == 1
    assert asked(Answers({"models": []}), [store.path])[0][0]["layers"] is None


def test_hostile_values():
    """Values of any kind are refused in words, and nothing in a record moves a cursor."""
    info = {
        "general.architecture": "a\x1b[2J",
        "a\x1b[2J.block_count": 1e308,
        "a\x1b[2J.context_length": {"a": 1},
        "a\x1b[2J.attention.head_count": [1.5],
        "a\x1b[2J.b": [[1]],
        "a\x1b[2J.c": float("inf"),
        "tokenizer.ggml.tokens": "x",
    }
    records, problems = asked(Answers({"models": [ENTRY]}, {**shown(written()), "model_info": info}))
    text = json.dumps([records, problems], ensure_ascii=False)
    assert "\x1b" not in text
    assert "Infinity" not in text
    assert records[0]["layers"] is None


def test_every_type_has_a_name():
    """Each type whose bytes are known is known by its name."""
    assert sorted(NAMES.values()) == sorted(BLOCKS)


def test_long_lists_are_counted():
    """A list longer than any of layers is left out of the metadata, as in a file."""
    data = written(many=Typed("u32", list(range(1024))))
    said = shown(data, verbose=True)
    said["model_info"]["llama.many"] = list(range(1025))
    records, problems = asked(Answers({"models": [ENTRY]}, said, said))
    assert problems == []
    assert "many" not in records[0]["metadata"]
