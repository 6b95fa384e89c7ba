# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slice that a service's own files name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._systemd.slices import FORM, own_slice


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[Service]\nSlice=llm.slice", "llm.slice"),
        ("[Service]\n  Slice = llm.slice  ", "llm.slice"),
        ('[Service]\nSlice="llm.slice"', None),
        ("[Service]\nSlice=a.slice\nSlice=b-c.slice", "b-c.slice"),
        ("[Service]\nSlice=a.slice\nSlice=", "a.slice"),
        ("[Service]\nSlice=a.slice\nSlice=no/slice", "a.slice"),
        ("[Unit]\nSlice=a.slice", None),
        ("[Service]\n#Slice=a.slice\nSliceX=b.slice", None),
        (f"{HEADER} x\n[Service]\nSlice=ollama.slice", None),
        ("", None),
    ],
)
def test_own_slice(text, name):
    """The last name that systemd takes counts; comments, other sections and files of the role do not."""
    found = own_slice([("/etc/x.conf", text.split("\n"))])
    assert found == (None if name is None else {"name": name, "path": "/etc/x.conf"})


def test_later_file_wins():
    """Of several files the last one that names a slice counts."""
    files = [("/a", ["[Service]", "Slice=a.slice"]), ("/b", ["[Service]", "Slice=b.slice"]), ("/c", ["[Service]"])]
    assert own_slice(files) == {"name": "b.slice", "path": "/b"}


@given(st.lists(st.text()))
def test_any_text_is_read_by_the_lines_of_the_form_alone(lines):
    """Whatever a file holds, the lines that are kept of it give the same slice as all of them."""
    kept = [line for line in lines if FORM.fullmatch(line)]
    assert own_slice([("/a", kept)]) == own_slice([("/a", lines)])
