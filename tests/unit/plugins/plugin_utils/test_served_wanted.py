# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of models that the servers are to have (_served/wanted.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import in_order, parse_served

SHA = "a" * 64
URL = "https://models.example.org/tiny.gguf"


def test_a_name_is_an_entry():
    """With its tag; a mapping of a name alone says the same."""
    (one,) = parse_served(["llama3.2"])
    assert parse_served([{"name": "llama3.2:latest"}]) == (one,)
    assert (one.name, one.state, one.created, one.present) == ("llama3.2:latest", "present", False, True)


def test_all_keys_are_read():
    """Digests lose their prefix, truth values are those of YAML and of texts, parameters keep their types."""
    pulled, made, gone = parse_served(
        [
            {
                "name": "a:1b",
                "digest": "sha256:46e0c10c039e",
                "source": "mirror.example.org/library/a:1b",
                "keep": "yes",
            },
            {"name": "b", "base": "a:1b", "parameters": {"num_ctx": 8192, "stop": ["x"]}, "system": "Two\nlines."},
            {"name": "c", "state": "absent"},
        ]
    )
    assert (pulled.digest, pulled.keep, pulled.size_bytes) == ("46e0c10c039e", True, None)
    assert (made.parameters, made.system, made.created) == ({"num_ctx": 8192, "stop": ["x"]}, "Two\nlines.", True)
    assert gone.present is False


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (7, "entry 0 is a number"),
        ({"nmae": "a"}, "entry 0 has 'nmae'"),
        ({"state": "present"}, "a model with a name; entry 0 has none"),
        ({"name": "a b"}, "as name; in entry 0 (a b) it is 'a b'"),
        ({"name": "a", "state": "gone"}, "one of present, absent as state; in entry 0 (a) it is 'gone'"),
        (
            {"name": "a", "digest": "xyz"},
            "12 to 64 hexadecimal digits, in quotes as digest; in entry 0 (a) it is 'xyz'",
        ),
        ({"name": "a", "url": "ftp://x/y", "sha256": SHA}, "as url; in entry 0 (a) it is a text"),
        ({"name": "a", "url": URL}, "url with sha256, by which it is known what came; entry 0 (a) has none"),
        ({"name": "a", "sha256": SHA}, "sha256 with file or url"),
        ({"name": "a", "parameters": {"num_ctx": 1}}, "parameters with base, file or url"),
        ({"name": "a", "base": "b", "parameters": {"Num-Ctx": 1}}, "unlike 'Num-Ctx' as parameters"),
        ({"name": "a", "base": "b", "parameters": {"num_ctx": {}}}, "num_ctx is a mapping of 0 names"),
        ({"name": "a", "base": "b", "digest": "46e0c10c039e"}, "digest for a model that is pulled"),
        ({"name": "a", "base": "a:latest"}, "another name as base"),
        ({"name": "a", "base": "b", "file": "x.gguf"}, "one of source, file, url, base; entry 0 (a) has file and base"),
        ({"name": "a", "state": "absent", "keep": True}, "nothing beside the name of a model that is absent"),
        ({"name": "a", "keep": 3}, "true or false as keep; in entry 0 (a) it is 3"),
        ({"name": "a", "size_bytes": "2GB"}, "as size_bytes; in entry 0 (a) it is '2GB'"),
        ({"name": "a", "base": "b", "template": 5}, "as template; in entry 0 (a) it is a number"),
    ],
)
def test_what_is_wrong_names_entry_and_key(entry, says):
    """And what would be right, in preflight's words."""
    with pytest.raises(ValueError, match=r"^[^\n]+$") as error:
        parse_served([entry])
    assert says in str(error.value)
    (refusal,) = option_errors({"models": [entry]})
    assert refusal.startswith("ollama_models: ")
    assert says in refusal


def test_everything_that_is_wrong_is_one_message():
    """Of several keys and several entries, and between entries."""
    with pytest.raises(ValueError, match="entry 2") as error:
        parse_served([{"name": "a", "keep": 3, "digest": "x"}, "b", "B:latest"])
    assert all(text in str(error.value) for text in ("as keep", "as digest", "repeats the name b:latest of entry 1"))


def test_a_base_must_be_possible():
    """Neither in a circle nor absent."""
    circle = [{"name": "a", "base": "b"}, {"name": "b", "base": "a"}]
    with pytest.raises(ValueError, match=r"entry 0 .a:latest. is derived from itself"):
        parse_served(circle)
    with pytest.raises(ValueError, match="absent by entry 1"):
        parse_served([{"name": "a", "base": "b"}, {"name": "b", "state": "absent"}])


def test_bases_come_first():
    """Whatever order they are listed in."""
    models = parse_served([{"name": "c", "base": "b"}, {"name": "b", "base": "a"}, "a"])
    assert [model.name for model in in_order(models)] == ["a:latest", "b:latest", "c:latest"]


def test_another_form_is_refused():
    """A text is no list; templates and parameters are not shown."""
    assert "is not allowed; allowed is a list of models" in option_errors({"models": "llama3.2"})[0]
