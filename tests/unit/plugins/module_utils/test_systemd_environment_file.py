# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files are read as systemd reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._systemd.environment_file import parse_environment_file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=two words  \n", [("A", "1", 1), ("B", "two words", 2)]),
        ("# c\n; d\n\n A = 1\n", [("A", "1", 4)]),
        ("A='one\ntwo' \nB=2", [("A", "one\ntwo", 1), ("B", "2", 3)]),
        ('A="a\\"b\\$c\\d\\\ne"', [("A", 'a"b$c\\de', 1)]),
        ("A=one\\\ntwo", [("A", "onetwo", 1)]),
        ("A=a\\ \nB=\\$HOME", [("A", "a ", 1), ("B", "$HOME", 2)]),
        ("A='x'\"y\"z'w'", [("A", "xyz'w'", 1)]),
        ("A=\nB=''", [("A", "", 1), ("B", "", 2)]),
        ("no assignment\nA=1", [("A", "1", 2)]),
        ("export A=1", [("export A", "1", 1)]),
        ("A=1 # no comment\r\nB=2", [("A", "1 # no comment", 1), ("B", "2", 2)]),
        ("A='open", [("A", "open", 1)]),
        ('A="open\\', [("A", "open\\", 1)]),
        ("A=open\\", [("A", "open", 1)]),
        ("='x\nA=1", [("A", "1", 2)]),
        ("A", []),
        ("", []),
    ],
)
def test_environment_file_is_systemds(text, expected):
    """A shell's rules with less in them."""
    assert parse_environment_file(text) == expected


@given(st.text(max_size=40))
def test_any_text_is_read(text):
    """No file makes the reader fail, and no assignment stands outside of it."""
    assert all(0 < line <= len(text) + 1 for _name, _value, line in parse_environment_file(text))
