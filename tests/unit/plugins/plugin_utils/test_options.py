# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values the role's variables may have, the plan's and the role's own (_options.py, settings.yml)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.supervision import HARDENING, STRICT

RIGHT = {
    "staging_root": ["", "/srv/image", "/srv/image/"],
    "state_folder": ["/var/lib/inference.ollama"],
    "start_timeout": [1, 3600, "120"],
    "verify_timeout": [1, 86400],
    "states_kept": [1, 100],
    "command_timeout": [1, 3600],
    "verify": [True, False, "yes", "off"],
    "verify_accept": [[], ["LimitMEMLOCK"]],
    "plan_format": ["table", "json"],
    "version": ["auto", "", "0.34.1", "v0.33.0-rc2"],
    "api_key": ["", "a b", True],
    "change_reason": ["", "CHG-1: more slots"],
}
WRONG = [
    ("staging_root", "image", "ollama_staging_root: 'image' is not allowed; allowed is an absolute path below /"),
    ("staging_root", "/", "ollama_staging_root: '/' is not allowed"),
    ("state_folder", "", "ollama_state_folder: '' is not allowed; allowed is an absolute path below /"),
    ("start_timeout", 0, "ollama_start_timeout: 0 is not allowed; allowed is a whole number from 1 to 3600"),
    ("start_timeout", 3601, "from 1 to 3600"),
    ("start_timeout", "soon", "ollama_start_timeout: 'soon' is not allowed"),
    ("start_timeout", True, "ollama_start_timeout: True is not allowed"),
    ("verify_timeout", 86401, "from 1 to 86400"),
    ("states_kept", 101, "from 1 to 100"),
    ("command_timeout", 0, "from 1 to 3600"),
    ("verify", "perhaps", "ollama_verify: 'perhaps' is not allowed; allowed is true or false"),
    (
        "verify_accept",
        "LimitMEMLOCK",
        "'LimitMEMLOCK' is not allowed; allowed is a list of names",
    ),
    ("plan_format", "xml", "ollama_plan_format: 'xml' is not allowed; allowed is one of table, json"),
    ("version", "1", "ollama_version: '1' is not an Ollama release such as 0.34.1 or 0.33.0-rc2; allowed is auto, or"),
    ("version", "0.0.0", "built without a version"),
    ("change_reason", "a\nb", "allowed is one line of text without control characters, or nothing"),
    ("load_mode", "fast", "allowed is auto, or one of none, mmap, mlock, mmap+mlock, dio"),
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values])
def test_a_right_value_of_a_variable_passes(name, value):
    """What the role can use, it takes."""
    assert option_errors({name: value}) == []


@pytest.mark.parametrize(("name", "value", "text"), WRONG)
def test_a_wrong_value_of_a_variable_is_named_with_what_is_allowed(name, value, text):
    """The role's own variables are checked as strictly as the plan's."""
    (error,) = option_errors({name: value})
    assert text in error


def test_all_wrong_variables_are_named_at_once():
    """Three wrong numbers are three lines, not one message after the other."""
    wrong = {"start_timeout": 0, "states_kept": 0, "verify_timeout": 0, "num_threads": 0}
    assert [error.partition(":")[0] for error in option_errors(wrong)] == [f"ollama_{name}" for name in wrong]


@pytest.mark.parametrize("key", ["hunter2\n", "hunter2\x00"])
def test_a_wrong_key_is_refused_and_never_shown(key):
    """A message ends up in logs that many can read."""
    (error,) = option_errors({"api_key": key})
    assert error.startswith("ollama_api_key: the value is not allowed; allowed is one line of text")
    assert "hunter2" not in error


def test_a_wrong_environment_is_shown_without_its_secrets():
    """One wrong name must not carry the values of all others into the message."""
    values = {"A B": 1, "HF_TOKEN": "hunter2", "HTTPS_PROXY": "http://me:hunter2@proxy"}
    (error,) = option_errors({"environment": values})
    assert "unlike 'A…'" in error
    assert "hunter2" not in error


@pytest.mark.parametrize("option", load().options.values(), ids=lambda option: option.name)
def test_an_option_is_complete(option):
    """Each is in a group, says what it is for, and has a type that the tools know."""
    contract = load()
    assert option.section in contract.sections
    assert option.scope in ("host", "instance", "role")
    assert option.type in contract.types
    assert all(sentence.strip() == sentence and sentence for sentence in option.description)
    assert (option.proof is None) or option.becomes


def test_an_option_takes_the_rule_of_its_variable():
    """Bounds and choices are those of the setting, so that a lint of a unit and the role agree."""
    contract = load()
    for variable, name in contract.named.items():
        setting, option = contract.by_name[variable], contract.options[name]
        assert (option.type, option.minimum, option.maximum, option.values) == (
            setting.type,
            setting.minimum,
            setting.maximum,
            setting.values,
        )
    assert "LLAMA_ARG_CACHE_RAM" not in contract.named, "it counts in MiB, its option in bytes"


def test_hardening_names_the_directives_that_the_plan_sets():
    """What the documents list is what ends up in the unit."""
    assert sorted(load().options["hardening"].becomes) == sorted([*HARDENING, *STRICT])


def test_milestones_are_reached_in_order():
    """An unknown release has reached nothing."""
    contract = load()
    release = contract.since("llama_server")
    assert str(release) == "0.30.0"
    assert contract.reached("llama_server", release)
    assert contract.reached("context_4096", release)
    assert not contract.reached("flash_attention_on_pascal", release)
    assert not contract.reached("context_4096", None)
