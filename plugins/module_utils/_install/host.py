# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts by which a host takes its archives and runs the server: distribution, board, accounts, room.

os-release(5), passwd(5), group(5); /etc/nv_tegra_release of NVIDIA's boards: R35 is JetPack 5, R36 is JetPack 6
(scripts/install.sh@v0.30.0 asks the same).
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._folders import free_bytes, nearest

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_JETPACKS = {35: 5, 36: 6}
_LINE = re.compile(r"""\s*([A-Z][A-Z0-9_]{0,60})=(["']?)([^\n]{0,300}?)\2\s*""")
_NUMBER = re.compile("[0-9]{1,10}")
# A store has some thousand files.
_MOST_FILES = 200_000


def read_os(root: Root) -> dict[str, Any]:
    """``{id, id_like, version_id, name}``; null for what is not said."""
    text = root.text("/etc/os-release") or root.text("/usr/lib/os-release") or ""
    matches = (_LINE.fullmatch(line) for line in text.splitlines())
    said = {match[1]: match[3] for match in matches if match is not None}
    if not said.get("ID"):
        root.problem("/etc/os-release: it has no ID, so the distribution is not known")
    return {
        "id": said.get("ID", "").lower() or None,
        "id_like": said.get("ID_LIKE", "").lower().split()[:20],
        "version_id": said.get("VERSION_ID") or None,
        "name": said.get("PRETTY_NAME") or said.get("NAME") or None,
    }


def read_jetpack(root: Root) -> int | None:
    """The JetPack of one of NVIDIA's boards, 5 or 6; None on any other host, and a problem for any other JetPack."""
    path = "/etc/nv_tegra_release"
    text = root.text(path)
    if text is None:
        return None
    match = re.match(r"#\s*R([0-9]{1,3})\b", text)
    jetpack = _JETPACKS.get(int(match[1])) if match else None
    if jetpack is None:
        root.problem(f"{path}: read {text[:80]!r}, expected a board with R35 (JetPack 5) or R36 (JetPack 6)")
    return jetpack


def read_account(root: Root, user: str) -> dict[str, Any] | None:
    """``{user, uid, gid, group, home, shell, groups}``; None where the host does not know the user."""
    groups = _groups(root)
    if root.live:
        try:
            entry = pwd.getpwnam(user)
            gids = os.getgrouplist(user, entry.pw_gid)
        except (KeyError, OSError, ValueError):
            return None
        found = [user, "", entry.pw_uid, entry.pw_gid, "", entry.pw_dir, entry.pw_shell]
        names = [_group_name(gid) for gid in gids if gid != entry.pw_gid]
    else:
        fields = next((row for row in _rows(root, "/etc/passwd") if row[0] == user and len(row) == 7), None)
        if fields is None or not (_NUMBER.fullmatch(fields[2]) and _NUMBER.fullmatch(fields[3])):
            return None
        found = [*fields[:2], int(fields[2]), int(fields[3]), *fields[4:]]
        names = [name for name, (_gid, members) in groups.items() if user in members]
    gid: Any = found[3]
    own = next((name for name, (number, _members) in groups.items() if number == gid), None)
    return {
        "user": user,
        "uid": found[2],
        "gid": gid,
        "group": own or (_group_name(gid) if root.live else None),
        "home": found[5],
        "shell": found[6],
        "groups": sorted({name for name in names if name}),
    }


def read_groups(root: Root, names: tuple[str, ...]) -> dict[str, int | None]:
    """The number of each group; None for one that the host does not have."""
    groups = _groups(root)
    return {name: groups[name][0] if name in groups else _group_number(name) if root.live else None for name in names}


def _groups(root: Root) -> dict[str, tuple[int, list[str]]]:
    rows = [row for row in _rows(root, "/etc/group") if len(row) == 4 and _NUMBER.fullmatch(row[2])]
    return {row[0]: (int(row[2]), row[3].split(",")) for row in rows}


def _rows(root: Root, path: str) -> list[list[str]]:
    return [line.split(":") for line in (root.text(path) or "").splitlines()]


def _group_name(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except (KeyError, OverflowError):
        return None


def _group_number(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def missing_parents(path: str) -> list[str]:
    """The folders above a path that are not there, the highest first."""
    found: list[str] = []
    folder = os.path.dirname(path)
    while not os.path.lexists(folder) and folder not in ("/", ""):
        found.insert(0, folder)
        folder = os.path.dirname(folder)
    return found


def read_store(root: Root, path: str, seconds: float) -> dict[str, Any]:
    """``{path, there, parents, bytes, free_bytes, device, mountpoint, problem}``; null of another root."""
    found: dict[str, Any] = dict.fromkeys(("parents", "bytes", "free_bytes", "device", "mountpoint", "problem"))
    found.update(path=path, there=root.exists(path))
    if not root.live:
        return found
    found["parents"] = missing_parents(path)
    mountpoint = os.path.realpath(nearest(path))
    while not os.path.ismount(mountpoint):
        mountpoint = os.path.dirname(mountpoint)
    found.update(free_bytes=free_bytes(nearest(path)), mountpoint=mountpoint, device=_device(root, mountpoint))
    if found["there"] and not os.path.isdir(path):
        found["problem"] = f"{path}: it is not a folder"
    elif found["there"]:
        found["bytes"], found["problem"] = _size(path, time.monotonic() + seconds)
    return found


def _device(root: Root, mountpoint: str) -> str | None:
    rows = [line.split() for line in (root.text("/proc/mounts") or "").splitlines()]
    # Later ones cover those before; blanks are octal there.
    names = [row[0] for row in rows if len(row) > 1 and row[1].replace("\\040", " ") == mountpoint]
    return names[-1] if names else None


def _size(path: str, ends: float) -> tuple[int | None, str | None]:
    """The bytes of all files below a folder, each counted once; None and a sentence where that takes too long."""
    size, count = 0, 0
    errors: list[OSError] = []
    seen: set[tuple[int, int]] = set()
    for folder, _folders, files in os.walk(path, onerror=errors.append):
        for name in files:
            try:
                status = os.lstat(os.path.join(folder, name))
            except OSError:
                continue
            count += 1
            if status.st_nlink > 1 and (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            size += status.st_size
        if count > _MOST_FILES or time.monotonic() > ends:
            return None, f"{path}: its size is not known, since counting its files takes too long"
    if errors:
        return (
            None,
            f"{errors[0].filename}: cannot be listed ({errors[0].strerror}), so the size of {path} is not known",
        )
    return size, None
