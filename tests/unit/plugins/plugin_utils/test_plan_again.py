# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan does not follow from an earlier one: the host with its files and a running server is planned as before."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.plugin_utils._files import unit_files
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_dropin, render_slice
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.plans import instances
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

GROUPS = "/sys/fs/cgroup"
ETC = "/etc/systemd/system"
UNIT = {f"{ETC}/ollama.service": "[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama\n"}
DROPIN = f"{ETC}/ollama.service.d/limits.conf"
SOCKETS = {"sockets": 2, "cores": 8, "threads": 2, "nodes": 4, "memory_gib": 32}


def topology(folder):
    return gather(Root(folder), None, set(SUBSETS))


@pytest.mark.parametrize("options", [{}, {"slice": "llm.slice"}, {"slice": "none"}, {"objective": "throughput"}])
@pytest.mark.parametrize(
    ("files", "memory"),
    [
        ({}, None),
        ({DROPIN: "[Service]\nCPUQuota=400%\nMemoryMax=16G\nAllowedCPUs=0-7"}, 16 << 30),
        ({f"{ETC}/ollama.slice.d/limits.conf": "[Slice]\nMemoryMax=8G\nCPUQuota=300%"}, None),
        ({f"{ETC}/system.slice.d/limits.conf": "[Slice]\nMemoryMax=25%"}, None),
        ({DROPIN: "[Service]\nSlice=ai-llm.slice", f"{ETC}/ai.slice.d/a.conf": "[Slice]\nMemoryMax=12G"}, None),
    ],
)
def test_the_second_run_plans_what_the_first_one_did(tmp_path, options, files, memory):
    """Neither the files of the role nor the groups of a running server with other values change it."""
    folder = Machine(**SOCKETS).write(tmp_path)
    plant(tmp_path, {**UNIT, **files})
    first = make_plan(topology(folder), options, "0.34.1")
    for path in (entry["path"] for entry in unit_files(first, "override.conf")):
        names = [server["name"] for server in instances(first) if f"/{server['unit']}.d/" in path]
        text = render_dropin(first, names[0]) if names else render_slice(first) if ".slice.d/" in path else ""
        if text:
            plant(tmp_path, {path: text})
    for server in instances(first):
        group = f"{GROUPS}/{server['directives'].get('Slice', 'system.slice')}/{server['unit']}"
        plant(
            tmp_path,
            {f"{group}/cpu.max": "150000 100000", f"{group}/memory.max": "4096", f"{group}/cpuset.cpus.effective": "0"},
        )
    second = make_plan(topology(folder), options, "0.34.1")
    assert instances(second) == instances(first)
    assert second["slice"] == first["slice"]
    if memory is not None:
        assert sum(server["memory_bytes"] for server in instances(first)) == memory
