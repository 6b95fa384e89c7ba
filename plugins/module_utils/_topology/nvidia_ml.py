# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs as NVML tells them through nvidia-ml-py, which is optional on a target.

Sizes are bytes, exactly as the driver counts them; nvidia_smi.py gives the same entries with sizes in whole
MiB, since that is all that nvidia-smi prints. Source: NVML API reference.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._topology import nvidia_ml_child
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import gpu_entry, sysfs_address

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

# GPUs, drivers.nvidia, and what went wrong in words.
Answer = tuple[list[dict[str, Any]], dict[str, Any], list[str]]


def read_nvml(run: Runner) -> tuple[Answer | None, str | None]:
    """Ask NVML in a second Python: ``(answer, None)`` or ``(None, why not)``.

    ``(None, None)`` without nvidia-ml-py, which is nothing to complain of.
    """
    try:
        program = inspect.getsource(nvidia_ml_child)
    except OSError as error:
        return None, f"NVML was not asked: {error}"
    outcome = run([sys.executable, "-c", program])
    if outcome.out is None:
        # The program's text is part of the command that the runner names.
        return None, "NVML: " + (outcome.problem or "").replace(program, "(nvidia-ml-py)")
    try:
        said = json.loads(outcome.out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return None, f"NVML: read {outcome.out[:80]!r}, expected one JSON object"
    if "absent" in said:
        return None, None
    if "failed" in said:
        return None, f"NVML failed: {said['failed']}"
    return parse(said), None


def parse(said: dict[str, Any]) -> Answer:
    """Entries from what nvidia_ml_child printed."""
    cuda = said["cuda"]
    drivers = {
        "driver": said["driver"],
        "cuda": None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
    }
    return [_entry(gpu) for gpu in said["gpus"]], drivers, [f"NVML: {error}" for error in said["errors"]]


def _entry(gpu: dict[str, Any]) -> dict[str, Any]:
    capability, affinity = gpu["compute_capability"], gpu["affinity"]
    same = (
        "index",
        "name",
        "uuid",
        "memory_bytes",
        "free_bytes",
        "persistence_mode",
        "display_active",
        "mig",
        "links",
    )
    return gpu_entry(
        "nvidia",
        pci_bus_id=sysfs_address(gpu["bus_id"]),
        compute_capability=None if capability is None else "{}.{}".format(*capability),
        cpus=str(CpuSet(affinity)) if affinity else None,
        **{key: gpu[key] for key in same},
    )


__all__ = ("Answer", "parse", "read_nvml")
