# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One start of a runner in the log: its command line, and what it printed until the next start.

llm/server.go up to 0.24 and llm/llama_server.go since 0.30 of Ollama; runner/ollamarunner of 0.11.5 to 0.24, whose
command line has only the model and which logs all else as ``load request={NAME:VALUE …}``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._service.command_line import (
    last_of,
    model_of,
    options_of,
)
from ansible_collections.inference.ollama.plugins.module_utils._service.complaints import LogWarnings

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor

# Options by key.
_OPTIONS = {
    "context_length": ("-c", "--ctx-size"),
    "parallel": ("-np", "--parallel"),
    "batch": ("-b", "--batch-size"),
    "ubatch": ("-ub", "--ubatch-size"),
    "threads": ("-t", "--threads"),
    "gpu_layers": ("-ngl", "--n-gpu-layers", "--gpu-layers"),
    "main_gpu": ("-mg", "--main-gpu"),
    "cache_type_k": ("-ctk", "--cache-type-k", "--kv-cache-type"),
    "cache_type_v": ("-ctv", "--cache-type-v", "--kv-cache-type"),
    "load_mode": ("--load-mode",),
    "split_mode": ("-sm", "--split-mode"),
    "tensor_split": ("-ts", "--tensor-split"),
}
_NUMBERS = ("context_length", "parallel", "batch", "ubatch", "threads", "gpu_layers", "main_gpu")
_TYPE = "KvCacheType"
# The same in the load request of a runner of 0.11.5 to 0.24.
_REQUEST = {
    "context_length": "KvSize",
    "parallel": "Parallel",
    "batch": "BatchSize",
    "threads": "NumThreads",
    "main_gpu": "MainGPU",
    "gpu_layers": "GPULayers",
    "cache_type_k": _TYPE,
    "cache_type_v": _TYPE,
}
_LOAD_MODES = {"--no-mmap": "none", "--direct-io": "dio"}
_TRUTH = {
    **dict.fromkeys(("1", "on", "true", "enabled", "flashattentiontype::enabled"), "enabled"),
    **dict.fromkeys(("0", "off", "false", "disabled"), "disabled"),
    **dict.fromkeys(("auto", "-1"), "auto"),
}

_NUMBER = re.compile("-?[0-9]{1,12}")
_THREADS = re.compile(r"n_threads ?= ?([0-9]{1,6}) \(n_threads_batch = ([0-9]{1,6})\) / ([0-9]{1,6})")
_OLD_THREADS = re.compile(r"n_threads=([0-9]{1,6}) n_threads_batch=(-?[0-9]{1,6}).*total_threads=([0-9]{1,6})")
_GO_THREADS = re.compile(r"msg=\"?system.* threads=([0-9]{1,6})")
_CACHE = re.compile(r"(?:llama_kv_cache\w*: +size =|KV self size *=) *([0-9]{1,9}(?:\.[0-9]{1,6})?) MiB(.*)")
_CELLS = re.compile(r"\( *([0-9]{1,12}) cells")
_TYPES = re.compile(r"K \((\w+)\):.*V \((\w+)\):")
_GO_CACHE = re.compile(r'msg="?kv cache"? .*size="?([0-9]{1,9}(?:\.[0-9]{1,6})?) ([KMGT])iB')
_FLASH = re.compile(
    r"flash_attn += *(\w+)|Flash Attention (?:was auto, set to |not supported, set to |)(enabled|disabled)|"
    r"msg=\"(enabling) flash attention"
)
_LOAD_MODE = re.compile(r"load_tensors: .*\(load_mode = ([\w+]{1,20})\)")
# Up to 0.32.5.
_MMAP = re.compile(r"load_tensors: .*\(mmap = (true|false)(?:, direct_io = (true|false))?\)")
_LAYERS = re.compile(r"offloaded ([0-9]{1,6})/([0-9]{1,6}) layers to GPU")
_PROMPTS = re.compile(r"prompt cache is enabled, size limit: (?:([0-9]{1,9}) MiB|no limit)")
_NO_PROMPTS = re.compile("prompt cache is disabled")
_GONE = re.compile("process has terminated|exited unexpectedly")
_POWERS = {"K": 10, "M": 20, "G": 30, "T": 40}


class Start:
    """The start of a runner: made of a command line, then fed the lines that follow it."""

    def __init__(self, argv: list[str], redactor: Redactor) -> None:
        self.model = model_of(argv)
        # Whether it is still starting, by the log, and whether the log has all that it said meanwhile, and that alone.
        self.is_open, self.complete = True, True
        self._argv = redactor.command_line(argv)
        self._warnings = LogWarnings(redactor)
        self.parameters = _parameters(argv, redactor)
        self._threads: dict[str, int | None] | None = None
        self._flash: str | None = None
        self._offloaded: dict[str, int] | None = None
        self._load_mode: str | None = None
        self._prompts: int | None = None
        # A model may have several contexts, and a context several caches.
        self._contexts: list[list[dict[str, Any]]] = [[]]

    def result(self) -> dict[str, Any]:
        return {
            "command_line": self._argv,
            "model": self.model,
            "parameters": self.parameters,
            "threads": self._threads,
            "kv_cache": self._cache(),
            "flash_attention": self._flash,
            "offloaded": self._offloaded,
            "load_mode": self._load_mode,
            "prompt_cache_mib": self._prompts,
            "warnings": self._warnings.found,
            "complete": self.complete,
        }

    def expect(self, warnings: list[dict[str, str]]) -> None:
        """Take what the server logged of it before it was started."""
        self._warnings.found += warnings

    def close(self) -> None:
        """Read that a runner runs, which the server may say twice: it is not this one before its first lines."""
        self.is_open = self.is_open and self._threads is None

    def feed(self, line: str) -> None:
        """Read one line."""
        self._warnings.feed(line)
        if _GONE.search(line):
            self.is_open = False
        if "constructing llama_context" in line:
            self._contexts.append([])
        if "msg=load request=" in line:
            self._read_request(line)
        self._read_threads(line)
        self._read_cache(line)
        flash = _FLASH.search(line)
        if flash:
            said = "enabled" if flash[3] else _TRUTH.get((flash[1] or flash[2]).lower())
            # A second context with "auto" changes nothing.
            self._flash = self._flash if said in (None, "auto") and self._flash else said
        layers = _LAYERS.search(line)
        if layers:
            self._offloaded = {"layers": int(layers[1]), "of": int(layers[2])}
        mode = _LOAD_MODE.search(line)
        if mode:
            self._load_mode = mode[1]
        mapped = _MMAP.search(line)
        if mapped:
            self._load_mode = "mmap" if mapped[1] == "true" else "dio" if mapped[2] == "true" else "none"
        prompts = _PROMPTS.search(line)
        if prompts or _NO_PROMPTS.search(line):
            self._prompts = int(prompts[1] or -1) if prompts else 0

    def _read_threads(self, line: str) -> None:
        match = _THREADS.search(line) or _OLD_THREADS.search(line)
        if match:
            batch = int(match[2])
            self._threads = {"used": int(match[1]), "batch": batch if batch > 0 else int(match[1]), "of": int(match[3])}
            return
        match = _GO_THREADS.search(line)
        if match:
            self._threads = {"used": int(match[1]), "batch": None, "of": None}

    def _read_cache(self, line: str) -> None:
        match = _CACHE.search(line)
        if match:
            cells, types = _CELLS.search(match[2]), _TYPES.search(match[2])
            self._contexts[-1].append(
                {
                    "bytes": int(float(match[1]) * (1 << 20)),
                    "cells": int(cells[1]) if cells else None,
                    "k_type": types[1] if types else None,
                    "v_type": types[2] if types else None,
                }
            )
            return
        match = _GO_CACHE.search(line)
        if match:
            size = int(float(match[1]) * (1 << _POWERS[match[2]]))
            kind = self.parameters["cache_type_k"]
            self._contexts[-1].append({"bytes": size, "cells": None, "k_type": kind, "v_type": kind})

    def _cache(self) -> dict[str, Any] | None:
        """The context with most, its caches added up; the types are those of its largest cache."""
        caches = max(self._contexts, key=lambda each: sum(cache["bytes"] for cache in each))
        if not caches:
            return None
        largest = max(caches, key=lambda cache: int(cache["bytes"]))
        return {**largest, "bytes": sum(cache["bytes"] for cache in caches)}

    def _read_request(self, line: str) -> None:
        found = dict(re.findall(r"([A-Z][A-Za-z]{1,30}):([\w.:-]*)", line))
        if found.get("Operation") == "close":
            return
        # A layout that is only tried is logged too; the last one runs.
        self._contexts[-1] = []
        for key, name in _REQUEST.items():
            value = found.get(name, "")
            if value:
                self.parameters[key] = _value(key, value)
            elif name == _TYPE and name in found:
                # The server took no other one.
                self.parameters[key] = "f16"
        flash = _TRUTH.get(found.get("FlashAttention", "").lower())
        self.parameters["flash_attention"] = self._flash = flash or self._flash
        threads = _value("threads", found.get("NumThreads", ""))
        if isinstance(threads, int):
            self._threads = {"used": threads, "batch": None, "of": None}
        if found.get("UseMmap") == "false":
            self.parameters["load_mode"] = "none"


def _parameters(argv: list[str], redactor: Redactor) -> dict[str, Any]:
    options = options_of(argv)
    found: dict[str, Any] = {
        key: _value(key, redactor.text(last_of(options, *names) or "")) for key, names in _OPTIONS.items()
    }
    # Up to 0.24 it had no value.
    flash = last_of(options, "--flash-attn", "-fa")
    found["flash_attention"] = None if flash is None else _TRUTH.get(flash.lower() or "on")
    for option in options:
        found["load_mode"] = _LOAD_MODES.get(option, found["load_mode"])
    return found


def _value(key: str, text: str) -> int | str | None:
    if key not in _NUMBERS:
        return text[:80] or None
    return int(text) if _NUMBER.fullmatch(text) else None
