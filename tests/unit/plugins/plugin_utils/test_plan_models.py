# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator may say of the models to serve (_plan/models.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import (
    ReferenceModel,
    from_record,
    parse_models,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import parse
from ansible_collections.inference.ollama.tests.unit.support.cases import EMBEDDING, LLAMA_8B

LENGTHLESS = {key: value for key, value in LLAMA_8B.items() if key not in ("key_length", "value_length")}


def test_a_model_is_read_as_given():
    """Numbers may come as text, as templates make them."""
    (model,) = parse_models([{**LLAMA_8B, "layers": "32", "family": "Llama"}])
    assert model == ReferenceModel("llama3.1:8b", 4_920_753_328, 32, 8, 128, 128, 131072, "llama")
    assert not model.embeds
    assert parse_models([EMBEDDING])[0].embeds


def test_what_may_be_left_out_is_not_guessed():
    """Context and family stay unknown."""
    (model,) = parse_models([{key: LLAMA_8B[key] for key in list(LLAMA_8B)[:6]}])
    assert (model.context_length, model.family) == (None, None)


def test_lengths_follow_from_the_embedding_where_the_metadata_lack_them():
    """As llama.cpp does it; a length that is given wins."""
    (model,) = parse_models([{**LENGTHLESS, "embedding_length": 4096, "heads": 32}])
    assert (model.key_length, model.value_length) == (128, 128)
    (model,) = parse_models([{**LENGTHLESS, "embedding_length": 4096, "heads": 32, "key_length": 192}])
    assert (model.key_length, model.value_length) == (192, 128)


@pytest.mark.parametrize("empty", [[], ()])
def test_no_model_is_a_list_too(empty):
    """The default."""
    assert parse_models(empty) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("llama3.1:8b", "a list of models"),
        ("", "auto for those of the host's store, or a list of models"),
        ({"name": "x"}, "a list of models"),
        (["a model"], "a model's name such as llama3.1:8b, .*; entry 0 is 'a model'"),
        ([""], "entry 0 is ''"),
        (["auto"], "auto alone, in place of the list; entry 0 is auto"),
        (["/srv/a\n.gguf"], "a path of up to 4096 characters, all of them printable, in entry 0"),
        ([f"/{'a' * 4096}"], "a path of up to 4096 characters"),
        ([7], "a name, a file or a mapping for each model; entry 0 is 7"),
        (["llama3.1", "library/llama3.1:latest"], "entry 1 repeats the name 'llama3.1' of entry 0"),
        ([LLAMA_8B, "llama3.1:8b"], "entry 1 repeats the name 'llama3.1:8b' of entry 0"),
        (["/a.gguf", "/a.gguf"], "entry 1 repeats the name '/a.gguf' of entry 0"),
        ([{**LLAMA_8B, "size": 1}], "entry 0 has size"),
        ([{**LLAMA_8B, "name": None}], "a model with a name; entry 0 has none"),
        ([{**LLAMA_8B, "name": ""}], "as name; in entry 0 it is ''"),
        ([{**LLAMA_8B, "name": "a\nb"}], r"as name; in entry 0 it is 'a\\nb'"),
        ([{**LLAMA_8B, "name": 7}], "as name; in entry 0 it is 7"),
        ([{**LLAMA_8B, "family": "a b"}], "as family; in entry 0 it is 'a b'"),
        ([LLAMA_8B, {**EMBEDDING, "layers": 0}], "from 1 to 1000 as layers; in entry 1 it is 0"),
        ([{**LLAMA_8B, "layers": True}], "as layers; in entry 0 it is True"),
        ([{**LLAMA_8B, "layers": 32.0}], "as layers; in entry 0 it is 32.0"),
        ([{**LLAMA_8B, "kv_heads": -8}], "from 1 to 1024 as kv_heads; in entry 0 it is -8"),
        ([{**LLAMA_8B, "size_bytes": "4.9GB"}], "as size_bytes; in entry 0 it is '4.9GB'"),
        ([{**LLAMA_8B, "size_bytes": 5}], "from 1048576 to 4398046511104 as size_bytes"),
        ([{**LLAMA_8B, "kv_heads": [8, 8]}], r"as kv_heads; in entry 0 it is \[8, 8\]"),
        ([{**LLAMA_8B, "kv_heads": None}], r"entry 0 \(llama3.1:8b\) lacks kv_heads"),
        ([LENGTHLESS], r"entry 0 \(llama3.1:8b\) has neither"),
        ([{**LENGTHLESS, "key_length": 128}], "has neither"),
        ([{**LENGTHLESS, "embedding_length": 4, "heads": 32}], "has neither"),
        ([LLAMA_8B, EMBEDDING, LLAMA_8B], "entry 2 repeats the name 'llama3.1:8b' of entry 0"),
    ],
)
def test_what_is_wrong_is_named_by_entry_and_key(value, text):
    """A memory is not planned from a slip of the keyboard."""
    with pytest.raises(ValueError, match=text):
        parse_models(value)


@pytest.mark.parametrize("value", ["auto", "AUTO", ["llama3.1:8b", "/srv/x", "y.gguf"]])
def test_what_is_read_of_the_host_is_right_and_no_model_yet(value):
    """named.py puts the models there."""
    assert parse_models(value) == ()


def test_a_model_that_was_read_stays_as_it_is():
    """Between models whose numbers were given."""
    read = from_record(RECORD)
    assert parse_models([LLAMA_8B, read])[1] is read
    assert "record" not in repr(read)


RECORD = {
    "name": "gemma3:4b",
    "size_bytes": 3_338_801_804,
    "family": "Gemma3",
    "layers": 3,
    "kv_heads": [4, 8, 4],
    "key_length": 256,
    "value_length": 256,
    "context_length": 131072,
    "embedding_only": False,
}


def test_a_record_makes_a_model():
    """With the largest number of heads, since a budget that is too small would be the worse one."""
    found = from_record(RECORD)
    assert found == ReferenceModel("gemma3:4b", 3_338_801_804, 3, 8, 256, 256, 131072, "gemma3", RECORD)
    assert not found.embeds
    assert from_record({**RECORD, "embedding_only": True}).embeds
    assert hash(found)
    assert from_record({**RECORD, "family": None}).family is None


@pytest.mark.parametrize("heads", [[0, 0], None])
def test_a_model_without_attention_has_no_keys(heads):
    """As Mamba has none."""
    record = {**RECORD, "kv_heads": heads, "key_length": None, "value_length": None, "recurrent": {"state_size": 128}}
    found = from_record(record)
    assert (found.kv_heads, found.key_length, found.value_length) == (0, 0, 0)


def test_a_record_that_lacks_a_number_is_no_model():
    """None is guessed."""
    with pytest.raises(ValueError, match=r"^size_bytes, kv_heads$"):
        from_record({**RECORD, "size_bytes": None, "kv_heads": [None, None]})


def test_the_policy_names_the_variable():
    """The sentence that the operator reads."""
    _policy, errors = parse({"reference_models": [{**LLAMA_8B, "layers": 0}]})
    assert errors[0].startswith("ollama_reference_models: [")
    assert "allowed is a whole number from 1 to 1000 as layers; in entry 0 it is 0" in errors[0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*LLAMA_8B, "heads"]), inner, max_size=9)
        ),
        max_leaves=12,
    )
)
def test_nothing_but_value_error_comes_of_it(value):
    """Whatever an inventory holds is either a tuple of models or a sentence."""
    try:
        found = parse_models(value)
    except ValueError as error:
        found = str(error)
    assert found == () or all(isinstance(model, (ReferenceModel, str)) for model in found)
