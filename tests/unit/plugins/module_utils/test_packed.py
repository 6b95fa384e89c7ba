# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in an archive are found as Python finds them, only without being compiled for that."""

from __future__ import annotations

import gc
import sys
import zipfile
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._packed import Finder, lean

PLACE = "ansible_collections/inference/ollama/plugins"
FILES = {"one.py": "said = 1", "room/__init__.py": "", "room/two.py": "said = 2", "broken.py": "said ="}


def name(path):
    return f"{PLACE}/{path}".replace("/", ".")


@pytest.fixture
def archive(tmp_path):
    """The search path of a package in an archive."""
    with zipfile.ZipFile(tmp_path / "module.zip", "w") as written:
        for path, text in FILES.items():
            written.writestr(f"{PLACE}/{path}", text)
    return [f"{tmp_path}/module.zip/{PLACE}"]


@pytest.mark.parametrize("path", ["one", "room"])
def test_a_module_is_what_python_would_have_found(archive, path):
    """Name, place, package and content."""
    found, expected = Finder.find_spec(name(path), archive), PathFinder.find_spec(name(path), archive)
    for key in ("name", "origin", "parent", "has_location", "submodule_search_locations", "loader"):
        assert getattr(found, key) == getattr(expected, key), key


def test_a_module_of_a_package_can_be_run(archive):
    """The package's own search path leads on."""
    room = Finder.find_spec(name("room"), archive)
    module = module_from_spec(Finder.find_spec(name("room/two"), room.submodule_search_locations))
    exec(module.__loader__.get_code(module.__name__), module.__dict__)
    assert (module.said, module.__package__) == (2, name("room"))


def test_finding_compiles_nothing(archive):
    """A file that cannot be compiled is found."""
    assert Finder.find_spec(name("broken"), archive).origin.endswith("/broken.py")


def test_all_else_is_left_to_python(archive, tmp_path):
    """What is not there, what is in no archive, what is of no package of ours."""
    assert Finder.find_spec(name("nothing"), archive) is None
    assert Finder.find_spec(name("one"), [str(tmp_path)]) is None
    assert Finder.find_spec("ansible.module_utils.basic", archive) is None
    assert Finder.find_spec("ansible_collections", None) is None


def test_lean(monkeypatch):
    """The finder is asked first, and garbage is left lying."""
    monkeypatch.setattr(sys, "meta_path", ["other"])
    collecting = gc.isenabled()
    try:
        lean()
        assert not gc.isenabled()
    finally:
        if collecting:
            gc.enable()
    assert sys.meta_path == [Finder, "other"]
