# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``verification``; documented in verification.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def verify(
    plan: Mapping[str, Any],
    service: Mapping[str, Any],
    file_drift: Mapping[str, Any] | None = None,
    kernel: Mapping[str, Any] | None = None,
    dropin_name: str = "override.conf",
) -> dict[str, Any]:
    """See verification.yml."""
    try:
        return decide.verify(plan, service, file_drift, kernel, dropin_name)
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"verification": verify}
