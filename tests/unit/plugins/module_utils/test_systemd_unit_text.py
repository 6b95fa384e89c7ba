# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit files are taken apart as systemd does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import parse_unit


def test_settings_keep_their_order_and_say_where_they_stand():
    """A continued line counts from where it begins, and values are as written."""
    settings, ignored = parse_unit("[Unit]\nA=1\n[Service]\n# c\nExecStart=/bin/x \\\n  serve\nB=\n", "f")
    assert [tuple(setting) for setting in settings] == [
        ("f", 2, "Unit", "A", "1"),
        ("f", 5, "Service", "ExecStart", "/bin/x    serve"),
        ("f", 7, "Service", "B", ""),
    ]
    assert ignored == []


@given(st.text(max_size=60))
def test_any_text_is_read(text):
    """No file makes the reader fail, and each line is taken or passed over with its place."""
    settings, ignored = parse_unit(text)
    assert all(0 < entry.line <= len(text) + 1 for entry in (*settings, *ignored))
    assert all(setting.section and setting.directive for setting in settings)


def test_sections_of_others_have_a_syntax_of_their_own():
    """systemd reads no line of a section that begins with X-, whatever it looks like."""
    settings, ignored = parse_unit("[X-Own]\n=x\nword\nA=1\n[Service]\n=x\n")
    assert [(each.section, each.directive) for each in settings] == [("X-Own", "A")]
    assert [each.line for each in ignored] == [6]
