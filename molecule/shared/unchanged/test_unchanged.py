# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing on any host has changed since its state was recorded last."""

from __future__ import annotations


def test_every_file_is_as_it_was(state, recorded):
    """Of those below /etc/systemd and /etc/ollama."""
    assert state["files"] == recorded("remembered")["files"]


def test_server_is_the_same_process(state, recorded):
    before = recorded("remembered")
    assert {**state, "files": None} == {**before, "files": None}
