# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read lines of Ollama's log, in the wording of every release since 0.1.34.

Ollama logs ``time= level= source= msg= NAME=VALUE``, up to 0.6.8 in part ``YYYY/MM/DD hh:mm:ss FILE:N: LEVEL TEXT``;
lines of llama.cpp are between them. Sources: envconfig/config.go, discover/types.go, llm/server.go and
llm/llama_server.go of Ollama; src/llama-context.cpp, src/llama-kv-cache.cpp and common/common.cpp of llama.cpp.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._service.complaints import LogWarnings
from ansible_collections.inference.ollama.plugins.module_utils._service.starts import Start

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor

# How the last line of a server begins that ends by itself.
ENDED = "^(Error|panic|fatal error): "
# The lines that journalctl selects: every line that is read here, in starts.py and in complaints.py.
WANTED = (
    r"server config|inference compute|starting (llama|runner)|n_threads|NumThreads|threads=|kv.?cache|KV self size|"
    r"[Ff]lash|load_mode = |"
    r"constructing llama_context|offloaded [0-9]+/|prompt cache|level=(WARN|ERROR)|: (WARN|ERROR) |compatible GPU|"
    r"too old|not supported|skipping|dropping|GPU discovery|will be overwritten|error while handling|"
    r"host memory pressure|evicting|mlock|out of memory|allocate|has terminated|exited unexpectedly|filtering|" + ENDED
)

_CONFIG = re.compile(r'server config"? env="((?:\\.|[^"\\])*)')
# A value may hold blanks, brackets and addresses; names of variables are in capitals, but for those of proxies.
_VARIABLE = re.compile(r"(?:^| )([A-Z][A-Z0-9]*_[A-Z0-9_]+|https?_proxy|no_proxy):")
_FIELD = re.compile(r'(?<![\w.])([A-Za-z_][\w.]{0,60})=("(?:\\.|[^"\\])*"|[^\s"]*)')
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) (B|KiB|MiB|GiB|TiB|PiB)")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STARTING = re.compile(r'msg="?starting (?:llama server|llama-server|runner)"?.* cmd=("(?:\\.|[^"\\])*"|\S+)')
_OF_THE_LAST = ("threads", "kv_cache", "flash_attention", "offloaded", "load_mode", "prompt_cache_mib")
# Sixteen starts are more than anybody compares.
_STARTS = 16


def fields_of(line: str) -> dict[str, str]:
    """The fields ``NAME=VALUE`` of a line, unquoted; the last of a name counts."""
    return {match[1]: unquoted(match[2]) for match in _FIELD.finditer(line)}


def unquoted(text: str) -> str:
    """A value as it was before Go quoted it."""
    if text[:1] != '"':
        return text
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1])


def size_of(text: str) -> int | None:
    """Bytes of ``23.6 GiB``, as exact as it was printed."""
    match = _SIZE.fullmatch(text)
    return int(float(match[1]) * 1024 ** _UNITS.index(match[2])) if match else None


def read_log(messages: Iterable[str], redactor: Redactor) -> dict[str, Any]:
    """``{server_config, devices, starts, …, warnings}``.

    The keys in _OF_THE_LAST are of the last start of a runner that was logged; None if not logged.
    """
    config: dict[str, str] | None = None
    devices: list[dict[str, Any]] = []
    starts: list[Start] = []
    warnings = LogWarnings(redactor)
    for line in messages:
        found = _CONFIG.search(line)
        if found:
            config, devices = redactor.environment(parse_map(unquoted(f'"{found[1]}"'))), []
            continue
        if "inference compute" in line:
            devices.append(_device(fields_of(line)))
            continue
        begun = _STARTING.search(line)
        if begun:
            start = Start(unquoted(begun[1]).split(" "), redactor)
            # A process without a model only looks for GPUs.
            if start.model is not None:
                starts.append(start)
            continue
        if starts:
            starts[-1].feed(line)
        warnings.feed(line)
    results = [start.result() for start in starts[-_STARTS:]]
    last = results[-1] if results else {}
    return {
        "server_config": config,
        "devices": devices,
        "starts": results,
        **{key: last.get(key) for key in _OF_THE_LAST},
        "warnings": warnings.found,
    }


def parse_map(text: str) -> dict[str, str]:
    """Go's ``map[NAME:value NAME:value]`` of variables."""
    inner = text[4:-1] if text.startswith("map[") and text.endswith("]") else text
    marks = list(_VARIABLE.finditer(inner))
    ends = [mark.start() for mark in marks[1:]] + [len(inner)]
    return {mark[1]: inner[mark.end() : end] for mark, end in zip(marks, ends)}


def _device(fields: dict[str, str]) -> dict[str, Any]:
    # Since 0.12.4 the name is CUDA0 and the description is the product's.
    return {
        "id": fields.get("id"),
        "library": fields.get("library"),
        "name": fields.get("description") or fields.get("name"),
        "compute": fields.get("compute") or None,
        "driver": fields.get("driver") or None,
        "pci_id": fields.get("pci_id") or None,
        "total_bytes": size_of(fields.get("total", "")),
        "available_bytes": size_of(fields.get("available", "")),
    }
