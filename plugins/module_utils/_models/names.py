# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of models as Ollama writes, shortens and looks them up.

types/model/name.go of Ollama 0.32.15: ParseName, ParseNameFromFilepath, isValidPart, DisplayShortest.
"""

from __future__ import annotations

import re

_HOST, _NAMESPACE, _TAG = "registry.ollama.ai", "library", "latest"
# 0.40 keeps the models of that registry under the other one of its names (manifest/paths.go@0.40.0, canonicalV2Name).
_SAME_HOST = "ollama.com"
_PARTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}",
        r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}",
        r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}",
        r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}",
    )
)


def is_part(depth: int, text: str) -> bool:
    """Whether a text can be the host (0), namespace (1), model (2) or tag (3) of a name."""
    return _PARTS[depth].fullmatch(text) is not None


def plain_host(host: str) -> str:
    """The host of a name, under one name where it is the usual registry."""
    return _HOST if host.lower() in (_HOST, _SAME_HOST) else host


def shown(host: str, namespace: str, model: str, tag: str) -> str:
    """The name as ``ollama list`` shows it: without the registry's host and namespace where they are the usual ones."""
    if plain_host(host) != _HOST:
        return f"{host}/{namespace}/{model}:{tag}"
    return f"{model}:{tag}" if namespace.lower() == _NAMESPACE else f"{namespace}/{model}:{tag}"


def shortened(name: str) -> str:
    """The same of a name as somebody writes it, in lower case: Ollama finds models without regard to it."""
    return shown(*_split(name)).lower()


def parts_of(name: str) -> tuple[str, str, str, str] | None:
    """Host, namespace, model and tag of a name as somebody writes it; None for what is no name."""
    parts = _split(name)
    fit = name.count("/") - 2 * name.count("://") < 3 and all(is_part(depth, part) for depth, part in enumerate(parts))
    return parts if fit else None


def _split(name: str) -> tuple[str, str, str, str]:
    rest, tag = name, _TAG
    if name.rfind(":") > name.rfind("/"):
        rest, _colon, tag = name.rpartition(":")
    *before, model = rest.rsplit("/", 2)
    namespace = before[-1] if before else _NAMESPACE
    host = before[0].rpartition("://")[2] if len(before) > 1 else _HOST
    return host, namespace, model, tag
