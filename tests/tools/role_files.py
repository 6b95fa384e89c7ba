# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables as its files show them; generate.py writes them."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Contract
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option

WIDTH = 150
WRITTEN = """\
---
# Written by tests/tools/generate.py from plugins/plugin_utils/settings.yml. Change that file, not this one.
#
"""
OLLAMA = "ollama"
ABOUT = {
    OLLAMA: """\
# Every variable that may say "auto" leaves the choice to the plan, which gives a reason for what it chose.
# Types, units and allowed values: meta/argument_specs.yml. The rules behind "auto": docs/policy.md.
""",
    "ollama_install": """\
# Types, units and allowed values: meta/argument_specs.yml. Sources of archives, and going back: docs/install.md.
""",
    "ollama_gateway": """\
# Types, units and allowed values: meta/argument_specs.yml. What they do together: docs/gateway.md.
""",
}
# What Ansible itself may check of each type; where auto is a value too it can check only texts.
TYPES = {
    "boolean": "bool",
    "bytes": "int",
    "checksums": "dict",
    "environment": "dict",
    "gateway_keys": "raw",
    "listeners": "raw",
    "fleet_models": "list",
    "fleet_placement": "dict",
    "needs": "dict",
    "secrets": "dict",
    "integer": "int",
    "measured": "list",
    # A text is a list of one text to Ansible.
    "models": "list",
    "names": "list",
    "networks": "list",
    "parameters": "dict",
    "served_models": "list",
    "unsigned": "int",
    "upstreams": "raw",
}
RAW = frozenset(
    {"boolean", "bytes", "devices", "duration", "instances", "integer", "names", "ollama_boolean", "unsigned"}
)
ELEMENTS = {
    "fleet_models": "raw",
    "measured": "raw",
    "models": "raw",
    "names": "str",
    "networks": "raw",
    "served_models": "raw",
}
WHOLE = frozenset({"bytes", "integer", "unsigned"})
# How the README names the values of a type.
VALUES = {
    "boolean": "true, false",
    "checksums": "names with SHA-256",
    "devices": "list",
    "environment": "names with values",
    "fleet_models": "list",
    "fleet_placement": "models with hosts",
    "folder": "path",
    "unit_path": "path",
    "host": "address and port",
    "instances": "single, per_numa_node, per_gpu, list",
    "gateway_keys": "list, never shown",
    "integer": "number",
    "line": "text",
    "listeners": "address and port, list",
    "measured": "list",
    "models": "auto, list",
    "names": "list",
    "needs": "names with values",
    "networks": "list",
    "ollama_boolean": "true, false",
    "pattern": "name",
    "parameters": "names with values",
    "secret": "text, never shown",
    "secrets": "names with values, never shown",
    "served_models": "list",
    "upstreams": "list",
}


def defaults(contract: Contract, role: str = OLLAMA) -> str:
    """The file defaults/main.yml of a role."""
    parts = [WRITTEN, ABOUT[role]]
    for section, comments in contract.sections.items():
        options = _of(contract, section, role)
        parts.append("\n" if options else "")
        for option in options:
            if option.name in comments:
                parts.append(f"# {comments[option.name]}\n")
            named = f"ollama_{option.name}".startswith(f"{role}_")
            noqa = "" if named else " # noqa: var-naming[no-role-prefix] the playbook site asks for it"
            parts.append(f"ollama_{option.name}: {_scalar(option.default)}{noqa}\n")
    return "".join(parts)


def specs(contract: Contract, role: str = OLLAMA) -> str:
    """The options of a role's entry points, for meta/argument_specs.yml."""
    lines = [
        line
        for section in contract.sections
        for option in _of(contract, section, role)
        for line in _spec(contract, f"ollama_{option.name}", option)
    ]
    return "".join(f"      {line}\n" for line in lines)


def table(contract: Contract, role: str = OLLAMA) -> str:
    """The table of variables in a role's README."""
    rows = [
        f"| `ollama_{option.name}` | {_values(option)} | `{_scalar(option.default)}` | {_becomes(option)} |"
        f" {_plain(_first_sentence(option))} |\n"
        for section in contract.sections
        for option in _of(contract, section, role)
    ]
    return "".join(
        ["\n| variable | values | default | becomes | what it is |\n| --- | --- | --- | --- | --- |\n", *rows, "\n"]
    )


def instance_keys(contract: Contract) -> str:
    """The sentence in the role's README on the keys of an instance."""
    text = f"Each entry may set `cpus` (a kernel list such as `0-13`) and {_words(contract, '`{}`')}."
    return textwrap.fill(text, WIDTH, break_on_hyphens=False) + "\n"


def _of(contract: Contract, section: str, role: str) -> list[Option]:
    return [option for option in contract.of_role(role) if option.section == section]


def _words(contract: Contract, form: str) -> str:
    names = [form.format(option.name) for option in contract.options.values() if option.scope == "instance"]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _spec(contract: Contract, name: str, option: Option) -> Iterator[str]:
    """One option of argument_specs.yml, line by line."""
    yield f"{name}:"
    yield from _description(contract, option)
    kind = TYPES.get(option.type, "str")
    yield f"  type: {'raw' if option.auto and option.type in RAW else kind}"
    if option.type in ELEMENTS and not (option.auto and option.type in RAW):
        yield f"  elements: {ELEMENTS[option.type]}"
    if option.type == "enum":
        choices = dict.fromkeys([*(["auto"] if option.auto else []), *option.values])
        yield f"  choices: [{', '.join(choices)}]"
    if option.type in ("gateway_keys", "secret", "secrets"):
        yield "  no_log: true"
    if option.section:
        yield f"  default: {_scalar(option.default)}"
    elif option.required:
        yield "  required: true"
    yield from ["  options:"] if option.fields else []
    for key, field in option.fields.items():
        for line in _spec(contract, key, field):
            yield f"    {line}"


def _description(contract: Contract, option: Option) -> Iterator[str]:
    sentences = [text.replace("{instance options}", _words(contract, "V({})")) for text in option.description]
    if option.type in WHOLE and option.allowed is None:
        bounds = f"A whole number from {option.minimum or 0} to {option.maximum}"
        sentences[0] += f" {bounds}{', or V(auto)' if option.auto else ''}."
    if len(sentences) == 1 and len(sentences[0]) < WIDTH - 30:
        yield f"  description: {_text(sentences[0])}"
        return
    yield "  description:"
    for sentence in sentences:
        yield from _paragraph(sentence)


def _paragraph(sentence: str) -> Iterator[str]:
    lines = textwrap.wrap(sentence, WIDTH - 16, break_on_hyphens=False, break_long_words=False)
    if len(lines) == 1:
        yield f"    - {_text(sentence)}"
    else:
        yield "    - >-"
        for line in lines:
            yield f"      {line}"


def _text(sentence: str) -> str:
    """A sentence as YAML, in quotes where it needs them."""
    return json.dumps(sentence, ensure_ascii=False) if re.search(r": | #|^[^\w]", sentence) else sentence


def _scalar(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[\w./-]+", value):
        return value
    return json.dumps(value)


def _values(option: Option) -> str:
    if option.type == "enum":
        words = list(option.values)
    elif option.maximum is not None:
        words = [f"{option.minimum or 0} to {option.maximum}", *option.values]
    else:
        worded = option.type in WHOLE or option.type == "pattern"
        words = [VALUES.get(option.type, option.type), *(option.values if worded else ())]
    words += [word for word in option.words if not word.isdigit()]
    return ", ".join(dict.fromkeys([*(["auto"] if option.auto else []), *words]))


def _becomes(option: Option) -> str:
    return ", ".join(f"`{name}`" for name in option.becomes)


def _first_sentence(option: Option) -> str:
    return re.split(r"(?<=\.) (?=[A-Z])", option.description[0])[0]


def _plain(sentence: str) -> str:
    return re.sub(r"\b[CVO]\(([^()]*)\)", r"`\1`", sentence).replace("|", "\\|")
