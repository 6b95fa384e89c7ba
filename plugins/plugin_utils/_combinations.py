# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are fine alone and wrong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._values import GO_FALSE, truth
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import (
    INTEGRATED_CHOSEN,
    INTEGRATED_ENABLE,
    OVERRIDE,
    VENDORS,
    VULKAN_OFF,
    VULKAN_VISIBLE,
    from_release,
    target_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

# What a variable that names cards holds for none of them.
_NONE = ("", "-1", "none")
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
    yield from _hidden_from_others(environment)


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
    off = (
        environment.get("OLLAMA_VULKAN") in GO_FALSE
        or environment.get(VULKAN_VISIBLE) == "-1"
        or VULKAN_OFF in environment
    )
    if environment.get("CUDA_VISIBLE_DEVICES") == "-1" and not off:
        yield (
            "CUDA_VISIBLE_DEVICES",
            "advice",
            "back-through-vulkan",
            "cards that are hidden from CUDA alone can come back through Vulkan",
            "set OLLAMA_VULKAN=0 too",
        )


def _hidden_from_others(environment: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    """A variable of one vendor that another one's library takes for its own where that is empty."""
    for vendor in VENDORS.values():
        if vendor.mistaken is None or environment.get(str(vendor.ordinal)):
            continue
        shown, taken = environment.get(str(vendor.visible)), environment.get(vendor.mistaken, "")
        meant = shown not in _NONE if shown is not None else any(name.startswith(OVERRIDE) for name in environment)
        if taken and meant and not _leaves(taken, len(shown.split(",")) if shown else 1):
            what = f"{vendor.visible}={shown}" if shown else OVERRIDE
            yield (
                vendor.mistaken,
                "advice",
                "hides-other-vendor",
                (
                    f"it hides the {vendor.title} cards that {what} means too: {vendor.title}'s library takes it for"
                    f" {vendor.ordinal} where that is empty"
                ),
                f"set {vendor.ordinal} too, with the indexes of what {vendor.visible} leaves, 0 for the first",
            )


def _leaves(value: str, cards: int) -> bool:
    """Whether each of so many cards is among the indexes, which HIP reads up to the first unknown one."""
    indexes = []
    for entry in value.split(","):
        if not (entry.isascii() and entry.isdigit() and int(entry[:9]) < cards):
            break
        indexes.append(int(entry))
    return len(set(indexes)) == cards


def integrated_alone(
    environment: Mapping[str, str], release: Release | None
) -> Iterator[tuple[str, str, str, str, str]]:
    """What an override does not do where the host's only card is integrated, which an environment does not tell."""
    if environment.get(INTEGRATED_ENABLE) or not from_release(release, INTEGRATED_CHOSEN):
        return
    for name, value in environment.items():
        if name == OVERRIDE or name.startswith(f"{OVERRIDE}_"):
            yield (
                name,
                "advice",
                "integrated-not-enabled",
                (
                    f"from {INTEGRATED_CHOSEN} on the server drops an integrated card, also one taken for"
                    f" {target_of(value) or 'another'}, so alone it does nothing where the only card is integrated"
                ),
                f"set {INTEGRATED_ENABLE}=1 too where the card is integrated, nothing where it has memory of its own",
            )
