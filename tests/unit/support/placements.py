# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets of unlike hosts for models to be placed on: records as fleet_host returns them."""

from __future__ import annotations

import functools
import json

from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.member import fleet_host
from ansible_collections.inference.ollama.tests.unit.support.fits import dense
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, topology, workstation

GIB = 1 << 30
# Cards, bytes of each, compute capability, GiB of the host; none for a host without a card.
KINDS = {
    "laptop": (0, 0, None, 16),
    "server": (0, 0, None, 64),
    "large": (0, 0, None, 256),
    "small": (1, 8, "6.1", 32),
    "middle": (1, 12, "8.6", 32),
    "desk": (1, 16, "8.9", 64),
    "two": (2, 12, "8.6", 64),
    "studio": (1, 24, "8.6", 64),
    "pair": (2, 24, "8.9", 128),
    "half": (1, 48, "8.9", 128),
    "h100": (1, 80, "9.0", 128),
    "eight": (8, 80, "9.0", 512),
}
LAYERS = {"1b": (16, 2048, 8192), "3b": (28, 3072, 8192), "8b": (32, 4096, 14336), "14b": (48, 5120, 13824)}
LAYERS |= {"32b": (64, 5120, 27648), "70b": (80, 8192, 28672), "120b": (96, 10240, 35840)}


@functools.cache
def machine(kind):
    """The facts of a host of a kind, and its plan."""
    count, size, compute, memory = KINDS[kind]
    cards = [
        card(number, name=f"Card of {size} GiB", memory_bytes=size * GIB, free_bytes=size * GIB - (300 << 20))
        for number in range(count)
    ]
    cards = [{**each, "compute_capability": compute} for each in cards]
    shape = {"cores": 16, "threads": 2, "memory_gib": memory}
    facts = workstation(*cards, **shape) if count else topology({"gpus": []}, **shape)
    return facts, plan(facts)


@functools.cache
def model(size, vocabulary=128256):
    """The record of a model of a size, in four bits."""
    layers, width, forward = LAYERS[size]
    return dense(size, layers=layers, width=width, forward=forward, heads=width // 128, vocabulary=vocabulary)


def record_of(name, size, vocabulary=128256):
    """The same under another name."""
    return {**model(size, vocabulary), "name": name}


def host(kind, fleet, *there, loaded=(), domain=None, models=()):
    """The record of a host that has models in its store, and some of them in memory."""
    facts, made = machine(kind)
    running = [{"name": name, "size_bytes": 0, "size_vram_bytes": 0} for name in loaded]
    variables = {"fleet_models": fleet, "models": list(models), "objective": "balanced"}
    variables["domains"] = {} if domain is None else {"ollama_failure_domain": domain}
    return fleet_host({"models": list(there), "loaded": running, "problems": []}, facts, made, variables)


def fleet_of(number, models, domains=20):
    """So many hosts of all kinds in turn in so many racks, models of which the first hosts have the files: a mapping of
    names to the text of their records, and the fleet's models. ``models`` is a list of name, size and copies.
    """
    wanted = [{"name": name, "copies": copies} for name, _size, copies in models]
    names = list(KINDS)
    bare = {kind: host(kind, wanted) for kind in names}
    found = {}
    for place in range(number):
        record = {**bare[names[place % len(names)]], "domains": {"ollama_failure_domain": f"rack-{place % domains}"}}
        if place < len(models):
            name, size, _copies = models[place]
            record = {**record, "models": [record_of(name, size, 32000 + 512 * place)], "stored": []}
        found[f"node-{place}"] = record
    return {name: json.dumps(record) for name, record in found.items()}, wanted
