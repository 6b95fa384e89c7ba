# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of what was measured, from a trial to the file that an inventory holds.

The newest is the first, which is the one that a plan takes where several fit.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yaml.nodes import Node

VARIABLE = "ollama_measured"
_KEY = ("hardware", "release", "objective")
_HEAD = """\
# Settings that the playbook inference.ollama.tune has measured to be best. Put this file where your inventory reads
# it, as group_vars/ollama/measured.yml: the role then takes each entry on hosts of its hardware, release and model.
# Further runs replace their own entries, and leave what else is here.
"""
_WIDTH = 150
# The first words of a file of ansible-vault.
_ENCRYPTED = "$ANSIBLE_VAULT;"
# Of a message that somebody else wrote.
_LONGEST = 240


def trial_variables(
    step: Mapping[str, Any],
    profile: Mapping[str, Any],
    measured: object = None,
    record: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the variables of the role for a step of the search, in the place of the operator's.

    ``profile`` has what a record says of the host, the model and the objective. The settings of before need no record.
    With ``record``, the one of the best settings, it is what the file has from then on.
    """
    others = list(measured) if isinstance(measured, (list, tuple)) else []
    # The search itself compares what was before with what is kept, and so the gate has nothing to add.
    variables: dict[str, Any] = {"objective": profile["objective"], "other_variables": "accept", "gate": False}
    if record is not None:
        variables["measured"] = merged(others, record)
    elif not step.get("start") and not step.get("done"):
        candidate = {**profile, "settings": dict(step["settings"]), "value": None}
        variables["measured"] = merged(others, candidate)
    return variables


def merged(records: Sequence[Any], record: Mapping[str, Any]) -> list[Any]:
    """Return the records with this one first, in the place of the one that it replaces."""
    replaced = [each for each in records if _same(each, record)]
    settings = dict(record["settings"])
    for each in replaced[:1]:
        # What was not searched this time was in force while the others were measured.
        settings = {**(each.get("settings") or {}), **settings}
    return [{**record, "settings": settings}, *(each for each in records if each not in replaced)]


def _same(one: object, other: Mapping[str, Any]) -> bool:
    """Whether they are of the same hardware, release, objective and model; by its digest."""
    if not isinstance(one, Mapping) or any(one.get(key) != other.get(key) for key in _KEY):
        return False
    digests = [str(each.get("digest") or "").partition(":") for each in (one, other)]
    plain = [tail or head for head, _colon, tail in digests]
    if all(plain):
        return plain[0].startswith(plain[1]) or plain[1].startswith(plain[0])
    return one.get("model") == other.get("model")


def _text(read: Mapping[str, Any]) -> str:
    """The text of the file that the module slurp was asked for, nothing where there is none."""
    content = read.get("content")
    if content is None:
        if read.get("msg") and not read.get("skipped"):
            raise OllamaError(f"it cannot be read: {one_line(str(read['msg']), _LONGEST)}")
        return ""
    try:
        return base64.b64decode(str(content)).decode("utf-8")
    except ValueError:
        raise OllamaError("it is no text in UTF-8, so nothing can be added to it") from None


def measured_file(read: str | Mapping[str, Any] | None, record: Mapping[str, Any] | None = None) -> str:
    """Return the text of the file with this record; all else in it stays as it is, comments too.

    ``read`` is the text, or what the module slurp answered, which says whether a file could be read.
    Without a record it is the same text. OllamaError where that is not a file of variables, or its entries are no list;
    and where it is encrypted, since a text that was added to would lie there in plain.
    """
    text = _text(read) if isinstance(read, Mapping) else str(read or "")
    if text.lstrip().startswith(_ENCRYPTED):
        raise OllamaError(
            "it is encrypted, and nothing is added to it, since that would need its password or leave it in plain text;"
            " name a file of its own, and no record has a secret"
        )
    begin, end, records = _entries(text)
    if record is None:
        return text
    # Whatever texts of its own a template makes.
    record = json.loads(json.dumps(record, default=str))
    lines = yaml.dump(
        {VARIABLE: merged(records, record)},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=_WIDTH,
    )
    if not text.strip():
        return f"---\n{_HEAD}{lines}"
    before = text[:begin]
    if before and not before.endswith("\n"):
        before += "\n"
    return before + lines + text[end:]


def _entries(text: str) -> tuple[int, int, list[Any]]:
    """From where to where the entries are in the text, and what they are."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        found = _value_of(node)
        if found is None:
            return len(text), len(text), []
        key, value = found
        begin, end = key.start_mark.index, value.end_mark.index
        # A block ends where the next one begins, so what is written between them is after it.
        while True:
            line = text.rfind("\n", begin, end - 1) + 1
            if line <= begin or text[line:end].strip()[:1] not in ("", "#"):
                break
            end = line
        records = yaml.safe_load(text[begin:end])[VARIABLE]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise OllamaError(f"it is not YAML that can be read{where}, so nothing can be added to it") from None
    if records is None:
        records = []
    if not isinstance(records, list):
        raise OllamaError(f"{VARIABLE} in it is no list of records, so nothing can be added to it")
    return begin, end, records


def _value_of(node: Node | None) -> tuple[Node, Node] | None:
    if node is None or node.tag == "tag:yaml.org,2002:null":
        return None
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise OllamaError("it is not a file of variables, a line NAME: for each, so nothing can be added to it")
    pairs: list[tuple[Node, Node]] = [pair for pair in node.value if pair[0].value == VARIABLE]
    return pairs[0] if pairs else None


class _Dumper(yaml.SafeDumper):
    """Lists are indented, as ansible-lint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's signature
        return True
