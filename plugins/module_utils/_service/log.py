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

from ansible_collections.inference.ollama.plugins.module_utils._service.complaints import AHEAD, LogWarnings
from ansible_collections.inference.ollama.plugins.module_utils._service.starts import Start

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor

# How the last line of a server begins that ends by itself.
ENDED = "^(Error|panic|fatal error): "
# What journald says of lines that it dropped; systemd-journald.service(8), RateLimitBurst=.
DROPPED = "^Suppressed [0-9]+ messages from "
# A line of a request, whose path its client chose.
_REQUEST = r"^\[GIN"
# Lines of which a server logs a few at its start and at each start of a runner, and none for a request. Every line that
# is read here, in starts.py and in complaints.py, but for warnings without a code.
RARE = (
    rf"^(?!\[GIN).*(server config|inference compute|starting (llama|runner)|started in [0-9]|n_threads ?=|NumThreads|"
    r" threads=|llama_kv_cache|KV self size|kv cache|[Ff]lash.?[Aa]tt|load_mode = |\(mmap = |flash_attn|"
    r"constructing llama_context|offloaded [0-9]+/|prompt cache is (enabled|disabled)|invalid environment variable|"
    r"compatible GPU|GPU is too old|amdgpu is not|(too old|parallel requests)|user overrode visible|"
    r"(skipping|dropping|filtering) (\w+ )?(device|integrated)|GPU discovery|environment variable is set, but|"
    r"error while handling|host memory pressure|msg=.*evicting|mlock|OLLAMA_KV_CACHE_TYPE|"
    r"V cache.* requires|out of memory|(failed|unable) to allocate|"
    rf"process has terminated|exited unexpectedly)|{ENDED}|{DROPPED}"
)
# Warnings of every kind, which a server may log for each request.
WARNED = r"^(?!\[GIN).*(level=(WARN|ERROR)|: (WARN|ERROR) )"
WANTED = f"{RARE}|{WARNED}"

_CONFIG = re.compile(r'server config"? env="((?:\\.|[^"\\])*)')
# A value may hold blanks, brackets and addresses; names of variables are in capitals, but for those of proxies.
_VARIABLE = re.compile(r"(?:^| )([A-Z][A-Z0-9]*_[A-Z0-9_]+|https?_proxy|no_proxy):")
_FIELD = re.compile(r'(?<![\w.])([A-Za-z_][\w.]{0,60})=("(?:\\.|[^"\\])*"|[^\s"]*)')
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) (B|KiB|MiB|GiB|TiB|PiB)")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STARTING = re.compile(r'msg="?starting (?:llama server|llama-server|runner)"?.* cmd=("(?:\\.|[^"\\])*"|\S+)')
_STARTED = re.compile(r'msg="?(?:llama-server|llama runner) started in [0-9]')
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
    starts, warnings = _Starts(redactor), LogWarnings(redactor)
    for line in messages:
        if re.match(_REQUEST, line):
            continue
        found = _CONFIG.search(line)
        if found:
            config, devices = redactor.environment(parse_map(unquoted(f'"{found[1]}"'))), []
        elif "inference compute" in line:
            devices.append(_device(fields_of(line)))
        elif not starts.feed(line):
            warnings.feed(line)
    results = [start.result() for start in starts.found[-_STARTS:]]
    last = results[-1] if results else {}
    return {
        "server_config": config,
        "devices": devices,
        "starts": results,
        **{key: last.get(key) for key in _OF_THE_LAST},
        "warnings": warnings.found,
    }


class _Starts:
    """The starts of runners, and which line is whose."""

    def __init__(self, redactor: Redactor) -> None:
        self.found: list[Start] = []
        self._redactor = redactor
        # What the server says of a model before it starts the runner.
        self._ahead = LogWarnings(redactor)

    def feed(self, line: str) -> bool:
        """Read one line; whether it is about the beginning or the end of a start, and so nothing else."""
        begun = _STARTING.search(line)
        if begun:
            self._begin(Start(unquoted(begun[1]).split(" "), self._redactor))
        elif re.match(DROPPED, line):
            for start in self.found:
                start.complete = start.complete and not start.is_open
        elif _STARTED.search(line):
            for start in self.found:
                start.close()
        else:
            if self.found and self.found[-1].is_open:
                self.found[-1].feed(line)
            self._ahead.feed(line, AHEAD)
            return False
        return True

    def _begin(self, start: Start) -> None:
        # A process without a model only looks for GPUs.
        if start.model is None:
            return
        start.expect(self._ahead.found)
        self._ahead = LogWarnings(self._redactor)
        if self.found and self.found[-1].is_open:
            # The lines of two that start at once are mixed.
            start.complete = self.found[-1].complete = False
        self.found.append(start)


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
