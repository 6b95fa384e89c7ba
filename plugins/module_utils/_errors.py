# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of this collection."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._text import visible


class OllamaError(Exception):
    """A sentence for the operator: what was tried, on which path or option, what was found, and what is right.

    Raised inside; at the edge, in one place, a module turns it into ``fail_json`` and a filter into
    ``AnsibleFilterError``. Whatever a host said in it is shown with visible characters alone.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(visible(sentence))
