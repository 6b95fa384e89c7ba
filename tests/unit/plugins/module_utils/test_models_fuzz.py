# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged files of models, manifests and parameters: each is read or refused in words, quickly and in little memory.

The environment variable INFERENCE_OLLAMA_FUZZ_CASES sets how many cases there are, INFERENCE_OLLAMA_FUZZ_SEED where
they begin. A failure prints the seed of its case.
"""

from __future__ import annotations

import io
import json
import os
import random
import struct
import sys
import time
import tracemalloc
from functools import cache

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.gather import gather
from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import read_header
from ansible_collections.inference.ollama.plugins.module_utils._models.record import record_of
from ansible_collections.inference.ollama.tests.unit.support.gguf_files import TYPES, Typed, Writer, llama
from ansible_collections.inference.ollama.tests.unit.support.stores import Store

pytestmark = pytest.mark.untraced

# Few on the oldest Python of a target, where they show that its language is kept to.
CASES = int(os.environ.get("INFERENCE_OLLAMA_FUZZ_CASES", "2000" if sys.version_info >= (3, 10) else "400"))
SEED = int(os.environ.get("INFERENCE_OLLAMA_FUZZ_SEED", "0"))
BLOCKS = 16
SECONDS, BYTES = 1, 100 * 10**6
HUGE = (
    0,
    1,
    8,
    9,
    12,
    255,
    65536,
    10**6,
    1 << 31,
    (1 << 32) - 1,
    1 << 33,
    1 << 40,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
)


class Sparse(io.RawIOBase):
    """A file that begins so and goes on with zeros; it may say that it is of any length."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def seek(self, place, _whence=0):
        self.place = place
        return place

    def read(self, length=-1):
        part = self.data[self.place : self.place + length]
        self.place += length
        return part + b"\0" * (length - len(part))


def outcome(file, size):
    """The record of a file and its problems, or the sentence that refuses it."""
    problems = []
    try:
        return record_of([read_header(file, size)], problems.append), problems
    except OllamaError as error:
        return None, [str(error)]


def check(record, problems):
    """What must hold of whatever is read."""
    text = json.dumps([record, problems], allow_nan=False)
    assert len(text) < 10**7
    assert all(problem.strip() and len(problem) < 500 for problem in problems)
    if record is None:
        assert len(problems) == 1
        assert "expected" in problems[0] or "byte" in problems[0]
        return
    assert set(record) == set(sound())
    layers = record["layers"]
    for name in ("heads", "kv_heads", "feed_forward_length"):
        assert record[name] is None or len(record[name]) == layers
    assert record["tensor_bytes"] is None or len(record["tensor_bytes"]["layers"]) == layers


@cache
def sound():
    return outcome(io.BytesIO(bases()[0]), len(bases()[0]))[0]


@cache
def bases():
    """Files of several kinds, each without what the tensors hold."""
    mixed = {
        "attention__head_count_kv": [1, 2, 4],
        "attention__sliding_window_pattern": [True, False, True],
        "attention__kv_lora_rank": 512,
        "expert_count": 8,
        "ssm__state_size": 128,
        "template": "x" * 5000,
        "scores": Typed("f32", [0.5] * 2000),
    }
    files = [(Writer(), llama()), (Writer(">"), llama(layers=1)), (Writer("<", 2), llama(layers=3, **mixed))]
    return [writer.file(*model) for writer, model in files]


def odd_values(rng):
    """A sound file with values of any kind."""
    metadata, tensors = llama(layers=rng.choice((0, 1, 3)), **{key: 1 for key in ODD_KEYS if rng.random() < 0.5})
    for name in rng.sample(sorted(metadata), rng.choice((1, 3, 8))):
        kind = rng.choice(sorted(set(TYPES) - {"list"}))
        value = rng.choice(ODD.get(kind, [0, 1, 100]))
        metadata[name] = Typed(kind, [value] * rng.choice((0, 1, 3, 1500)) if rng.random() < 0.4 else value)
    if rng.random() < 0.5:
        name = rng.choice(("blk.7.attn_q.weight", "v.a", "blk.0.x", "token_embd.weight", "blk.99999999999.a"))
        tensors[name] = ([32] * rng.randrange(5), rng.choice((0, 1, 2)))
    data = Writer(rng.choice("<>")).file(metadata, tensors)
    return data, len(data)


ODD = {
    "u64": (0, 1, 512, 513, 1 << 40, (1 << 64) - 1),
    "i64": (-1, 1 << 62),
    "f32": (0.0, 1.5, float("nan"), float("inf")),
    "f64": (1e308, -1.0),
    "bool": (True, False),
    "text": ("", "llama", "\x1b[2J", "x" * 300, b"\xff\xfe"),
}
ODD_KEYS = (
    *("attention__kv_lora_rank", "attention__sliding_window", "attention__sliding_window_pattern", "expert_count"),
    *(
        "expert_used_count",
        "ssm__state_size",
        "pooling_type",
        "vocab_size",
        "attention__key_length",
        "vision__patch_size",
    ),
)


def harmed(rng):
    """A file with one harm or some, and the length that the file system reports for it."""
    data = bytearray(rng.choice(bases()))
    header = min(len(data), 3000)
    for _each in range(rng.choice((1, 1, 1, 2, 5))):
        place = rng.randrange(header) if rng.random() < 0.8 else rng.choice((0, 4, 8, 16, 24))
        kind = rng.randrange(8)
        if kind == 0:
            del data[rng.randrange(len(data)) :]
        elif kind == 1:
            for _flip in range(rng.choice((1, 3, 30))):
                data[rng.randrange(min(header, len(data)))] ^= 1 << rng.randrange(8)
        elif kind == 2:
            data[place : place + 8] = struct.pack("<Q", rng.choice(HUGE))
        elif kind == 3:
            data[place : place + 4] = struct.pack("<I", rng.choice(HUGE) & 0xFFFFFFFF)
        elif kind == 4:
            del data[place : place + rng.choice((1, 8, 100))]
        elif kind == 5:
            data[place:place] = rng.randbytes(rng.choice((1, 8, 100))) if hasattr(rng, "randbytes") else b"\xff" * 9
        elif kind == 6:
            # A list of lists, each of one more.
            data[place:place] = struct.pack("<IIQ", 9, 9, 1) * rng.choice((1, 100, 10_000))
        else:
            data[8:24] = struct.pack("<QQ", rng.choice(HUGE), rng.choice(HUGE))
        data = data or bytearray(b"G")
    return bytes(data), len(data) if rng.random() < 0.7 else rng.choice((0, 1, 40 * 10**9, 1 << 62))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_damaged_files(block):
    """A damaged file is read or refused in words, each within a second."""
    for seed in range(SEED + block, SEED + CASES, BLOCKS):
        rng = random.Random(seed)
        data, size = odd_values(rng) if rng.random() < 0.3 else harmed(rng)
        begin = time.process_time()
        try:
            check(*outcome(Sparse(data), size) if size > len(data) else outcome(io.BytesIO(data), size))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        assert time.process_time() - begin < SECONDS, seed


def key(name, value):
    return struct.pack("<Q", len(name)) + name + value


def start(tensors, keys):
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, keys)


def many_tensors(count):
    entries = (key(b"blk.%d.ffn_up.%d" % (n % 500, n), struct.pack("<IQQIQ", 2, 32, 1, 8, 0)) for n in range(count))
    return start(count, 2) + ARCHITECTURE + BLOCK_COUNT + b"".join(entries)


ARCHITECTURE = key(b"general.architecture", struct.pack("<IQ", 8, 5) + b"llama")
BLOCK_COUNT = key(b"llama.block_count", struct.pack("<II", 4, 500))
EMPTY = struct.pack("<IIQ", 9, 8, (1 << 21) - 100)
LONG = struct.pack("<IIQ", 9, 8, 1000) + struct.pack("<Q", 1 << 23) * 10


@pytest.mark.parametrize(
    ("make", "size"),
    [
        pytest.param(lambda: many_tensors(10**6), None, id="a million tensors"),
        pytest.param(lambda: many_tensors(1 << 15), 40 * 10**9, id="as many tensors as are read"),
        pytest.param(lambda: many_tensors(1000), 1 << 62, id="tensors at one place"),
        pytest.param(lambda: start(0, 1) + key(b"k", struct.pack("<IQ", 8, 3 * 10**9)), 40 * 10**9, id="a long text"),
        pytest.param(lambda: start(0, 1) + key(b"k", EMPTY), 40 * 10**9, id="very many empty texts"),
        pytest.param(lambda: start(0, 1) + key(b"k", LONG), 1 << 62, id="texts of megabytes"),
        pytest.param(
            lambda: start(0, 4096) + b"".join(key(b"%d" % n, struct.pack("<IIQ", 9, 0, 1 << 26)) for n in range(10)),
            1 << 62,
            id="lists of megabytes",
        ),
        pytest.param(
            lambda: (
                start(0, 4096)
                + b"".join(key(b"%d" % n, struct.pack("<IQ", 8, 4096) + b"\xff" * 4096) for n in range(4096))
            ),
            None,
            id="very many texts of no text",
        ),
        pytest.param(
            lambda: (
                start(0, 4096)
                + b"".join(
                    key(b"k%d" % n, struct.pack("<IIQ1024Q", 9, 10, 1024, *[1 << 60] * 1024)) for n in range(4096)
                )
            ),
            None,
            id="very many lists",
        ),
        pytest.param(
            lambda: start(0, 4096) + b"".join(key(b"%01000d" % n, struct.pack("<IB", 0, 1)) for n in range(4096)),
            None,
            id="long keys",
        ),
    ],
)
def test_large_lies(make, size):
    """The largest claims are read or refused within a second and 100 MB."""
    data = make()
    file, size = (io.BytesIO(data), len(data)) if size is None else (Sparse(data), size)
    tracer = sys.gettrace()
    sys.settrace(None)  # what the measuring of coverage takes is not the reader's time
    try:
        # A neighbour on the same core makes what one run takes of the processor several times as much, not each.
        for _try in range(3):
            file.seek(0)
            begin = time.process_time()
            found = outcome(file, size)
            spent = time.process_time() - begin
            if spent < SECONDS:
                break
    finally:
        sys.settrace(tracer)
    check(*found)
    file.seek(0)
    tracemalloc.start()
    outcome(file, size)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spent < SECONDS
    assert peak < BYTES


def damaged_json(rng, data):
    """A JSON text with one harm."""
    said = json.loads(data)
    values = (None, -1, 1 << 70, 1e308, "", "../../../etc/passwd", [], [[]], {}, {"digest": 5}, True, "x" * 1000)
    place, name = said, rng.choice(list(said))
    while isinstance(place[name], (dict, list)) and place[name] and rng.random() < 0.7:
        place = place[name]
        name = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
    place[name] = rng.choice(values)
    text = json.dumps(said).encode()
    return text if rng.random() < 0.8 else text[: rng.randrange(len(text))] + rng.choice((b"", b"[" * 9999, b"\xff"))


@pytest.mark.parametrize("block", range(4))
def test_damaged_manifests(tmp_path, block):
    """Whatever manifest, configuration and parameters say, the other model is read, and holes have reasons."""
    store = Store(tmp_path)
    good = store.manifest([("model", Writer().file(*llama())), ("params", {"num_ctx": 2048})])
    store.named("registry.ollama.ai/library/good/latest", good)
    for seed in range(SEED + block, SEED + CASES // 4, 4):
        rng = random.Random(seed)
        manifest = json.loads(good)
        if rng.random() < 0.3:
            manifest["config"] = store.layer("x/y", damaged_json(rng, b'{"model_family": "llama", "requires": "1"}'))
        if rng.random() < 0.3:
            manifest["layers"][1] = store.layer("params", damaged_json(rng, b'{"num_ctx": 1, "use_mmap": true}'))
        data = json.dumps(manifest).encode()
        store.named("registry.ollama.ai/library/odd/latest", damaged_json(rng, data) if rng.random() < 0.7 else data)
        found = gather([store.path], [], [], None, 1)
        json.dumps(found, allow_nan=False)
        records = {record["name"]: record for record in found["models"]}
        assert records["good:latest"]["layers"] == 2, seed
        odd = records.get("odd:latest")
        assert (odd is not None and odd["layers"] == 2) or found["problems"] or "remote" in str(data), seed
