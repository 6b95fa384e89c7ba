# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of address in Ollama's settings: what is right, and what the server makes of it.

Every check returns None, or the end of a sentence whose subject is the value.
"""

from __future__ import annotations

import ipaddress
import re

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import (
    DEFAULT_ADDRESS,
    DEFAULT_PORT,
    EVERY_ADDRESS,
    PORT_MAX,
    ZONE,
    listens,
    stripped,
)

# Where the server listens if nothing says otherwise.
DEFAULT_HOST = f"{DEFAULT_ADDRESS}:{DEFAULT_PORT}"
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,6}))?")
_LABELS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)")
# Where an origin has no wildcard, the server's CORS library panics on any other scheme.
ORIGIN_SCHEMES = frozenset(
    {"http", "https", "chrome-extension", "safari-extension", "moz-extension", "ms-browser-extension"}
)
# Those that Go's HTTP client can use, for a proxy too.
_URL_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})


def host(text: str) -> str | None:
    """OLLAMA_HOST of a server: an address, a port, or both, in any form that means the same to the server."""
    said = stripped(text)
    scheme, found, rest = said.partition("://")
    scheme, rest = (scheme, rest) if found else ("", said)
    if scheme not in ("", "http"):
        return f"asks for {scheme}, but the server speaks plain HTTP; write an address and a port, 127.0.0.1:11434"
    place, _slash, path = rest.partition("/")
    if path:
        return "has a path, which a server does not have; write an address and a port, such as 127.0.0.1:11434"
    if _bare(place):
        name, port = place, None
    else:
        match = _HOST.fullmatch(place.removesuffix(":"))
        name, port = (match["host"], match["port"]) if match else ("", None)
        zone = name.startswith("[") and "%" in name
        if not (name or port) or (zone and not port) or not _host(name, empty=True, zone=True):
            return f"is not an address and a port such as 127.0.0.1:11434, {EVERY_ADDRESS}:11434 or [::1]:11434"
    if scheme and not port:
        return "has a scheme and no port, which means port 80; add the port, such as 127.0.0.1:11434"
    return _port(port)


def pathless(text: str) -> str:
    """An OLLAMA_HOST without the path that a server does not look at."""
    said = stripped(text)
    scheme, found, rest = said.partition("://")
    return f"{scheme}{found}{rest.partition('/')[0]}" if found else said.partition("/")[0]


def split_host(text: str) -> tuple[str, int] | None:
    """An OLLAMA_HOST that passes the check as address and port, with Ollama's defaults; None for any other text."""
    return listens(text) if host(text) is None else None


def is_loopback(address: str) -> bool:
    """Whether only this host reaches the address. Of names only localhost counts: a resolver decides on others."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def meets(planned: str, seen: str) -> bool:
    """Whether a server cannot listen on the one address where somebody listens on the other."""
    try:
        wanted = ipaddress.ip_address("127.0.0.1" if planned == "localhost" else planned.partition("%")[0])
        taken = ipaddress.ip_address(seen)
    except ValueError:
        return True
    return wanted.is_unspecified or taken.is_unspecified or wanted == taken


def _bare(place: str) -> bool:
    """Whether the text is an address alone. In brackets the server takes a zone with a port alone."""
    try:
        ipaddress.ip_address(place.strip("[]"))
    except ValueError:
        return False
    return "%" not in place or re.fullmatch(rf"[0-9A-Fa-f:.]+%{ZONE}", place) is not None


def hosts(text: str) -> str | None:
    """OLLAMA_REMOTES: host names with commas between them."""
    for part in text.split(","):
        found = _HOST.fullmatch(part)
        if found is None or not _host(found["host"]):
            return "is not a list of host names such as ollama.com,models.example.org"
        problem = _port(found["port"])
        if problem:
            return problem
    return None


def origins(text: str) -> str | None:
    """OLLAMA_ORIGINS: the Origin headers of web pages."""
    for entry in text.split(","):
        problem = _origin(entry)
        if problem:
            return f"has the entry {entry!r}, which {problem}"
    return None


def _origin(entry: str) -> str | None:
    right = "write a scheme and a host, such as https://chat.example.org, or *"
    problem = None
    scheme = _SCHEME.fullmatch(entry)
    if entry != entry.strip():
        problem = "has a blank in it, which the server keeps; leave it out"
    elif entry.count("*") > 1:
        problem = "has more than one *, at which the server panics; keep one"
    elif entry == "*":
        problem = None
    elif scheme is None or not scheme[2]:
        problem = f"has no scheme, at which the server panics; {right}"
    elif "*" not in entry and scheme[1] not in ORIGIN_SCHEMES:
        problem = f"has a scheme that needs a * after it, or the server panics; write {scheme[1]}://*"
    elif "/" in scheme[2]:
        problem = f"has a path, which no Origin header has, so it lets nobody in; {right}"
    return problem


def url(text: str) -> str | None:
    """The address of a proxy or a web service."""
    right = "such as http://proxy.example.org:3128"
    scheme = _SCHEME.fullmatch(text)
    if scheme is None or scheme[1] not in _URL_SCHEMES:
        return f"does not begin with http://, https://, socks5:// or socks5h://; write an address {right}"
    found = _HOST.fullmatch(scheme[2].split("/")[0].rpartition("@")[2])
    if found is None or not _host(found["host"]):
        return f"has no host that can be looked up; write an address {right}"
    return _port(found["port"])


def _host(text: str, *, empty: bool = False, zone: bool = False) -> bool:
    if not text:
        return empty
    if text.startswith("["):
        inner = re.sub(f"%{ZONE}$", "", text[1:-1]) if zone else text[1:-1]
        return _is_address(ipaddress.IPv6Address, inner)
    if re.fullmatch(r"[0-9.]+", text):
        return _is_address(ipaddress.IPv4Address, text)
    return _LABELS.fullmatch(text) is not None


def _is_address(kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    # A zone names a network card, and the name differs from host to host.
    return "%" not in text


def _port(text: str | None) -> str | None:
    if text is None or 1 <= int(text) <= PORT_MAX:
        return None
    return f"has the port {text}, which is not in 1 to {PORT_MAX}"
