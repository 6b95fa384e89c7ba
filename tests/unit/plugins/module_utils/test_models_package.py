# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the package gguf writes, which converters use, is what is read."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

gguf = pytest.importorskip("gguf")
np = pytest.importorskip("numpy")

from ansible_collections.inference.ollama.plugins.module_utils._models.files import read_file
from ansible_collections.inference.ollama.plugins.module_utils._models.ggml_types import BLOCKS
from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Skipped
from ansible_collections.inference.ollama.tests.unit.support.examples import examples

TYPES = {
    gguf.GGUFValueType.UINT8: st.integers(0, 255),
    gguf.GGUFValueType.INT8: st.integers(-128, 127),
    gguf.GGUFValueType.UINT16: st.integers(0, 65535),
    gguf.GGUFValueType.INT16: st.integers(-32768, 32767),
    gguf.GGUFValueType.UINT32: st.integers(0, (1 << 32) - 1),
    gguf.GGUFValueType.INT32: st.integers(-(1 << 31), (1 << 31) - 1),
    gguf.GGUFValueType.FLOAT32: st.floats(width=32, allow_nan=False),
    gguf.GGUFValueType.UINT64: st.integers(0, (1 << 64) - 1),
    gguf.GGUFValueType.INT64: st.integers(-(1 << 63), (1 << 63) - 1),
    gguf.GGUFValueType.FLOAT64: st.floats(allow_nan=False),
    gguf.GGUFValueType.BOOL: st.booleans(),
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
KEYS = st.text("abcdefghijklmnopqrstuvwxyz_0123456789.", min_size=1, max_size=40).map(lambda text: f"a.{text}")
NUMBERS = st.sampled_from(sorted(TYPES)).flatmap(lambda kind: st.tuples(st.just(kind), TYPES[kind]))
LISTS = st.sampled_from(sorted(TYPES)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(TYPES[kind], min_size=1, max_size=6))
)
VALUES = st.one_of(
    NUMBERS,
    LISTS,
    st.tuples(st.just(gguf.GGUFValueType.STRING), TEXTS),
    st.tuples(st.just(gguf.GGUFValueType.STRING), st.lists(TEXTS, min_size=1, max_size=6)),
)
# Types that the package and llama.cpp give the same bytes.
KINDS = sorted(kind for kind, size in gguf.GGML_QUANT_SIZES.items() if BLOCKS.get(int(kind)) == size)
TENSORS = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz_0123456789.", min_size=1, max_size=60),
    st.tuples(st.sampled_from(KINDS), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2)),
    max_size=6,
)


@settings(max_examples=examples(60))
@given(st.dictionaries(KEYS, VALUES, max_size=8), TENSORS, st.sampled_from(list(gguf.GGUFEndian)))
def test_what_is_written_is_read(metadata, tensors, order):
    """Every value, and every tensor with its name, shape, type and bytes, in either byte order."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.gguf")
        writer = gguf.GGUFWriter(path, "llama", endianess=order)
        for key, (kind, value) in metadata.items():
            if isinstance(value, list):
                writer.add_key_value(key, value, gguf.GGUFValueType.ARRAY, sub_type=kind)
            else:
                writer.add_key_value(key, value, kind)
        sizes = {}
        for name, (kind, blocks, rows, planes) in tensors.items():
            _block, size = gguf.GGML_QUANT_SIZES[kind]
            sizes[name] = (kind, blocks, rows, planes, planes * rows * blocks * size)
            writer.add_tensor(name, np.zeros((planes, rows, blocks * size), dtype=np.uint8), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        header, _size = read_file(path)
    expected = {
        key: Skipped(len(value)) if kind == gguf.GGUFValueType.STRING and isinstance(value, list) else value
        for key, (kind, value) in metadata.items()
    }
    assert header.metadata == {"general.architecture": "llama", **expected}
    assert header.big_endian == (order == gguf.GGUFEndian.BIG)
    found = {
        tensor.name: (tensor.kind, tensor.shape[0] // BLOCKS[tensor.kind][0], *tensor.shape[1:], tensor.size_bytes)
        for tensor in header.tensors
    }
    assert found == sizes
