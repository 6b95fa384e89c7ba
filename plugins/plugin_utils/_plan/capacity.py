# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many models, requests and tokens, for how long, in how much memory, and who waits.

Sources: docs/policy.md, rules M1 to M7; the numbers of M1, M2 and M4 come from fit.py.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan import budget, families
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import MIB, MODELS
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import (
    CACHE,
    CONTEXT,
    LOADED,
    SEVERAL_MODELS_BYTES,
    Fit,
    fit,
    loaded_wish,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import GIB, gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.reserve import keep_free

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

PARALLEL, KEEP, QUEUE = "OLLAMA_NUM_PARALLEL", "OLLAMA_KEEP_ALIVE", "OLLAMA_MAX_QUEUE"
# Thresholds lie below the sizes on the box, because firmware and drivers keep some: a host of 64 GiB shows 62, a card
# of 12 GiB shows 11.99.
# Below this much memory a host has other uses for what an idle model holds.
DEDICATED_BYTES = 60 * GIB
QUEUE_DEFAULT = 512
NO_MODEL = "no reference model is named, so the number is a conservative tier"


def fill(case: Case, threads: int | None) -> dict[str, str]:
    """The environment for the seven settings of capacity; ``case.budget`` tells how the memory is filled."""
    found = fit(case, threads)
    settings = {
        PARALLEL: _parallel(case, found, threads),
        LOADED: _loaded(case, found),
        KEEP: _keep_alive(case),
        CONTEXT: _context(case, found),
        CACHE: _cache_ram(case, found),
        QUEUE: _queue(case, found),
    }
    return {name: value for name, value in settings.items() if value is not None} | keep_free(case)


def _parallel(case: Case, found: Fit, threads: int | None) -> str:
    parallel, named = found.rung.parallel, case.policy.reference_models
    held = [model.name for model in named if families.single(case, model)]
    wish = case.policy.num_parallel
    if wish is not None:
        if held and len(held) == len(named) and wish > 1:
            case.warn(
                "parallel-not-supported",
                f"ollama_num_parallel is {wish}, and {case.release_text} holds {', '.join(held)} to one request at a"
                " time",
                "leave ollama_num_parallel on auto, or serve other models",
            )
        reason = f"ollama_num_parallel is {wish}; each slot has a context of its own"
        return str(case.decide(PARALLEL, str(parallel), OPERATOR, reason))
    if named and len(held) == len(named):
        reason = f"the server holds {', '.join(held)} to one request at a time"
        return str(case.decide(PARALLEL, "1", CONTRACT, reason))
    others = f"; {', '.join(held)} stays at one, as the server holds it to" if held and parallel > 1 else ""
    facts = "" if case.gpus else f" with {threads or 'an unknown number of'} threads, four to a stream"
    reason = f"objective {case.policy.objective}{facts}: {found.text}; each slot shares memory and speed{others}"
    return str(case.decide(PARALLEL, str(parallel), POLICY, reason if named else f"{reason}; {NO_MODEL}"))


def _loaded(case: Case, found: Fit) -> str:
    loaded, wish, named = found.rung.loaded, case.policy.max_loaded_models, case.policy.reference_models
    if wish is not None:
        reason = f"ollama_max_loaded_models is {wish}; the number is a total, not one per GPU"
        if loaded_wish(case) != wish:
            reason += f", and this is one of {case.count} instances that share it"
        return str(case.decide(LOADED, str(loaded_wish(case)), OPERATOR, reason))
    if named:
        reason = f"{loaded} of {len(named)} reference model(s) fit side by side"
    elif not case.gpus:
        reason = f"{loaded} of the {MODELS} that every release since 0.2.0 allows by itself on a host without GPU"
    else:
        reason = _tier_text(case, loaded)
    return str(case.decide(LOADED, str(loaded), POLICY, reason if named else f"{reason}; {NO_MODEL}"))


def _tier_text(case: Case, loaded: int) -> str:
    large = [gpu for gpu in case.gpus if (gpu.memory_bytes or 0) >= SEVERAL_MODELS_BYTES]
    small = [gpu for gpu in case.gpus if gpu not in large]
    unread = ", or whose memory could not be read" if any(not gpu.memory_bytes for gpu in small) else ""
    parts = [f"three for each of {len(large)} GPU(s), as every release since 0.2.0 allows by itself"] if large else []
    parts += [f"one for each of {len(small)} GPU(s) below {gib(SEVERAL_MODELS_BYTES)}{unread}"] if small else []
    if loaded < MODELS * len(large) + len(small):
        parts = [
            f"{loaded} on {len(case.gpus)} GPU(s), whose prompt caches take at most a quarter of the host's memory"
        ]
    return f"{'; '.join(parts)}; it is a total"


def _keep_alive(case: Case) -> str:
    wish: str | None = case.policy.keep_alive
    if wish is not None:
        case.decide(KEEP, wish, OPERATOR, f"ollama_keep_alive is {wish}")
        return wish
    # Whether anything else wants the memory is a question to the host, not to the instance's share of it.
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


def _context(case: Case, found: Fit) -> str | None:
    wish, named = case.policy.context_length, case.policy.reference_models
    if not case.acts(CONTEXT):
        case.withhold(CONTEXT)
        return None
    context, parallel = found.rung.context, found.rung.parallel
    if wish is not None:
        trained = [model.context_length for model in named]
        longest = max((tokens for tokens in trained if tokens), default=0)
        if all(trained) and 0 < longest < wish:
            case.warn(
                "context-beyond-training",
                f"ollama_context_length is {wish}, and the reference models were trained for at most {longest} tokens,"
                " which the server does not exceed",
                f"set ollama_context_length: {longest} or less",
            )
        reason = f"ollama_context_length is {wish} tokens for each of {parallel} slot(s)"
        return str(case.decide(CONTEXT, str(wish), OPERATOR, reason))
    reason = f"for each of {parallel} slot(s): {found.text}; {_default_context(case)}"
    return str(case.decide(CONTEXT, str(context), POLICY, reason if named else f"{reason}; {NO_MODEL}"))


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


def _cache_ram(case: Case, found: Fit) -> str | None:
    if not case.acts(CACHE):
        case.withhold(CACHE)
        return None
    memory, wish = case.memory_bytes, case.policy.cache_ram_bytes
    if wish is not None:
        together = wish * found.rung.loaded
        if CACHE in case.policy.environment:
            case.refuse(f"ollama_environment.{CACHE}: contradicts ollama_cache_ram_bytes: {wish}; set only one of them")
        if memory is not None and together > memory - budget.system_bytes(memory):
            least = (memory - budget.system_bytes(memory)) // found.rung.loaded
            case.warn(
                "budget-exceeded",
                f"prompt caches of {gib(wish)} for each of {found.rung.loaded} loaded model(s) take {gib(together)},"
                f" and the host memory here is {gib(memory)}",
                f"the most that fits is ollama_cache_ram_bytes: {least}",
            )
        reason = f"ollama_cache_ram_bytes is {wish}: {wish // MIB} MiB of prompt cache per loaded model"
        return str(case.decide(CACHE, str(wish // MIB), OPERATOR, reason))
    if memory is None:
        case.decide(CACHE, None, POLICY, "not set: the host's memory could not be read")
        return None
    mib = budget.cache_bytes(memory, found.runners) // MIB
    reason = (
        f"{mib} MiB of prompt cache in host memory for each loaded model, {found.runners} of which take at most an"
        f" eighth of {gib(memory)}; the default is {budget.CACHE_BYTES // MIB} MiB each, whatever the host has"
    )
    case.decide(CACHE, str(mib), POLICY, reason)
    return str(mib)


def _queue(case: Case, found: Fit) -> str | None:
    wish, slots = case.policy.max_queue, found.rung.loaded * found.rung.parallel
    if not case.acts(QUEUE):
        case.withhold(QUEUE)
        return None
    if wish is None:
        reason = (
            f"not set: {QUEUE_DEFAULT} requests wait by default, far more than {slots} slot(s) work off while callers"
            " have patience, and the next one hears status 503 at once"
        )
        case.decide(QUEUE, None, POLICY, reason)
        return None
    if wish < slots:
        case.warn(
            "queue-shorter-than-slots",
            f"ollama_max_queue is {wish}, and {found.rung.loaded} model(s) with {found.rung.parallel} slot(s) could"
            f" take {slots} requests that arrive together; the server would answer some of them with status 503",
            f"set ollama_max_queue to {slots} or more, or leave it on auto for {QUEUE_DEFAULT}",
        )
    reason = f"ollama_max_queue is {wish} requests; one more is answered with status 503"
    return str(case.decide(QUEUE, str(wish), OPERATOR, reason))


__all__ = ("DEDICATED_BYTES", "fill")
