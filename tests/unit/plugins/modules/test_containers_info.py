# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module containers_info: its answer."""

from __future__ import annotations


def test_the_module_answers(run, tmp_path):
    """It changes nothing, and a tree of files has no engine to ask."""
    folder = tmp_path / "etc/containers/systemd"
    folder.mkdir(parents=True)
    (folder / "ollama.container").write_text("[Container]\nImage=docker.io/ollama/ollama:latest\n")
    status, answer = run(root=str(tmp_path))
    assert (status, answer["changed"], answer["containers"]["engines"]) == (0, False, {"podman": None, "docker": None})
    assert [each["manager"] for each in answer["containers"]["containers"]] == ["quadlet"]
