# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words as units have them, and as systemctl prints them."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import assignment, expand, split_words


@pytest.mark.parametrize(
    ("text", "expected", "problem"),
    [
        ("", [], None),
        ("a  b", ["a", "b"], None),
        ("\"A=x y\" 'C=2 3' '' x\"\"y", ["A=x y", "C=2 3", "", "xy"], None),
        (r"q\x41\tz \u00e9\303\251\s|", ["qA\tz", "éé |"], None),
        ("$'A=1'", ["$A=1"], None),
        ('a "open', ["a"], "a quote in it is not closed"),
        (r"a b\$c d", ["a"], "a backslash that begins no known escape"),
    ],
)
def test_words_of_a_unit(text, expected, problem):
    """What systemd takes, and why it takes no more."""
    words, reason = split_words(text)
    assert words == expected
    assert (reason is None) if problem is None else problem in reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'A=1 "B=2 \"3\" \$x" ' + "'C=4 5'", ["A=1", 'B=2 "3" $x', "C=4 5"]),
        (r"$'A=1\n2\033[m' b $''", ["A=1\n2\x1b[m", "b", ""]),
        (r"$'A=it\'s' B=$x", ["A=it's", "B=$x"]),
        ('"open', None),
        ("end\\", None),
    ],
)
def test_words_that_systemctl_prints(text, expected):
    """They are quoted for a shell, in two ways; None for a quotation without an end."""
    words, problem = split_words(text, printed=True)
    assert (words if problem is None else None) == expected


@given(st.lists(st.text(st.characters(exclude_characters="\\'", exclude_categories=["Cs"]))))
def test_quoted_words_come_back(words):
    """What a shell would read as words is read as the same words."""
    assert split_words(" ".join(shlex.quote(word) for word in words), printed=True) == (words, None)


@given(st.text(max_size=60), st.booleans())
def test_any_text_is_read(text, printed):
    """No text makes the reader fail, and what it gives can be expanded and looked at."""
    words, problem = split_words(text, printed=printed)
    assert problem is None or problem.endswith("so the rest of the line is ignored")
    assert all(assignment(word) is None or "=" in word for word in map(expand, words))
