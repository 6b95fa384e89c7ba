# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``plan_refusals``; documented in plan_refusals.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def plan_refusals(topology: Mapping[str, Any], policy: Mapping[str, Any], release: str | None = None) -> list[str]:
    """See plan_refusals.yml."""
    try:
        return refusals(topology, policy, release)
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"plan_refusals": plan_refusals}
