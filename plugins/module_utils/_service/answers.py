# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose process answers at an address: one of the unit that is asked for, or somebody else's that listens there.

The kernel gives a connection to the socket that is bound most closely to its address (net/ipv4/inet_hashtables.c,
compute_score), and to any of several that share it by SO_REUSEPORT, socket(7).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Callable, NamedTuple, Optional
from urllib.parse import urlsplit

from ansible_collections.inference.ollama.plugins.module_utils._preflight.listeners import (
    Holder,
    Listening,
    describe,
    holders,
    sockets,
)
from ansible_collections.inference.ollama.plugins.module_utils._service.members import members
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._service.threads import stat_fields

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit

# As proc(5) has them in comm: cut to 15 characters. What they hand on may be the answer of the unit.
_FORWARDERS = frozenset(
    {
        *("systemd-socket-", "docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "pasta.avx2"),
        *("nginx", "haproxy", "caddy", "envoy", "traefik", "apache2", "httpd", "lighttpd", "squid", "varnishd"),
        *("socat", "stunnel", "stunnel4", "rinetd", "xinetd", "inetd", "ssh", "sshd", "kube-proxy", "tailscaled"),
        *("cloudflared", "conmon", "gvproxy", "passt", "passt.avx2", "cilium-envoy", "sshd-session"),
    }
)
# Programs that have a container run elsewhere, while they are the main process of the unit.
_CLIENTS = frozenset({"docker", "podman", "nerdctl", "conmon", "ctr", "crictl", "lxc-start", "incus", "machinectl"})
_CLIENTS_OF_MACHINES = frozenset({"systemd-nspawn", "docker-compose", "podman-compose", "kubelet"})
_DEEPEST = 64
_PORTS = {"http": 80, "https": 443}


class Answer(NamedTuple):
    """``own``: whether the unit answers; None where that is not known. ``by`` is who else does, ``reason`` says why."""

    own: Optional[bool]
    by: Optional[Holder] = None
    reason: Optional[str] = None


# Asked with a unit and the address at which something has answered.
Whose = Callable[["Unit", str], Answer]


def who(holder: Holder) -> str:
    """A process in words."""
    return f"{holder.program or 'a program'} (PID {holder.pid}{f', {holder.unit}' if holder.unit else ''})"


def whose_answer(path: str = "/") -> Whose:
    """A function that tells whose answer it is, on a host whose files are below ``path``."""
    return lambda unit, url: _judge(Proc(path), unit, url)


def _judge(root: Proc, unit: Unit, url: str) -> Answer:
    proc = _proc(root)
    listening, reason = _listening(proc, url)
    if reason is not None:
        return Answer(None, None, reason)
    own = {*(members(root, unit.name, unit.control_group, unit.main_pid) or ())}
    own |= set() if unit.main_pid is None else {unit.main_pid}
    inodes = {each.inode for each in listening}
    others = inodes - set(holders(inodes, proc, own))
    if not others:
        return Answer(own=True)
    held = holders(others, proc)
    foreign = [pids for pids in held.values() if not any(_belongs(root, pid, unit.name, own) for pid in pids)]
    if foreign:
        first = min(foreign, key=min)
        # systemd keeps the socket that it has given to a service.
        by = describe(min(first - {1} or first), proc)
        reason = _excuse(root, by, own)
        if reason is not None:
            return Answer(None, by, reason)
        shared = len(foreign) < len(inodes)
        return Answer(
            own=False,
            by=by,
            reason=f"{who(by)} answers there{' too' if shared else ''}, and is no process of {unit.name}",
        )
    if set(held) != others:
        return Answer(None, None, _unseen(listening[0]))
    return Answer(own=True)


def _proc(root: Proc) -> str:
    return f"{root.path.rstrip('/')}/proc"


def _listening(proc: str, url: str) -> tuple[list[Listening], str | None]:
    """The sockets that a connection to the address reaches, or why there are none."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 80)
    found = sockets({port}, proc)
    addresses = _addresses(str(parts.hostname), port)
    # A name is tried at its addresses in their order, until one takes the connection.
    for address in addresses:
        if not _is_local(address):
            return [], f"{address} is no address of this host"
        reached = _reached(found, address)
        if reached:
            return reached, None
    if not os.access(f"{proc}/net/tcp", os.R_OK):
        return [], f"{proc}/net/tcp: cannot be read"
    return [], f"no socket of this host listens at {', '.join(addresses) or parts.hostname}, port {port}"


def _addresses(host: str, port: int) -> list[str]:
    try:
        return [_plain(host)]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(_plain(str(each[4][0])) for each in found))
    except (OSError, ValueError):
        return []


def _plain(text: str) -> str:
    """An address without its zone, as the kernel prints it; ValueError for a name."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)


def _is_local(text: str) -> bool:
    address = ipaddress.ip_address(text)
    # The kernel takes a connection to no address as one to itself, and one to a link's needs its zone.
    if address.is_loopback or address.is_unspecified or address.is_link_local:
        return True
    try:
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6) as tried:
            tried.bind((text, 0))
    except OSError:
        return False
    return True


def _reached(found: list[Listening], address: str) -> list[Listening]:
    wanted = ipaddress.ip_address(address)
    if wanted.is_unspecified:
        wanted = ipaddress.ip_address("127.0.0.1" if wanted.version == 4 else "::1")
    # One that listens at every IPv6 address takes IPv4 too, unless it asked not to; ipv6(7), IPV6_V6ONLY.
    closest = (str(wanted), "0.0.0.0", "::") if wanted.version == 4 else (str(wanted), "::")  # noqa: S104 - compared
    return next(filter(None, ([each for each in found if each.address == text] for text in closest)), [])


def _belongs(root: Proc, pid: int, unit: str, own: set[int]) -> bool:
    """Whether a process is the unit's by its control group, or is a descendant of one that is."""
    if describe(pid, _proc(root)).unit == unit:
        return True
    for _step in range(_DEEPEST):
        if pid in own:
            return True
        fields = stat_fields(root, f"/proc/{pid}/stat")
        pid = int(fields[1]) if fields else 0
        if pid <= 1:
            return False
    return False


def _excuse(root: Proc, by: Holder, own: set[int]) -> str | None:
    """Why an answer may be the unit's although another process listens; None where it is not."""
    if by.pid == 1 and (by.program or "").startswith("systemd"):
        return "systemd listens there for a socket unit"
    programs = {pid: describe(pid, _proc(root)).program for pid in own}
    client = next((name for name in programs.values() if name in _CLIENTS | _CLIENTS_OF_MACHINES), None)
    if client is not None:
        return f"{who(by)} listens there, and {client} runs the server in a container"
    here = root.target("/proc/self/ns/net")
    if here is not None and any(root.target(f"/proc/{pid}/ns/net") not in (None, here) for pid in own):
        return f"{who(by)} listens there, and the unit has a network of its own"
    if own and by.program in _FORWARDERS:
        return f"{who(by)} listens there, and may hand requests on"
    if not own and by.unit is None:
        return f"{who(by)} listens there, and which processes are the unit's is not known"
    return None


def _unseen(listening: Listening) -> str:
    place = f"{listening.address}, port {listening.port}"
    if os.geteuid() == 0:
        return f"no process that is seen here holds the socket at {place}"
    return f"who is not root does not see whose the socket at {place} is"
