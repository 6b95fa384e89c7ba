# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of a model in another quantisation (_models/quantization.py), against files that llama-quantize wrote."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._models.quantization import (
    LADDER,
    choices,
    in_quantization,
)
from ansible_collections.inference.ollama.tests.unit.support.fits import dense, large

GIB = 1 << 30
# Llama 3.1 8B in GiB, of tools/quantize/README.md of llama.cpp b11434.
KNOWN = {"Q8_0": 7.95, "Q6_K": 6.14, "Q5_K_M": 5.33, "Q4_K_M": 4.58, "Q3_K_M": 3.74, "Q2_K": 2.95}


def total(model):
    """The bytes of all tensors."""
    tensors = model["tensor_bytes"]
    layers = sum(sum(layer.values()) for layer in tensors["layers"])
    return tensors["input"] + tensors["output"] + tensors["other"] + layers


@pytest.mark.parametrize("name", KNOWN)
def test_the_sizes_are_those_of_real_files(name):
    """Within one percent of the table that llama.cpp has of its own quantisations."""
    assert dense("x", name)["size_bytes"] == pytest.approx(KNOWN[name] * GIB, rel=0.01)


def test_a_model_of_seventy_billion_parameters_comes_close():
    """llama3.3:70b in Q4_K_M has 42.52 GB."""
    assert large()["size_bytes"] == pytest.approx(42.52e9, rel=0.01)


@pytest.mark.parametrize("name", LADDER)
def test_tensors_and_files_add_up_to_the_size(name):
    """What is placed layer by layer is what is shown as a whole."""
    model = dense("x", name)
    assert model["size_bytes"] == total(model)
    assert model["files"][0]["size_bytes"] == pytest.approx(model["size_bytes"], rel=1e-6)
    assert model["quantization"] == name


def test_it_does_not_matter_from_which_quantisation_one_comes():
    """The number of parameters decides."""
    direct, detour = dense("x", "Q4_K_M"), in_quantization(dense("x", "Q8_0"), "Q4_K_M")
    assert detour["size_bytes"] == pytest.approx(direct["size_bytes"], rel=1e-6)


def test_norms_and_projectors_stay_as_they_are():
    """They are stored in the types that they were trained in, or nearly so."""
    whole = {**dense("x", "F16"), "projector": {"size_bytes": GIB}}
    whole["size_bytes"] += GIB
    small = in_quantization(whole, "Q2_K")
    assert small["size_bytes"] - total(small) == GIB
    assert small["tensor_bytes"]["layers"][0]["norm"] == whole["tensor_bytes"]["layers"][0]["norm"]


def test_an_embedding_that_is_the_head_too_has_the_heads_type():
    """Small models of large vocabularies would come out too small otherwise."""
    whole = dense("x", "F16", layers=28, width=3072, forward=8192, heads=24)
    head = whole["tensor_bytes"]["output"]
    tied = {
        **whole,
        "tied_embeddings": True,
        "parameter_count": whole["parameter_count"] - 128256 * 3072,
        "size_bytes": whole["size_bytes"] - head,
        "tensor_bytes": {**whole["tensor_bytes"], "output": 0},
    }
    # llama3.2:3b in Q4_K_M has 2.02 GB.
    assert in_quantization(tied, "Q4_K_M")["size_bytes"] == pytest.approx(2.02e9, rel=0.02)


def test_a_model_in_numbers_is_scaled_as_a_whole():
    """Its size and its quantisation give the number of weights."""
    model = {"name": "x", "size_bytes": 5_000_000_000, "quantization": "Q4_K_M", "tensor_bytes": None}
    assert in_quantization(model, "Q4_K_M")["size_bytes"] == pytest.approx(5e9, rel=1e-6)
    assert in_quantization(model, "Q8_0")["size_bytes"] == pytest.approx(5e9 * 8.5008 / 4.8944, rel=1e-6)


def test_what_cannot_be_counted_or_requantised_has_no_choice():
    """No advice rather than a guess."""
    assert choices({"name": "x", "size_bytes": 1, "quantization": None}) == []
    assert choices({**dense("gpt-oss:20b", "F16"), "quantization": "MXFP4"}) == []
    assert choices(dense("x")) == list(LADDER)


def test_rows_that_no_block_of_the_k_family_divides_keep_eight_bits():
    """llama-quantize stores them in other types, most of which save little."""
    assert choices({**dense("x"), "embedding_length": 2880}) == ["Q8_0"]
