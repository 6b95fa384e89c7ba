# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe servers that do not answer, or of which that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from typing import Iterable, Mapping

# The code of the line with which a server says why it ends.
_LAST_WORDS = "server-ended"
# What a problem says of an answer that may be somebody else's.
NOT_KNOWN = "whose process answers is not known"


def describe_no_answer(service: Mapping[str, Any]) -> str:
    """Return a sentence for each server whose API gave no release; empty where all answer."""
    silent = [each for each in service["instances"] if not (each["api"] or {}).get("version")]
    return " ".join(_sentence(each, service["problems"]) for each in silent)


def _sentence(instance: Mapping[str, Any], problems: Iterable[str]) -> str:
    state = ", ".join(filter(None, (instance["active_state"], instance["sub_state"])))
    why = one_line("; ".join([*problems, *instance["problems"]]))
    warned = (instance["journal"] or {}).get("warnings") or []
    last = [f"It said: {each['line']}" for each in warned if each["code"] == _LAST_WORDS]
    silent = f"{instance['unit']} ({state}) does not answer at {(instance['api'] or {}).get('url')}: {why}."
    return " ".join([silent, *last, f"journalctl -u {instance['unit']} tells more."])
