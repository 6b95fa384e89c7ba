# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``setting_lint``; documented in setting_lint.yml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint

if TYPE_CHECKING:
    from collections.abc import Callable


def setting_lint(environment: Mapping[str, Any], release: str | None = None) -> list[dict[str, str]]:
    """See setting_lint.yml."""
    if not isinstance(environment, Mapping):
        raise AnsibleFilterError("the environment is not a dictionary of names and values")
    if release is not None and not isinstance(release, str):
        raise AnsibleFilterError(f"release {release!r} is not a text such as '0.34.1'; quote it")
    try:
        findings = lint(_texts(environment), parse_release(release) if release else None)
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error
    return [finding._asdict() for finding in findings]


def _texts(environment: Mapping[str, Any]) -> dict[str, str]:
    for name, value in environment.items():
        if not isinstance(value, (str, int, float)):
            raise OllamaError(f"the value of {name} is neither a text nor a number")
    # What a template makes of a value is what ends up in the unit.
    return {str(name): str(value) for name, value in environment.items()}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"setting_lint": setting_lint}
