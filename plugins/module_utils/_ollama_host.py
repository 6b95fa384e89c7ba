# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one reading of OLLAMA_HOST: where a server with it listens, whatever the text.

envconfig/config.go of Ollama, Var() and Host(), and net.SplitHostPort and net.ParseIP of Go, which it calls. What no
check would call right is read too, since that is where such a server is.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ADDRESS, DEFAULT_PORT = "127.0.0.1", 11434
# A port alone means every address, of IPv6 too where the host has it: so does this one to Go's net.Listen.
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - what a text means, not where this program listens
PORT_MAX = 65535
# The name of a network card behind an address, or its number.
ZONE = r"[A-Za-z0-9_.-]{1,32}"
_USUAL = {"http": 80, "https": 443}
# strconv.ParseInt in base 10: underscores and blanks are no part of a number.
_PORT = re.compile(r"[+-]?[0-9]{1,40}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")


class Place(NamedTuple):
    """The parts of an OLLAMA_HOST. ``host`` is empty for every address, and has no brackets around it."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def can_be_looked_up(self) -> bool:
        """Whether the host is of the form of an address or a name; a server with another one does not start."""
        if ":" in self.host:
            address, zone, card = self.host.partition("%")
            return parse_ip(address) is not None and (not zone or re.fullmatch(ZONE, card) is not None)
        return not self.host or _NAME.fullmatch(self.host) is not None


def read_host(text: str) -> Place:
    """Take an OLLAMA_HOST apart as the server does; nothing for unset."""
    said = stripped(text)
    scheme, found, rest = said.partition("://")
    usual = _USUAL.get(scheme, DEFAULT_PORT) if found else DEFAULT_PORT
    scheme, rest = (scheme, rest) if found else ("http", said)
    if said == "ollama.com":
        scheme, rest = "https", "ollama.com:443"
    place, _slash, path = rest.partition("/")
    parts = split_host_port(place)
    if parts is None:
        return Place(scheme, parse_ip(place.strip("[]")) or place or DEFAULT_ADDRESS, usual, path)
    host, port = parts
    number = int(port) if _PORT.fullmatch(port) else -1
    return Place(scheme, host, number if 0 <= number <= PORT_MAX else usual, path)


def listens(text: str) -> tuple[str, int]:
    """Address and port of a server with this OLLAMA_HOST: EVERY_ADDRESS for all of them; port 0 for one that is free.

    An address in numbers is written as Go writes it. Where the server could not start, the address is the default one.
    """
    place = read_host(text)
    if not place.host:
        return EVERY_ADDRESS, place.port
    if not place.can_be_looked_up:
        return DEFAULT_ADDRESS, place.port
    return parse_ip(place.host) or place.host, place.port


def stripped(text: str) -> str:
    """The text without the blanks and quotes around it that the server takes off."""
    return text.strip().strip("\"'").strip()


def split_host_port(text: str) -> tuple[str, str] | None:
    """Host and port as net.SplitHostPort gives them; None where it fails."""
    before, colon, port = text.rpartition(":")
    if not colon:
        return None
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        # Between the brackets and the port there is the colon alone.
        if not bracket or rest != f":{port}" or "[" in host:
            return None
    else:
        host = before
        if ":" in host or "[" in host or "]" in host:
            return None
    return None if "[" in port or "]" in port else (host, port)


def parse_ip(text: str) -> str | None:
    """An address as net.IP prints it; None for what net.ParseIP does not take, such as a zone."""
    if "%" in text or len(text) > 45 or not text.isascii():
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(address if mapped is None else mapped)


def with_own(ports: list[int], unit: Mapping[str, Any] | None) -> list[int]:
    """The ports, and as many from that of a unit's own address on, which a plan may keep.

    ``unit`` is as ``found_unit`` of the module unit_files_info; None for none.
    """
    host = ((unit or {}).get("variables") or {}).get("OLLAMA_HOST") or {}
    first = listens(host["value"])[1] if host.get("value") else 0
    return [*ports, *(first + number for number in range(len(ports)) if 0 < first <= PORT_MAX - number)]
