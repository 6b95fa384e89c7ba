# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checks of a verification make a host fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def failed_checks(
    verification: Mapping[str, Any], accepted: Iterable[str] = (), *, strict: bool = False
) -> list[dict[str, Any]]:
    """The checks that fail, with ``strict`` those that are unknown too, without those of the settings ``accepted``."""
    bad = ("fail", "unknown") if strict else ("fail",)
    known = [*accepted]
    return [check for check in verification["checks"] if check["verdict"] in bad and check.get("setting") not in known]
