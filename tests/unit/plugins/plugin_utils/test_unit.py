# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines for systemd (_unit.py)."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import (
    command_word,
    dropin,
    quote,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import instances, plan, xeon
from ansible_collections.inference.ollama.tests.unit.support.units import render, verdict

LINE = st.text(st.characters(exclude_categories=("Cc", "Cs")))


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("A=b", '"A=b"'), ('A="x"', '"A=\\"x\\""'), ("A=50%", '"A=50%%"'), ("A=a\\b", '"A=a\\\\b"'), ("A=$x", '"A=$x"')],
)
def test_environment_words_are_quoted_for_systemd(text, quoted):
    """Quotes and backslashes are escaped, specifiers doubled; a dollar means itself in Environment=."""
    assert quote(text) == quoted


def test_a_control_character_is_refused():
    """A line break in a value would be a second line of the unit."""
    with pytest.raises(OllamaError, match="control character"):
        quote("A=b\nExecStart=/bin/sh")


@pytest.mark.parametrize(
    ("word", "written"), [("/usr/bin/x", "/usr/bin/x"), ("a b", '"a b"'), ("$HOME", "$$HOME"), ("50%", "50%%")]
)
def test_command_words_reach_the_program_as_they_are(word, written):
    """systemd replaces dollars and specifiers in commands unless they are doubled."""
    assert command_word(word) == written


def test_a_new_command_clears_the_installed_one_first():
    """Without the empty assignment the service would have two commands, and systemd would refuse it."""
    lines = [line for entry in dropin(plan(xeon(), numa_node=1), "ollama") for line in entry["lines"]]
    first = lines.index("ExecStart=")
    assert lines[first + 1] == "ExecStart=/usr/bin/numactl --cpunodebind=1 /usr/local/bin/ollama serve"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/srv/models", "/srv/models"),
        ("/srv/my 5%", '"/srv/my 5%%"'),
        ("/srv/a$b", "/srv/a$b"),
        ("/srv/a'b", '"/srv/a\'b"'),
    ],
)
def test_a_store_is_waited_for_at_its_mount(path, line):
    """The line says the path as systemd reads it back, and there is none without a store."""
    made = plan(xeon(), models_path=path)
    lines = [line for entry in dropin(made, "ollama") for line in entry["lines"]]
    assert f"RequiresMountsFor={line}" in lines
    assert "RequiresMountsFor" not in str([entry["lines"] for entry in dropin(plan(xeon()), "ollama")])


def test_an_unknown_instance_is_refused_with_those_that_there_are():
    """A slip in the name is answered by the names."""
    with pytest.raises(OllamaError, match="the plan has no 'gpu0'; it has ollama"):
        dropin(plan(xeon()), "gpu0")


def test_what_orders_the_unit_stands_in_its_own_section():
    """systemd ignores After= among the directives of [Service]."""
    made = plan(xeon())
    made["decisions"] = [d for d in made["decisions"] if d["setting"] != "After"]
    made["decisions"].append(
        {
            "instance": "ollama",
            "setting": "After",
            "kind": "order",
            "value": "x.service",
            "source": "policy",
            "reason": "it goes first",
        }
    )
    entries = dropin(made, "ollama")
    assert [entry for entry in entries if entry["section"] == "Unit"] == [
        {"section": "Unit", "comment": ["policy: it goes first"], "lines": ["After=x.service"]}
    ]
    text = render("dropin.conf.j2", made, "ollama")
    assert text.index("[Unit]") < text.index("After=x.service") < text.index("[Service]") < text.index("Environment=")


def test_systemd_accepts_the_template_unit_with_the_dropin_of_an_instance(tmp_path):
    """systemd itself finds no fault, and knows the instance by both."""
    made = plan(xeon(), instances="per_numa_node")
    assert [instance["unit"] for instance in instances(made)] == ["ollama@node0.service", "ollama@node1.service"]
    # The accounts of the planned host are not on this one.
    made["template"] = {**made["template"], "user": "root", "group": "root"}
    files = {
        "ollama@.service": render("template.service.j2", made),
        "ollama@node0.service.d/override.conf": render("dropin.conf.j2", made, "node0"),
    }
    assert verdict(tmp_path, "ollama@node0.service", files) == (0, "")


def test_the_template_unit_starts_any_path_as_it_is():
    """A blank or a specifier in a path is no second word and no replacement."""
    made = {"template": {"unit": "ollama@.service", "binary": "/opt/my 100%/ollama", "user": "o", "group": "g"}}
    lines = render("template.service.j2", made).splitlines()
    assert 'ExecStart="/opt/my 100%%/ollama" serve' in lines
    assert {"User=o", "Group=g", "Restart=always", "RestartSec=3", "WantedBy=multi-user.target"} <= set(lines)
