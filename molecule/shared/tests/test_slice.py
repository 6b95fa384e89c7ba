# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slice that protects the CPUs of a server without GPU, as systemd and the kernel have it."""

from __future__ import annotations

import re

import pytest

SLICE = "ollama.slice"


@pytest.fixture(scope="module")
def planned(drop_in, variables):
    """Skip a host with GPUs, which has no slice."""
    if f"Slice={SLICE}" not in drop_in.content_string:
        assert variables.get("lab_gpus") or not variables.get("lab_machine"), f"{drop_in.path} names no slice"
        pytest.skip("models run on GPUs here")


@pytest.mark.usefixtures("planned")
def test_server_runs_in_a_slice_directly_below_the_root(slices, host, server):
    assert slices["ControlGroup"] == f"/{SLICE}/ollama.service"
    assert f"/{SLICE}/ollama.service" in host.file(f"/proc/{server['pid']}/cgroup").content_string


@pytest.mark.usefixtures("planned")
def test_slice_has_the_weight_of_its_drop_in(slices):
    """For systemd, and in the control group itself."""
    (text,) = slices["files"].values()
    (weight,) = re.findall(r"(?m)^CPUWeight=(\d+)$", text)
    assert slices["CPUWeight"] == weight
    assert slices["weight"] == [int(weight)]
