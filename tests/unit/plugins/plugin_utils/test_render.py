# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's templates, and the readers of the files that they make."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._systemd.environment_file import parse_environment_file
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_secrets


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12))
def test_the_key_is_read_back_from_the_file_that_the_role_writes(key):
    """The template's quoting and the reader are each other's reverse."""
    text = render_secrets({"OTHER": f"x{key}"}, key)
    assert text.startswith(HEADER)
    assert {name: value for name, value, line in parse_environment_file(text) if line} == {
        "OTHER": f"x{key}",
        **({"OLLAMA_API_KEY": key} if key else {}),
    }
