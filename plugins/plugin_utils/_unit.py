# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as the text of a systemd drop-in.

Quoting after systemd.syntax(7), systemd.unit(5) "Specifiers" and systemd.service(5) "Command lines".
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH = 100
# Decisions that explain other lines and have none of their own.
PLACEMENT = ("instance", "numa_node", "cpus", "bind", "threads")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def dropin(plan: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The entries of one instance's drop-in: ``{section, comment: [text, …], lines: [text, …]}``, in the plan's order.

    The sections are Unit and Service. The first entry of Service is the placement, comments alone. Raises OllamaError
    where the plan has no such instance.
    """
    instance = find_instance(plan, name)
    decisions = {d["setting"]: d for d in plan["decisions"] if d["instance"] == name}
    placement = [
        line
        for setting in PLACEMENT
        if setting in decisions
        for line in _reason(setting, decisions[setting], named=True)
    ]
    entries: list[dict[str, Any]] = [{"section": "Service", "comment": placement, "lines": []}]
    for setting, decision in decisions.items():
        lines = _lines(setting, instance)
        section = "Unit" if setting in instance.get("order", {}) else "Service"
        if lines:
            comment = _reason(setting, decision, named=False)
            entries.append({"section": section, "comment": comment, "lines": lines})
    return entries


def find_instance(plan: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The instance of that name; OllamaError names those that there are."""
    for instance in plan["instances"]:
        if instance["name"] == name:
            found: Mapping[str, Any] = instance
            return found
    names = ", ".join(instance["name"] for instance in plan["instances"])
    raise OllamaError(f"instance: the plan has no {name!r}; it has {names}")


def _reason(setting: str, decision: Mapping[str, Any], *, named: bool) -> list[str]:
    value = "none" if decision["value"] is None else decision["value"]
    head = f"{setting} {value} ({decision['source']}): " if named else f"{decision['source']}: "
    return textwrap.wrap(
        head + decision["reason"], WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _lines(setting: str, instance: Mapping[str, Any]) -> list[str]:
    if setting in instance["environment"]:
        return [f"Environment={quote(setting + '=' + instance['environment'][setting])}"]
    directives = {**instance.get("order", {}), **instance["service"]}
    if setting not in directives:
        return []
    value = directives[setting]
    if setting == "ExecStart":
        # The empty assignment clears the installed unit's command; without it a service would have two.
        return ["ExecStart=", f"ExecStart={command_line(value)}"]
    return [f"{setting}={str(value).replace('%', '%%')}"]


def quote(text: str) -> str:
    """One word in double quotes with systemd's escapes and without specifiers."""
    if _CONTROL.search(text):
        raise OllamaError(f"{text!r} holds a control character, which no line of a unit can carry")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def command_line(words: Iterable[str]) -> str:
    """The words as ExecStart= reads them back."""
    return " ".join(command_word(word) for word in words)


def command_word(word: str) -> str:
    """One word of a command line; ``$`` would be replaced by systemd, so it is doubled."""
    word = word.replace("$", "$$")
    return word.replace("%", "%%") if re.fullmatch(r"[A-Za-z0-9_@%+=:,./$-]+", word) else quote(word)


__all__ = ("PLACEMENT", "command_line", "command_word", "dropin", "find_instance", "quote")
