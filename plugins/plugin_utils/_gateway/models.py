# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a model that mean the same to a server (types/model/name.go@0.32.15, ParseName).

A server compares names without regard to the case of letters, and takes ``latest`` for the tag, ``library`` for the
namespace and the vendor's registry for the host of a name that lacks them.
"""

from __future__ import annotations

import re

_REGISTRY, _NAMESPACE, _TAG = "registry.ollama.ai", "library", "latest"
_NAME = re.compile(
    r"(?:[a-zA-Z0-9][\w.:-]{0,99}/)?(?:[a-zA-Z0-9][\w.-]{0,99}/)?[a-zA-Z0-9_][\w.-]{0,99}(?::[\w][\w.-]{0,99})?",
    re.ASCII,
)
ALLOWED = "a name such as llama3.2:3b or hf.co/user/model:tag"


def is_model(value: object) -> bool:
    """Whether a value is a name of a model, without a scheme."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def canonical(name: str) -> str:
    """Return the one short form of a name: small letters, with its tag, without what every name has."""
    short = name.lower()
    for prefix in (f"{_REGISTRY}/", f"{_NAMESPACE}/"):
        short = short.removeprefix(prefix)
    return short if ":" in short.rpartition("/")[2] else f"{short}:{_TAG}"


def variants(name: str) -> list[str]:
    """Return every form of a name in small letters that a server takes for it, the shortest first."""
    short = canonical(name)
    forms = [short.removesuffix(f":{_TAG}"), short] if short.endswith(f":{_TAG}") else [short]
    parts = short.count("/")
    prefixes = [""]
    if parts == 0:
        prefixes += [f"{_NAMESPACE}/", *_hosts(f"{_REGISTRY}/{_NAMESPACE}/")]
    elif parts == 1:
        prefixes += _hosts(f"{_REGISTRY}/")
    else:
        prefixes += _hosts("")[1:]
    return [f"{prefix}{form}" for prefix in prefixes for form in forms]


def _hosts(prefix: str) -> list[str]:
    return [f"{scheme}{prefix}" for scheme in ("", "https://", "http://")]
