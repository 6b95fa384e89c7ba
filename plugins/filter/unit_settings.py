# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``unit_settings``; documented in unit_settings.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_file import file_texts

if TYPE_CHECKING:
    from collections.abc import Callable


def unit_settings(files: object, environment_files: object = ()) -> dict[str, Any]:
    """See unit_settings.yml."""
    try:
        service = read_service(file_texts(files, "files"), file_texts(environment_files, "environment_files"))
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error
    return {
        "settings": [setting._asdict() for setting in service.settings],
        "environment": {
            name: {**variable._asdict(), "overrides": [override._asdict() for override in variable.overrides]}
            for name, variable in service.environment.items()
        },
        "ignored": [line._asdict() for line in service.ignored],
    }


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unit_settings": unit_settings}
