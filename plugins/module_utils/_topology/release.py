# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release of the installed program, which the next start runs.

A server that still runs the very file that is installed says it at once (docs/api.md of Ollama: GET /api/version),
however slowly the program starts; the file is the same where device and inode are (proc(5), /proc/PID/exe). One that
was replaced since is another release, and then the program itself is asked. A script has another file in its place, so
there nothing that the process was started from may have changed since. No file beside a program names a release.
"""

from __future__ import annotations

import json
import os
import re
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# A running server answers with its own version; the client's is that of the installed file.
_CLIENT = r"client version is ([0-9]\S*)"
_VERSION = r"[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}(?:[-+][0-9A-Za-z.+-]{1,80})?"
_SERVER = r"ollama version is ([0-9]\S*)"
# An address in numbers, with the network card that it is behind.
_NUMBERS = r"[0-9.]{7,15}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]{1,32})?"
_LARGEST = 1 << 16
_MOST_LINKS = 40
# A server that is busy answers this in milliseconds.
_SECONDS = 2.0


def read_release(root: Root, run: Runner, binary: str, unit: str | None, user: str | None) -> str | None:
    """``0.34.1`` or ``0.33.0-rc2``; None, and a problem, where neither the server nor the program says it.

    ``unit`` is the name of a unit that runs, None without one; ``user`` the account that it runs as.
    """
    return (_of_server(root, run, binary, unit) if unit and root.asks_servers else None) or _of_program(
        root, run, binary, user
    )


def _of_program(root: Root, run: Runner, binary: str, user: str | None) -> str | None:
    said = run([binary, "--version"], user) if root.live else run([binary, "--version"])
    if said.out is None:
        root.problem(said.problem or "")
        return None
    match = re.search(_CLIENT, said.out) or re.search(_SERVER, said.out)
    if match is None or not re.fullmatch(_VERSION, match[1]):
        root.problem(f"{binary} --version: read {said.out[:80]!r}, expected 'ollama version is 0.34.1'")
        return None
    return match[1]


def _of_server(root: Root, run: Runner, binary: str, unit: str) -> str | None:
    """What the running server says, where it runs this very file; None for anything else, which is no problem."""
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.show import (  # noqa: PLC0415 compiled only where needed
        show,
    )

    pid = show(run, unit, ("MainPID",)).number("MainPID")
    if not pid or not _runs(root, pid, binary):
        return None
    place = _listens(root.variable(f"/proc/{pid}/environ", "OLLAMA_HOST") or "")
    said = _ask(*place) if place is not None else None
    # It could have ended, and another one have its port.
    return said if said is not None and _runs(root, pid, binary) else None


def _runs(root: Root, pid: int, binary: str) -> bool:
    """Whether the process runs the program that the next start would run."""
    if root.is_same_file(f"/proc/{pid}/exe", binary):
        return True
    # A script has its interpreter, or the program that it calls at last, in its place.
    try:
        if not _is_script(binary):
            return False
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = [os.fsdecode(word) for word in file.read(_LARGEST).split(b"\0")[:3]]
        begun = _begun(pid)
        started_from = [binary, *(word for word in words if word.startswith("/") and os.path.exists(word))]
        runs = os.stat(f"/proc/{pid}/exe")
        unchanged = runs.st_nlink and runs.st_ctime < begun and all(_changed_at(path) < begun for path in started_from)
        named = words[0].startswith("/") and (root.is_same_file(f"/proc/{pid}/exe", words[0]) or _is_script(words[0]))
    except (OSError, ValueError, IndexError):
        return False
    return bool(unchanged and named)


def _is_script(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def _begun(pid: int) -> float:
    """When a process began (proc(5), starttime), in seconds since 1970."""
    import time  # noqa: PLC0415 compiled only where needed

    with open(f"/proc/{pid}/stat", "rb") as file:
        ticks = int(file.read(_LARGEST).rpartition(b")")[2].split()[19])
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - age


def _changed_at(path: str) -> float:
    """When a file, or a link that leads to it, last changed."""
    latest = 0.0
    for _link in range(_MOST_LINKS):
        status = os.lstat(path)
        latest = max(latest, status.st_ctime)
        if not stat.S_ISLNK(status.st_mode):
            break
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    # A folder on the way may be a link too.
    above = os.path.dirname(path)
    while above not in ("/", ""):
        status = os.lstat(above)
        latest = max(latest, status.st_ctime if stat.S_ISLNK(status.st_mode) else 0.0)
        above = os.path.dirname(above)
    return latest


def _listens(text: str) -> tuple[str, int] | None:
    """Where a server with this OLLAMA_HOST can be asked; None for a name, which would have to be looked up."""
    from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import (  # noqa: PLC0415 compiled only where needed
        listens,
        read_host,
    )

    address, port = listens(text)
    loopback = {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 nothing is bound
    host = loopback.get(address, address)
    # A server that cannot start is not asked under the address that it would have by default.
    known = port and read_host(text).can_be_looked_up and re.fullmatch(_NUMBERS, host)
    return (host, port) if known else None


def _ask(host: str, port: int) -> str | None:
    """The version that a server at this address answers with in time."""
    # urllib costs more than the whole question.
    import socket  # noqa: PLC0415 compiled only where needed
    import time  # noqa: PLC0415 compiled only where needed

    deadline = time.monotonic() + _SECONDS
    said = b""
    try:
        with socket.create_connection((host, port), timeout=_SECONDS) as server:
            server.sendall(f"GET /api/version HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
            while len(said) < _LARGEST and deadline > time.monotonic():
                server.settimeout(max(0.001, deadline - time.monotonic()))
                part = server.recv(_LARGEST)
                if not part:
                    break
                said += part
        head, _blank, body = said.partition(b"\r\n\r\n")
        version = json.loads(body)["version"] if re.match(rb"HTTP/1\.[01] 200 ", head) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return version if isinstance(version, str) and re.fullmatch(_VERSION, version) else None
