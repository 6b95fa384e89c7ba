# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command of a unit that is more than the program and ``serve``: which program is behind it, and how it is shown.

systemd.service(5), "Command lines".
"""

from __future__ import annotations

import re

# A script starts what it likes, whatever words are behind it.
_SCRIPT = re.compile(r".*\.(?:sh|bash|zsh|ksh|csh|py|pl|rb|js)", re.IGNORECASE)
# What starts the program behind it on the same files and under the same name.
_TRANSPARENT = frozenset(
    {"numactl", "taskset", "nice", "ionice", "chrt", "env", "sh", "bash", "dash", "nohup", "setsid", "stdbuf"}
    | {"prlimit", "systemd-inhibit", "setpriv", "runuser", "su", "sudo", "choom", "exec", "time"}
)
# What makes a path that of another machine or another tree.
_ELSEWHERE = frozenset({"chroot", "docker", "podman", "ssh", "nsenter", "bwrap", "unshare", "cd", "pushd"})


def is_plain(command: str) -> bool:
    """Whether the words, as systemctl prints them, are a program and ``serve`` alone."""
    words = _words(command)
    return words[1:] == ["serve"] and _SCRIPT.fullmatch(words[0]) is None


def program(command: str) -> str | None:
    """The absolute path of the program that a wrapper starts with ``serve``; None where that is not plain."""
    words = _words(command)
    names = [word.rpartition("/")[2] for word in words]
    if "serve" not in words[1:] or (names[0] not in _TRANSPARENT and words[1] != "serve"):
        return None
    place = words.index("serve", 1)
    found = words[place - 1]
    fits = found.startswith("/") and "/../" not in found and _SCRIPT.fullmatch(found) is None
    return found if fits and not _ELSEWHERE & set(names[:place]) else None


def shown(command: str) -> str:
    """The command without secrets and at most 300 characters of it."""
    from ansible_collections.inference.ollama.plugins.module_utils._service.redact import (  # noqa: PLC0415 compiled only where needed
        Redactor,
    )

    text = " ".join(Redactor().command_line(command.split()))
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 300 else f"{text[:299]}…"


def _words(command: str) -> list[str]:
    words = re.findall(r"[^\s\"']+", command) or [""]
    prefix, words[0] = words[0], words[0].lstrip("@-:+!|")
    # Behind @ stands the name by which the program is to know itself.
    if "@" in prefix[: len(prefix) - len(words[0])] and words[1:2] != ["serve"]:
        del words[1:2]
    return words
