# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of unit files as a playbook has them."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError


def file_texts(entries: object, what: str) -> list[tuple[str, str]]:
    """``(path, text)`` of a list of dictionaries with ``path`` and ``content``, or of results of ansible.builtin.slurp.

    OllamaError names what is wrong with the list, and never shows a content.
    """
    if not isinstance(entries, (list, tuple)):
        raise OllamaError(f"{what}: not a list; allowed is a list of dictionaries with path and content")
    found = []
    for number, entry in enumerate(entries):
        path = (entry.get("path") or entry.get("source")) if isinstance(entry, Mapping) else None
        if not isinstance(path, str) or not isinstance(entry.get("content"), str):
            raise OllamaError(f"{what}[{number}]: it has no path or no content; allowed is a text for each")
        content = entry["content"]
        if entry.get("encoding") == "base64":
            content = base64.b64decode(content).decode("utf-8", "replace")
        found.append((path, content))
    return found
