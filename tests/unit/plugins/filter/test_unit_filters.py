# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters around the readers of units and their lint."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.filter.ollama import FilterModule
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import CODES
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_lint import UNIT_CODES

FOLDER = Path(__file__).resolve().parents[4] / "plugins" / "filter"
unit_settings = FilterModule().filters()["unit_settings"]
unit_lint = FilterModule().filters()["unit_lint"]
UNIT = "/etc/systemd/system/ollama.service"


def documented(name):
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))["RETURN"]["_value"]


def test_documented_settings_are_what_comes():
    """The sample of unit_settings, to the letter."""
    text = '[Service]\nEnvironment="OLLAMA_HOST=127.0.0.1:11434"\n'
    assert unit_settings([{"path": UNIT, "content": text}]) == documented("unit_settings")["sample"]


def test_documented_findings_are_what_comes():
    """The sample of unit_lint, from what ansible.builtin.slurp returns."""
    text = "[Service]\nEnvironment=OLLAMA_NUM_THREADS=14\n"
    slurped = {
        "source": f"{UNIT}.d/override.conf",
        "content": base64.b64encode(text.encode()).decode(),
        "encoding": "base64",
    }
    assert unit_lint([slurped], "0.34.1") == documented("unit_lint")["sample"]
    table = FilterModule().filters()["lint_table"](unit_lint([slurped]), "node1")
    assert "0 fatal, 1 inert, 0 advice" in table[0]


def test_documentation_lists_every_code_of_units():
    """A playbook can rely on the codes that are documented."""
    text = documented("unit_lint")["contains"]["code"]["description"][0]
    assert set(re.findall(r"V\(([a-z-]+)\)", text)) == UNIT_CODES - CODES


@pytest.mark.parametrize("made", [unit_settings, unit_lint])
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ("[Service]", "files: not a list"),
        (["secret"], r"files\[0\]: it has no path or no content"),
        ([{"path": UNIT}], r"files\[0\]: it has no path or no content"),
        ([{"path": UNIT, "content": "x"}, {"content": "secret"}], r"files\[1\]: it has no path or no content"),
    ],
)
def test_wrong_files_are_refused_unseen(made, files, message):
    """The error says what is missing, and shows no content."""
    with pytest.raises(AnsibleFilterError, match=message) as caught:
        made(files)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("release", "message"), [(0.34, "is not a text"), ("newest", "is not an Ollama release")])
def test_wrong_releases_are_refused(release, message):
    """The error says what was given and what is right."""
    with pytest.raises(AnsibleFilterError, match=message):
        unit_lint([], release)
