# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a host moves no cursor, colours nothing, and hides and reverses no part of itself."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line, visible, visible_everywhere
from ansible_collections.inference.ollama.plugins.plugin_utils import _change, _table

HOSTILE = st.text(st.characters(categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Lu", "Zs"]))
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
SEQUENCES = "\x1b]0;owned\x07 \x9b31m \u202e\u2066\u200b\u200f\ufeff \u2028\u2029 \x00\x7f\r\b \ud800 \U000e0041"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 漢字 🦙", "plain ünïcode 漢字 🦙"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("\u202eRTL\u200b", "\\u202eRTL\\u200b"),
        ("a\nb\tc\r", "a\nb\tc\\r"),
        ("\ud800\u2028\x9b", "\\ud800\\u2028\\x9b"),
    ],
)
def test_what_is_not_printed_is_escaped(text, shown):
    """Letters of every script stay, line breaks and tabs too; all else is written as an escape."""
    assert visible(text) == shown


@given(HOSTILE)
def test_nothing_unseen_is_left(text):
    """No control, format, separator, surrogate or private character is in a text that is shown."""
    assert not {unicodedata.category(char) for char in visible(text)} & UNSEEN or set(visible(text)) & {"\n", "\t"}
    assert one_line(text).isprintable()
    assert visible(visible(text)) == visible(text)
    assert _table._plain(text).isprintable()
    assert all(line.isprintable() for line in _table.wrapped(text))


@given(HOSTILE)
def test_errors_problems_and_reasons_are_visible(text):
    """Where the collection quotes a host, in an error, a problem or the reason of a failure, it quotes visible text."""
    root = Root("/")
    root.problem(text)
    assert all(problem.isprintable() for problem in root.problems)
    assert visible(str(OllamaError(text))) == str(OllamaError(text))
    assert _change.failure_reason({"msg": text}, "task").isprintable()


def test_nested_data_is_visible_with_its_keys():
    """Every text of a record, at any depth."""
    found = visible_everywhere({SEQUENCES: [SEQUENCES, 1, None, (SEQUENCES,)]})
    assert visible(str(found)) == str(found)
    assert SEQUENCES not in found


def test_a_long_text_is_cut_before_a_word():
    """What hides secrets afterwards sees an address as a whole or not at all."""
    assert one_line("a " * 3000, 100) == "a " * 49 + "…"
    assert "hunter" not in one_line("x" * 90 + " http://me:hunter2@host", 108)
    assert one_line("x" * 5000, 100) == "x" * 99 + "…"


def test_problems_have_a_limit():
    """However much is wrong on a host, nobody reads more."""
    root = Root("/")
    for number in range(2000):
        root.problem(f"problem {number} {'x' * 5000}")
    assert len(root.problems) == 1000
    assert max(map(len, root.problems)) <= 2000
