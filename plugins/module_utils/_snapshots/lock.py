# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a host: a lock for one module call, and a record of the run that a pending change belongs to.

flock(2) ends with the process that has it. A run makes several module calls, so its change also names its holder: the
run's id, where it runs, and for how long after its last call nobody else takes the change over. That time is counted
by CLOCK_BOOTTIME (clock_gettime(2)), since the wall clock may jump.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import (
    opened,
    read_bounded,
    require_file,
    write_all,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from ansible_collections.inference.ollama.plugins.module_utils._snapshots.folder import Folder

    Holder = Mapping[str, Any]

_NAME = "lock"
_BOOT = "/proc/sys/kernel/random/boot_id"
_EVERY = 0.1
_LONGEST = 1 << 16
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Seconds for which a run keeps a change after its last call, unless it asks for another time.
LEASE = 900


class RacedError(OllamaError):
    """Another run has changed the host since it was read; nothing was changed by this one."""


class HeldError(RacedError):
    """Another run has the host; ``holder`` is its record."""

    def __init__(self, message: str, holder: Holder) -> None:
        super().__init__(message)
        self.holder = dict(holder)


def new_holder(run: Holder | None, reason: str, now: datetime) -> dict[str, Any] | None:
    """The record of a run: what it says of itself, and until when the change is its own; None for no run."""
    if not run:
        return None
    asked = run.get("lease")
    lease = float(asked) if isinstance(asked, (int, float)) else LEASE
    known = {key: str(run[key]) for key in ("run", "controller", "boot", "pid", "started", "user") if key in run}
    since = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**known, "since": since, "reason": reason, "host_boot": _boot(), "until": _now() + lease}


def lease_left(holder: Holder | None) -> float:
    """Seconds until others may take over; 0 for no holder, one of an earlier boot, and a damaged record."""
    until = holder.get("until") if holder else None
    if (
        not holder
        or isinstance(until, bool)
        or not isinstance(until, (int, float))
        or holder.get("host_boot") != _boot()
    ):
        return 0.0
    return max(0.0, until - _now())


def require_free(holder: Holder | None, run: Holder | None, takeover: str | None = None) -> None:
    """HeldError where the change is another run's whose time is not over, and which is not to be taken over."""
    if holder and lease_left(holder) > 0:
        owner = holder.get("run")
        if owner != (run or {}).get("run") and not (takeover and owner == takeover):
            raise HeldError(f"{describe(holder)}; {advice(holder)}", holder)


def describe(holder: Holder) -> str:
    """Who has the host, since when, and why."""
    words = {key: str(holder.get(key) or "unknown")[:200] for key in ("pid", "user", "controller", "since")}
    reason = f" ({str(holder['reason'])[:200]})" if holder.get("reason") else ""
    return (
        f"another run changes this host: process {words['pid']} of user {words['user']} on {words['controller']}, since"
        f" {words['since']}{reason}"
    )


def advice(holder: Holder) -> str:
    """What to do about it."""
    left = holder.get("lease_left_s", lease_left(holder))
    return (
        "wait for its end and run again. If it was killed on another controller, its change can be taken over in"
        f" {left:.0f} s, by the next run of inference.ollama.site or inference.ollama.rollback"
    )


def _boot() -> str:
    try:
        with opened(_BOOT, os.O_RDONLY | os.O_CLOEXEC) as file:
            return read_bounded(file, 100).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@contextlib.contextmanager
def locked(folder: Folder, me: Holder | None, timeout: float) -> Iterator[None]:
    """Keep other module calls from the folder; HeldError where one goes on for longer than ``timeout`` seconds."""
    path = os.path.join(folder.path, _NAME)
    with contextlib.ExitStack() as stack:
        try:
            at = stack.enter_context(folder.opened(create=True))
            file = stack.enter_context(opened(_NAME, _FLAGS, 0o600, at))
            require_file(file, path)
            _wait(file, path, timeout)
        except OSError as error:
            raise OllamaError(f"{path}: cannot be locked ({error.strerror})") from None
        _record(file, me)
        yield
        with contextlib.suppress(OSError):
            os.ftruncate(file, 0)


def _wait(file: int, path: str, timeout: float) -> None:
    end = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EINTR):
                raise
        else:
            return
        if time.monotonic() >= end:
            holder = _recorded(file)
            raise HeldError(
                f"{path}: locked for {timeout:g} s; {describe(holder)}; run again once it has ended", holder
            )
        time.sleep(_EVERY)


def _record(file: int, me: Holder | None) -> None:
    """Say who has the lock. It serves only a sentence, so a full disk does not matter."""
    with contextlib.suppress(OSError):
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        write_all(file, json.dumps(me or _this_call()).encode())


def _this_call() -> dict[str, str]:
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"pid": str(os.getpid()), "user": str(os.getuid()), "controller": os.uname().nodename, "since": since}


def _recorded(file: int) -> dict[str, Any]:
    try:
        os.lseek(file, 0, os.SEEK_SET)
        value = json.loads(read_bounded(file, _LONGEST).decode("utf-8", "replace"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
