# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program says of a value means what the unit says, or not, or nobody can tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._verify.values import same

EVER = "2562047h47m16.854775807s"


@pytest.mark.parametrize(
    ("kind", "planned", "seen", "verdict"),
    [
        ("ollama_boolean", "1", "true", True),
        ("ollama_boolean", "0", "true", False),
        ("ollama_boolean", "1", "auto", None),
        ("llama_boolean", "on", "1", True),
        ("unsigned", "4", "4", True),
        ("unsigned", "4", "1", False),
        ("bytes", "4", "4 GiB", None),
        ("duration", "24h", "24h0m0s", True),
        ("duration", "90", "1m30s", True),
        ("duration", "1.5h", "1h30m0s", True),
        ("duration", "5m", "5m0.5s", False),
        ("duration", "-1", EVER, True),
        ("duration", "-2h", EVER, True),
        ("duration", "0", EVER, None),
        ("duration", "soon", "5m0s", None),
        ("host", "127.0.0.1:11434", "http://127.0.0.1:11434", True),
        ("host", "127.0.0.1:11434", "http://0.0.0.0:11434", False),
        ("enum", "q8_0", "f16", False),
        ("origins", "http://a", "[http://a http://b]", None),
    ],
)
def test_forms(kind, planned, seen, verdict):
    """Go and llama.cpp write values in forms of their own."""
    assert same(kind, planned, seen) is verdict


@given(st.sampled_from(["ollama_boolean", "integer", "duration", "host", "enum", "x"]), st.text(), st.text())
def test_no_text_raises(kind, planned, seen):
    """Both come from elsewhere."""
    assert same(kind, planned, seen) in (True, False, None)
