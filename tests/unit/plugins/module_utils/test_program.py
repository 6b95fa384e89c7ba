# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs for a host, made of files of the collection."""

from __future__ import annotations

import io
import zipfile

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _program
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

GUARD = "ansible_collections.inference.ollama.plugins.module_utils._guard.act"


def test_only_what_the_module_imports_is_in_it():
    """A program has the files that its module needs, directly or not, and no others."""
    with zipfile.ZipFile(io.BytesIO(_program.archive(GUARD))) as file:
        names = {name.rpartition("/module_utils/")[2] for name in file.namelist()}
    assert {"__main__.py", "_guard/act.py", "_snapshots/store.py", "_errors.py"} <= names
    assert not {name for name in names if name.startswith("_benchmark/")}


def test_it_is_the_same_from_ansibles_archive(tmp_path, monkeypatch):
    """Of an archive it is the files that this archive has; a damaged archive is named."""
    path = tmp_path / "module.zip"
    path.write_bytes(_program.archive(GUARD))
    monkeypatch.setattr(_program, "__loader__", type("Loader", (), {"archive": str(path)}), raising=False)
    assert _program.archive(GUARD) == path.read_bytes()
    path.write_bytes(b"no archive")
    with pytest.raises(OllamaError, match=r"the files of the program .*_guard\.act cannot be read"):
        _program.archive(GUARD)


def test_a_program_that_is_not_there_is_named():
    """A module that the collection does not have makes no program."""
    with pytest.raises(OllamaError, match="has no file"):
        _program.archive(f"{GUARD}s")
