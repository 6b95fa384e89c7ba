# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ollama's release numbers."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release, parse_release

NUMBERS = st.integers(0, 999)
RELEASES = st.one_of(
    st.builds("{}.{}.{}".format, NUMBERS, NUMBERS, st.integers(1, 999)),
    st.builds("v{}.{}.{}-rc{}".format, NUMBERS, NUMBERS, st.integers(1, 999), NUMBERS),
    st.builds("{}.{}.{}-{}-gabcdef1".format, NUMBERS, NUMBERS, st.integers(1, 999), NUMBERS),
)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0.34.1", "0.34.1"),
        ("v0.33.0-rc2", "0.33.0-rc2"),
        (" 0.5.13\n", "0.5.13"),
        ("0.5.13-0-gabcdef", "0.5.13"),
        ("0.5.13-3-gabcdef", "0.5.13-3-gabcdef"),
        ("0.33.0-rc2-0-gfb30760-dirty", "0.33.0-rc2"),
    ],
)
def test_release_is_read_and_printed(text, printed):
    """Every form in which Ollama names its release is understood, and printed without its ornaments."""
    assert str(parse_release(text)) == printed


@pytest.mark.parametrize(
    "text", ["", "latest", "0.34", "0.34.1.2", "0.34.x", "1e3", "0.34.1 or later", "\u0660.\u0663.\u0661"]
)
def test_other_text_is_no_release(text):
    """The error quotes the text and shows what is right."""
    with pytest.raises(OllamaError) as caught:
        parse_release(text)
    assert str(caught.value) == f"{text!r} is not an Ollama release such as 0.34.1 or 0.33.0-rc2"


def test_endless_text_makes_a_short_error():
    """A page of text in place of a release does not end up in the message."""
    with pytest.raises(OllamaError) as caught:
        parse_release("0" * 10000)
    assert len(str(caught.value)) < 200


def test_a_build_without_a_number_is_refused():
    """0.0.0 says nothing about what the build reads, and would make everything look too new."""
    with pytest.raises(OllamaError, match="without a version"):
        parse_release("0.0.0")


def test_releases_are_ordered_as_they_were_published():
    """Candidates come before their release, builds after it."""
    order = [
        "0.5.13",
        "0.30.0-rc1",
        "0.30.0-rc2",
        "0.30.0-rc10",
        "0.30.0",
        "0.30.0-7-gabcdef",
        "0.30.1",
        "0.30.10",
        "1.0.0",
    ]
    assert [str(release) for release in sorted(map(parse_release, reversed(order)))] == order


def test_a_candidate_is_promised_nothing():
    """0.30.0-rc1 may lack what came with 0.30.0."""
    assert parse_release("0.30.0-rc1") < parse_release("0.30.0")
    assert parse_release("0.30.1-rc0") >= parse_release("0.30.0")


@given(RELEASES, RELEASES, RELEASES)
def test_release_order_is_total(one, two, three):
    """Exactly one of before, equal and behind holds, and the order is transitive."""
    a, b, c = map(parse_release, (one, two, three))
    assert [a < b, a == b, a > b].count(True) == 1
    assert (a >= b) == (a > b or a == b)
    if a <= b <= c:
        assert a <= c


@given(RELEASES)
def test_release_survives_printing(text):
    """What is printed reads as the same release."""
    release = parse_release(text)
    assert parse_release(str(release)) == release


@given(st.text(max_size=40))
def test_any_text_is_a_release_or_an_error(text):
    """Nothing but OllamaError comes out of garbage."""
    with contextlib.suppress(OllamaError):
        assert isinstance(parse_release(text), Release)
