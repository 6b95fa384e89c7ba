# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of a model: what is asked for, what the server shows, and when the two are the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.parameters import (
    canonical,
    lines,
    shown,
    unknown,
    wanted,
)
from ansible_collections.inference.ollama.tests.unit.support.examples import examples

# As Ollama 0.32.15 has answered, of parameters that a registry had.
ANSWER = (
    "num_ctx                        1.048576e+06\n"
    "temperature                    0.7\n"
    'stop                           "<a>"\n'
    'stop                           "x\\"y\\né"\n'
    'stop                           "b  "\n'
    "top_p                          1e-05\n"
    "use_mmap                       true\n"
    "num_predict                    -1\n"
    "seed                           1.23456789012e+11"
)
SENT = {
    "num_ctx": 1048576,
    "temperature": 0.7,
    "stop": ["<a>", 'x"y\né', "b  "],
    "top_p": 0.00001,
    "use_mmap": True,
    "num_predict": -1,
    "seed": 123456789012,
}


def go_quoted(text):
    """A text as strconv.Quote of Go writes it."""
    short = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v", "\\": "\\", '"': '"'}
    said = ""
    for char in text:
        if char in short:
            said += f"\\{short[char]}"
        elif char.isprintable() or char == " ":
            said += char
        else:
            number = ord(char)
            said += (
                f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number < 1 << 16 else f"\\U{number:08x}"
            )
    return f'"{said}"'


def go_number(number):
    """A float64 as fmt's %#v of Go writes it."""
    if number == 0 or 1e-4 <= abs(number) < 1e6:
        return repr(number)[:-2] if number.is_integer() else repr(number)
    return next(text for text in (f"{number:.{digits}e}" for digits in range(18)) if float(text) == number)


def answered(parameters):
    """The lines that the server shows."""
    found = []
    for name, value in parameters.items():
        for each in value if isinstance(value, list) else [value]:
            said = json.dumps(each) if isinstance(each, bool) else go_quoted(each) if isinstance(each, str) else None
            found.append(f"{name:<30} {go_number(float(each)) if said is None else said}")
    return "\n".join(found)


def test_what_a_real_server_shows_is_what_it_was_given():
    assert shown(ANSWER) == canonical(SENT)
    assert shown(answered(SENT)) == shown(ANSWER)


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
NUMBERS = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False).filter(
    lambda each: each == 0 or abs(each) > 1e-300
)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "num_ctx": st.integers(-(1 << 53), 1 << 53),
        "num_thread": st.integers(0, 512),
        "temperature": NUMBERS,
        "use_mmap": st.booleans(),
        "stop": st.one_of(TEXTS, st.lists(TEXTS, min_size=1, max_size=4)),
        "later_one": st.one_of(TEXTS, NUMBERS, st.booleans()),
    },
)


@settings(max_examples=examples(60), deadline=None)
@given(asked=ASKED, others=ASKED)
def test_the_same_is_shown_as_the_same_and_another_as_another(asked, others):
    """Whatever is asked for, the server's own way of showing it compares as equal; and only that."""
    sent = wanted(asked)
    assert shown(answered(sent)) == canonical(sent)
    assert canonical(wanted(sent)) == canonical(sent)
    second = wanted(others)
    alike = {key: _plain(value) for key, value in sent.items()} == {key: _plain(value) for key, value in second.items()}
    assert (shown(answered(second)) == canonical(sent)) == alike


def _plain(value):
    """A value in which 1, 1.0 and True are three, and a text and a list of it are one."""
    items = value if isinstance(value, list) else [value]
    return [(isinstance(each, bool), float(each) if isinstance(each, (int, float)) else each) for each in items]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"stop": "x"}, {"stop": ["x"]}),
        (
            {"num_ctx": "8192", "temperature": "0.5", "use_mmap": "True"},
            {"num_ctx": 8192, "temperature": 0.5, "use_mmap": True},
        ),
        ({"num_ctx": 8192.0}, {"num_ctx": 8192}),
        ({"later_one": ["a"], "later_two": "b"}, {"later_one": ["a"], "later_two": "b"}),
    ],
)
def test_values_are_of_the_kind_that_the_server_loads(asked, sent):
    assert wanted(asked) == sent


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"num_ctx": "x"}, "parameters: num_ctx is 'x', expected a whole number"),
        ({"num_ctx": 1.5}, "expected a whole number"),
        ({"num_ctx": True}, "expected a whole number"),
        ({"num_ctx": 1 << 60}, "expected a whole number"),
        ({"temperature": "warm"}, "expected a number"),
        ({"temperature": float("nan")}, "expected a number"),
        ({"use_mmap": 1}, "expected true or false"),
        ({"stop": []}, "expected a text, or a list"),
        ({"stop": [""]}, "expected a text, or a list"),
        ({"stop": ["x" * 5000]}, "expected a text, or a list"),
        ({"later": None}, "expected a text, a number, true or false"),
        ({"Num CTX": 1}, "expected a name of small letters"),
        ({f"a{number}": 1 for number in range(101)}, "there are 101 of them, expected 100 at most"),
    ],
)
def test_a_value_that_fails_when_the_model_is_loaded_is_refused(asked, words):
    with pytest.raises(OllamaError, match=words):
        wanted(asked)


def test_names_that_no_release_reads_are_known():
    assert unknown({"num_ctx": 1, "num_ctxx": 1, "a": 1}) == ["a", "num_ctxx"]


@pytest.mark.parametrize("text", [None, 5, "", "\n\n", " "])
def test_a_model_without_parameters_has_none(text):
    assert shown(text) == {}


def test_what_is_not_of_the_form_is_a_text():
    """Nothing that a server says is refused or raises."""
    said = shown('a <nil>\nb\nc "\\q\\U00ffffff"\nd "\\x41"\ne 1' + "0" * 500)
    assert (said["a"], said["b"]) == ((("text", "<nil>"),), (("text", ""),))
    assert (said["c"], said["d"]) == ((("text", "\\q\\U00ffffff"),), (("text", "A"),))
    assert said["e"][0][0] == "text"


def test_a_difference_shows_a_line_for_each_value():
    assert lines(canonical({"stop": ["a", "b\n"], "num_ctx": 8192, "temperature": 0.5, "use_mmap": True})) == [
        "num_ctx 8192",
        'stop "a"',
        'stop "b\\n"',
        "temperature 0.5",
        "use_mmap true",
    ]
