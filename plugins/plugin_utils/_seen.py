# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the results of tasks tell whoever watches a run: messages, and how each host is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._change import failure_reason

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of a result, what says no more than its message does.
_QUIET = {
    *("ansible_index_var", "ansible_loop", "ansible_loop_var", "item"),
    *("assertion", "changed", "evaluated_to", "failed", "failed_when_result", "refusals", "unreachable"),
}
# Ansible's words before those of what failed.
_PREFIX = "Task failed: "
# The file of the role whose last words end a run that may change hosts.
_LAST = "roles/ollama/tasks/summarize.yml"
# A search for the best settings tries many changes, and sums them up by itself.
_SEARCH = "__ollama_tune"


def message_of(result: Mapping[str, Any]) -> list[str] | None:
    """Return the lines of a result that has a message and nothing else to show; None for any other."""
    message = result.get("msg")
    if set(result) - {"msg"} - _QUIET:
        return None
    if isinstance(message, str):
        return message.splitlines() or None
    return list(message) if isinstance(message, list) and message and all(isinstance(e, str) for e in message) else None


class Seen:
    """What is known of each host of a run: as much of its variables as run_outcomes() looks at, and why it failed."""

    def __init__(self) -> None:
        self._hosts: dict[str, dict[str, Any]] = {}
        self.why: dict[str, str] = {}
        # Whether it is a run that may change hosts, and not one that reads or searches.
        self._ends = self._searches = False

    def took(self, host: str, register: str | None, result: Mapping[str, Any]) -> None:
        """Keep what a task has found out on a host: what it registers, and the facts that it sets."""
        known = self._hosts.setdefault(host, {})
        if register == "__ollama":
            self._hosts[host] = {register: _part(result, ("pending", "failed", "refusals", "unreachable"))}
        elif register == "__ollama_written":
            known[register] = _part(result, ("changed",))
        facts = result.get("ansible_facts")
        if isinstance(facts, Mapping):
            self._searches = self._searches or _SEARCH in facts
            if isinstance(facts.get("ollama_changes"), Mapping):
                known["ollama_changes"] = _part(facts["ollama_changes"], ("outcome", "files", "reason", "checks"))
            if "ollama_verification" in facts:
                known["ollama_verification"] = bool(facts["ollama_verification"])

    def ran(self, path: str | None) -> None:
        """Take note of the file of a task."""
        self._ends = self._ends or _LAST in (path or "")

    def failed(self, host: str, task: str, result: Mapping[str, Any], *, preflight: bool) -> None:
        """Keep why a task failed on a host; ``preflight`` is whether a read of the host was one before a change."""
        self.why[host] = failure_reason(result, task).replace(_PREFIX, "", 1)
        read = self._hosts.get(host, {}).get("__ollama", {})
        self._ends = self._ends or (preflight and bool(read.get("failed") or read.get("unreachable")))

    def left(self, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return what is known of these hosts, those that have nothing to do with Ollama left out."""
        if not self._ends or self._searches:
            return {}
        return {host: known for host in hosts if (known := self._hosts.get(host))}


def _part(value: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value}
