# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values systemd reads (_directive_values.py and what it uses), against what systemd itself said of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._systemd.command_line import Command, commands
from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting
from ansible_collections.inference.ollama.plugins.plugin_utils._directive_paths import FATAL, FINE, LINE, WORD
from ansible_collections.inference.ollama.plugins.plugin_utils._directive_values import GRAMMARS
from ansible_collections.inference.ollama.plugins.plugin_utils._directives import KNOWN, homes, nearest, nearest_section
from ansible_collections.inference.ollama.plugins.plugin_utils._lint_lines import effect

# One directive a grammar and 60 values, and what systemd-analyze verify of Debian 12 said of each.
ANSWERS = json.loads(Path(__file__).with_name("directive_values.json").read_text(encoding="utf-8"))
SYSTEMD = ANSWERS.pop("systemd")
# What later releases take and this one does not.
LATER = {
    "Service.CPUSchedulingPolicy": {"ext"},
    "Service.Personality": {"arm64"},
    "Service.PrivateTmp": {"disconnected"},
    "Service.PrivateUsers": {"self", "identity", "full"},
    "Service.ProtectControlGroups": {"private", "strict"},
    "Service.ProtectHostname": {"private"},
    "Unit.FailureAction": {"kexec", "halt"},
    "Unit.OnFailureJobMode": {"restart-dependencies"},
}
MEANING = {"read": {FINE}, "passed over": {LINE, WORD}, "fatal": {FATAL}}
EVERY = [directive for known in KNOWN.values() for directive in known.values()]


def judged(name, value):
    section, _dot, directive = name.partition(".")
    return effect(Setting("/etc/systemd/system/u1.service", 1, section, directive, value.strip(" \t")))


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_value_is_read_where_systemd_reads_it(name):
    """Every value has the effect on its line that systemd said, or is one that a later release takes."""
    wrong = [
        (value, said, judged(name, value))
        for said, values in ANSWERS[name].items()
        for value in values
        if judged(name, value) not in MEANING[said]
        and not (value in LATER.get(name, ()) and judged(name, value) == FINE)
    ]
    assert not wrong, f"systemd {SYSTEMD}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/usr/bin/ollama serve", FINE),
        ("ollama serve", FINE),
        ("./ollama serve", FATAL),
        ("-./ollama serve", LINE),
        ("bin/ollama serve", FATAL),
        ("~/ollama serve", FATAL),
        ("$HOME/ollama serve", FATAL),
        ("%h/ollama serve", FINE),
        ('"/opt/ollama" serve', FINE),
        ("'/opt/my ollama' serve", FINE),
        ('"', LINE),
        ('/usr/bin/ollama "serve', FATAL),
        ('-/usr/bin/ollama "serve', LINE),
        ("@/usr/bin/ollama", FATAL),
        ("@/usr/bin/ollama name serve", FINE),
        ("--/usr/bin/ollama", LINE),
        ("+!/usr/bin/ollama", FATAL),
        ("!!/usr/bin/ollama", FINE),
        (":-+/usr/bin/ollama", FINE),
        ("/usr/bin/ollama ; /bin/false", FINE),
        ("/usr/bin/ollama serve %Z", FATAL),
        ("/usr/bin/ollama serve %i %", FINE),
        ("/%Z", FATAL),
        ("/usr/bin/", FATAL),
        ("- /usr/bin/ollama", LINE),
        ('"" serve', FATAL),
        (r"/usr/bin/ollama \q \x4", FINE),
        ("A=1 /usr/bin/ollama", FINE),
        ("", FINE),
    ],
)
def test_a_command_is_read_where_systemd_reads_it(value, expected):
    """Prefixes, paths, quotes and specifiers of ExecStart=, as systemd 252 takes or refuses them."""
    assert judged("Service.ExecStart", value) == expected


def test_a_line_may_have_several_commands():
    """A word of a semicolon ends a command, an escaped one is a word; behind @ is the name that a program gets."""
    found = commands(r'-/bin/a "b c" ; @/bin/d name e \; %%')
    assert found == [Command("-", ("/bin/a", "b c")), Command("@", ("/bin/d", "e", ";", "%"))]


@given(st.sampled_from(EVERY), st.text(max_size=30))
def test_no_value_raises(directive, value):
    """Whatever stands behind the equals sign is judged."""
    if directive.grammar != "gone":
        assert GRAMMARS[directive.grammar].judge(value) in {FINE, LINE, WORD, FATAL}


def test_every_directive_has_a_grammar():
    """A name in the table has a grammar, a section, and a release from which it is known."""
    assert {directive.grammar for directive in EVERY} - set(GRAMMARS) == {"gone"}
    assert set(GRAMMARS) <= {directive.grammar for directive in EVERY} | {"personality"}
    assert {directive.since for directive in EVERY} <= set(range(252, 260))
    assert len(EVERY) > 400


@pytest.mark.parametrize(
    ("section", "name", "expected"),
    [
        ("Service", "Enviroment", "Environment"),
        ("Service", "environment", "Environment"),
        ("Service", "EnvironmentFiles", "EnvironmentFile"),
        ("Service", "LimitMemLock", "LimitMEMLOCK"),
        ("Service", "RestartSecs", "RestartSec"),
        ("Service", "CPU_Affinity", "CPUAffinity"),
        ("Unit", "Atfer", "After"),
        ("Install", "WantedBY", "WantedBy"),
        ("Service", "Xyzzy", None),
    ],
)
def test_a_misspelt_directive_has_a_neighbour(section, name, expected):
    """The nearest directive of the section, where one is near."""
    assert nearest(section, name) == expected


def test_sections_of_a_directive_and_of_a_slip():
    """A directive names its sections, and a misspelt section the one that is meant."""
    assert homes("StartLimitBurst") == ["Unit", "Service"]
    assert homes("Foo") == []
    assert [nearest_section(name) for name in ("Servce", "service", "Unit ", "Socket")] == [
        "Service",
        "Service",
        "Unit",
        None,
    ]
