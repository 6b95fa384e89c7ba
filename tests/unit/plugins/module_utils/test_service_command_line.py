# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines of runners, as llama.cpp reads them."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._service.command_line import (
    last_of,
    model_of,
    options_of,
)


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("llama-server", {}),
        ("", {}),
        ("llama-server -c 8192 --parallel=2", {"-c": "8192", "--parallel": "2"}),
        ("ollama runner --flash-attn --no-mmap --mlock", {"--flash-attn": "", "--no-mmap": "", "--mlock": ""}),
        ("llama-server -ngl -1 --threads -2", {"-ngl": "-1", "--threads": "-2"}),
        ("llama-server -ot blk=CPU --a=b=c", {"-ot": "blk=CPU", "--a": "b=c"}),
        ("llama-server -c 1 -np 2 -c 3", {"-np": "2", "-c": "3"}),
        ("llama-server -- 1 - x", {}),
    ],
)
def test_an_option_has_the_next_word_or_what_follows_an_equals_sign(line, options):
    """A switch has nothing, a negative number is a value, and the last of an option counts."""
    found = options_of(line.split(" "))
    assert list(found.items()) == list(options.items())


def test_an_option_with_two_names():
    """The last of both counts."""
    options = options_of(["x", "-t", "1", "--threads", "2", "-t", "3"])
    assert last_of(options, "--threads", "-t") == last_of(options, "-t", "--threads") == "3"
    assert last_of(options, "-c") is None


def test_models():
    """The word after --model, or after its equals sign."""
    assert model_of(["x", "--model", "/m"]) == model_of(["x", "--model=/m"]) == model_of(["x", "-m", "/m"]) == "/m"
    assert model_of(["x", "--model"]) is model_of(["x"]) is None
