# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as the text of a systemd drop-in.

Quoting after systemd.syntax(7), systemd.unit(5) "Specifiers" and systemd.service(5) "Command lines".
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import (
    BEFORE,
    CONTAINER,
    DIRECTIVE,
    FOUND,
    MOUNTS,
    ORDER,
    PLACEMENT,
    SECRET,
    SLICE,
    VARIABLE,
    as_text,
    decisions_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def dropin(plan: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The entries of one instance's drop-in: ``{section, comment: [text, …], lines: [text, …]}``, in the plan's order.

    The sections are Unit and Service. The first entry of Service is the placement, comments alone. What
    other files of the only server's unit set is not among them. Raises OllamaError
    where the plan has no such instance.
    """
    find_instance(plan, name)
    placement: list[str] = []
    entries: list[dict[str, Any]] = [{"section": "Service", "comment": placement, "lines": []}]
    for decision in decisions_of(plan, name):
        if decision["source"] == FOUND and not plan["template"]:
            # It stands in a file that the unit reads anyway, and that its owner may change.
            continue
        if decision["kind"] == SECRET or decision["kind"] == CONTAINER:
            # EnvironmentFile= names the file that has the secret; the container has a file of its own.
            continue
        if decision["kind"] == VARIABLE and engine_of(plan.get("deployment")) is not None:
            # Those of the unit are the engine's.
            continue
        if decision["kind"] == PLACEMENT:
            value = as_text(decision["value"]) or "none"
            placement += reason_of(decision, f"{decision['setting']} {value} ({decision['source']})")
        elif decision["value"] is not None:
            section, lines = _RENDERED[decision["kind"]](decision["setting"], decision["value"])
            entries.append({"section": section, "comment": reason_of(decision, decision["source"]), "lines": lines})
    return entries


def slice_dropin(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of the drop-in of the servers' slice, as dropin() gives them; the section is Slice."""
    return [
        {
            "section": "Slice",
            "comment": reason_of(decision, decision["source"]),
            "lines": [_assignment(decision["setting"], decision["value"])],
        }
        for decision in decisions_of(plan, None)
        if decision["kind"] == SLICE and decision["value"] is not None
    ]


def find_instance(plan: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the instance of that name; OllamaError lists the plan's instances."""
    for instance in plan["instances"]:
        if instance["name"] == name:
            found: Mapping[str, Any] = instance
            return found
    names = ", ".join(instance["name"] for instance in plan["instances"])
    raise OllamaError(f"instance: the plan has no {name!r}; it has {names}")


def reason_of(decision: Mapping[str, Any], head: str) -> list[str]:
    """Return the lines of a comment: the head, and behind it why it was decided so."""
    return textwrap.wrap(
        f"{head}: {decision['reason']}",
        WIDTH,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _variable(name: str, value: str) -> tuple[str, list[str]]:
    return "Service", [f"Environment={quote(f'{name}={value}')}"]


def _order(name: str, value: object) -> tuple[str, list[str]]:
    if name == MOUNTS:
        return "Unit", [f"{name}={path_word(str(value))}"]
    return "Unit", [_assignment(name, value)]


def _directive(name: str, value: Any) -> tuple[str, list[str]]:  # noqa: ANN401 - text, number or words
    if name == "ExecStart":
        # The empty assignment clears the installed unit's command; without it a service would have two.
        return "Service", ["ExecStart=", f"ExecStart={command_line(value)}"]
    if name == BEFORE:
        # Those of other files run too, and before it.
        return "Service", [f"{name}={command_line(value)}"]
    if name == "ReadWritePaths":
        # Those of other files are added to them.
        return "Service", [f"{name}={' '.join(map(path_word, value))}"]
    if name == "CPUAffinity":
        # Assignments in other files would add their CPUs.
        return "Service", ["CPUAffinity=", _assignment(name, value)]
    return "Service", [_assignment(name, value)]


_RENDERED = {VARIABLE: _variable, DIRECTIVE: _directive, ORDER: _order}


def _assignment(name: str, value: object) -> str:
    return f"{name}={str(value).replace('%', '%%')}"


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
    return path_word(word.replace("$", "$$"))


def path_word(path: str) -> str:
    """One path of a list of them, in quotes where it needs some."""
    return path.replace("%", "%%") if re.fullmatch(r"[A-Za-z0-9_@%+=:,./$-]+", path) else quote(path)
