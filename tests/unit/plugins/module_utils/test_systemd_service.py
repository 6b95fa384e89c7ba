# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What unit files and environment files come to is what systemd makes of them."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import quote

UNIT = "/etc/systemd/system/ollama.service"
FOLDER = f"{UNIT}.d"


def environment(text, *more):
    units = [(UNIT, text), *((f"{FOLDER}/{name}", content) for name, content in more)]
    return {name: variable.value for name, variable in read_service(units).environment.items()}


# Each was read so by systemd 252 (systemd --test --user prints the environment of every unit).
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Environment=A=1 B=2", {"A": "1", "B": "2"}),
        ("Environment=\"A=x y\" B=1 'C=2 3'", {"A": "x y", "B": "1", "C": "2 3"}),
        ('Environment="D=q\\x41\\tz"', {"D": "qA\tz"}),
        ("Environment=E=a\\\n# a comment inside\n   F=2 \\\n\n  G=3", {"E": "a", "F": "2"}),
        ("Environment=H=ok bad\\$esc I=never", {"H": "ok"}),
        ("Environment=J=%%a K=%S/x L=%H M=%z", {"J": "%a", "K": "/var/lib/x", "L": "%H"}),
        ('Environment="L=1" M', {"L": "1"}),
        ("Environment=N='x'\"y\"z", {"N": "xyz"}),
        ('Environment="A=1', {}),
        ('Environment=A=1 "B=2', {"A": "1"}),
        ("Environment=A=1 \\xff=2 B=3", {"A": "1", "B": "3"}),
        ("Environment=A=\\u00e9\\303\\251\\s|", {"A": "éé |"}),
        ("Environment=A=\\400 B=1", {}),
        ("Environment=A=\\x00", {}),
        ("Environment=A=\\U00110000", {}),
        ("Environment=A=1\nEnvironment=\nEnvironment=B=2", {"B": "2"}),
        ("Environment=A=1 B=2 C=3\nUnsetEnvironment=A B=2 C=4", {"C": "3"}),
        ("Environment=A=1\nUnsetEnvironment=A\nUnsetEnvironment=", {"A": "1"}),
        ("  Environment  =  A=1  ", {"A": "1"}),
        ("# Environment=A=1\n; Environment=B=1", {}),
        ("Environment=A=1\n[Install]\nEnvironment=A=2", {"A": "1"}),
        ("Environment=1A=2 =3 A-B=4", {}),
        ("Environment=A=1 \\", {"A": "1"}),
        ("Environment=A=1 \\\n# the end", {"A": "1"}),
        ("Environment=A=\\\\\nEnvironment=B=2", {"A": "\\", "B": "2"}),
        ("Environment=A=$HOME", {"A": "$HOME"}),
    ],
)
def test_environment_is_systemds(line, expected):
    """Quotes, escapes, specifiers, continued lines, comments and resets."""
    assert environment(f"[Service]\n{line}\n") == expected


@pytest.mark.parametrize(
    "text", ["\ufeff[Service]\nEnvironment=A=1", "[Service]\r\nEnvironment=A=1\r\n", "[Service]\nEnvironment=A=1\\"]
)
def test_marks_of_other_editors_do_no_harm(text):
    """A byte order mark, carriage returns, an end in the middle of a line."""
    assert environment(text) == {"A": "1"}


@pytest.mark.parametrize(
    ("text", "line", "directive", "reason"),
    [
        ("[Service]\nlost words", 2, "", "not of the form"),
        ("[Service]\n=1", 2, "", "not of the form"),
        ("Environment=A=1", 1, "Environment", "before the first section"),
        ("[Service]\nEnvironment=A=1 secret", 2, "Environment", "quote values with blanks"),
        ('[Service]\nEnvironment="A=1 secret', 2, "Environment", "a quote in it is not closed"),
        ("[Service]\nEnvironment=A=\\secret\\q", 2, "Environment", "a backslash that begins no known escape"),
    ],
)
def test_what_systemd_passes_over_is_named(text, line, directive, reason):
    """The reason holds nothing of the line, which may be a secret."""
    (found,) = read_service([(UNIT, text)]).ignored
    assert (found.file, found.line, found.directive) == (UNIT, line, directive)
    assert reason in found.reason
    assert "secret" not in found.reason


def test_dropins_apply_after_the_unit_in_the_order_of_their_names():
    """The folder of a drop-in does not matter, nor the order in which the files are given."""
    service = read_service(
        [
            (f"{FOLDER}/20-b.conf", "[Service]\nEnvironment=A=3"),
            ("/usr/lib/systemd/system/ollama.service.d/10-a.conf", "[Service]\n\nEnvironment=A=2 B=1"),
            (UNIT, "[Service]\nEnvironment=A=2"),
        ]
    )
    found = service.environment["A"]
    assert (found.value, found.file, found.line) == ("3", f"{FOLDER}/20-b.conf", 2)
    assert [tuple(override) for override in found.overrides] == [
        (UNIT, 2, False),
        ("/usr/lib/systemd/system/ollama.service.d/10-a.conf", 3, False),
    ]
    assert service.environment["B"].overrides == ()


def test_environment_files_win_over_units():
    """And UnsetEnvironment= over both."""
    service = read_service(
        [(UNIT, "[Service]\nEnvironment=A=1 B=1 C=1\nUnsetEnvironment=C")],
        [("/etc/a.env", "A=2\nexport B=2\nC=2"), ("/etc/b.env", "\nA=3")],
    )
    assert {name: variable.value for name, variable in service.environment.items()} == {"A": "3", "B": "1"}
    assert (service.environment["A"].file, service.environment["A"].line) == ("/etc/b.env", 2)
    assert service.environment["A"].from_file
    assert [override.same for override in service.environment["A"].overrides] == [False, False]
    assert [(found.file, found.line) for found in service.ignored] == [("/etc/a.env", 2)]


def test_an_empty_assignment_takes_back_a_list():
    """What stands before it in any file is gone."""
    service = read_service(
        [(UNIT, "[Service]\nExecStart=/a"), (f"{FOLDER}/a.conf", "[Service]\nExecStart=\nExecStart=/b")]
    )
    assert [setting.value for setting in service.values("ExecStart")] == ["/b"]


NAMES = st.builds("".join, st.tuples(st.sampled_from(string.ascii_uppercase), st.text("AZ09_", max_size=4)))
VALUES = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_the_collection_writes_into_a_unit_is_read_back(variables):
    """quote() and the reader are each other's reverse."""
    lines = "".join(f"Environment={quote(f'{name}={value}')}\n" for name, value in variables.items())
    assert environment(f"[Service]\n{lines}") == variables


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_read(unit, file):
    """No file makes the readers fail, and no line of one stands outside it."""
    service = read_service([(UNIT, "[Service]\n" + unit)], [("/f", file)])
    assert all(0 < setting.line <= len(unit) + 2 for setting in service.settings)
    assert all(variable.line <= max(len(unit), len(file)) + 2 for variable in service.environment.values())
