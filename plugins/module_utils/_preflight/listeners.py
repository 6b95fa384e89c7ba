# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on some TCP ports of the host: the process and its unit.

proc(5), /proc/net/tcp, /proc/PID/fd and /proc/PID/cgroup.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_LISTENS = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
# A busy host has some thousand processes; more than this is not looked through.
_MOST_PROCESSES = 50_000
_LARGEST = 1 << 22


def listeners(ports: Iterable[int], proc: str = "/proc") -> list[dict[str, Any]]:
    """``{address, port, pid, program, unit}`` of each listener on the ports; None for what could not be seen."""
    wanted = set(ports)
    found = [] if not wanted else [each for name in ("tcp", "tcp6") for each in _sockets(proc, name, wanted)]
    owners = _owners(proc, {inode for _address, _port, inode in found}) if found else {}
    rows = []
    for address, port, inode in sorted(found):
        pid = owners.get(inode)
        rows.append(
            {
                "address": address,
                "port": port,
                "pid": pid,
                "program": None if pid is None else _program(proc, pid),
                "unit": None if pid is None else _unit(proc, pid),
            }
        )
    return rows


def _sockets(proc: str, name: str, ports: set[int]) -> list[tuple[str, int, str]]:
    found = []
    for line in _text(f"{proc}/net/{name}").splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _LISTENS:
            continue
        address, _colon, port = fields[1].partition(":")
        if re.fullmatch("[0-9A-F]{1,4}", port) and int(port, 16) in ports:
            text = _address(address)
            if text is not None:
                found.append((text, int(port, 16), fields[9]))
    return found


def _address(text: str) -> str | None:
    """An address that the kernel prints as numbers of 32 bits in the byte order of the host."""
    if not re.fullmatch("[0-9A-F]{8}|[0-9A-F]{32}", text):
        return None
    packed = b"".join(struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8))
    address = ipaddress.ip_address(socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _owners(proc: str, inodes: set[str]) -> dict[str, int]:
    """The process that holds each socket, the first one where several share it."""
    found: dict[str, int] = {}
    numbers = sorted(int(name) for name in _names(proc) if name.isdigit())
    for pid in numbers[:_MOST_PROCESSES]:
        for name in _names(f"{proc}/{pid}/fd"):
            try:
                match = _SOCKET.fullmatch(os.readlink(f"{proc}/{pid}/fd/{name}"))
            except OSError:
                continue
            if match and match[1] in inodes:
                found.setdefault(match[1], pid)
        if len(found) == len(inodes):
            break
    return found


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
        return os.listdir(folder)
    except OSError:
        return []
