# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``tuning_plan``; documented in tuning_plan.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def tuning_plan(topology: Mapping[str, Any], policy: Mapping[str, Any], release: str | None = None) -> dict[str, Any]:
    """See tuning_plan.yml."""
    try:
        return make_plan(topology, policy, release)
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"tuning_plan": tuning_plan}
