# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are fine alone and wrong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._values import GO_FALSE, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

_UNQUANTISED = frozenset({"f32", "f16", "bf16"})


def clashes(environment: Mapping[str, str], release: Release | None) -> Iterator[tuple[str, str, str, str, str]]:
    """Name, severity, code, message and remedy. An unknown release is taken for one with llama-server."""
    modern = release is None or load().reached("llama_server", release)
    yield from _cache_without_attention(environment, modern=modern)
    yield from _proxies(environment)
    if modern:
        yield from _cache_types(environment)
        yield from _affinity(environment)
        yield from _hidden_cards(environment)


def locks_memory(environment: Mapping[str, str], release: Release | None) -> bool:
    """Whether a model's memory may be locked, which LimitMEMLOCK= then has to allow: the limit alone locks nothing."""
    contract = load()
    by_request = release is not None and not contract.reached("use_mlock_ignored", release)
    modes = "mlock" in environment.get("LLAMA_ARG_LOAD_MODE", "")
    return by_request or modes or truth(environment.get("LLAMA_ARG_MLOCK", "")) is True


def _cache_without_attention(
    environment: Mapping[str, str], *, modern: bool
) -> Iterator[tuple[str, str, str, str, str]]:
    if environment.get("OLLAMA_FLASH_ATTENTION") not in GO_FALSE:
        return
    for name in ("OLLAMA_KV_CACHE_TYPE", *(("LLAMA_ARG_CACHE_TYPE_V",) if modern else ())):
        if name in environment and environment[name] not in _UNQUANTISED:
            yield (
                name,
                "fatal" if modern else "advice",
                "needs-flash-attention",
                "a quantised cache needs flash attention, which OLLAMA_FLASH_ATTENTION switches off"
                + (", and every load fails" if modern else ", so it falls back to f16"),
                "leave OLLAMA_FLASH_ATTENTION out, or use f16",
            )


def _proxies(environment: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        other = environment.get(name.upper())
        if name in environment and other and other != environment[name]:
            yield name, "inert", "overridden", f"{name.upper()} overrides it", "set only one of them"


def _cache_types(environment: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    for name in ("LLAMA_ARG_CACHE_TYPE_K", "LLAMA_ARG_CACHE_TYPE_V"):
        if name in environment and "OLLAMA_KV_CACHE_TYPE" in environment:
            yield name, "inert", "overridden", "OLLAMA_KV_CACHE_TYPE overrides it", "set only one of them"


def _affinity(environment: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    if environment.get("LLAMA_ARG_NUMA") in ("distribute", "isolate"):
        yield (
            "LLAMA_ARG_NUMA",
            "advice",
            "undoes-binding",
            "it sets the affinity of every thread, past numactl and CPUAffinity= of the service",
            "leave it out where the service is bound to a node, or use numactl",
        )


def _hidden_cards(environment: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    off = environment.get("OLLAMA_VULKAN") in GO_FALSE or environment.get("GGML_VK_VISIBLE_DEVICES") == "-1"
    if environment.get("CUDA_VISIBLE_DEVICES") == "-1" and not off:
        yield (
            "CUDA_VISIBLE_DEVICES",
            "advice",
            "back-through-vulkan",
            "cards that are hidden from CUDA alone can come back through Vulkan",
            "set OLLAMA_VULKAN=0 too",
        )
