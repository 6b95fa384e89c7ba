# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``file_drift``; documented in file_drift.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils import _drift

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def file_drift(desired: Mapping[str, Any], contents: Mapping[str, str | None]) -> dict[str, Any]:
    """See file_drift.yml."""
    try:
        return _drift.file_drift(desired, contents)
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"file_drift": file_drift}
