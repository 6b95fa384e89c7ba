# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter around the lint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.filter.ollama import FilterModule
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import CODES, SEVERITIES

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
SIDECAR = yaml.safe_load((PLUGINS / "filter" / "setting_lint.yml").read_text(encoding="utf-8"))
setting_lint = FilterModule().filters()["setting_lint"]


def test_findings_are_plain_dictionaries():
    """The documented sample is what the documented example gives."""
    assert setting_lint({"OLLAMA_NUM_THREADS": "14"}, "0.34.1") == SIDECAR["RETURN"]["_value"]["sample"]


@pytest.mark.parametrize("release", [None, ""])
def test_release_may_be_missing(release):
    """An unknown release gives warnings on what does not act everywhere."""
    assert [finding["code"] for finding in setting_lint({"LLAMA_ARG_THREADS": "1"}, release)] == ["release-unknown"]


def test_numbers_are_written_as_a_template_writes_them():
    """A number needs no quotes, and a boolean is judged as the word that it becomes."""
    assert setting_lint({"OLLAMA_NUM_PARALLEL": 4, "OLLAMA_NOPRUNE": True}, "0.34.1") == []
    assert [finding["code"] for finding in setting_lint({"LLAMA_ARG_FIT": True}, "0.34.1")] == ["fatal-value"]


@pytest.mark.parametrize(
    ("environment", "release", "message"),
    [
        (["OLLAMA_HOST"], "0.34.1", "the environment is not a dictionary of names and values"),
        ({"OLLAMA_HOST": ["a"]}, "0.34.1", "the value of OLLAMA_HOST is neither a text nor a number"),
        ({"OLLAMA_HOST": None}, "0.34.1", "the value of OLLAMA_HOST is neither a text nor a number"),
        ({}, 0.34, "release 0.34 is not a text such as '0.34.1'; quote it"),
        ({}, "newest", "'newest' is not an Ollama release such as 0.34.1 or 0.33.0-rc2"),
    ],
)
def test_wrong_input_is_refused(environment, release, message):
    """The error says what was given and what is right."""
    with pytest.raises(AnsibleFilterError) as caught:
        setting_lint(environment, release)
    assert message in str(caught.value)


def test_documentation_lists_every_code():
    """A playbook can rely on the codes that are documented, and no other comes."""
    contains = SIDECAR["RETURN"]["_value"]["contains"]
    assert set(re.findall(r"V\(([a-z-]+)\)", contains["code"]["description"][0])) == CODES
    assert set(contains["severity"]["choices"]) == set(SEVERITIES)


def test_every_code_is_used():
    """A code that nothing gives is no code."""
    source = "".join(
        (PLUGINS / "plugin_utils" / name).read_text(encoding="utf-8") for name in ("_lint.py", "_combinations.py")
    )
    source = source.replace(source[source.index("CODES = ") : source.index("# fmt: on")], "")
    assert all(f'"{code}"' in source or f'"{code.replace("-", "_")}": (' in source for code in CODES)
