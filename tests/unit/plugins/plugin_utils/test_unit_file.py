# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of unit files in every form that a playbook has them in."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._unit_file import file_texts


def test_texts_and_results_of_slurp():
    """A path with a content, and a source with one in base64; bytes outside UTF-8 do no harm."""
    slurped = {"source": "/b", "content": "W1NlcnZpY2Vd/w==", "encoding": "base64"}
    assert file_texts([{"path": "/a", "content": "[Unit]"}, slurped], "files") == [
        ("/a", "[Unit]"),
        ("/b", "[Service]\ufffd"),
    ]
