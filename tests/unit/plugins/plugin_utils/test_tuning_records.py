# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of what was measured: those of a trial, and the file that keeps them."""

from __future__ import annotations

import base64

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.records import (
    measured_file,
    merged,
    trial_variables,
)
from ansible_collections.inference.ollama.tests.unit.support.examples import examples

PROFILE = {
    "hardware": "0123456789abcdef",
    "machine": "2 x Xeon",
    "release": "0.34.1",
    "model": "llama3.1:8b",
    "digest": "46e0c10c039e",
    "objective": "throughput",
    "at": "2026-11-27",
    "host": "h",
}
RECORD = {
    **PROFILE,
    "settings": {"num_parallel": 8},
    "metric": "output_token_throughput",
    "value": 120.5,
    "before": 80.0,
}
OTHER = {**RECORD, "hardware": "fedcba9876543210"}
FILE = """# Ours: ask before you change it.
---
site: berlin  # a comment

ollama_measured:
  - hardware: fedcba9876543210
    release: 0.34.1
    model: llama3.1:8b
    objective: throughput
    settings: {num_threads: 8}
    at: 2026-11-01

# Of the gateway.
gateway: yes
"""


def entries(text):
    return yaml.safe_load(text)["ollama_measured"]


def test_a_new_file_says_what_it_is():
    """It is a file of variables with the record alone, and a second time it is the same."""
    text = measured_file("", RECORD)
    assert text.startswith("---\n# Settings that the playbook inference.ollama.tune")
    assert entries(text) == [RECORD]
    assert measured_file(text, RECORD) == text
    assert max(map(len, text.splitlines())) <= 160


def test_all_else_in_the_file_stays():
    """Comments, other variables and other entries; the new entry is the first."""
    text = measured_file(FILE, RECORD)
    assert text.startswith(FILE.split("ollama_measured", maxsplit=1)[0])
    assert text.endswith("\n# Of the gateway.\ngateway: yes\n")
    first, second = entries(text)
    assert (first, second["hardware"], str(second["at"])) == (RECORD, OTHER["hardware"], "2026-11-01")
    assert measured_file(text, RECORD) == text


def test_a_record_replaces_its_own():
    """Those of another hardware, release, objective or model stay; what was not searched this time is kept."""
    records = [
        OTHER,
        {**RECORD, "release": "0.35.0"},
        {**RECORD, "objective": "latency"},
        {**RECORD, "model": "x", "digest": "0" * 12},
        "damaged",
    ]
    old = {
        **RECORD,
        "value": 90.0,
        "digest": "sha256:46e0c10c039e" + "0" * 52,
        "settings": {"num_parallel": 4, "cpu_weight": 50},
    }
    found = merged([*records, old], RECORD)
    assert found == [{**RECORD, "settings": {"cpu_weight": 50, "num_parallel": 8}}, *records]
    assert merged([{**RECORD, "digest": None}], RECORD) == [RECORD]


@pytest.mark.parametrize(
    "text", ["", "---\n", "# nothing yet\n", "ollama_measured:\n", "ollama_measured: []\n", "a: 1"]
)
def test_a_file_without_entries_gets_the_first(text):
    """Whatever stands in the place of them."""
    assert entries(measured_file(text, RECORD)) == [RECORD]
    assert measured_file(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "it is not a file of variables"),
        ("{a: 1}\n", "it is not a file of variables"),
        ("a: [\n", "not YAML that can be read in line 2"),
        ("a: !x 1\nollama_measured: {b: 1}\n", "is no list of records"),
        ("ollama_measured: [!x 1]\n", "not YAML that can be read"),
        ("text", "it is not a file of variables"),
    ],
)
def test_a_file_that_nothing_can_be_added_to_is_named(text, words):
    """Before anything is measured, too."""
    for record in (None, RECORD):
        with pytest.raises(OllamaError, match=words):
            measured_file(text, record)


@settings(max_examples=examples(40))
@given(
    st.dictionaries(st.from_regex("[a-z]{1,8}", fullmatch=True), st.text() | st.integers() | st.lists(st.text())),
    st.lists(
        st.sampled_from([OTHER, {**RECORD, "model": "x", "digest": None}]),
        max_size=2,
        unique_by=lambda each: each["model"],
    ),
)
def test_every_file_keeps_what_it_has(variables, records):
    """All variables that are there, and all other records, are the same afterwards."""
    text = yaml.safe_dump({**variables, "ollama_measured": records, "zz": 1}, sort_keys=False)
    found = yaml.safe_load(measured_file(text, RECORD))
    assert found.pop("ollama_measured") == [RECORD, *records]
    assert found == {**variables, "zz": 1}


def test_a_trial_takes_the_place_of_variables():
    """A candidate is a record without a figure, the best one that of the file; those of before need none."""
    step = {"settings": {"num_parallel": 4}, "start": False}
    tried = trial_variables(step, PROFILE, [OTHER])
    assert (tried["objective"], tried["other_variables"], tried["gate"]) == ("throughput", "accept", False)
    assert tried["measured"] == [{**PROFILE, "settings": {"num_parallel": 4}, "value": None}, OTHER]
    assert "measured" not in trial_variables({**step, "start": True}, PROFILE, [OTHER])
    end = {"done": True, "settings": {"num_parallel": 8}}
    assert trial_variables(end, PROFILE, None, RECORD)["measured"] == [RECORD]
    assert "measured" not in trial_variables(end, PROFILE, [OTHER])


def test_a_file_is_taken_as_it_was_read():
    """A file that is not there is a new one; one that cannot be read is refused."""
    slurped = {"content": base64.b64encode(FILE.encode()).decode(), "changed": False}
    assert measured_file(slurped, RECORD) == measured_file(FILE, RECORD)
    assert measured_file({"skipped": True, "skip_reason": "x"}) == ""
    with pytest.raises(OllamaError, match="cannot be read: it is a directory"):
        measured_file({"failed": True, "msg": "it is a directory"})
    with pytest.raises(OllamaError, match="no text"):
        measured_file({"content": base64.b64encode(b"\xff").decode()})


def test_an_encrypted_file_is_refused():
    """What was decrypted would be written in plain text."""
    with pytest.raises(OllamaError, match="encrypted"):
        measured_file("$ANSIBLE_VAULT;1.1;AES256\n6162\n", RECORD)
