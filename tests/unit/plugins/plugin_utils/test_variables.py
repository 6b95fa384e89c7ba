# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that a host was made with: their form, and how two sets of them differ (_variables.py)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._variables import (
    differences,
    is_left_out,
    kept_text,
    made_with,
    read_kept,
    used,
)
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_desired import DEFAULTS

SECRET = "s3cret"
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3), st.tuples(inner)
    ),
    max_leaves=6,
)


def between(here, on_host):
    """The clauses on how two sets of options differ."""
    return [found.clause for found in differences(used(here), used(on_host))]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("num_threads", 14, "14"),
        ("num_threads", "auto", ""),
        ("flash_attention", True, "true"),
        ("cuda_visible_devices", [0, 1], "0,1"),
        ("numa_node", "1", 1),
        ("api_key", "x", "y"),
        ("dropin_name", "a.conf", "a.conf"),
    ],
)
def test_what_means_the_same_is_no_difference(name, one, other):
    """Whichever type the inventory or the command line gave it; of a key only whether there is one counts."""
    assert between({name: one}, {name: other}) == []


@pytest.mark.parametrize(
    ("here", "on_host", "clause"),
    [
        ({"keep_alive": "24h"}, {"keep_alive": "5m"}, "ollama_keep_alive is 24h here and was 5m on the host"),
        ({"models_path": ""}, {"models_path": "/m"}, "ollama_models_path is '' here and was /m on the host"),
        ({"host": "a\x1b[2J"}, {"host": "a"}, "ollama_host is 'a\\x1b[2J' here and was a on the host"),
        ({"api_key": ""}, {"api_key": SECRET}, "ollama_api_key is not set here and was set on the host"),
        ({"api_key": SECRET}, {"api_key": ""}, "ollama_api_key is set here and was not set on the host"),
        (
            {"environment": {"A": "1", "B": "1"}},
            {"environment": {"B": "2", "C": "3"}},
            (
                "ollama_environment has A here and not on the host, has C on the host and not here, has another"
                " value for B here than on the host"
            ),
        ),
    ],
)
def test_a_difference_names_both_values(here, on_host, clause):
    """Of a secret that there is one, of free variables the names alone; no value moves a cursor."""
    assert between(here, on_host) == [clause]


def test_a_long_value_is_cut():
    """A list of instances fits the line."""
    many = [{"name": f"server{number}"} for number in range(99)]
    (clause,) = between({"instances": many}, {"instances": "auto"})
    assert len(clause) < 200


def test_an_option_that_one_side_lacks_is_no_difference():
    """Another release of the collection may have written the file."""
    assert between({"keep_alive": "24h"}, {}) == []
    assert differences({"keep_alive": "24h"}, {"no_such": 1}) == []


def test_a_default_is_a_variable_left_out():
    """Which is what a run has that does not see the variable."""
    (found,) = differences(used({"api_key": ""}), used({"api_key": "x"}))
    assert is_left_out(found)
    (found,) = differences(used({"keep_alive": "1h"}), used({"keep_alive": "auto"}))
    assert not is_left_out(found)
    assert made_with([found]) == "made with other variables: ollama_keep_alive is 1h here and was auto on the host"


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": SECRET},
        {"environment": {"A_TOKEN": SECRET, "HTTPS_PROXY": f"http://me:{SECRET}@proxy"}},
        {"instances": [{"name": "a", "environment": {"A_TOKEN": SECRET}}]},
        {"host": f"http://me:{SECRET}@here"},
    ],
)
def test_no_secret_is_kept(options):
    """The file is for every user to read."""
    assert SECRET not in kept_text(used(options), {})


def test_what_steers_a_run_alone_is_not_kept():
    """Another time limit does not make another host."""
    assert not {name for name, option in load().options.items() if option.scope == "role"} & set(used(DEFAULTS))
    assert {"api_key", "dropin_name", "secrets_path", "environment"} <= set(used(DEFAULTS))


@given(st.dictionaries(st.sampled_from(sorted(load().options)), VALUES))
def test_what_is_written_is_read_again(options):
    """Whatever the variables hold, the text says it, and says the same the next time."""
    variables = used(options)
    text = kept_text(variables, {"/a": "0"})
    kept = read_kept(text)
    assert kept is not None
    assert differences(used(options), kept.variables) == []
    assert kept_text(dict(kept.variables), kept.files) == text


@given(st.one_of(st.none(), st.text(), VALUES, VALUES.map(json.dumps)))
def test_any_other_text_says_nothing(text):
    """Nor does it raise."""
    assert read_kept(text) is None
