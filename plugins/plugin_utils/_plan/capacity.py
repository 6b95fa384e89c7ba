# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many models, requests and tokens, for how long, in how much memory, and who waits.

Sources: docs/policy.md, rules M1 to M7; the numbers of M1, M2 and M4 come from fit.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._plan import budget
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import MIB, MODELS
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import GIB, gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import (
    CACHE,
    CONTEXT,
    LOADED,
    SEVERAL_MODELS_BYTES,
    Fit,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import single
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.reserve import keep_free, shown
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.runners import loaded_option
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.threads import each_of, undivided
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import VARIABLE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

PARALLEL, KEEP, QUEUE = "OLLAMA_NUM_PARALLEL", "OLLAMA_KEEP_ALIVE", "OLLAMA_MAX_QUEUE"
# Thresholds lie below the sizes on the box, because firmware and drivers keep some: a host of 64 GiB shows 62, a card
# of 12 GiB shows 11.99.
# Below this much memory a host has other uses for what an idle model holds.
DEDICATED_BYTES = 60 * GIB
QUEUE_DEFAULT = 512
NO_MODEL = "no reference model is named, so the number is a conservative tier"


def fill(planning: Planning, found: Fit) -> dict[str, Any]:
    """Decide on the settings of capacity; return how they fill the memory, in bytes."""
    _parallel(planning, found)
    _loaded(planning, found)
    _keep_alive(planning)
    _context(planning, found)
    _cache_ram(planning, found)
    _queue(planning, found)
    keep_free(planning)
    return found.summary


def _parallel(planning: Planning, found: Fit) -> None:
    parallel, named = found.chosen.parallel, planning.policy.reference_models
    held = [model.name for model in named if single(planning, model)]
    option = planning.policy.num_parallel
    source = POLICY
    if option is not None:
        if held and len(held) == len(named) and option > 1:
            planning.warn(
                "parallel-not-supported",
                f"ollama_num_parallel is {option}, and {planning.release_text} holds {', '.join(held)} to one request"
                " at a time",
                "leave ollama_num_parallel on auto, or serve other models",
            )
        source, reason = OPERATOR, f"ollama_num_parallel is {option}; each slot has a context of its own"
    elif named and len(held) == len(named):
        parallel, source = 1, CONTRACT
        reason = f"the server holds {', '.join(held)} to one request at a time"
    else:
        others = f"; {', '.join(held)} stays at one, as the server holds it to" if held and parallel > 1 else ""
        bound = f"{found.paying.text}; " if not planning.gpus or parallel >= found.paying.slots else ""
        reason = (
            f"objective {planning.policy.objective}: {bound}{found.text}; each slot shares memory and speed{others}"
        )
        reason = reason if named else f"{reason}; {NO_MODEL}"
    planning.record(VARIABLE, PARALLEL, str(parallel), source, reason)


def _loaded(planning: Planning, found: Fit) -> None:
    loaded, option = found.chosen.loaded, planning.policy.max_loaded_models
    named = planning.policy.reference_models
    source = POLICY
    if option is not None:
        source, loaded = OPERATOR, loaded_option(planning) or loaded
        reason = f"ollama_max_loaded_models is {option}; the number is a total, not one per GPU"
        if loaded != option:
            reason += f", and this is one of {planning.count} instances that share it"
        reason += _price(planning, found, loaded)
    elif not planning.gpus:
        reason = _on_cpus(planning, found, loaded)
    elif named:
        reason = f"{loaded} of {len(named)} reference model(s) fit side by side"
    else:
        reason = f"{_tier_text(planning, loaded)}; {NO_MODEL}"
    planning.record(VARIABLE, LOADED, str(loaded), source, reason)


def _on_cpus(planning: Planning, found: Fit, loaded: int) -> str:
    """Why so many models compute on the CPUs, and what it costs."""
    named, room = len(planning.policy.reference_models), found.room
    if room is None:
        return "one at a time: the host's CPUs could not be read, so no threads can be divided among several"
    if undivided(planning):
        return (
            f"one at a time: {planning.release_text} takes no thread count for each of several, and two that answer at"
            " once would have two threads on each core"
        )
    if named > 1 and found.runners > 1:
        return f"{loaded} of {named} reference model(s) fit side by side{_price(planning, found, loaded)}"
    each = each_of(planning, room, 1)
    having = f"with {'all ' if each == room.threads else f'{each} of '}{room.threads} compute threads"
    others = "another one is loaded in its place, in seconds from the page cache"
    if named > 1:
        return (
            f"1 of {named} reference model(s) at a time, {having}: {named} at once would have"
            f" {max(1, room.threads // named)} each; {others}"
        )
    if named:
        return f"1 reference model, {having}"
    return (
        f"one at a time, {having}: those of the {MODELS} that every release since 0.2.0 allows by itself would"
        f" outnumber the CPUs where they answer at once; {others}; models in ollama_reference_models, or"
        " ollama_max_loaded_models, divide the threads"
    )


def _price(planning: Planning, found: Fit, loaded: int) -> str:
    """What several models on the CPUs cost each of them."""
    room, each = found.room, each_of(planning, found.room, loaded)
    if planning.gpus or room is None or each is None or loaded < 2 or undivided(planning):
        return ""
    if each * loaded > room.threads:
        return f"; they may answer at once with {each * loaded} compute threads, and {room.threads} fit"
    return (
        f"; they may answer at once, each with {each} of {room.threads} compute threads (half of the threads made 60 %"
        " of the tokens where it was measured)"
    )


def _tier_text(planning: Planning, loaded: int) -> str:
    large = [gpu for gpu in planning.gpus if (gpu.memory_bytes or 0) >= SEVERAL_MODELS_BYTES]
    small = [gpu for gpu in planning.gpus if gpu not in large]
    unread = ", or whose memory could not be read" if any(not gpu.memory_bytes for gpu in small) else ""
    parts = [f"three for each of {len(large)} GPU(s), as every release since 0.2.0 allows by itself"] if large else []
    parts += [f"one for each of {len(small)} GPU(s) below {gib(SEVERAL_MODELS_BYTES)}{unread}"] if small else []
    if loaded < MODELS * len(large) + len(small):
        parts = [
            f"{loaded} on {len(planning.gpus)} GPU(s), whose prompt caches take at most a quarter of the host's memory"
        ]
    return f"{'; '.join(parts)}; it is a total"


def _keep_alive(planning: Planning) -> None:
    option = planning.policy.keep_alive
    # Whether anything else needs the memory depends on the host, not on the instance's share of it.
    memory = planning.machine.memory_bytes
    screen, own = shown(planning.gpus), sum((gpu.memory_bytes or 0) - gpu.shared_bytes for gpu in planning.gpus)
    shared = any(gpu.shared_bytes for gpu in planning.gpus)
    source = POLICY if option is None else OPERATOR
    if option is not None:
        keep, reason = option, f"ollama_keep_alive is {option}"
    elif screen:
        keep, reason = "1h", f"{screen}, which needs its VRAM back after an hour without requests"
        if screen.startswith("whether"):
            reason = f"{screen}, and a display would need its VRAM back after an hour without requests"
    elif shared and (memory is None or memory + own < DEDICATED_BYTES):
        keep = "1h"
        reason = f"the GPU shares {gib(memory)} of memory with the host, which gets it back from an idle model"
    elif planning.gpus:
        keep, reason = "-1", "no display uses the GPUs: a model stays loaded until another one needs its place"
    elif memory is not None and memory >= DEDICATED_BYTES:
        keep, reason = "-1", f"{gib(memory)} of memory: a model stays loaded until another one needs its place"
    else:
        keep, reason = "1h", f"with {gib(memory)} of memory an idle model gives its share back after an hour"
    planning.record(VARIABLE, KEEP, keep, source, reason)


def _context(planning: Planning, found: Fit) -> None:
    option, named = planning.policy.context_length, planning.policy.reference_models
    if not planning.acts(CONTEXT):
        planning.not_supported(CONTEXT)
        return
    context, parallel = found.chosen.context, found.chosen.parallel
    if option is not None:
        trained = [model.context_length for model in named]
        longest = max((tokens for tokens in trained if tokens), default=0)
        if all(trained) and 0 < longest < option:
            planning.warn(
                "context-beyond-training",
                f"ollama_context_length is {option}, and the reference models were trained for at most {longest}"
                " tokens, which the server does not exceed",
                f"set ollama_context_length: {longest} or less",
            )
        reason = f"ollama_context_length is {option} tokens for each of {parallel} slot(s)"
        planning.record(VARIABLE, CONTEXT, str(option), OPERATOR, reason)
        return
    reason = f"for each of {parallel} slot(s): {found.text}; {_default_context(planning)}"
    planning.record(VARIABLE, CONTEXT, str(context), POLICY, reason if named else f"{reason}; {NO_MODEL}")


def _default_context(planning: Planning) -> str:
    """What the server would do without the variable (server/routes.go, envconfig/config.go)."""
    if planning.release is None:
        return "unset, it would depend on the release"
    if not planning.reached("context_by_gpu_memory"):
        return f"unset, {planning.release_text} takes {4096 if planning.reached('context_4096') else 2048}"
    if not planning.gpus:
        return f"unset, {planning.release_text} takes 4096 on a host without GPU"
    if not all(gpu.memory_bytes for gpu in planning.gpus):
        return f"unset, {planning.release_text} would take it from the sum of all VRAM"
    total = sum(gpu.memory_bytes or 0 for gpu in planning.gpus)
    tier = 262144 if total >= 47 * GIB else 32768 if total >= 23 * GIB else 4096
    return f"unset, {planning.release_text} takes {tier} from {gib(total)} of VRAM in all"


def _cache_ram(planning: Planning, found: Fit) -> None:
    if not planning.acts(CACHE):
        planning.not_supported(CACHE)
        return
    memory, option = planning.memory_bytes, planning.policy.cache_ram_bytes
    if option is not None:
        _check_cache(planning, found, option)
        reason = f"ollama_cache_ram_bytes is {option}: {option // MIB} MiB of prompt cache per loaded model"
        planning.record(VARIABLE, CACHE, str(option // MIB), OPERATOR, reason)
    elif memory is None:
        planning.record(VARIABLE, CACHE, None, POLICY, "not set: the host's memory could not be read")
    else:
        mib = budget.cache_bytes(memory, found.runners) // MIB
        several = f"each loaded model, {found.runners} of which take" if found.runners > 1 else "the loaded model,"
        reason = (
            f"{mib} MiB of prompt cache in host memory for {several} at most an eighth of {gib(memory)}; the default is"
            f" {budget.CACHE_BYTES // MIB} MiB each, whatever the host has"
        )
        planning.record(VARIABLE, CACHE, str(mib), POLICY, reason)


def _check_cache(planning: Planning, found: Fit, option: int) -> None:
    if CACHE in planning.policy.environment:
        planning.error(
            f"ollama_environment.{CACHE}: contradicts ollama_cache_ram_bytes: {option}; set only one of them"
        )
    memory, loaded = planning.memory_bytes, found.chosen.loaded
    if memory is not None and option * loaded > memory - budget.system_bytes(memory):
        planning.warn(
            "budget-exceeded",
            f"prompt caches of {gib(option)} for each of {loaded} loaded model(s) take {gib(option * loaded)}, and the"
            f" host memory here is {gib(memory)}",
            f"the most that fits is ollama_cache_ram_bytes: {(memory - budget.system_bytes(memory)) // loaded}",
        )


def _queue(planning: Planning, found: Fit) -> None:
    option, loaded, parallel = planning.policy.max_queue, found.chosen.loaded, found.chosen.parallel
    slots = loaded * parallel
    if not planning.acts(QUEUE):
        planning.not_supported(QUEUE)
        return
    if option is None:
        reason = (
            f"not set: {QUEUE_DEFAULT} requests wait by default, far more than {slots} slot(s) work off while callers"
            " have patience, and the next one gets status 503 at once"
        )
        planning.record(VARIABLE, QUEUE, None, POLICY, reason)
        return
    if option < slots:
        planning.warn(
            "queue-shorter-than-slots",
            f"ollama_max_queue is {option}, and {loaded} model(s) with {parallel} slot(s) could take {slots} requests"
            " that arrive together; the server would answer some of them with status 503",
            f"set ollama_max_queue to {slots} or more, or leave it on auto for {QUEUE_DEFAULT}",
        )
    reason = f"ollama_max_queue is {option} requests; one more is answered with status 503"
    planning.record(VARIABLE, QUEUE, str(option), OPERATOR, reason)
