# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``plan_drift``; documented in plan_drift.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def plan_drift(
    plan: Mapping[str, Any],
    service: Mapping[str, Any],
    drift: Mapping[str, Any] | None = None,
    kernel: Mapping[str, Any] | None = None,
    dropin_name: str = "override.conf",
) -> dict[str, Any]:
    """See plan_drift.yml."""
    try:
        return decide.plan_drift(plan, service, drift, kernel, dropin_name)
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"plan_drift": plan_drift}
