# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the server has its secrets, by their names alone, and whether the file that they come from is root's alone.

proc(5) for the environment of a process; docs/policy.md, rule S6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._secrets import MASK
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import SITE, Check

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Subject

# The directives that name the file of secrets, or the credential made of it.
FILES = frozenset({"EnvironmentFile", "LoadCredential"})
_MODE, _ROOT = "0600", 0


def check_secret(subject: Subject, name: str, planned: str) -> Check:
    """The verdict on one secret: whether the server's environment has the name. The value is not looked at."""
    read = subject.server_environment(name, planned)
    if isinstance(read, Check):
        return read
    environment, place = read
    if environment.get(name):
        return subject.passes(name, planned, MASK, f"{place} has it")
    remedy = f"the file of secrets was written after the start, or a later file takes it away: {SITE}, or"
    return subject.fails(name, planned, "not set", place, f"{remedy} {cause.restart(subject)}")


def check_file(subject: Subject, name: str, planned: str) -> Check:
    """The verdict on the file that a directive names: root's, and readable by nobody else."""
    path = planned.partition(":")[2] if name == "LoadCredential" else planned
    if path.startswith("-"):
        # The credential itself, which systemd makes for the service's user alone.
        return subject.passes(name, planned, planned, f"{subject.path}, loaded, and overridden by none")
    found = subject.observed.secret_files
    if found is None:
        return subject.unread(name, planned, path, path)
    if path not in found:
        return subject.fails(name, planned, "not there", path, f"write it: {SITE}")
    mode, user = found[path]
    if (mode, user) == (_MODE, _ROOT):
        return subject.passes(name, planned, planned, f"{path} is root's, with mode {mode}")
    return subject.fails(name, planned, f"mode {mode}, owner {user}", path, f"write it as root's with {_MODE}: {SITE}")
