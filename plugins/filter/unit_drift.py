# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``unit_drift``; documented in unit_drift.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils import _drift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def unit_drift(
    files: Iterable[Mapping[str, Any]],
    planned: Mapping[str, str],
    found: Iterable[Mapping[str, Any]],
    stale: Iterable[str] = (),
) -> dict[str, Any]:
    """See unit_drift.yml."""
    try:
        return _drift.unit_drift(files, planned, found, stale)
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unit_drift": unit_drift}
