# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that the gateway listens on, as an operator types them."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load

_FORM = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15})|(\*)|(localhost)):([0-9]{1,5})")
ANY = "*"


class Listener(NamedTuple):
    """``address`` is an address or ``*`` for every one."""

    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return self.address != ANY and ipaddress.ip_address(self.address).is_loopback

    @property
    def is_any(self) -> bool:
        return self.address == ANY or ipaddress.ip_address(self.address).is_unspecified

    @property
    def text(self) -> str:
        """As the bind line of HAProxy has it (configuration manual, 4.2, bind); ``*`` takes IPv4 and IPv6."""
        if self.address == ANY:
            return f":::{self.port} v4v6"
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @property
    def host(self) -> str:
        """As a Host header names the address."""
        return f"[{self.address}]" if ":" in self.address else self.address


def parse_listeners(name: str, value: object, *, empty: bool = False) -> tuple[list[Listener], list[str]]:
    """Return what the variable asks for, and a sentence for each entry that is wrong."""
    entries = value if isinstance(value, (list, tuple)) else [] if value in ("", None) else [value]
    errors, found = [], []
    for entry in entries:
        listener = _listener(entry)
        if listener is None:
            errors.append(
                f"ollama_gateway_{name}: {str(entry)[:60]!r} is not allowed; allowed is {load().types['listeners']}"
            )
        elif listener in found:
            errors.append(f"ollama_gateway_{name}: {str(entry)[:60]!r} is there twice")
        else:
            found.append(listener)
    if not entries and not empty:
        errors.append(f"ollama_gateway_{name}: it is empty; allowed is {load().types['listeners']}")
    return found, errors


def _listener(entry: object) -> Listener | None:
    match = _FORM.fullmatch(entry) if isinstance(entry, str) else None
    if match is None or not 1 <= int(match[5]) <= 65535:
        return None
    text = "127.0.0.1" if match[4] else match[1] or match[2] or match[3]
    try:
        address = ANY if text == ANY else str(ipaddress.ip_address(text))
    except ValueError:
        return None
    return Listener(address, int(match[5]))
