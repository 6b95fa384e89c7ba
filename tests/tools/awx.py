# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job templates of AWX, their surveys, and a credential type, from the roles' variables; generate.py writes them.

The form of a survey is that of AWX's API (awx/api/templates/api/job_template_survey_spec.md). A survey asks for texts,
numbers and choices; AWX hands a list or a mapping on as the text that it is, so these stay in the inventory. Whatever a
survey has a default for becomes an extra variable of the job, which wins over the inventory: so the templates ask only
for what belongs to one run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from role_files import ELEMENTS, RAW, TYPES

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Contract
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option

HEAD = """\
---
# Job templates, surveys and a credential type of AWX: docs/awx.md says how to put them there.
# Written by tests/tools/generate.py from plugins/plugin_utils/settings.yml and tests/tools/awx.py. Change those files.
#
# ollama_awx_questions has a question of a survey for each variable that one can ask for.
"""
ROLES = ("ollama", "ollama_install", "ollama_gateway")
SECRETS = ("gateway_keys", "secret", "secrets")
LONGEST = 1024
# Playbooks with what a launch asks for: name, description, variables, those of them that need an answer.
TEMPLATES: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "plan",
        "What tuning would do, and how files differ",
        ("ollama_plan_check", "ollama_plan_format"),
        (),
    ),
    ("lint", "What is wrong with the units that hosts have", (), ()),
    ("fit", "Which models fit each host", (), ()),
    ("place", "Which host has which model of the fleet", (), ()),
    ("verify", "Whether the running servers obey the plan", (), ()),
    ("report", "The whole fleet on one page", (), ()),
    ("site", "Tune the fleet", ("ollama_change_reason",), ()),
    (
        "upgrade",
        "Move the fleet to a release of Ollama",
        ("ollama_install_version", "ollama_upgrade_model", "ollama_upgrade_answers", "ollama_change_reason"),
        ("ollama_install_version",),
    ),
    ("gateway", "Set up the gateways", (), ()),
    ("benchmark", "Measure the fleet under load", ("ollama_benchmark_model",), ("ollama_benchmark_model",)),
    ("tune", "Search the best settings by measuring", ("ollama_benchmark_model",), ("ollama_benchmark_model",)),
    ("rollback", "Take back the last change", ("ollama_rollback_to", "ollama_change_reason"), ("ollama_rollback_to",)),
    ("remove", "Take away what the roles have written", ("ollama_remove_models",), ("ollama_remove_models",)),
    ("retune", "What an alert leads to", (), ()),
)
# A launch by a rulebook hands on the alert as extra variables.
WITH_VARIABLES = ("retune",)


class Unsafe(str):
    """A text that Ansible must not evaluate as a template."""

    __slots__ = ()


class Dumper(yaml.SafeDumper):
    """Writes lists as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - yaml's
        """Indent the entries of a list below its key."""
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, _data: Any) -> bool:
        """Write each list whole."""
        return True


Dumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", text, style='"'))


def question(option: Option, *, required: bool = False) -> dict[str, Any] | None:
    """Return the question for a variable, None for one that no survey can ask for."""
    name = f"ollama_{option.name}"
    asked: dict[str, Any] = {
        "variable": name,
        "question_name": name,
        "question_description": plain(option.description[0]),
        "required": required,
    }
    kind = "raw" if option.auto and option.type in RAW else TYPES.get(option.type, "str")
    default = option.default
    if option.type in SECRETS:
        # Of several secrets at once a survey can make no mapping.
        return {**asked, "type": "password", "min": int(required), "max": LONGEST} if kind == "str" else None
    if option.type == "enum":
        choices = list(dict.fromkeys([*(["auto"] if option.auto else []), *option.values]))
        return {**asked, "type": "multiplechoice", "choices": choices, "default": default}
    if kind == "bool":
        return {**asked, "type": "multiplechoice", "choices": ["false", "true"], "default": str(default).lower()}
    if kind == "int":
        bounds = {"min": option.minimum or 0, "max": option.maximum}
        return {**asked, "type": "integer", **bounds, "default": default}
    if kind in ("list", "dict") or option.type in ELEMENTS or isinstance(default, (list, dict)):
        return None
    return {**asked, "type": "text", "min": int(required), "max": LONGEST, "default": str(default)}


def plain(sentence: str) -> str:
    """Return a description's first sentence without the marks of ansible-doc."""
    first = re.split(r"(?<=\.) (?=[A-Z])", sentence)[0]
    return re.sub(r"\b[CVO]\(([^()]*)\)", r"\1", first)


def template(contract: Contract, entry: tuple[str, str, tuple[str, ...], tuple[str, ...]]) -> dict[str, Any]:
    """Return a job template as data: the arguments of awx.awx.job_template that do not depend on where it is made."""
    playbook, description, names, needed = entry
    options = {f"ollama_{option.name}": option for role in ROLES for option in contract.of_role(role)}
    made: dict[str, Any] = {
        "name": f"Ollama {playbook}",
        "description": description,
        "playbook": f"{playbook}.yml",
        "ask_variables_on_launch": playbook in WITH_VARIABLES,
        "survey_enabled": bool(names),
    }
    if names:
        spec = [question(options[name], required=name in needed) for name in names]
        made["survey_spec"] = {"name": made["name"], "description": description, "spec": spec}
    return made


def page(contract: Contract) -> str:
    """Return the file as it should be."""
    options = [option for role in ROLES for option in contract.of_role(role)]
    questions = {f"ollama_{option.name}": question(option) for option in options}
    secret = [option for option in options if option.type == "secret"]
    data = {
        "ollama_awx_questions": {name: asked for name, asked in questions.items() if asked},
        "ollama_awx_job_templates": [template(contract, entry) for entry in TEMPLATES],
        "ollama_awx_credential_type": {
            "name": "Ollama secrets",
            "description": "Secrets of the servers, encrypted by AWX and handed to a job as variables",
            "kind": "cloud",
            "inputs": {
                "fields": [
                    {
                        "id": f"ollama_{option.name}",
                        "type": "string",
                        "label": f"ollama_{option.name}",
                        "help_text": plain(option.description[0]),
                        "secret": True,
                    }
                    for option in secret
                ],
                "required": [],
            },
            # AWX evaluates these, with the values of the credential.
            "injectors": {
                "extra_vars": {f"ollama_{option.name}": Unsafe(f"{{{{ ollama_{option.name} }}}}") for option in secret}
            },
        },
    }
    return HEAD + yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=150)
