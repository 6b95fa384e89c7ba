# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GGUF file a path leads to (_models/identity.py)."""

from __future__ import annotations

import hashlib

from ansible_collections.inference.ollama.plugins.module_utils._models import identity
from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Writer, llama


def test_a_file_is_summed_only_where_another_one_has_its_size(tmp_path):
    """Or where any size may be one's; a sum that was given is taken."""
    data = Writer().file(*llama())
    path, summed = tmp_path / "tiny.gguf", hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    known = {"path": str(path), "size_bytes": len(data), "problem": None}
    for sizes, given, expected in (
        ({1}, None, None),
        ({len(data)}, None, summed),
        (None, None, summed),
        (None, "a" * 64, "a" * 64),
    ):
        assert identity.file_identity(str(path), sizes, given) == {**known, "sha256": expected}


def test_what_is_no_gguf_file_is_a_problem(tmp_path, monkeypatch):
    """With its path: nothing there, a text, a folder, a disk that fails meanwhile."""
    text, folder, good = tmp_path / "text", tmp_path / "folder", tmp_path / "good"
    text.write_text("no")
    folder.mkdir()
    for path in (tmp_path / "none", text, folder):
        found = identity.file_identity(str(path), None)
        assert found["problem"].startswith(f"{path}: ")
        assert found["sha256"] is None
    good.write_bytes(Writer().file(*llama()))

    def fails(*_arguments, **_options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(identity, "open", fails, raising=False)
    assert identity.file_identity(str(good), None)["problem"] == f"{good}: cannot be read (Input/output error)"
