# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a report's shape, and whether something is a report."""

from __future__ import annotations

import json
from typing import Any, Mapping

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

SCHEMA = 1
_EXPECTED = "what the filter fleet_report returns, or its JSON"


def read_report(given: object, what: str) -> Mapping[str, Any]:
    """Return a report, or the one in a text of JSON; OllamaError that begins with ``what`` for anything else."""
    parsed = _parsed(given, what) if isinstance(given, str) else given
    found = parsed.get("schema") if isinstance(parsed, Mapping) else None
    if not isinstance(parsed, Mapping) or found != SCHEMA:
        schema = one_line(repr(found), 40)
        raise OllamaError(f"{what}: its schema is {schema}; expected {SCHEMA}, as the filter fleet_report returns it")
    # A record of measurements and others have the same number.
    if not isinstance(parsed.get("hosts"), list) or not isinstance(parsed.get("summary"), Mapping):
        raise OllamaError(f"{what}: it has no list of hosts with a summary; expected {_EXPECTED}")
    return parsed


def _parsed(text: str, what: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OllamaError(f"{what}: expected {_EXPECTED}; {error}") from error
