# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the templates of the roles.

The templates are constant parts of the program, as the contract's settings.yml is: reading them is the only I/O here.
They are rendered as Ansible would, but for its variables: a template has only what it is given.
"""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ansible_collections.inference.ollama.plugins.plugin_utils._container.docker import entries as docker_entries
from ansible_collections.inference.ollama.plugins.plugin_utils._container.quadlet import SECTION, entries
from ansible_collections.inference.ollama.plugins.plugin_utils._secret_environment import secrets_lines
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import command_line, dropin, slice_dropin

if TYPE_CHECKING:
    from collections.abc import Mapping

# How the comment of a setting begins that was measured.
_MEASURED = re.compile(r"measured: |\S+ \S+ \(measured\): ")
_SECTIONS = ("Unit", SECTION, "Service", "Slice", "Install")
_ROLES = os.path.join(os.path.dirname(__file__), "..", "..", "roles")
_TEMPLATES = [os.path.join(_ROLES, role, "templates") for role in ("ollama", "ollama_install", "ollama_gateway")]


def render_dropin(plan: Mapping[str, Any], instance: str) -> str:
    """Return the text of one instance's drop-in."""
    return _render_entries(plan, dropin(plan, instance))


def render_container(plan: Mapping[str, Any], instance: str) -> str:
    """Return the text of one instance's container, as Quadlet reads it."""
    return _render_entries(plan, entries(plan, instance))


def render_docker_unit(plan: Mapping[str, Any], instance: str) -> str:
    """Return the text of the unit that starts one instance's container of Docker."""
    return _render_entries(plan, docker_entries(plan, instance))


def render_slice(plan: Mapping[str, Any]) -> str:
    """Return the text of the drop-in of the servers' slice."""
    return _render_entries(plan, slice_dropin(plan))


def _render_entries(plan: Mapping[str, Any], entries: list[dict[str, Any]]) -> str:
    sections = [(name, [entry for entry in entries if entry["section"] == name]) for name in _SECTIONS]
    return render(
        "dropin.conf.j2",
        release=plan["release"],
        found=any(line.startswith("found: ") for entry in entries for line in entry["comment"]),
        measured=any(_MEASURED.match(line) for entry in entries for line in entry["comment"]),
        sections=[(name, found) for name, found in sections if found],
    )


def render_template_unit(plan: Mapping[str, Any]) -> str:
    """Return the text of the unit that several instances share."""
    sections = plan["template"].get("sections") or _usual(plan["template"])
    return render("template.service.j2", sections=sections)


def _usual(template: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The lines of a unit of install.sh, where no other is installed."""
    said = {
        "Unit": ["After=network-online.target", "Wants=network-online.target"],
        "Service": [
            f"ExecStart={command_line([template['binary'], 'serve'])}",
            f"User={template['user']}",
            f"Group={template['group']}",
            "Restart=always",
            "RestartSec=3",
        ],
        "Install": ["WantedBy=multi-user.target"],
    }
    return {name: [{"comment": "", "lines": lines}] for name, lines in said.items()}


def render_secrets(environment: object, key: object = None) -> str:
    """Return the text of the file of secrets; nothing where there are none (docs: the filter secrets_file)."""
    lines = secrets_lines(environment, key)
    return render("secrets.env.j2", lines=lines) if lines else ""


def render(source: str, **values: object) -> str:
    """Return the text of the template ``source`` with these values."""
    return _environment().get_template(source).render(values)


@functools.lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - units are not HTML; every value is quoted for systemd before it gets here
    )
