# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diff shows every change and no secret, whoever wrote the file."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import diff
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import ABSENT, FILE, Entry

SECRET = "sec0XXcret03"
PATH = "/etc/systemd/system/ollama.service.d/override.conf"
FORMS = (
    "Environment=FOO_TOKEN={}",
    "Environment=FOO_TOKEN={} HTTPS_PROXY=http://user:{}@p:1",
    'Environment="FOO_TOKEN={}" "A=b" "SESSION_COOKIE=x {} y"',
    "Environment='FOO_AUTH={} z'",
    'Environment="FOO_TOKEN=a\\"{}"',
    'Environment="FOO_TOKEN=a \\\n  {}"',
    "Environment=FOO_TOKEN=a\\\n{}",
    'Environment="FOO_TOKEN={}',
    "# Environment=FOO_TOKEN={}",
    "ExecStart=/usr/bin/ollama serve --api-key {}",
    "ExecStart=/usr/bin/ollama serve --api-key={}",
    "ExecStart=/bin/sh -c 'FOO_TOKEN={} exec /usr/bin/ollama serve'",
    'ExecStart=/bin/sh -c "DB_PWD={} exec /usr/bin/ollama serve"',
    "Environment=A=Bearer\\x20 B=http://{}@h C=http://h/?api_key={}",
    "SetCredential=key:{}",
    "FOO_TOKEN={}",
    "FOO_TOKEN=a {} b",
    'FOO_TOKEN="a"{}',
    'FOO_TOKEN="a\n{}\nb"',
    "export foo_token={}",
    "DATABASE_URL={}",
)


def rows(before, after):
    found = Entry(PATH, ABSENT) if before is None else Entry(PATH, FILE, before.encode(), 0o644)
    wanted = Entry(PATH, ABSENT) if after is None else Entry(PATH, FILE, after.encode(), 0o644)
    return diff([(found, wanted)])


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_in_neither_side(form):
    """Written, removed or replaced, a secret in a file that all may read is masked, and what is beside it stays."""
    text = f"[Service]\n{form.replace('{}', SECRET)}\nLimitNOFILE=9\n"
    for before, after in ((text, None), (None, text), (text, "[Service]\n"), ("[Service]\n", text)):
        (row,) = rows(before, after)
        assert SECRET not in json.dumps(row)
        assert "***" in row["before"] + row["after"]
        assert "[Service]\n" in row["before"] + row["after"]


@pytest.mark.parametrize("form", FORMS)
def test_a_changed_secret_is_a_change(form):
    """Whoever looks at the diff sees that a secret will be another one, and neither of the two."""
    (row,) = rows(f"{form.replace('{}', SECRET)}\n", f"{form.replace('{}', 'an0therSecret')}\n")
    assert row["before"] != row["after"]
    assert "*** (changed)" in row["after"]
    assert SECRET not in row["before"]
    assert "an0therSecret" not in row["after"]


def test_two_secrets_that_change_places_are_a_change():
    """Both values were there before, and each under another name."""
    (row,) = rows("A_KEY=first11\nB_KEY=second22\n", "A_KEY=second22\nB_KEY=first11\n")
    assert row["before"] != row["after"]


def test_the_rest_of_a_file_is_shown_as_it_is():
    """Settings, comments and blank lines are compared as they are written."""
    text = '# why\n[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0" OLLAMA_KEEP_ALIVE=24h\n\nKeyringMode=private\n'
    assert rows(text, "") == [{"before": text, "after": "", "before_header": PATH, "after_header": PATH}]


def test_no_file_moves_a_cursor():
    """What an operator's file holds comes to the terminal in visible characters."""
    (row,) = rows("# \x1b]0;owned\x07 \u202e\u200b x\ty\n", "")
    assert row["before"] == "# \\x1b]0;owned\\x07 \\u202e\\u200b x\ty\n"


@given(
    st.lists(
        st.sampled_from(["FOO_TOKEN", "=", SECRET, '"', "'", " ", "\\", "\n", "A=b", "#", ";", "Environment="]),
        max_size=12,
    )
)
def test_no_arrangement_of_quotes_shows_a_secret(parts):
    """Whatever quotes and line breaks surround it, a value right behind the name of a secret is not shown."""
    text = "".join(parts).replace(SECRET, "x") + f"\nFOO_TOKEN={SECRET}\n"
    (row,) = rows(text, None)
    assert SECRET not in row["before"]


def private(text):
    return Entry(PATH, ABSENT) if text is None else Entry(PATH, FILE, text.encode(), 0o600)


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("A=1\nB=2\nC=3\n", "A=1\nB=4\nD=3\n", ["B has another value", "C is gone", "D is new"]),
        (None, "A=1\n", ["A is new"]),
        ("A=1\n", None, ["A is gone"]),
    ],
)
def test_of_the_file_of_secrets_the_names_that_change_are_shown(before, after, names):
    """No value, and no digest of one."""
    texts = [None if text is None else f"{HEADER} x\n{text}" for text in (before, after)]
    (row,) = diff([(private(texts[0]), private(texts[1]))])
    assert row["prepared"].splitlines()[1:] == names


def test_of_somebody_elses_private_file_nothing_is_shown():
    """What stands before an equals sign there may be a secret too."""
    (row,) = diff([(private(f"{SECRET}=1\n"), private(f"{HEADER} x\nA=1\n"))])
    assert row["prepared"].count("\n") == 1
    assert SECRET not in row["prepared"]
