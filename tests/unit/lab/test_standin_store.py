# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model that the stand-in puts into a store is one that the collection reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin import store

from ansible_collections.inference.ollama.plugins.module_utils._models.gather import gather

if TYPE_CHECKING:
    from pathlib import Path


def test_the_reader_of_stores_has_nothing_to_say_against_it(tmp_path: Path) -> None:
    store.pull(str(tmp_path))
    found = gather([str(tmp_path)], [], [], None, 1)
    assert found["problems"] == []
    (model,) = found["models"]
    assert (model["name"], model["digest"]) == ("standin:latest", store.digest(str(tmp_path)))
    assert model["files"]


def test_a_store_without_it_has_a_digest_of_noughts(tmp_path: Path) -> None:
    assert store.digest(str(tmp_path)) == "0" * 64
