# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``unit_lint``; documented in unit_lint.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_file import file_texts
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_lint import lint_unit

if TYPE_CHECKING:
    from collections.abc import Callable


def unit_lint(files: object, release: str | None = None, environment_files: object = ()) -> list[dict[str, Any]]:
    """See unit_lint.yml."""
    if release is not None and not isinstance(release, str):
        raise AnsibleFilterError(f"release {release!r} is not a text such as '0.34.1'; quote it")
    try:
        service = read_service(file_texts(files, "files"), file_texts(environment_files, "environment_files"))
        findings = lint_unit(service, parse_release(release) if release else None)
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error
    return [finding._asdict() for finding in findings]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unit_lint": unit_lint}
