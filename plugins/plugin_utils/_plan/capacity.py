# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many models, requests and tokens, for how long, in how much memory.

Sources: docs/policy.md, rules M1 to M5.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import GIB, gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

PARALLEL, LOADED = "OLLAMA_NUM_PARALLEL", "OLLAMA_MAX_LOADED_MODELS"
KEEP, CONTEXT, CACHE = "OLLAMA_KEEP_ALIVE", "OLLAMA_CONTEXT_LENGTH", "LLAMA_ARG_CACHE_RAM"
# Thresholds lie below the sizes on the box, because firmware and drivers keep some: a host of 64 GiB shows 62, a card
# of 12 GiB shows 11.99.
# Below this much memory a host has other uses for what an idle model holds.
DEDICATED_BYTES = 60 * GIB
SEVERAL_MODELS_BYTES = 11 * GIB
# Memory of one slot, and the tokens of context that it is given.
CONTEXTS = ((30 * GIB, 32768), (15 * GIB, 16384), (7 * GIB, 8192), (0, 4096))
MIB = 1 << 20
# llama-server's default bound for its prompt cache in host memory, per loaded model.
CACHE_DEFAULT_MIB = 8192
CACHE_SHARE = 8


def fill(case: Case, threads: int | None) -> dict[str, str]:
    """The environment for the five settings of capacity."""
    parallel = _parallel(case, threads)
    loaded = _loaded(case)
    settings = {
        PARALLEL: str(parallel),
        LOADED: str(loaded),
        KEEP: _keep_alive(case),
        CONTEXT: _context(case, parallel),
        CACHE: _cache_ram(case, loaded),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _smallest_vram(case: Case) -> int | None:
    """VRAM of the smallest card that models run on, 0 where one could not be read; None on a host without card."""
    return min((gpu.memory_bytes or 0 for gpu in case.gpus), default=None)


def _vram_text(vram: int) -> str:
    return f"{gib(vram)} of VRAM" if vram else "VRAM that could not be read"


def _parallel(case: Case, threads: int | None) -> int:
    wish = case.policy.num_parallel
    if wish is not None:
        case.decide(PARALLEL, str(wish), OPERATOR, f"ollama_num_parallel is {wish}; each slot has a context of its own")
        return wish
    vram = _smallest_vram(case)
    if vram is None:
        # Two streams of at least four threads each keep both of them readable.
        balanced, facts = (
            (2, f"{threads} threads") if (threads or 0) >= 8 else (1, f"{threads or 'an unknown number of'} threads")
        )
    else:
        balanced = 4 if vram >= 40 * GIB else 2 if vram >= 20 * GIB else 1
        facts = f"{_vram_text(vram)} on the smallest card"
    parallel = {"latency": 1, "balanced": balanced, "throughput": balanced * 2}[case.policy.objective]
    reason = (
        f"objective {case.policy.objective} with {facts}; each slot takes a context of memory and its share of the"
        " speed"
    )
    case.decide(PARALLEL, str(parallel), POLICY, reason)
    return parallel


def _loaded(case: Case) -> int:
    wish = case.policy.max_loaded_models
    if wish is not None:
        case.decide(
            LOADED, str(wish), OPERATOR, f"ollama_max_loaded_models is {wish}; the number is a total, not one per GPU"
        )
        return wish
    vram, cards = _smallest_vram(case), len(case.gpus)
    if vram is None:
        loaded = 3
        reason = "three models in memory, as every release since 0.2.0 allows by itself on a host without GPU"
    elif vram >= SEVERAL_MODELS_BYTES:
        loaded = 3 * cards
        reason = f"three for each of {cards} GPU(s), as every release since 0.2.0 allows by itself; it is a total"
    else:
        loaded = cards
        room = "has room for about one 7B model" if vram else "may hold no more"
        reason = f"one for each of {cards} GPU(s): {_vram_text(vram)} {room}"
    case.decide(LOADED, str(loaded), POLICY, reason)
    return loaded


def _keep_alive(case: Case) -> str:
    wish = case.policy.keep_alive
    if wish is not None:
        case.decide(KEEP, wish, OPERATOR, f"ollama_keep_alive is {wish}")
        return wish
    memory = case.machine.memory_bytes
    shown = [gpu.name for gpu in case.gpus if gpu.display_active]
    if shown:
        keep, reason = (
            "1h",
            f"{', '.join(shown)} drives a display, which wants its VRAM back after an hour without requests",
        )
    elif case.gpus:
        keep, reason = "-1", "no display uses the GPUs: a model stays loaded until another one needs its place"
    elif memory is not None and memory >= DEDICATED_BYTES:
        keep, reason = "-1", f"{gib(memory)} of memory: a model stays loaded until another one needs its place"
    else:
        keep, reason = "1h", f"with {gib(memory)} of memory an idle model gives its share back after an hour"
    case.decide(KEEP, keep, POLICY, reason)
    return keep


def _context(case: Case, parallel: int) -> str | None:
    wish = case.policy.context_length
    if not case.acts(CONTEXT):
        case.withhold(CONTEXT)
        return None
    if wish is not None:
        case.decide(
            CONTEXT, str(wish), OPERATOR, f"ollama_context_length is {wish} tokens for each of {parallel} slot(s)"
        )
        return str(wish)
    vram = _smallest_vram(case)
    share = (case.machine.memory_bytes or 0) // 4 if vram is None else vram
    slot = share // parallel
    context = next(tokens for least, tokens in CONTEXTS if slot >= least)
    what = "a quarter of the host's memory" if vram is None else "the smallest card's VRAM"
    memory = f"{gib(slot)} for each of {parallel} slot(s), from {what}" if share else f"{what} could not be read"
    reason = f"{memory}; {_default_context(case)}"
    case.decide(CONTEXT, str(context), POLICY, reason)
    return str(context)


def _default_context(case: Case) -> str:
    """What the server would do without the variable (server/routes.go; envconfig/config.go before 0.15.5)."""
    if case.release is None:
        return "unset, it would depend on the release"
    if not case.at_least("0.15.5"):
        return f"unset, {case.release_text} takes {4096 if case.at_least('0.6.7') else 2048}"
    if not case.gpus:
        return f"unset, {case.release_text} takes 4096 on a host without GPU"
    if not all(gpu.memory_bytes for gpu in case.gpus):
        return f"unset, {case.release_text} would take it from the sum of all VRAM"
    total = sum(gpu.memory_bytes or 0 for gpu in case.gpus)
    tier = 262144 if total >= 47 * GIB else 32768 if total >= 23 * GIB else 4096
    return f"unset, {case.release_text} takes {tier} from {gib(total)} of VRAM in all"


def _cache_ram(case: Case, loaded: int) -> str | None:
    if not case.acts(CACHE):
        case.withhold(CACHE)
        return None
    wish = case.policy.cache_ram_bytes
    if wish is not None:
        mib = wish // MIB
        case.decide(
            CACHE, str(mib), OPERATOR, f"ollama_cache_ram_bytes is {wish}: {mib} MiB of prompt cache per loaded model"
        )
        return str(mib)
    memory = case.machine.memory_bytes
    if memory is None:
        case.decide(CACHE, None, POLICY, "not set: the host's memory could not be read")
        return None
    mib = min(CACHE_DEFAULT_MIB, memory // CACHE_SHARE // loaded // MIB)
    reason = (
        f"{mib} MiB of prompt cache in host memory for each of {loaded} loaded model(s), together at most an eighth of "
        f"{gib(memory)}; the default is {CACHE_DEFAULT_MIB} MiB each, whatever the host has"
    )
    case.decide(CACHE, str(mib), POLICY, reason)
    return str(mib)


__all__ = ("DEDICATED_BYTES", "fill")
