# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of downloads: which are taken, what stands in them that nobody may read, how they are shown."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Optional
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ALLOWED = "allowed is http:// or https://, a host, and a path"
_LONGEST = 8192
_SHOWN = 200


class Address(NamedTuple):
    """An address without what is secret in it, and the value of the header Authorization that it stood for."""

    url: str
    authorization: Optional[str]


def split(url: str) -> Address:
    """Take the user and the password out of an address (RFC 3986, 3.2.1; RFC 7617). Raise OllamaError for any other."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits, parts = False, urlsplit("")
    if not fits or len(url) > _LONGEST or re.search(r"[^!-~]", url):
        raise OllamaError(f"{shown(url)!r} is not the address of a file; {_ALLOWED}")
    user, at, host = parts.netloc.rpartition("@")
    name, _colon, password = user.partition(":")
    secret = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode("ascii")
    bare = parts._replace(netloc=host, path=parts.path or "/", fragment="")
    return Address(urlunsplit(bare), f"Basic {secret}" if at else None)


def shown(url: str) -> str:
    """An address as it may be shown: no user, no password, and no query, in which servers put signatures."""
    try:
        parts = urlsplit(url)
        bare = SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")
        text = urlunsplit(bare) + ("?…" if parts.query else "")
    except ValueError:
        text = re.sub(r"[^/]*@|[?].*", "", url)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def secrets_in(sources: Iterable[Mapping[str, Any] | None]) -> list[str]:
    """What nobody may read in the ``url`` of such options: passwords, and users without one, which are tokens."""
    found = []
    for source in sources:
        user, at, _host = str((source or {}).get("url") or "").partition("://")[2].partition("/")[0].rpartition("@")
        name, colon, password = user.partition(":")
        secret = password if colon else name
        found += [secret, unquote(secret)] if at and secret else []
    return found


def origin(url: str) -> tuple[str, str]:
    """Scheme and host with port: what two addresses share to which the same headers may be sent."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()
