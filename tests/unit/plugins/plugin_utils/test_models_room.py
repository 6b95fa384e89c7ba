# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a store has room (_models/room.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._models.room import room_for
from ansible_collections.inference.ollama.plugins.plugin_utils._models.room import rewrites, rewriting
from ansible_collections.inference.ollama.tests.unit.support.models import GEMMA, LLAMA, STORE, read

GIB = 1 << 30
BIG = {**GEMMA, "name": "gemma3:27b", "size_bytes": 16 * GIB, "layers": 62, "digest": "b" * 64}
SMALL = {**GEMMA, "size_bytes": 3 * GIB, "digest": "a" * 64}
CONVERTING = "0.40.1"


def test_a_store_has_room_for_what_its_file_system_has_free():
    """To the last byte; what is not known keeps nothing from being done."""
    store = {"path": "/srv/models", "free_bytes": 5 * GIB}
    assert room_for(store, 5 * GIB) is None
    assert room_for({"path": "/srv/models", "free_bytes": None}, 5 * GIB) is None
    assert room_for(store, 5 * GIB + 1) == (
        "the file system of /srv/models has 5.0 GiB free, and 5.0 GiB are needed (5368709120 and 5368709121 bytes);"
        " remove models, or choose a folder of another file system in ollama_models_path"
    )


@pytest.mark.parametrize(
    ("release", "whether"),
    [
        ("0.35.1", False),
        ("0.40.0", True),
        ("0.40.0-rc0", False),
        ("0.40.2", True),
        ("0.40.3", False),
        (None, False),
        ("x", False),
    ],
)
def test_three_releases_convert_models(release, whether):
    """The first and the last are among them; an unknown one is not taken for one of them."""
    assert rewrites(release) is whether


def test_copies_that_the_disk_cannot_hold_are_a_sentence_with_figures():
    """What could be converted, what it may take, what there is."""
    (sentence,) = rewriting(CONVERTING, read(SMALL, BIG, LLAMA, free_bytes=21 * GIB))
    assert sentence == (
        "Ollama 0.40.1 converts models after their first load and keeps the originals: gemma3:27b, gemma3:4b may take"
        f" up to 19.0 GiB more in {STORE}, whose file system has 21.0 GiB free (20401094656 and 22548578304 bytes)."
        " Make room, or choose another release"
    )


def test_a_model_that_finds_no_room_is_not_converted_and_loads():
    """The release itself looks at what is free before it converts."""
    (sentence,) = rewriting(CONVERTING, read(SMALL, BIG, free_bytes=10 * GIB))
    assert "; gemma3:27b would find no room, are left as they are, and load all the same. Make room" in sentence


@pytest.mark.parametrize(
    ("release", "models", "free"),
    [
        (CONVERTING, [SMALL, BIG], 40 * GIB),
        (CONVERTING, [SMALL, BIG], None),
        (CONVERTING, [LLAMA], 0),
        (CONVERTING, [], 0),
        (CONVERTING, [{**BIG, "runner": "llamacpp"}], 0),
        (CONVERTING, [{**BIG, "size_bytes": None}], 0),
        (CONVERTING, [{**BIG, "store": "/elsewhere"}], 0),
        ("0.35.1", [BIG], 0),
        (None, [BIG], 0),
    ],
)
def test_without_need_there_is_no_sentence(release, models, free):
    """With room, where it is not known, and where nothing is left to convert."""
    assert rewriting(release, read(*models, free_bytes=free)) == []
    assert rewriting(release, {}) == []


def test_two_names_of_one_model_are_one_copy():
    """As ollama cp makes them."""
    twice = read(BIG, {**BIG, "name": "mine:latest"}, free_bytes=19 * GIB)
    (sentence,) = rewriting(CONVERTING, twice)
    assert "gemma3:27b may take up to 16.0 GiB more" in sentence
