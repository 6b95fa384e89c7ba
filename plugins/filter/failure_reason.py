# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``failure_reason``; documented in failure_reason.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._change import failure_reason

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"failure_reason": failure_reason}
