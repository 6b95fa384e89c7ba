# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found on a host as far as it concerns containers, and what the host has to fetch for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import CLIENTS
from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import form_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.deployment import found_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def found_for_container(found: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """What was found, without what concerns a program that systemd starts by itself."""
    missing = [entry for entry in found.get("missing") or () if entry["directive"] is None]
    return {**found, "missing": missing, "found_unit": found_of(found.get("found_unit"), options)}


def to_fetch(plan: Mapping[str, Any], engine: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    """The command that fetches the image, as ``{argv}``; None where the host has it, or needs none."""
    forms = [form_of(plan, each["name"]) for each in plan["instances"]]
    image = next((str(form["image"]) for form in forms if form), None)
    if engine is None or image is None or engine["image_there"]:
        return None
    client = CLIENTS[str(plan["deployment"])]
    return {"argv": [str(engine["program"]), *client[1:], "pull", "--quiet", image]}
