# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job templates and surveys of AWX are those of the roles' variables, in the form that AWX takes."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load

ROOT = Path(__file__).resolve().parents[3]
runpy.run_path(str(ROOT / "tests/tools/generate.py"))
import awx


class Loader(yaml.SafeLoader):
    """Reads what Ansible must not evaluate as the text that it is."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
DATA = yaml.load((ROOT / "extensions/awx/job_templates.yml").read_text(encoding="utf-8"), Loader)
QUESTIONS, TEMPLATES = DATA["ollama_awx_questions"], DATA["ollama_awx_job_templates"]
SPECS = {
    name: spec
    for role in awx.ROLES
    for name, spec in yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8"))[
        "argument_specs"
    ]["main"]["options"].items()
}
ASKED = [
    *QUESTIONS.values(),
    *(asked for made in TEMPLATES for asked in made.get("survey_spec", {}).get("spec", [])),
]


def fault(asked, answer):
    """What AWX says of an answer (awx/main/models/mixins.py, _survey_element_validation); None if it takes it."""
    kind = asked["type"]
    if kind in ("text", "password"):
        fits = isinstance(answer, str) and asked["min"] <= len(answer) <= asked["max"]
    elif kind == "integer":
        fits = type(answer) is int and asked["min"] <= answer <= asked["max"]
    else:
        fits = answer in asked["choices"]
    return None if fits else f"{asked['variable']}: {answer!r} is refused"


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked["variable"])
def test_a_question_is_one_of_awx_and_its_default_is_an_answer(asked):
    """AWX drops a default that it would refuse as an answer, without a word; one with nothing in it needs no answer."""
    assert {"variable", "question_name", "question_description", "required", "type"} <= asked.keys()
    assert asked["type"] in ("text", "password", "integer", "multiplechoice")
    assert asked["question_description"]
    if asked["required"] and asked.get("default") == "":
        assert asked["min"] == 1
    elif asked["type"] != "password":
        assert fault(asked, asked["default"]) is None


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked["variable"])
def test_a_question_allows_what_the_variable_allows(asked):
    """Type, choices, default and secrecy are those of argument_specs; a secret has no default that AWX would show."""
    spec = SPECS[asked["variable"]]
    words = "multiplechoice" if "choices" in spec else "text"
    kind = {"bool": "multiplechoice", "int": "integer"}.get(spec["type"], words)
    assert asked["type"] == ("password" if spec.get("no_log") else kind)
    if spec["type"] == "bool":
        assert asked["choices"] == ["false", "true"]
    elif "choices" in spec:
        assert asked["choices"] == spec["choices"]
    if spec.get("no_log"):
        assert "default" not in asked
    else:
        assert str(asked["default"]).lower() == str(spec.get("default", "")).lower()


def test_numbers_have_the_bounds_of_their_variables():
    """The bounds that the description of a whole number names are those of its question."""
    bound = re.compile(r"A whole number from (\d+) to (\d+)")
    bounds = {name: bound.search(str(spec["description"])) for name, spec in SPECS.items()}
    numbers = [asked for asked in QUESTIONS.values() if asked["type"] == "integer"]
    assert len(numbers) > 20
    assert [asked["variable"] for asked in numbers if not bounds[asked["variable"]]] == []
    for asked in numbers:
        found = bounds[asked["variable"]]
        assert (asked["min"], asked["max"]) == (int(found[1]), int(found[2]))


def test_what_no_survey_can_ask_for_has_no_question():
    """A list or a mapping would reach the role as a text, and several secrets would be shown in one."""
    absent = {name for name in SPECS if name not in QUESTIONS}
    for name, spec in SPECS.items():
        if spec["type"] in ("list", "dict"):
            assert name in absent
    assert {"ollama_secret_environment", "ollama_gateway_keys", "ollama_models"} <= absent


def test_each_playbook_but_that_for_bug_reports_has_a_template():
    """A template names a playbook that is there, and none is forgotten."""
    playbooks = {path.name for path in (ROOT / "playbooks").glob("*.yml")}
    assert {made["playbook"] for made in TEMPLATES} == playbooks - {"capture.yml"}


def test_the_credential_hands_on_each_secret_and_is_not_evaluated_before():
    """AWX's own template, not Ansible's, fills in the secret; it is hidden in its form."""
    kind = DATA["ollama_awx_credential_type"]
    secrets = {name for name, spec in SPECS.items() if spec.get("no_log") and spec["type"] == "str"}
    assert {entry["id"] for entry in kind["inputs"]["fields"] if entry["secret"]} == secrets
    assert kind["injectors"]["extra_vars"] == {name: f"{{{{ {name} }}}}" for name in secrets}
    text = (ROOT / "extensions/awx/job_templates.yml").read_text(encoding="utf-8")
    assert text.count("{{") == text.count('!unsafe "{{') == len(secrets)


@pytest.mark.parametrize("option", load().options.values(), ids=lambda option: option.name)
def test_every_variable_has_a_question_or_none(option):
    """No kind of variable makes the generator fail."""
    asked = awx.question(option)
    assert asked is None or asked["variable"] == f"ollama_{option.name}"
