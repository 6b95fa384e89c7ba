# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may change a program: its file, and every folder and link on the way to it.

path_resolution(7); inode(7) on the sticky bit; acl(5), whose entries Linux keeps in an extended attribute
(fs/posix_acl.c: a version, then tag, permissions and identifier of each).
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
import struct
from typing import List, NamedTuple

_ACL = "system.posix_acl_access"
_ACL_USER, _ACL_GROUP, _ACL_WRITE = 0x02, 0x08, 2
_MOST_LINKS = 40


class Account(NamedTuple):
    """Whom a program runs as."""

    name: str
    uid: int
    gid: int
    groups: List[int]


def account(user: str | None) -> Account | None:
    """The account of a name or a number, but for root; None where the host does not know it."""
    try:
        found = pwd.getpwuid(int(user)) if user and user.isdecimal() else pwd.getpwnam(user or "")
        groups = os.getgrouplist(found.pw_name, found.pw_gid)
    except (KeyError, OSError, OverflowError, ValueError):
        return None
    return Account(found.pw_name, found.pw_uid, found.pw_gid, groups) if found.pw_uid else None


def weakness(path: str) -> str | None:
    """The first part of an absolute path that others than root may change, with owner and mode; None without one."""
    left = path.split("/")[::-1]
    here, links = "/", 0
    try:
        status = os.stat("/")
        shared = _writable("/", status)
        if status.st_uid or shared:
            return _described("/", status)
        while left:
            part = left.pop()
            if part in ("", "."):
                continue
            if part == "..":
                here = os.path.dirname(here)
                continue
            place = os.path.join(here, part)
            status = os.lstat(place)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                # Nobody can change a link, but who may write the folder can replace it.
                if (shared and status.st_uid) or links > _MOST_LINKS:
                    return _described(place, status)
                target = os.readlink(place)
                here = "/" if target.startswith("/") else here
                left += target.split("/")[::-1]
            else:
                sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
                shared = _writable(place, status)
                if status.st_uid or (shared and not sticky):
                    return _described(place, status)
                here = place
    except OSError as error:
        return f"{path} cannot be judged ({error.strerror})"
    return None


def _writable(path: str, status: os.stat_result) -> bool:
    """Whether an account other than the owner may write it."""
    if status.st_mode & stat.S_IWOTH:
        return True
    # With an access control list the bits of the group are its mask.
    if not status.st_mode & stat.S_IWGRP:
        return False
    return _listed(path) or _has_members(status.st_gid)


def _listed(path: str) -> bool:
    """Whether an access control list lets an account or a group that it names write."""
    try:
        data = os.getxattr(path, _ACL, follow_symlinks=False)
    except OSError:
        return False
    entries = list(struct.iter_unpack("<HHI", data[4 : 4 + (len(data) - 4) // 8 * 8]))
    return any(tag in (_ACL_USER, _ACL_GROUP) and bits & _ACL_WRITE and number for tag, bits, number in entries)


def _has_members(gid: int) -> bool:
    """Whether a group other than root's has a member; that of /usr/local has none on Debian."""
    if gid == 0:
        return False
    try:
        named = set(grp.getgrgid(gid).gr_mem) - {"root"}
    except KeyError:
        named = set()
    return bool(named) or any(entry.pw_gid == gid and entry.pw_uid for entry in pwd.getpwall())


def _described(path: str, status: os.stat_result) -> str:
    return (
        f"{path} (owner {_user(status.st_uid)}, group {_group(status.st_gid)}, mode {stat.S_IMODE(status.st_mode):04o})"
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
