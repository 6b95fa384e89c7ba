# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of gather_subset mean what they mean to core."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._topology.subset import wanted

KNOWN = frozenset({"cpu", "numa", "memory", "gpus"})
MINIMAL = frozenset({"cpu", "memory"})
WORDS = ["all", "min", *sorted(KNOWN)]


@given(st.lists(st.sampled_from([*WORDS, *(f"!{word}" for word in WORDS)]), max_size=6))
def test_same_as_core(words):
    """Whatever is asked for, core's own function chooses the same."""
    core = pytest.importorskip("ansible.module_utils.facts.collector", reason="ansible-core is not installed here")
    assert wanted(KNOWN, MINIMAL, words) == core.get_collector_names(KNOWN, MINIMAL, words)
