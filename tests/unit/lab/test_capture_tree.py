# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A box that shows a captured machine shows the processors and nodes that were captured."""

from __future__ import annotations

import tarfile
from pathlib import Path

import capture_tree
import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import gather

MACHINES = Path(__file__).resolve().parents[1] / "machines"


@pytest.mark.parametrize(
    ("name", "processors", "nodes"),
    [("desktop8", (1, 8, 8), ["0-7"]), ("adjacent", (2, 4, 8), ["0-3", "4-7"]), ("tiny", (1, 1, 1), ["0"])],
)
def test_tree_of_a_capture_reads_as_the_machine(tmp_path, name, processors, nodes):
    """By the collection's own reader."""
    capture_tree.main(str(MACHINES / f"{name}.txt"), str(tmp_path / "tree.tar"))
    with tarfile.open(tmp_path / "tree.tar") as tree:
        tree.extractall(tmp_path / "root", filter="data")
    found = gather(Root(str(tmp_path / "root")), None, {"cpu", "numa"})
    assert (found["cpu"]["sockets"], found["cpu"]["cores"], found["cpu"]["threads"]) == processors
    assert [node["cpus"] for node in found["numa"]] == nodes
    assert {path.name for path in (tmp_path / "root").iterdir()} == {"proc", "sys"}
