# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that show the symptoms of docs/symptoms.md, by the sentence that begins a row: to plan for, and as verified."""

from __future__ import annotations

from functools import partial

from ansible_collections.inference.ollama.plugins.plugin_utils._unit_lint import around
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_contention import QUOTA
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    GPU,
    LATER,
    MODEL,
    OURS,
    api,
    changed,
    journal,
    seen_on,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, topology, workstation, xeon

GIB = 1 << 30
BUSY = {"cpu_seconds": 1.0, "wait_seconds": 1.4}
CPU_ALONE = {"devices": [{"id": "cpu", "library": "cpu"}]}
OTHER = "ollama (PID 7, snap.ollama.listener.service)"
QWEN = {
    "name": "qwen3next",
    "size_bytes": 9 * GIB,
    "layers": 48,
    "kv_heads": 2,
    "key_length": 256,
    "value_length": 256,
    "context_length": 131072,
    "family": "qwen3next",
}


def one_card(**options):
    """The plan of a host with a card of 24 GiB and 64 GiB of memory."""
    ada = card(0, memory_bytes=24 * GIB, compute_capability="8.9")
    return plan(workstation(ada, cores=16, memory_gib=64), **options)


def cards(*gpus, driver="580.65.06"):
    """The plan of a workstation with these cards."""
    return plan(workstation(*gpus, driver=driver, memory_gib=64))


def failed_driver():
    """The plan of a host whose driver's library is another one than its module."""
    machine = workstation(card(0, memory_bytes=None, compute_capability=None, answers=None))
    machine["drivers"]["nvidia"]["error"] = "Failed to initialize NVML: Driver/library version mismatch"
    return plan(machine)


def dead():
    """A card for which no driver answers."""
    return {
        **card(1),
        "answers": False,
        "memory_bytes": None,
        "uuid": None,
        "index": None,
        "pci_bus_id": "0000:0a:00.0",
    }


def threads(count, **changes):
    """A host whose server and runner have this count in their environment."""
    shown = {"environment": {"LLAMA_ARG_THREADS": str(count)}}
    return changed(server=shown, runner={**shown, "compute_threads": count}, **changes)


def overridden():
    """A later drop-in sets another number of threads."""
    lost = [{"name": "LLAMA_ARG_THREADS", "kept": LATER, "lost": [OURS]}]
    return threads(28, overrides=lost, dropins=[OURS, LATER])


def on_cards(**logged):
    """A host with two cards whose log has these values."""
    return seen_on(GPU, journal=journal(GPU, **logged))


def without_layers():
    """A model of which the server reports memory on cards, and its log no layer there."""
    start = {"model": MODEL, "threads": {"used": 6}, "parameters": {}, "offloaded": {"layers": 0, "of": 33}}
    models = [{"name": "m:8b", "size_bytes": 100, "size_vram_bytes": 73}]
    return seen_on(GPU, journal=journal(GPU, starts=[start]), api=api(GPU, models=models))


def answered_by_another():
    """Somebody else's server has the port."""
    said = f"http://127.0.0.1:11434/api/version: {OTHER} answers there, and is no process of ollama.service"
    return seen_on(api=api(version=None, models=None, own=False, answered_by=OTHER), problems=[said])


def with_variable(name, value, made=None):
    """A host whose processes have a variable of which the plan says nothing; without a value it is taken away."""
    shown = {"environment": {name: value}}
    return changed(made, server=shown, runner=shown)


# What lies around the unit, for the rows without a drop-in.
SNAP = {"manager": "snap", "path": "/snap/bin/ollama"}
HOLDER = {"port": 11434, "pid": 7, "program": "ollama", "unit": "snap.ollama.listener.service"}
AROUND = {
    "Address already in use.": partial(around, [SNAP], [], [HOLDER]),
    "A drop-in of which nothing acts.": partial(around, [], ["/etc/systemd/system/ollama.service.d"], []),
}

PLANS = {
    "After an upgrade of its libraries the driver fails.": failed_driver,
    "A thread count in the environment changes nothing.": lambda: plan(xeon()),
    "Bound to some CPUs, and slower than before.": lambda: plan(xeon()),
    "0.3 tokens/s under a quota or in a container.": lambda: plan(
        topology(cores=16, memory_gib=64, cpu_max="600000 100000")
    ),
    "Speed collapses while a backup or a compiler runs.": lambda: plan(xeon()),
    "Two sockets are slower than one.": lambda: plan(xeon()),
    "A node is bound by a strict memory policy.": lambda: plan(xeon(), numa_node=1),
    "Efficiency cores hold the others up.": lambda: plan(
        topology(cores=6, threads=2, efficiency_cores=8, memory_gib=32)
    ),
    "`distribute` beside a binding.": lambda: plan(xeon(), numa_node=1, environment={"LLAMA_ARG_NUMA": "distribute"}),
    "After a boot models run on the CPU; a restart cures it.": one_card,
    "After a suspend the card is gone.": one_card,
    "One of two cards is not seen.": lambda: cards(card(0), dead()),
    "A library is forced, and no card is left.": partial(one_card, environment={"OLLAMA_LLM_LIBRARY": "cuda"}),
    "After an upgrade to 0.30 an older card is not used.": lambda: cards(
        card(0, compute_capability="6.1"), driver="550.120"
    ),
    "MIG is on, and Ollama sees no card.": lambda: cards(
        card(0, memory_bytes=80 * GIB, mig={"enabled": True, "instances": []})
    ),
    "A processor's own graphics stay unused.": lambda: cards(
        card(
            0,
            vendor="amd",
            name="780M",
            compute_capability=None,
            gfx_target="gfx1103",
            integrated=True,
            memory_bytes=4 * GIB,
        )
    ),
    "A model is spread over all cards and gets slower.": lambda: cards(card(0), card(1)),
    "Host memory grows by 8 GiB a model, although it lies on the card.": one_card,
    "More slots or context, and layers leave the card.": partial(one_card, num_parallel=16, context_length=131072),
    "Requests of one model wait for each other.": partial(one_card, reference_models=[QWEN]),
    "Every load fails with a quantised cache.": partial(one_card, kv_cache_type="q8_0", flash_attention=False),
    "Room for other programs is not left.": one_card,
    "A limit on locked memory locks nothing.": one_card,
    "Models leave memory after five minutes.": partial(one_card, keep_alive="1d"),
    "The context stays at 4096.": one_card,
    "A value in the wrong case.": one_card,
    "All models are gone after a boot.": partial(one_card, models_path="/srv/models"),
    "Anybody can use the server.": lambda: plan(xeon(), host="0.0.0.0:11434"),
    "A variable that opens a shell.": partial(one_card, environment={"LLAMA_ARG_TOOLS": "all"}),
    "The server is older than the tuning.": lambda: plan(xeon(), "0.24.0"),
}

VERIFIED = {
    "A thread count in the environment changes nothing.": overridden,
    "Bound to some CPUs, and slower than before.": partial(
        changed, journal=journal(starts=[{"model": MODEL, "threads": {"used": 28}}])
    ),
    "0.3 tokens/s under a quota or in a container.": partial(seen_on, cpu_quotas=[QUOTA]),
    "Speed collapses while a backup or a compiler runs.": partial(
        changed, runner={"involuntary_switches": 9000, "cpu_seconds": 20.0, "longest_wait": BUSY}
    ),
    "Two sockets are slower than one.": partial(
        changed, server={"cpus_allowed": "0-55"}, runner={"cpus_allowed": "0-55"}
    ),
    "After a boot models run on the CPU; a restart cures it.": partial(
        seen_on,
        GPU,
        device_wait={"waited_seconds": 30.0, "missing": ["/dev/nvidia0"]},
        journal=journal(GPU, **CPU_ALONE),
    ),
    "After a suspend the card is gone.": partial(on_cards, **CPU_ALONE),
    "`ollama ps` says GPU, and the card idles.": without_layers,
    "One of two cards is not seen.": lambda: on_cards(devices=journal(GPU)["devices"][:1]),
    "A library is forced, and no card is left.": partial(with_variable, "OLLAMA_LLM_LIBRARY", "cuda", GPU),
    "After an upgrade to 0.30 an older card is not used.": partial(on_cards, **CPU_ALONE),
    "Host memory grows by 8 GiB a model, although it lies on the card.": partial(
        with_variable, "LLAMA_ARG_CACHE_RAM", None
    ),
    "Models leave memory after five minutes.": lambda: seen_on(
        journal=journal(server_config={**journal()["server_config"], "OLLAMA_KEEP_ALIVE": "5m0s"})
    ),
    "Settings are gone after an update.": partial(seen_on, dropins=[]),
    "Another drop-in wins.": overridden,
    "The unit was changed, and nothing happens.": partial(seen_on, need_daemon_reload=True),
    "Address already in use.": answered_by_another,
    "A variable that opens a shell.": partial(with_variable, "LLAMA_ARG_TOOLS", "all"),
    "The server is older than the tuning.": lambda: seen_on(api=api(version="0.24.0")),
}
