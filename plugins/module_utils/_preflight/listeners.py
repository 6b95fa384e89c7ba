# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on some TCP ports of the host: the process and its unit.

proc(5), /proc/net/tcp, /proc/PID/fd and /proc/PID/cgroup. The kernel prints the sockets that listen before all others
(net/ipv4/tcp_ipv4.c, tcp_get_idx).
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import struct
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._bounded import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LISTENS = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_NUMBER = re.compile("[0-9]{1,9}")
# A busy host has some thousand processes; more than this is not looked through.
_MOST_PROCESSES = 50_000
_LARGEST = 1 << 22


class Listening(NamedTuple):
    """A socket that listens; an IPv4 address that is mapped into IPv6 is written as IPv4."""

    address: str
    port: int
    inode: str


class Holder(NamedTuple):
    """A process; None for what could not be seen of it. A unit of a user's manager has that manager before it."""

    pid: int
    program: Optional[str]
    unit: Optional[str]


def listeners(ports: Iterable[int], proc: str = "/proc") -> list[dict[str, Any]]:
    """``{address, port, pid, program, unit}`` of each listener on the ports; None for what could not be seen."""
    found = sockets(ports, proc)
    owners = holders((each.inode for each in found), proc)
    rows = []
    for address, port, inode in sorted(found):
        # systemd keeps the socket that it has given to a service.
        pids = sorted(owners.get(inode, ()), key=lambda pid: (pid == 1, pid))
        holder = describe(pids[0], proc) if pids else None
        rows.append(
            {
                "address": address,
                "port": port,
                "pid": None if holder is None else holder.pid,
                "program": None if holder is None else holder.program,
                "unit": None if holder is None else holder.unit,
            }
        )
    return rows


def sockets(ports: Iterable[int], proc: str = "/proc") -> list[Listening]:
    """The sockets that listen on the ports, in the network namespace of this process."""
    wanted = set(ports)
    return [each for name in ("tcp", "tcp6") for each in _sockets(proc, name, wanted)] if wanted else []


def holders(inodes: Iterable[str], proc: str = "/proc", pids: Iterable[int] | None = None) -> dict[str, set[int]]:
    """The processes, of ``pids`` or of all, that have each socket open; sockets of which none is seen are left out."""
    wanted = set(inodes)
    found: dict[str, set[int]] = {}
    if not wanted:
        return found
    numbers = sorted(int(name) for name in _names(proc) if _NUMBER.fullmatch(name)) if pids is None else sorted(pids)
    for pid in numbers[:_MOST_PROCESSES]:
        for name in _names(f"{proc}/{pid}/fd"):
            try:
                match = _SOCKET.fullmatch(os.readlink(f"{proc}/{pid}/fd/{name}"))
            except OSError:
                continue
            if match and match[1] in wanted:
                found.setdefault(match[1], set()).add(pid)
    return found


def describe(pid: int, proc: str = "/proc") -> Holder:
    """The program and the unit of a process."""
    return Holder(pid, _program(proc, pid), _unit(proc, pid))


def _sockets(proc: str, name: str, ports: set[int]) -> Iterator[Listening]:
    for line in _text(f"{proc}/net/{name}").splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _LISTENS:
            continue
        address, _colon, port = fields[1].partition(":")
        if re.fullmatch("[0-9A-F]{1,4}", port) and int(port, 16) in ports:
            text = _address(address)
            if text is not None:
                yield Listening(text, int(port, 16), fields[9])


def _address(text: str) -> str | None:
    """An address that the kernel prints as numbers of 32 bits in the byte order of the host."""
    if not re.fullmatch("[0-9A-F]{8}|[0-9A-F]{32}", text):
        return None
    packed = b"".join(struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8))
    address = ipaddress.ip_address(socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _program(proc: str, pid: int) -> str | None:
    text = _text(f"{proc}/{pid}/comm").strip()
    return "".join(character if character.isprintable() else "?" for character in text)[:40] or None


def _unit(proc: str, pid: int) -> str | None:
    """The innermost service or scope of a process; one of a user's manager with that manager before it."""
    text = _text(f"{proc}/{pid}/cgroup")
    names = re.findall(r"(?<=/)[\w:.@\\-]{1,255}\.(?:service|scope)(?=/|$)", text, re.ASCII | re.MULTILINE)
    services = [name for name in names if name.endswith(".service")]
    unit = str((services or [None, *names])[-1] or "")
    manager = next((name for name in services if re.fullmatch(r"user@\d+\.service", name)), None)
    return f"{manager}/{unit}" if manager not in (None, unit) else unit or None


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def _names(folder: str) -> list[str]:
    try:
        return listed(folder)
    except OSError:
        return []
