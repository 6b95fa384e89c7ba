# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets never leave a host, and all other text stays readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["a", "--api-key", "x y", "-m", "f"], ["a", "--api-key", "***", "-m", "f"]),
        (["a", "--api-key=xy", "--ssl-key-file", "/k"], ["a", "--api-key=***", "--ssl-key-file", "/k"]),
        (["env", "HF_TOKEN=abc", "A=b"], ["env", "HF_TOKEN=***", "A=b"]),
        (["sh", "-c", "X_TOKEN=abc exec a"], ["sh", "-c", "X_TOKEN=***"]),
        (["a", "--url", "https://me:pw@h/x"], ["a", "--url", "https://***@h/x"]),
        (["a", "--token"], ["a", "--token"]),
        (["a", "--proxy", "me:pw@h:1", "P=me:p@w@h"], ["a", "--proxy", "***@h:1", "P=***@h"]),
        ([], []),
    ],
)
def test_command_lines(argv, expected):
    """The option stays, its value goes."""
    assert Redactor().command_line(argv) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("http://me:p@ss@h:1", "http://***@h:1"),
        ("me:hunter22@h:1", "***@h:1"),
        ("redis://:hunter22@h", "redis://***@h"),
        ('http://a,http://me:p"w@h', "http://***@h"),
        ("git@example.org:a/b", "git@example.org:a/b"),
        ("unix:/run/a@b", "unix:/run/a@b"),
        ("127.0.0.1:11434", "127.0.0.1:11434"),
    ],
)
def test_addresses_with_and_without_a_scheme(value, expected):
    """A proxy may be named without a scheme, and its password is one all the same, wherever it stands again."""
    redactor = Redactor()
    assert redactor.environment({"HTTPS_PROXY": value}) == {"HTTPS_PROXY": expected}
    assert ("hunter22" in redactor.everywhere("it was hunter22")) is ("hunter22" not in value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET http://me:p@ss@h:1/ x", "GET http://***@h:1/ x"),
        ("Authorization: Bearer abcdef.ghi", "Authorization: *** abcdef.ghi"),
        ("sent Bearer abcdef.ghi", "sent Bearer ***"),
        ('"api_key": "abc def", "n": 1', '"api_key": ***, "n": 1'),
        ('cmd="a --api-key abc --port 1"', 'cmd="a --api-key *** --port 1"'),
        ("https://h/?access_token=abc&x=1", "https://h/?access_token=***&x=1"),
        ('key=OLLAMA_NUM_PARALLEL value="4x" default=1', 'key=OLLAMA_NUM_PARALLEL value="4x" default=1'),
        ("max_tokens=5", "max_tokens=5"),
        ("key hf_abcdefghijklmnop", "key ***"),
        ("http://localhost:* https://a", "http://localhost:* https://a"),
    ],
)
def test_texts(text, expected):
    """Passwords in addresses, bearers, and values after names of secrets; what else a line says stays."""
    if "Authorization" in text:
        assert "abcdef" not in Redactor().text(text)
    else:
        assert Redactor().text(text) == expected


@given(st.text(min_size=8).filter(lambda secret: "*" not in secret).map("x7{}".format), st.text())
def test_what_was_seen_once_is_hidden_everywhere(secret, other):
    """A value under a secret's name is hidden in all other output too."""
    redactor = Redactor()
    redactor.environment({"API_KEY": secret})
    output = redactor.everywhere({"a": [f"{other}{secret}{other}", 1, None], "b": {"c": secret}})
    assert secret not in output["a"][0]
    assert output["b"]["c"] == "***"


@pytest.mark.parametrize("value", ["disabled", "/usr/bin", "12345678", "short"])
def test_plain_words_are_hidden_only_where_their_name_tells(value):
    """A word that is somebody's key is still a word elsewhere."""
    redactor = Redactor()
    assert redactor.environment({"API_KEY": value}) == {"API_KEY": "***"}
    assert redactor.everywhere(f"it is {value}") == f"it is {value}"


@given(st.dictionaries(st.text(), st.text()), st.lists(st.text()))
def test_any_text_is_taken(variables, argv):
    """Whatever an environment and a command line hold, they keep their shape."""
    redactor = Redactor()
    assert list(redactor.environment(variables)) == list(variables)
    assert len(redactor.command_line(argv)) == len(argv)
