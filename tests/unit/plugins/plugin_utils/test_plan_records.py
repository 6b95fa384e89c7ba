# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a record of what was measured is right, and what it says."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors, parse
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.records import parse_records
from ansible_collections.inference.ollama.tests.unit.support.measured import DIGEST, record_of
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

SETTINGS = {
    "num_threads": 12,
    "num_parallel": "8",
    "context_length": 4096,
    "flash_attention": True,
    "kv_cache_type": "q8_0",
    "instances": "single",
    "cpu_weight": 5000,
}
RIGHT = record_of(xeon(), SETTINGS)


def record(**fields):
    """One parsed record."""
    (found,) = parse_records([{**RIGHT, **fields}])
    return found


def test_a_right_record_is_read_as_the_policy_has_values():
    """Numbers are numbers, whatever form templates gave them."""
    found = record()
    assert found.settings == {**SETTINGS, "num_parallel": 8}
    assert (found.digest, found.value, found.gain_percent) == (DIGEST, 455.0, 45.8)
    assert found.label == "llama3.1:8b on node-17"
    assert (option_errors({"measured": [RIGHT]}), option_errors({"measured": []})) == ([], [])
    assert parse({})[0].measured == ()


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "measured on node-17: 455 tokens/s, 312 before (+46 %)"),
        (
            {"value": 31.25, "before": 12.5, "gain_percent": 150},
            "measured on node-17: 31.2 tokens/s, 12.5 before (+150 %)",
        ),
        ({"before": None, "gain_percent": None}, "measured on node-17: 455 tokens/s"),
        ({"unit": None, "before": None, "gain_percent": None}, "measured on node-17: 455"),
        ({"host": None}, "measured: 455 tokens/s, 312 before (+46 %)"),
        ({"value": None}, "being measured on node-17"),
        ({"value": None, "host": None}, "being measured"),
        (
            {"value": 12345.6, "before": "9000", "gain_percent": "37.2"},
            "measured on node-17: 12,346 tokens/s, 9,000 before (+37 %)",
        ),
    ],
)
def test_the_figure_says_what_was_measured_where(fields, text):
    """An operator reads the gain where the setting is explained."""
    assert record(**fields).figure == text


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("auto", "allowed is a list of records"),
        ({}, "allowed is a list of records"),
        ([7], "a mapping for each record; entry 0 is 7"),
        ([RIGHT, {**RIGHT, "speed": 1}], "entry 1 has speed"),
        ([{"hardware": "0" * 16}], "entry 0 lacks release, model, objective, settings"),
        ([{**RIGHT, "settings": None}], "entry 0 lacks settings"),
    ],
)
def test_what_is_no_list_of_records_is_refused(value, sentence):
    """The sentence names the entry, and what it has too much or too little."""
    (error,) = option_errors({"measured": value})
    assert error.startswith("ollama_measured: ")
    assert sentence in error


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [
        ("hardware", "node-17", "16 hexadecimal digits, in quotes as hardware; in entry 1 it is 'node-17'"),
        (
            "hardware",
            1234567890123456,
            "16 hexadecimal digits, in quotes as hardware; in entry 1 it is 1234567890123456",
        ),
        ("release", "latest", "a release such as 0.34.1 as release; in entry 1 it is 'latest'"),
        ("release", 0.34, "a release such as 0.34.1 as release; in entry 1 it is 0.34"),
        ("model", "a b", "a model's name such as llama3.1:8b as model; in entry 1 it is 'a b'"),
        ("digest", "xyz", "12 to 64 hexadecimal digits, in quotes as digest; in entry 1 it is 'xyz'"),
        ("objective", "fast", "one of latency, balanced, throughput as objective; in entry 1 it is 'fast'"),
        ("settings", [], "a mapping of variables of the role, without their prefix, to values as settings"),
        ("settings", {}, "a mapping of variables of the role, without their prefix, to values as settings"),
        ("value", "fast", "as value; in entry 1 it is 'fast'"),
        ("value", True, "as value; in entry 1 it is True"),
        ("before", float("nan"), "as before; in entry 1 it is nan"),
        ("gain_percent", "1e999", "as gain_percent; in entry 1 it is '1e999'"),
        ("at", "yesterday", "a date such as 2026-11-27 as at; in entry 1 it is 'yesterday'"),
        ("host", "two\nlines", "one line of text without control characters as host; in entry 1 it is 'two\\nlines'"),
        ("machine", "x" * 999, "one line of text without control characters as machine; in entry 1 it is 'xxx"),
        ("machine", ["x"], "one line of text without control characters as machine; in entry 1 it is ['x']"),
    ],
)
def test_a_wrong_field_is_refused_by_entry_and_name(field, value, right):
    """The sentence says what is allowed as which field, and in which entry it is something else."""
    (error,) = option_errors({"measured": [RIGHT, {**RIGHT, field: value}]})
    assert right in error
    assert len(error) < 500


@pytest.mark.parametrize(
    ("settings", "right"),
    [
        ({"models_path": "/srv"}, "in settings; entry 0 has models_path"),
        ({"num_threads": 0}, "as num_threads; in settings of entry 0 it is 0"),
        ({"num_threads": "auto"}, "as num_threads; in settings of entry 0 it is 'auto'"),
        ({"num_threads": None}, "as num_threads; in settings of entry 0 it is None"),
        ({"kv_cache_type": "q2"}, "one of f16, q8_0, q4_0 as kv_cache_type; in settings of entry 0 it is 'q2'"),
        ({"instances": [{"name": "a"}]}, "one of single, per_numa_node, per_gpu as instances"),
        ({"cpu_weight": 20000}, "none, or a whole number from 1 to 10000 as cpu_weight"),
        ({"flash_attention": "perhaps"}, "as flash_attention; in settings of entry 0 it is 'perhaps'"),
    ],
)
def test_a_wrong_setting_is_refused_by_the_rule_of_its_variable(settings, right):
    """What the role's variable would not take, a record cannot bring in either."""
    (error,) = option_errors({"measured": [{**RIGHT, "settings": settings}]})
    assert right in error
    assert "auto, or" not in error


def test_a_secret_is_not_shown():
    """A token that got into a record stays out of the refusal."""
    secret = "hf_" + "a" * 30
    (error,) = option_errors({"measured": [{**RIGHT, "host": secret}]})
    assert secret not in error


def test_a_record_in_yaml_keeps_its_meaning():
    """YAML makes a date of one text and a number of others."""
    text = yaml.safe_dump([{**RIGHT, "at": dt.date(2026, 11, 27)}])
    (found,) = parse_records(yaml.safe_load(text))
    assert (found.at, found.given["at"], found.hardware) == ("2026-11-27", "2026-11-27", RIGHT["hardware"])


def test_a_digest_may_say_how_it_was_made():
    """The API has it with sha256: in front, the store without."""
    assert record(digest=f"sha256:{DIGEST}").digest == DIGEST
    assert record(digest=None).digest is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(load().options["measured"].fields)), values))
def test_whatever_a_field_holds_ends_in_a_sentence(fields):
    """No value of a field raises anything but a refusal."""
    errors = option_errors({"measured": [{**RIGHT, **fields}]})
    assert all(error.startswith("ollama_measured: ") and "\n" not in error for error in errors)
