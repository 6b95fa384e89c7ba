# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``topology_svg``; documented in topology_svg.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._picture import draw
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import servers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def topology_svg(topology: Mapping[str, Any], host: str, plan: Mapping[str, Any] | None = None) -> str:
    """A host's topology as an SVG picture; see _picture.draw."""
    try:
        return draw.topology_svg(topology, host, None if plan is None else servers(plan))
    except OllamaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"topology_svg": topology_svg}
