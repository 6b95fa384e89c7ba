# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module model: which go with which state, and what is wrong with their values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.names import parts_of
from ansible_collections.inference.ollama.plugins.module_utils._models.parameters import wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

STATES = ("present", "absent", "created", "loaded", "unloaded")
SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": [*STATES], "default": "loaded"},
    "keep_alive": {"type": "str", "default": "10m"},
    "context_length": {"type": "int"},
    "before": {"type": "list", "elements": "dict", "default": []},
    "digest": {"type": "str"},
    "source": {"type": "str"},
    "insecure": {"type": "bool", "default": False},
    "update": {"type": "bool", "default": False},
    "base": {"type": "str"},
    "file": {"type": "path"},
    # It may hold a password or a signature.
    "file_url": {"type": "str", "no_log": True},
    "file_sha256": {"type": "str"},
    "folder": {"type": "path", "default": "/var/lib/inference.ollama/downloads"},
    "parameters": {"type": "dict", "default": {}},
    "template": {"type": "str"},
    "system": {"type": "str"},
    "room": {"type": "bool", "default": True},
    "store": {"type": "path"},
    "url": {"type": "str", "default": "http://127.0.0.1:11434"},
    "timeout": {"type": "float", "default": 300},
    "retries": {"type": "int", "default": 5},
    "max_duration": {"type": "float", "default": 86400},
    "progress_file": {"type": "path"},
}
_LONGEST, _MOST_RETRIES, _MOST_BYTES = 86400, 100, 1 << 20
_ONLY = {
    "present": ("digest", "source", "update", "insecure"),
    "created": ("base", "file", "file_url", "file_sha256", "parameters", "template", "system"),
}
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-fA-F]{12,64})")
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")


def check(params: Mapping[str, Any]) -> None:
    """Raise OllamaError with a sentence for each option that is wrong, or goes with another state."""
    wrong = [*_numbers(params), *_names(params), *_states(params)]
    if params["state"] == "created":
        wrong += _sources(params)
    for name, kind in (("digest", _DIGEST), ("file_sha256", _SHA256)):
        if params[name] is not None and not kind.fullmatch(params[name]):
            digits = "64" if kind is _SHA256 else "12 to 64"
            wrong.append(f"{name}: {params[name][:80]!r} is not a digest; expected {digits} hexadecimal digits")
    try:
        wanted(params["parameters"])
    except OllamaError as error:
        wrong.append(str(error))
    wrong += [
        f"{name}: it is longer than a MiB" for name in ("template", "system") if len(params[name] or "") > _MOST_BYTES
    ]
    if wrong:
        raise OllamaError("; ".join(wrong))


def digits(digest: str | None) -> str | None:
    """A digest in small hexadecimal digits, without ``sha256:``."""
    return None if digest is None else digest.rpartition(":")[2].lower()


def _numbers(params: Mapping[str, Any]) -> list[str]:
    wrong = [
        f"{name}: {params[name]:g} is not a number of seconds above 0 and up to {_LONGEST * more}"
        for name, more in (("timeout", 1), ("max_duration", 7))
        if not 0 < params[name] <= _LONGEST * more
    ]
    if not 0 <= params["retries"] <= _MOST_RETRIES:
        wrong.append(f"retries: {params['retries']} is not a number from 0 to {_MOST_RETRIES}")
    return wrong


def _names(params: Mapping[str, Any]) -> list[str]:
    # A server names its own models in ways of its own, which loading has to take.
    names = ("source", "base") if params["state"] in ("loaded", "unloaded") else ("name", "source", "base")
    return [
        f"{option}: {params[option][:200]!r} is not the name of a model; expected one such as llama3.2:3b"
        for option in names
        if params[option] is not None and parts_of(params[option]) is None
    ]


def _states(params: Mapping[str, Any]) -> list[str]:
    return [
        f"{option}: it goes with state {state}, and state is {params['state']}"
        for state, options in _ONLY.items()
        for option in options
        if params[option] and state != params["state"]
    ]


def _sources(params: Mapping[str, Any]) -> list[str]:
    given = [name for name in ("base", "file", "file_url") if params[name]]
    wrong = []
    if len(given) != 1:
        said = " and ".join(given) or "none of them"
        wrong.append(f"state created takes one of base, file and file_url; there is {said}")
    if params["file_url"] and not params["file_sha256"]:
        wrong.append("file_sha256: it is missing; what is downloaded is only used where it has this SHA-256")
    if params["file_sha256"] and params["base"]:
        wrong.append("file_sha256: it goes with file and file_url, and base is given")
    if params["base"] and not any(params[name] for name in ("parameters", "template", "system")):
        wrong.append("state created of a base takes one of parameters, template and system at least")
    return wrong
