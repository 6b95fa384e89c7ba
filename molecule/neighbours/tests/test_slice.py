# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service is in a slice of its own at the root, whose weight the kernel has."""

from __future__ import annotations

SLICE = "ollama.slice"
# cpu.shares of version 1 for a weight of 100, which every group has that nobody gave another one.
SHARES = 1024


def test_service_is_in_the_slice(host):
    """systemd has moved it there, with everything that it starts."""
    assert host.service("ollama.service").systemd_properties["ControlGroup"] == f"/{SLICE}/ollama.service"


def test_kernel_has_the_weight_of_the_slice(host):
    """It is greater than that of other slices, in whichever version of control groups has the CPUs."""
    weight = int(host.service(SLICE).systemd_properties["CPUWeight"])
    assert weight > 100
    old, new = (host.file(f"/sys/fs/cgroup/{path}") for path in (f"cpu/{SLICE}/cpu.shares", f"{SLICE}/cpu.weight"))
    if old.exists:
        assert int(old.content_string) == weight * SHARES // 100
    else:
        assert int(new.content_string) == weight
