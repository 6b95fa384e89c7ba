# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the user of a service can use its store.

runuser(1) and setpriv(1); systemd.exec(5), "DynamicUser=", "Group=" and "SupplementaryGroups=".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._folders import has_user
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import YES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

_USABLE = 'test -d "$1" && test -r "$1" && test -w "$1" && test -x "$1"'
_ASK = ("sh", "-c", f"({_USABLE}) && echo usable || echo no", "sh")
# Folders that systemd makes for a service, and hands to its user.
_OWN = {
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
    "RuntimeDirectory": "/run",
}
# systemd-nspawn and others leave this user without any file of its own (nobody of systemd, 65534).
_NOBODY = "65534"


def store_problem(run: Runner, store: str, user: str, unit: Mapping[str, Any] | None) -> str | None:
    """Why the user cannot use the directory. What the programs said is left out where they only said no."""
    said = _values(unit)
    user = (said.get("User") or [user])[-1]
    groups = [group for value in said.get("SupplementaryGroups", []) for group in value.split()]
    if (said.get("DynamicUser") or ["no"])[-1].lower() in YES and not has_user(user):
        return _of_dynamic_user(run, store, said, groups)
    problem = _asked(run, ["runuser", f"--user={user}", "--"], store, f"user {user}")
    if problem is not None and f"user {user} does not exist" in problem:
        return f"there is no user {user} on this host"
    own = (said.get("Group") or [])[-1:]
    if problem is not None and (own or groups):
        options = [f"--group={group}" for group in own] + [f"--supp-group={group}" for group in groups]
        again = _asked(run, ["runuser", f"--user={user}", *options, "--"], store, f"user {user}")
        return None if again is None else problem
    return problem


def _of_dynamic_user(run: Runner, store: str, said: Mapping[str, list[str]], groups: list[str]) -> str | None:
    for directive, base in _OWN.items():
        for value in said.get(directive, []):
            for word in value.split():
                folder = f"{base}/{word.partition(':')[0]}"
                if store == folder or store.startswith(f"{folder}/"):
                    return None
    more = [f"--groups={','.join(groups)}"] if groups else ["--clear-groups"]
    who = "the user that DynamicUser=yes makes at each start"
    return _asked(run, ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", *more, "--"], store, who)


def _asked(run: Runner, before: list[str], store: str, who: str) -> str | None:
    done = run([*before, *_ASK, store])
    if done.out is None:
        return str(done.problem)
    return None if done.out.strip() == "usable" else f"{who} cannot read, write and enter it"


def _values(unit: Mapping[str, Any] | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for setting in (unit or {}).get("settings") or []:
        if setting["section"] == "Service" and setting["value"]:
            found.setdefault(setting["directive"], []).append(setting["value"])
    return found
