# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The header of a GGUF file."""

from __future__ import annotations

import io
import struct

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models import window as window_module
from ansible_collections.inference.ollama.plugins.module_utils._models.ggml_types import BLOCKS
from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Skipped, read_header
from ansible_collections.inference.ollama.tests.unit.support.gguf_files import TYPES, Typed, Writer, llama

EVERY = {
    "u8": 255,
    "i8": -128,
    "u16": 65535,
    "i16": -32768,
    "u32": (1 << 32) - 1,
    "i32": -(1 << 31),
    "f32": 0.5,
    "bool": True,
    "text": "größe",
    "u64": (1 << 64) - 1,
    "i64": -(1 << 63),
    "f64": 1e300,
}


def read(data, size=None):
    return read_header(io.BytesIO(data), len(data) if size is None else size)


def refused(data, size=None):
    with pytest.raises(OllamaError) as error:
        read(data, size)
    return str(error.value)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [2, 3])
def test_every_type_is_read(order, version):
    """Each type of a number, a text and lists of numbers come back as they were written, in either byte order."""
    metadata = {f"a.{kind}": Typed(kind, value) for kind, value in EVERY.items()}
    metadata.update({f"b.{kind}": Typed(kind, [value] * 3) for kind, value in EVERY.items() if kind != "text"})
    header = read(Writer(order, version).file(metadata))
    assert header.metadata == {key: value.value for key, value in metadata.items()}
    assert (header.version, header.big_endian) == (version, order == ">")


@pytest.mark.parametrize("order", ["<", ">"])
def test_tensors_and_their_bytes(order):
    """A tensor has its name, shape, type and bytes; the first begins where the header ends, aligned."""
    metadata, tensors = llama()
    data = Writer(order).file(metadata, tensors)
    header = read(data)
    assert {tensor.name: (list(tensor.shape), tensor.kind) for tensor in header.tensors} == tensors
    assert header.data % 32 == 0
    assert {tensor.name: tensor.size_bytes for tensor in header.tensors}["token_embd.weight"] == 64 * 96 * 2


def test_long_values_are_not_kept():
    """Of lists of texts, long lists and long texts only the length is kept, and what follows them is read."""
    metadata = {
        "a.tokens": Typed("text", ["é" * (number % 50) for number in range(70_000)]),
        "a.scores": Typed("f32", [0.0] * 400_000),
        "a.template": "x" * 2_000_000,
        "a.last": 7,
    }
    header = read(Writer().file(metadata))
    assert header.metadata == {
        "a.tokens": Skipped(70_000),
        "a.scores": Skipped(400_000),
        "a.template": Skipped(2_000_000),
        "a.last": 7,
    }


def test_texts_longer_than_a_part():
    """A text in a list that is longer than what is read at once is left out, too."""
    texts = ["x" * 3_000_000, "", "y" * 5, "z" * 1_500_000]
    assert read(Writer().file({"a.texts": Typed("text", texts), "a.last": 7})).metadata["a.last"] == 7


def test_another_alignment():
    """general.alignment says where tensors begin."""
    metadata, tensors = llama()
    metadata["general.alignment"] = 256
    header = read(Writer().file(metadata, tensors))
    assert header.data % 256 == 0


@pytest.mark.parametrize("alignment", [0, 3, Typed("i32", -32), "32", Typed("bool", 1)])
def test_wrong_alignments(alignment):
    """An alignment that is no power of two is refused."""
    data = Writer().file({"general.alignment": 32, "a.b": 1})
    value = Writer().value(alignment)
    assert "expected a power of two" in refused(data.replace(Writer().value(32), value, 1) + b"\0" * 100)


def test_cut_files():
    """A file that ends anywhere before its last tensor does is refused, with the byte."""
    data = Writer().file(*llama(layers=1, vocabulary=8))
    header = read(data).data
    for length in [*range(header), *range(header, len(data), 997), len(data) - 1]:
        sentence = refused(data[:length])
        assert "byte" in sentence, length


def test_a_file_that_shrinks():
    """A file that is shorter than the file system said is refused as one that is cut."""
    data = Writer().file(*llama())
    assert "the file ends after" in refused(data[:300], len(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "begins with b'', expected b'GGUF'"),
        (b"GG", "begins with b'GG'"),
        (b"ggml" + b"\0" * 99, "begins with b'ggml'"),
        (b"GGUF", "the file ends after 0"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1 of GGUF, expected 2 or 3"),
        (b"GGUF" + struct.pack("<IQQ", 4, 0, 0), "version 4 of GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 0, 0, 0), "version 0 of GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 20, 0), "the number of tensors before it is 1048576"),
        (b"GGUF" + struct.pack("<IQQ", 3, 30000, 0), "30000 tensors are announced, expected 0 at most"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 40), "the number of keys before it is"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 9), "9 keys are announced, expected 0 at most"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 0) + b"\0" * 99, "a key has 0 bytes"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 62) + b"\0" * 99, "expected 1 to 1024"),
    ],
)
def test_wrong_beginnings(data, words):
    """What is no GGUF file, or announces what it cannot hold, is refused in words."""
    assert words in refused(data)


def one_key(value):
    return b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (struct.pack("<I", 13), "has the type 13, expected 0 to 12"),
        (struct.pack("<IQ", 8, 1 << 34), "has 17179869184 bytes, expected 16777216 at most"),
        (struct.pack("<IQ", 8, 5000), "5000 bytes are announced"),
        (struct.pack("<IIQ", 9, 9, 1), "a list of lists"),
        (struct.pack("<IIQ", 9, 44, 1), "elements of the type 44"),
        (struct.pack("<IIQ", 9, 4, 1 << 60), "elements are announced"),
        (struct.pack("<IIQ", 9, 8, 1 << 60), "texts, expected 2097152 more at most"),
        (struct.pack("<IIQ", 9, 8, 1 << 20), "texts are announced"),
        (struct.pack("<IIQQ", 9, 8, 1, 1 << 63), "expected 16777216 at most"),
        (struct.pack("<IIQQ", 9, 8, 1, (1 << 64) - 1), "expected 16777216 at most"),
        (struct.pack("<IIQQ", 9, 8, 2, (1 << 64) - 1), "expected 16777216 at most"),
        (struct.pack("<IIQQ", 9, 8, 1, 1000), "bytes are announced"),
    ],
)
def test_wrong_values(value, words):
    """A value that the file cannot hold, or that no file has, is refused in words."""
    assert words in refused(one_key(value) + b"\0" * 99)


def test_keys_come_once():
    """A key that comes twice is refused, as llama.cpp does."""
    pair = struct.pack("<Q", 1) + b"k" + struct.pack("<II", 4, 1)
    assert "'k' comes twice" in refused(b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + pair * 2)


def tensor(name=b"t", dimensions=(32,), kind=1, offset=0):
    shape = struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
    return struct.pack("<Q", len(name)) + name + shape + struct.pack("<IQ", kind, offset)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (tensor(b"x" * 64), "has 64 bytes, expected 1 to 63"),
        (tensor(dimensions=(1,) * 5), "has 5 dimensions"),
        (tensor(dimensions=(1 << 40, 1 << 40)), "elements at most"),
        (tensor(dimensions=(0, 1 << 63)), "elements at most"),
        (tensor(kind=4), "has the type 4"),
        (tensor(kind=1 << 31), "has the type 2147483648"),
        (tensor(kind=12), "have 32 elements, expected a multiple of 256"),
        (tensor(offset=1 << 63), "and the file at byte"),
        (tensor(offset=7), "expected a multiple of 32"),
        (tensor() + tensor(), "'t' comes twice"),
        (tensor(dimensions=(32, 20)) + tensor(b"u", (32, 20)), "the tensors have 2560 bytes"),
    ],
)
def test_wrong_tensors(entry, words):
    """A tensor that no file has, or that the file does not hold, is refused in words."""
    count = 2 if entry.count(struct.pack("<IQ", 1, 0)) == 2 else 1
    assert words in refused(b"GGUF" + struct.pack("<IQQ", 3, count, 0) + entry + b"\0" * 2000)


def test_names_that_are_no_text():
    """A name of bytes that are no UTF-8 is read with a mark in their place."""
    data = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2) + b"\xff\xfe" + struct.pack("<II", 4, 1)
    assert list(read(data).metadata) == ["\ufffd\ufffd"]


def test_headers_have_a_bound():
    """A header of more than 64 MiB is refused, however it is made."""
    texts = Writer().number("u64", 1 << 20) + b"\0" * (1 << 20)
    data = one_key(struct.pack("<IIQ", 9, 8, 100)) + texts * 100
    assert "goes on beyond 67108864 bytes" in refused(data)


def test_disks_that_are_slow(monkeypatch):
    """A header that takes very long to read is refused."""
    monkeypatch.setattr(window_module, "_SECONDS", -1.0)
    assert refused(Writer().file(*llama())) == "at byte 0, the magic: reading took more than -1 s"


def test_types_agree_with_the_package():
    """The bytes of each type are those of the package gguf, where it knows the type."""
    gguf = pytest.importorskip("gguf")
    known = {int(kind): size for kind, size in gguf.GGML_QUANT_SIZES.items()}
    # The package has two floats in a block where ggml-common.h has two halves; no file holds this type.
    assert known.pop(9) == (32, 40)
    assert {kind: size for kind, size in BLOCKS.items() if kind in known} == {
        kind: size for kind, size in known.items() if kind in BLOCKS
    }
    assert set(known) <= set(BLOCKS)
    assert BLOCKS[9] == (32, 36)


def test_value_types_agree_with_the_package():
    """The numbers of the types of values are those of the package gguf."""
    gguf = pytest.importorskip("gguf")
    assert sorted(int(kind) for kind in gguf.GGUFValueType) == sorted(number for number, _form in TYPES.values())


def test_what_is_kept_has_a_bound():
    """Of very many lists and texts the first are kept, and those behind them are left out."""
    metadata = {f"a.{number}": Typed("u64", [number] * 1024) for number in range(1025)}
    metadata["a.text"] = "x"
    header = read(Writer().file(metadata))
    assert header.metadata["a.1023"] == [1023] * 1024
    assert (header.metadata["a.1024"], header.metadata["a.text"]) == (Skipped(1024), Skipped(1))
    assert str(Skipped(1024)) == "a list or text of length 1024"
