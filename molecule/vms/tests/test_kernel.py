# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the kernel that an operator has asked for: they act now, and will after a boot."""

from __future__ import annotations

import pytest


@pytest.mark.on(variable="ollama_transparent_hugepage")
def test_kernel_gives_huge_pages_as_asked_for(host, variables):
    mode = variables["ollama_transparent_hugepage"]
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    assert f"[{mode}]" in host.file(path).content_string
    assert host.file("/etc/tmpfiles.d/ollama.conf").contains(f"^w.* {path} .* {mode}$")


@pytest.mark.on(variable="ollama_numa_balancing")
def test_kernel_leaves_pages_on_their_node_as_asked_for(host, variables):
    value = int(variables["ollama_numa_balancing"])
    assert host.sysctl("kernel.numa_balancing") == value
    assert host.file("/etc/sysctl.d/90-ollama.conf").contains(f"^kernel.numa_balancing *= *{value}$")
