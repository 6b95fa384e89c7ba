# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - plays, tasks and results of Ansible have no types
"""Callback ``brief``: what a run has changed, what failed and its messages, and how it leaves the hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: brief
author: The inference.ollama authors (@inference-ollama)
version_added: 0.1.0
type: stdout
short_description: Shows what changed, what failed and what tasks have to say, and how the run leaves the hosts
description:
  - Prints as P(ansible.builtin.default#callback) does, without what says nothing. Tasks that changed nothing or were
    skipped, included files, and plays without hosts are left out. Messages of P(ansible.builtin.debug#module) are
    printed as lines of text, and so is a failure of which there is a message alone.
  - After the recap of a run of the playbook C(inference.ollama.site) or of the role P(inference.ollama.ollama#role) on
    several hosts, or of one on which it failed, it says how the run leaves them, and why. That is how many are changed
    and verified, unchanged, taken back, failed and untouched.
  - With C(-v) every task and every result is shown, as by the default callback.
  - It is used where it is chosen, by C(stdout_callback) in C(ansible.cfg) or by E(ANSIBLE_STDOUT_CALLBACK). Without it
    the role prints the same messages by the callback that you have.
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
requirements:
  - set as stdout in configuration
"""

import textwrap
from typing import TYPE_CHECKING, Any

from ansible import constants, context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import default

from ansible_collections.inference.ollama.plugins.plugin_utils._outcomes import run_outcomes
from ansible_collections.inference.ollama.plugins.plugin_utils._seen import Seen, message_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# Half of it has no types.
_Default: Any = default.CallbackModule
_HIDDEN = ("display_ok_hosts", "display_skipped_hosts")
_DEBUG = ("ansible.builtin.debug", "ansible.legacy.debug", "debug")
# What fails with a sentence for its reader, so that where the task stands in which file adds nothing.
_TELLING = ("ansible.builtin.assert", "ansible.builtin.fail", "inference.ollama.")
# What this callback prints itself, at the end and in every case.
_OUTCOMES = "roles/ollama/tasks/outcomes.yml"
# So many lines or more of a host are not printed again for another one.
_LONG = 10
_COLUMNS = 80
_INDENT = "    "


class CallbackModule(_Default):  # type: ignore[misc] # a base without types
    """The default callback without what says nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "inference.ollama.brief"

    def __init__(self) -> None:
        super().__init__()
        self._seen = Seen()
        # A play of which nobody knows yet whether it has hosts, and those of before that had none.
        self._coming: Any = None
        self._empty: list[Any] = []
        self._began = False
        # Whether a result is shown though nothing has changed: that of debug, which is there to be read.
        self._shown = False
        # The host for which a long message was printed first, by all of its lines but the title.
        self._printed: dict[tuple[str, ...], str] = {}

    @property
    def _is_brief(self) -> bool:
        return not self._display.verbosity

    def get_option(self, k: str, hostvars: object = None) -> Any:
        """Return an option; tasks that changed nothing are shown with -v alone."""
        if k in _HIDDEN and self._is_brief and not self._shown:
            return False
        return super().get_option(k, hostvars)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Keep the banner until it is known that the play has hosts, and something to say."""
        self._coming = play
        if not self._is_brief:
            self._open()

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Say so at the end where no play had hosts, as where the group of the inventory has another name."""
        if self._is_brief:
            self._empty.append(self._coming)
            self._coming = None
        else:
            super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        """Say that a play has ended early with -v alone; the last lines say how each host is left."""
        if not self._is_brief:
            super().v2_playbook_on_no_hosts_remaining()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: FBT001 - as Ansible calls it
        """Show the banner of the first play before its first task."""
        self._begin()
        super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Show the banner of the first play, where a handler is its first task."""
        self._begin()
        super().v2_playbook_on_handler_task_start(task)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Show included files with -v alone."""
        if not self._is_brief:
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print a message, or what has changed."""
        self._seen.took(result.host.get_name(), result.task.register, result.result)
        self._seen.ran(result.task.get_path())
        if self._is_brief and isinstance(result.task, TaskInclude):
            return
        # Of a loop each item was printed.
        looped = self._is_brief and result.task.loop and "results" in result.result
        if not looped and (self._said(result) or self._acted(result)):
            return
        if not looped:
            self._shown = result.task.resolved_action in _DEBUG
            super().v2_runner_on_ok(result)
            self._shown = False
        # Those of a result that is not shown are left.
        self._handle_warnings(result.result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Print the message of an item, or that it has changed."""
        if not self._said(result) and not self._acted(result, item=True):
            self._shown = result.task.resolved_action in _DEBUG
            super().v2_runner_item_on_ok(result)
            self._shown = False

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: FBT001, FBT002 - as Ansible calls it
        """Print the failure, and keep why the host failed."""
        if not ignore_errors:
            self._failed(result, {"failed": True}, result.task.name)
        super().v2_runner_on_failed(result, ignore_errors=ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Print that the host was lost, and keep why."""
        self._failed(result, {"unreachable": True})
        super().v2_runner_on_unreachable(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the recap, and how the run leaves the hosts."""
        for play in [] if self._began else self._empty:
            super().v2_playbook_on_play_start(play)
            super().v2_playbook_on_no_hosts_matched()
        super().v2_playbook_on_stats(stats)
        of_hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        lost = [host for host, counts in of_hosts.items() if counts["failures"] or counts["unreachable"]]
        hosts = self._seen.left(of_hosts)
        if not hosts or (len(hosts) == 1 and not lost):
            return
        why = {host: self._seen.why[host] for host in lost if host in self._seen.why}
        lines = run_outcomes(hosts, lost, why, check_mode=bool(context.CLIARGS.get("check")))
        self._display.display("\n".join([*lines, ""]))

    def _dump_results(self, result: Mapping[str, Any], *args: Any, **options: Any) -> str:
        """Return what Ansible shows of a result: a message alone as lines of text."""
        if self._is_brief:
            text = message_of(super()._dump_results(result, serialize=False))
            if text is not None:
                return "\n".join(["", *(line for each in text for line in _indented(each))])
        return str(super()._dump_results(result, *args, **options))

    def _handle_warnings_and_exception(self, result: Any) -> None:
        """Print warnings, and what there is to know of an exception beside the message of the result."""
        alone = result.is_unreachable() or str(result.task.resolved_action).startswith(_TELLING)
        if self._is_brief and alone and self._text(result) is not None:
            self._handle_warnings(result.result)
            result.result.pop("exception", None)
        else:
            super()._handle_warnings_and_exception(result)

    def _text(self, result: Any) -> list[str] | None:
        return message_of(super()._dump_results(result.result, serialize=False)) if self._is_brief else None

    def _said(self, result: Any) -> bool:
        """Whether the result was a message, which is printed."""
        text = self._text(result)
        if text is None or result.task.resolved_action not in _DEBUG or result.result.get("changed"):
            return False
        if not (result.task.get_path() or "").rpartition(":")[0].endswith(_OUTCOMES):
            self._handle_warnings(result.result)
            self._print(text, result.host.get_name(), of_all=result.task.run_once)
        return True

    def _print(self, text: list[str], host: str, *, of_all: bool) -> None:
        self._open()
        title = text[0] if of_all or any(host in line for line in text) else f"[{host}] {text[0]}"
        first = self._printed.setdefault(tuple(text[1:]), host) if len(text) >= _LONG else host
        if first != host:
            self._display.display(f"{title}; all else as printed for {first}")
        else:
            # A table stands apart from what was printed before it.
            self._display.display("\n".join([*([""] if "" in text else []), title, *text[1:]]))

    def _acted(self, result: Any, *, item: bool = False) -> bool:
        """Whether the task, or an item, has changed something and has no more to show than a line, which is printed."""
        changed = result.result.get("changed") and (item or not result.task.loop)
        text = self._text(result) if result.task.resolved_action in _DEBUG else None
        if not changed or not self._is_brief or (text is None and self._run_is_verbose(result)):
            return False
        self._handle_warnings(result.result)
        self._open()
        colour = constants.config.get_config_value("COLOR_CHANGED")
        what = "would change" if result.task.check_mode else "changed"
        label = f" ({self._get_item_label(result.result)})" if item else ""
        line = f"{what}: [{self.host_label(result)}] {' '.join(text) if text else f'{result.task.name}{label}'}"
        self._display.display("\n".join(_wrapped(line, "", _INDENT)), color=colour)
        return True

    def _failed(self, result: Any, how: Mapping[str, bool], task: str = "") -> None:
        host = result.host.get_name()
        self._seen.took(host, result.task.register, {**result.result, **how})
        preflight = result.task.args.get("preflight", True) is True
        self._seen.failed(host, task, result.result, preflight=preflight)

    def _begin(self) -> None:
        # That the run has begun is shown at once; of a later play, once it has something to say.
        if not self._began:
            self._open()
        self._began = True

    def _print_task_banner(self, task: Any) -> None:
        self._open()
        super()._print_task_banner(task)

    def _open(self) -> None:
        play, self._coming = self._coming, None
        if play is not None:
            super().v2_playbook_on_play_start(play)


def _indented(line: str) -> list[str]:
    indent = _INDENT + " " * (len(line) - len(line.lstrip()))
    return _wrapped(line.strip(), indent, indent) or [""]


def _wrapped(text: str, indent: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, _COLUMNS, initial_indent=indent, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
