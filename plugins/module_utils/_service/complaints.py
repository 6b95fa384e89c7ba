# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings in the log; those that explain why a setting does not act have a code.

Wording: main.go, discover/cuda_compat.go, discover/gpu.go, llm/server.go, llm/llama_server.go, server/sched.go and
envconfig/config.go of Ollama; common/arg.cpp and src/llama-mmap.cpp of llama.cpp.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor

# The first that fits counts. Codes are for programs, and stay.
_CODES = tuple(
    (code, re.compile(words))
    for code, words in (
        ("driver-too-old", r"NVIDIA driver too old|driver is too old"),
        ("no-parallel", r"does not currently support parallel requests|models don't support parallel requests"),
        ("invalid-value", r"invalid environment variable, using default|error while handling (?:environment|argument)"),
        ("overridden", r"^warn: \S+ environment variable is set, but will be overwritten by command line argument"),
        ("visible-devices", r"user overrode visible devices"),
        ("gpu-dropped", r"(?:skipping|dropping|filtering) (?:\w+ )?(?:device|integrated)|GPU is too old|amdgpu is not"),
        ("no-gpu", r"no compatible GPUs were discovered|failure during (?:llama-server )?GPU discovery"),
        ("flash-attention", r"flash attention enabled but not supported|[Ff]lash.?[Aa]ttention .*not supported"),
        (
            "kv-cache-type",
            r"quantized kv cache requested|kv cache type not supported|V cache.* requires|OLLAMA_KV_CACHE_TYPE\"",
        ),
        ("no-mmap", r"disabling mmap .*host memory pressure"),
        ("evicting", r"evicting"),
        ("mlock", r"failed to mlock|mlock.*not supported"),
        ("out-of-memory", r"out of memory|failed to allocate .*buffer|unable to allocate"),
        ("runner-ended", r"runner process has terminated|llama-server process has terminated|exited unexpectedly"),
        ("server-ended", r"^(?:Error|panic|fatal error): "),
        ("other", r"\blevel=(?:WARN|ERROR)\b|^\S+ \S+ \S+: (?:WARN|ERROR) "),
    )
)
# Those that the server logs before it starts the runner that they concern.
AHEAD = ("no-parallel", "flash-attention", "kv-cache-type", "no-mmap")
_TIME = re.compile(r"^time=\S+ |^[0-9/]{10} [0-9:]{8} ")
_MOST = 50
_LONGEST = 400


class LogWarnings:
    """Distinct warnings in the order of their first line; a server may log the same for every request."""

    def __init__(self, redactor: Redactor) -> None:
        self.found: list[dict[str, str]] = []
        self._redactor = redactor

    def feed(self, line: str, codes: tuple[str, ...] | None = None) -> None:
        """Read one line; ``codes`` are those that are looked for, all of them where it is None."""
        code = next((code for code, words in _CODES if words.search(line)), None)
        if code is None or len(self.found) >= _MOST or (codes is not None and code not in codes):
            return
        # The time alone would make every line different.
        said = {"code": code, "line": self._redactor.text(_TIME.sub("", line))[:_LONGEST]}
        if said not in self.found:
            self.found.append(said)
