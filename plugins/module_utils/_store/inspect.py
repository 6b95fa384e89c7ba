# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moving a store would meet: what is in both, on which file systems, who could use the new one."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._folders import free_bytes, has_user, nearest
from ansible_collections.inference.ollama.plugins.module_utils._store.listing import Entry, Listing, digest_of, listing
from ansible_collections.inference.ollama.plugins.module_utils._store.move import last_move, read_record, state_of
from ansible_collections.inference.ollama.plugins.module_utils._store.transfer import Owner, content

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

SCHEMA = 1
# As many names of models as a sentence may hold.
_MOST_NAMED = 10


def real(path: str) -> str:
    """An absolute path; ``~USER`` at its start is that user's home. OllamaError where there is no such user."""
    found = os.path.expanduser(path)
    if not found.startswith("/"):
        raise OllamaError(f"{path}: allowed is an absolute path, or ~USER of a user of this host at its start")
    return os.path.normpath(found)


def owner_of(user: str, source: str) -> Owner:
    """Whom the new store shall belong to: the user, or whoever has the old one where the user comes at each start."""
    try:
        known = pwd.getpwnam(user)
    except KeyError:
        try:
            there = os.stat(source)
        except OSError:
            return Owner(0, 0)
        return Owner(there.st_uid, there.st_gid)
    return Owner(known.pw_uid, known.pw_gid)


def inspect(source: str, target: str, user: str, state_folder: str, run: Runner) -> dict[str, Any]:
    """Return RETURN of the module store_info; what could not be read is named in ``problems``."""
    problems: list[str] = []
    found, present = _listed(source, problems), _listed(target, problems)
    needed = [name for name in found.entries if name not in present.entries]
    place = nearest(target)
    linked = _device(source) is not None and _device(source) == _device(place)
    try:
        record, moved = state_of(read_record(state_folder)), last_move(state_folder)
    except OllamaError as error:
        record = moved = None
        problems.append(str(error))
    return {
        "schema": SCHEMA,
        "source": _described(source, found),
        "target": {**_described(target, present), "free_bytes": free_bytes(place)},
        "same_place": os.path.realpath(source) == os.path.realpath(target),
        "same_file_system": linked,
        "needed_bytes": 0 if linked else sum(found.entries[name].size_bytes for name in needed),
        "conflicts": _conflicts(source, target, found, present),
        "closed": _closed(run, place, user),
        "pending": record,
        "moved": moved,
        "problems": problems,
    }


def _listed(path: str, problems: list[str]) -> Listing:
    try:
        return listing(path)
    except OllamaError as error:
        problems.append(str(error))
        return Listing({}, {}, [])


def _described(path: str, found: Listing) -> dict[str, Any]:
    leads = os.path.realpath(path) if os.path.islink(path) else None
    return {
        "path": path,
        "there": os.path.isdir(path),
        "link": leads,
        "models": found.models,
        "files": len(found.entries),
        "size_bytes": found.size_bytes,
    }


def _device(path: str) -> int | None:
    try:
        return os.stat(path).st_dev
    except OSError:
        return None


def _conflicts(source: str, target: str, found: Listing, present: Listing) -> list[str]:
    """The files, but blobs, of which each store has another one."""
    names = []
    for name, entry in found.entries.items():
        other = present.entries.get(name)
        if digest_of(name) is None and other is not None and _differ(source, target, name, entry, other):
            names.append(name)
    return names[:_MOST_NAMED]


def _differ(source: str, target: str, name: str, entry: Entry, other: Entry) -> bool:
    if entry.is_same(other) or entry.target is not None or other.target is not None:
        return False
    try:
        return entry.size_bytes != other.size_bytes or content(source, name) != content(target, name)
    except OSError:
        return True


def _closed(run: Runner, folder: str, user: str) -> list[str]:
    """The folders that are there on the way to a new store and that the user may not pass."""
    if user == "root" or not has_user(user):
        return []
    parents = [folder]
    while parents[-1] != "/":
        parents.append(os.path.dirname(parents[-1]))
    ask = 'for folder; do test -x "$folder" || echo "$folder"; done'
    done = run(["runuser", f"--user={user}", "--", "sh", "-c", ask, "sh", *reversed(parents)])
    return [] if done.out is None else done.out.splitlines()
