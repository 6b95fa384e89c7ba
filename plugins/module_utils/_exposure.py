# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a table of nftables lets in, by connections, without a packet in the host's own network.

The table is taken as the kernel has it, and loaded again in a network namespace of its own, which a pair of virtual
cards joins with a second one: a server in the first, clients of any address in the second (network_namespaces(7),
veth(4), ip-netns(8)). Both are gone afterwards.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import os
import socket
import tempfile
from typing import TYPE_CHECKING, Any, Callable, ContextManager, Iterator

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import NFT

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

SCHEMA = 1
_FOLDER = "/run/netns"
_CARD = "probe0"
_CLONE_NEWNET = 0x40000000
# Of the server: RFC 2544 and RFC 3849, the first that no client has.
_OWN = ("198.18.0.1", "198.18.0.2", "2001:db8:fffd::1", "2001:db8:fffd::2")
# Seconds that a packet may take between two namespaces; a refusal comes at once.
_WAIT = 2.0
Enter = Callable[[str], ContextManager[None]]


def reach(
    run: Runner, table: str, ports: list[int], addresses: list[str], enter: Enter | None = None
) -> dict[str, Any]:
    """``{schema, loaded, connections: [{address, port, connected}], problems}``.

    ``loaded`` is None where nobody can tell, ``connected`` None where it was not tried. ``enter`` takes the process
    into a network namespace by its name and back.
    """
    made: dict[str, Any] = {"schema": SCHEMA, "loaded": None, "connections": [], "problems": []}
    listed = run([NFT, "-s", "list", "table", "inet", table])
    if listed.out is None:
        absent = "No such file or directory" in str(listed.problem) and os.path.exists(NFT)
        made["loaded"] = False if absent else None
        made["problems"].append(f"nft list table inet {table}: {listed.problem}")
        return made
    made["loaded"] = True
    server, clients = (f"inference-ollama-{os.getpid()}-{side}" for side in ("server", "clients"))
    try:
        own = _join(run, server, clients, addresses)
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write(listed.out)
            file.flush()
            _ask(run, ["ip", "netns", "exec", server, NFT, "-f", file.name])
        made["connections"] = _try(enter or _inside, (server, clients), own, ports, addresses)
    except (OllamaError, OSError) as error:
        made["problems"].append(f"connections could not be tried: {error}")
    finally:
        for name in (server, clients):
            run(["ip", "netns", "delete", name])
    return made


def _ask(run: Runner, argv: list[str]) -> None:
    problem = run(argv).problem
    if problem is not None:
        raise OllamaError(f"{' '.join(argv[:6])}: {problem}")


def _join(run: Runner, server: str, clients: str, addresses: list[str]) -> dict[int, str]:
    """Make both namespaces and what joins them; return the server's address by the version of IP."""
    own: dict[int, str] = {}
    versions = {ipaddress.ip_address(each).version for each in addresses}
    for text in _OWN:
        version = ipaddress.ip_address(text).version
        if version in versions and text not in addresses:
            own.setdefault(version, text)
    for name in (server, clients):
        _ask(run, ["ip", "netns", "add", name])
    _ask(run, ["ip", "-n", server, "link", "add", _CARD, "type", "veth", "peer", "name", _CARD, "netns", clients])
    for name, of_side in ((server, list(own.values())), (clients, addresses)):
        for each in of_side:
            # Without the wait for another host that has the address.
            late = ["nodad"] if ":" in each else []
            length = 128 if ":" in each else 32
            _ask(run, ["ip", "-n", name, "address", "add", f"{each}/{length}", "dev", _CARD, *late])
    for name in (server, clients):
        for card in ("lo", _CARD):
            _ask(run, ["ip", "-n", name, "link", "set", card, "up"])
    for name in (server, clients):
        for number in sorted(own):
            _ask(run, ["ip", "-n", name, f"-{number}", "route", "add", "default", "dev", _CARD])
    return own


def _try(
    enter: Enter, names: tuple[str, str], own: dict[int, str], ports: list[int], addresses: list[str]
) -> list[dict[str, Any]]:
    """Whether each address reaches each port."""
    found: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        with enter(names[0]):
            for address in own.values():
                for port in ports:
                    stack.enter_context(_listener(address, port))
        with enter(names[1]):
            for address in addresses:
                to = own[ipaddress.ip_address(address).version]
                found += [
                    {"address": address, "port": port, "connected": _connects(address, to, port)} for port in ports
                ]
    return found


def _listener(address: str, port: int) -> socket.socket:
    listener = socket.socket(_family(address), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(16)
    return listener


def _connects(address: str, to: str, port: int) -> bool:
    with socket.socket(_family(address), socket.SOCK_STREAM) as client:
        client.settimeout(_WAIT)
        client.bind((address, 0))
        try:
            client.connect((to, port))
        except (ConnectionError, TimeoutError, socket.timeout):
            return False
    return True


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@contextlib.contextmanager
def _inside(name: str) -> Iterator[None]:
    """The process in the namespace of that name: what it opens there stays there."""
    with open("/proc/self/ns/net", "rb") as home, open(f"{_FOLDER}/{name}", "rb") as there:
        _set(there.fileno())
        try:
            yield
        finally:
            _set(home.fileno())


def _set(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")
