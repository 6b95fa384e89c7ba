# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for small machines, and what they say."""

from __future__ import annotations

import copy
import functools
import json
import tempfile

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine

OLLAMA = {"binary": "/usr/local/bin/ollama", "version": "0.34.1", "unit": {"name": "ollama.service", "dropins": []}}
SOFTWARE = {"systemd": 252, "numactl": "/usr/bin/numactl", "ollama": OLLAMA}


@functools.cache
def _read(shape):
    with tempfile.TemporaryDirectory() as folder:
        return gather(Root(Machine(**json.loads(shape)).write(folder)), None, set(SUBSETS))


def topology(facts=None, **shape):
    """The topology of a generated machine with Ollama 0.34.1, numactl and no problems, and some facts put in."""
    found = copy.deepcopy(_read(json.dumps(shape, sort_keys=True)))
    found.update({"software": copy.deepcopy(SOFTWARE), "problems": [], **(facts or {})})
    return found


def xeon(**facts):
    """Two sockets of 14 cores with SMT on two nodes of 128 GiB."""
    return topology(facts, sockets=2, cores=14, threads=2, nodes=2, memory_gib=128)


def card(index=0, **facts):
    """Return an NVIDIA card of 8 GiB and compute capability 8.6, with other facts where given."""
    return {
        "vendor": "nvidia",
        "index": index,
        "name": f"Card {index}",
        "uuid": f"GPU-00000000-0000-4000-8000-00000000000{index}",
        "pci_bus_id": f"0000:0{index + 3}:00.0",
        "answers": True,
        "memory_bytes": 8 << 30,
        "shared_bytes": 0,
        "compute_capability": "8.6",
        "display_active": False,
        "integrated": False,
        **facts,
    }


def workstation(*gpus, driver="580.65.06", **shape):
    """One socket with the cards given."""
    drivers = {"nvidia": {"driver": driver, "cuda": "13.0", "error": None}, "amd": None}
    return topology({"gpus": list(gpus), "drivers": drivers}, **{"cores": 6, "threads": 2, **shape})


def plan(machine, release="0.34.1", **options):
    """The plan as make_plan gives it."""
    return make_plan(machine, options, release)


def instances(made):
    """The instances of a plan with the views of their decisions."""
    return [
        {
            **server,
            "environment": views.environment(made, server["name"]),
            "directives": views.directives(made, server["name"]),
            "order": views.order(made, server["name"]),
        }
        for server in views.servers(made)
    ]


def environment(machine, release="0.34.1", **options):
    """The environment of the only instance."""
    return instances(plan(machine, release, **options))[0]["environment"]


def decision(made, setting):
    """The decision on one setting."""
    (found,) = [entry for entry in made["decisions"] if entry["setting"] == setting]
    return found


def codes(made):
    """The codes of the warnings, in order."""
    return [warning["code"] for warning in made["warnings"]]
