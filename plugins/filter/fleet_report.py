# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``fleet_report``; documented in fleet_report.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._report import fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def fleet_report(records: Mapping[str, Any], moment: str, *, text: bool = False) -> dict[str, Any] | str:
    """See fleet_report.yml."""
    try:
        report = fleet.fleet_report(records, moment)
        return fleet.report_text(report) if text else report
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"fleet_report": fleet_report}
