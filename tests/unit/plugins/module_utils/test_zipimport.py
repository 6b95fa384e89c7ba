# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in Ansible's archive are compiled once, and are otherwise imported as Python does it by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport

FILE = Path(_zipimport.__file__)
# Prints how often each file is compiled, and where the last one says that it comes from.
PROGRAM = """
import collections, json, sys, zipimport
compiled = collections.Counter()
before = zipimport._compile_source
zipimport._compile_source = lambda path, text: (compiled.update([path]), before(path, text))[1]
sys.path.insert(0, sys.argv[1])
for module in sys.argv[2:]:
    __import__(module)
print(json.dumps([compiled, sys.modules[module].__file__]))
"""


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "modules.zip"
    with zipfile.ZipFile(path, "w") as files:
        files.writestr("utils/_zipimport.py", FILE.read_text(encoding="utf-8"))
        for name in ("utils/__init__", "utils/beside", "utils/below/__init__", "utils/below/file"):
            files.writestr(f"{name}.py", "")
    return path


def compiled(archive, *modules):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, archive, *modules], stdout=subprocess.PIPE, check=True, text=True
    )
    counts, file = json.loads(done.stdout)
    return {path[len(str(archive)) + 1 :]: count for path, count in counts.items()}, file


def test_each_file_is_compiled_once(archive):
    """Of files beside and below this one, packages among them, each is compiled once."""
    counts, file = compiled(archive, "utils._zipimport", "utils.beside", "utils.below.file")
    assert {name: counts[name] for name in counts if name.startswith(("utils/be", "utils/below"))} == {
        "utils/beside.py": 1,
        "utils/below/__init__.py": 1,
        "utils/below/file.py": 1,
    }
    assert file == f"{archive}/utils/below/file.py"


def test_names_are_those_that_python_finds(archive):
    """A file's name is the one that zipimport gives, and what is not there is refused as zipimport does."""
    plain, once = (kind(f"{archive}/utils") for kind in (_zipimport.zipimporter, _zipimport.Importer))
    for module in ("utils.beside", "utils.below"):
        assert once.get_filename(module) == plain.get_filename(module)
    with pytest.raises(ImportError):
        once.get_filename("utils.absent")


def test_only_archives_are_its_own(tmp_path):
    """A folder is left to Python's other importers."""
    with pytest.raises(ImportError):
        _zipimport.Importer(str(tmp_path))
