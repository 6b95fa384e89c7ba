# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of clients: what an operator typed, checked and hashed. No sentence shows any of a key."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._gateway import models
from ansible_collections.inference.ollama.plugins.plugin_utils._values import truth

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "ollama_gateway_keys"
FIELDS = ("name", "key", "sha256", "admin", "models", "requests", "rate", "priority")
# Names stand in maps, whose columns are parted by blanks, and in logs.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What a header can carry without quoting, and no blank.
_KEY = re.compile(r"[!-~]{24,512}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOST = 1_000_000
USUAL_PRIORITY, LAST_PRIORITY = 5, 9


class Key(NamedTuple):
    """A key. ``models`` are in their short form, None for all; ``requests`` and ``rate`` are None for no limit."""

    name: str
    sha256: str
    admin: bool = False
    models: Optional[Tuple[str, ...]] = None
    requests: Optional[int] = None
    rate: Optional[int] = None
    priority: int = USUAL_PRIORITY


def parse_keys(value: object) -> tuple[list[Key], list[str]]:
    """Return the keys that are right, and a sentence for everything that is wrong."""
    if not isinstance(value, (list, tuple)):
        return [], [f"{VARIABLE}: allowed is a list of mappings, each with a name and either key or sha256"]
    found: list[Key] = []
    errors: list[str] = []
    for number, entry in enumerate(value, 1):
        problems = list(_problems(entry))
        errors += [f"{_where(number, entry)}: {problem}" for problem in problems]
        if not problems:
            found.append(_key(entry))
    errors += [
        f"{VARIABLE}: the name {name} is there {count} times" for name, count in _twice(key.name for key in found)
    ]
    for digest, _count in _twice(key.sha256 for key in found):
        names = ", ".join(key.name for key in found if key.sha256 == digest)
        errors.append(f"{VARIABLE}: {names} have the same key, so nobody could tell who sent a request")
    return found, errors


def _where(number: int, entry: object) -> str:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    shown = f" ({name})" if isinstance(name, str) and _NAME.fullmatch(name) else ""
    return f"{VARIABLE}, entry {number}{shown}"


def _problems(entry: object) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "it is no mapping with a name and either key or sha256"
        return
    unknown = [str(field) for field in entry if field not in FIELDS]
    if unknown:
        # An unknown name could be a key that was typed in the wrong column.
        yield f"it has {len(unknown)} field(s) that no key has; allowed are {', '.join(FIELDS)}"
    if not isinstance(entry.get("name"), str) or not _NAME.fullmatch(entry["name"]):
        yield "name: allowed are up to 64 letters, digits, dots, underscores and dashes"
    if (entry.get("key") is None) == (entry.get("sha256") is None):
        yield "either key or sha256 is needed, and not both"
    yield from _wrong_secret(entry)
    if entry.get("admin") is not None and truth(str(entry["admin"])) is None:
        yield "admin: allowed is true or false"
    named = entry.get("models")
    if named is not None and not (isinstance(named, (list, tuple)) and named and all(map(models.is_model, named))):
        yield f"models: allowed is a list with at least one entry, each {models.ALLOWED}"
    for field, most in (("requests", _MOST), ("rate", _MOST), ("priority", LAST_PRIORITY)):
        number = entry.get(field)
        if number is not None and _whole(number, most) is None:
            yield f"{field}: allowed is a whole number from 1 to {most}"


def _wrong_secret(entry: Mapping[str, Any]) -> Iterator[str]:
    key, digest = entry.get("key"), entry.get("sha256")
    if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
        yield (
            "key: allowed are 24 to 512 printable ASCII characters without blanks, in quotes, such as openssl rand -hex"
            " 32 prints"
        )
    if digest is not None and not (isinstance(digest, str) and _DIGEST.fullmatch(digest.lower())):
        yield "sha256: allowed are the 64 hexadecimal digits that printf %s KEY | sha256sum prints"


def _key(entry: Mapping[str, Any]) -> Key:
    named, digest = entry.get("models"), entry.get("sha256")
    return Key(
        name=entry["name"],
        sha256=hashlib.sha256(entry["key"].encode()).hexdigest() if digest is None else digest.lower(),
        admin=bool(truth(str(entry.get("admin") or False))),
        models=None if named is None else tuple(sorted({models.canonical(name) for name in named})),
        requests=_whole(entry.get("requests"), _MOST),
        rate=_whole(entry.get("rate"), _MOST),
        priority=_whole(entry.get("priority"), LAST_PRIORITY) or USUAL_PRIORITY,
    )


def _whole(value: object, most: int) -> int | None:
    """A number of an operator's; templates make texts of them."""
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,9}", str(value)):
        return None
    return int(str(value)) if 1 <= int(str(value)) <= most else None


def _twice(values: Iterator[str]) -> list[tuple[str, int]]:
    return [(value, count) for value, count in Counter(values).items() if count > 1]
