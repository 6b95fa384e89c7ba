# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How names of models are read (_models/names.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import is_file, key_of, same, shortest


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("llama3.1", "llama3.1:latest"),
        ("llama3.1:8b", "llama3.1:8b"),
        ("library/llama3.1:8b", "llama3.1:8b"),
        ("registry.ollama.ai/library/llama3.1", "llama3.1:latest"),
        ("https://registry.ollama.ai/library/x:y", "x:y"),
        ("ollama.com/library/llama3.1", "llama3.1:latest"),
        ("mike/m", "mike/m:latest"),
        ("hf.co/u/r-GGUF:Q4_K_M", "hf.co/u/r-GGUF:Q4_K_M"),
        ("hf.co/u/r:file-IQ3_M.gguf", "hf.co/u/r:file-IQ3_M.gguf"),
        ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
    ],
)
def test_a_name_is_shown_as_ollama_list_shows_it(name, shown):
    """Without what is the default, and with its tag."""
    assert shortest(name) == shown
    assert shortest(shown) == shown
    assert same(name, shown)


@pytest.mark.parametrize(
    "name", ["", ":x", "a:", "a/", "/a", "a//b", "//a", "a b", "w/x/y/z", "a.b/c", "-a", "a" * 81, "a:b:c", "é"]
)
def test_what_ollama_would_refuse_is_no_name(name):
    """Each part is judged by its own rule."""
    with pytest.raises(ValueError, match=r"^$"):
        shortest(name)


def test_capital_letters_make_no_other_model():
    """What is no name of Ollama's is equal to itself alone."""
    assert same("Llama3.1", "llama3.1:LATEST")
    assert not same("llama3.1", "llama3.2")
    assert same("my model", "my model")
    assert not same("my model", "My model")


@pytest.mark.parametrize("text", ["/srv/blob", "x.gguf", "models/X.GGUF", "../x.gguf"])
def test_a_path_is_a_file(text):
    """By its beginning or its end."""
    assert is_file(text)


@pytest.mark.parametrize("text", ["llama3.1:8b", "hf.co/u/r:file-IQ3_M.gguf", "models/x"])
def test_everything_else_is_a_name(text):
    """A tag may end as a file does."""
    assert not is_file(text)


@given(st.text(st.sampled_from("aB1_-./:@ é"), max_size=12))
def test_the_shown_form_of_a_name_is_a_name(text):
    """Whatever it is made of."""
    try:
        shown = shortest(text)
    except ValueError:
        assert key_of(text) == text
    else:
        assert shortest(shown) == shown
