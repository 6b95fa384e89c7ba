# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs as NVML, the library of NVIDIA's driver, reports them.

Sizes are bytes, exactly as the driver counts them; nvidia_smi.py gives the same entries with sizes in whole
MiB, since that is all that nvidia-smi prints. Source: NVML API reference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import printable
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_values import (
    ADDRESS,
    LINK,
    UUID,
    VERSION,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import gpu_entry, sysfs_address
from ansible_collections.inference.ollama.plugins.module_utils._topology.vendors import NVML

if TYPE_CHECKING:
    import re

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

# GPUs, drivers.nvidia, and what went wrong in words.
_MOST_DIGITS = 20

Answer = tuple[list[dict[str, Any]], dict[str, Any], list[str]]


def read_nvml(run: Runner) -> tuple[Answer | None, str | None]:
    """Ask NVML in a process of its own: ``(answer, None)`` or ``(None, why not)``.

    ``(None, None)`` without the library, which is no problem: nvidia-smi, which needs it too, may come with its own.
    """
    outcome = run([NVML])
    if outcome.out is None:
        return None, f"NVML: {outcome.problem}"
    try:
        said = dict(json.loads(outcome.out.strip().splitlines()[-1], parse_int=_whole))
    except (ValueError, TypeError, IndexError, RecursionError):
        return None, f"NVML: read {outcome.out[:80]!r}, expected one JSON object"
    if "absent" in said or "failed" in said:
        return None, f"NVML failed: {str(said['failed'])[:200]}" if "failed" in said else None
    try:
        return parse(said), None
    except (LookupError, TypeError, ValueError) as error:
        # Half an answer is discarded: nvidia-smi may give a whole one.
        return None, f"NVML: read {outcome.out[:80]!r}, expected the facts of each GPU: {error}"


def _whole(text: str) -> int:
    # To make a number of a million digits takes minutes.
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def parse(said: dict[str, Any]) -> Answer:
    """Entries from what nvidia_ml_reader said; ValueError, TypeError or LookupError for anything else."""
    cuda = _checked(said, "cuda", int)
    drivers = {
        "driver": _checked(said, "driver", str, VERSION),
        "cuda": None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
    }
    gpus = [_entry(gpu, len(said["gpus"])) for gpu in said["gpus"]]
    return gpus, drivers, [f"NVML: {error}" for error in said["errors"]]


def _checked(said: dict[str, Any], key: str, kind: type, pattern: re.Pattern[str] | None = None) -> Any:  # noqa: ANN401
    """The value under a key if it is None or of the kind, and looks as it must; else ValueError."""
    value = said[key]
    # To Python True is a number.
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if kind is str and fits:
        fits = printable(value) and (pattern is None or pattern.fullmatch(value) is not None)
    if kind is int and fits:
        fits = 0 <= value < 1 << 63
    if value is not None and not fits:
        raise ValueError(f"{key} is {str(value)[:80]!r}")
    return value


def _entry(gpu: dict[str, Any], count: int) -> dict[str, Any]:
    capability, affinity = _checked(gpu, "compute_capability", list), _checked(gpu, "affinity", list)
    if not all(isinstance(number, int) for number in affinity or ()):
        raise ValueError(f"affinity is {str(affinity)[:80]!r}")
    address = _checked(gpu, "bus_id", str, ADDRESS)
    # Where NVML lacks a pair, all links are read from the PCI tree.
    links = [_link(link) for link in gpu["links"]]
    return gpu_entry(
        "nvidia",
        index=_checked(gpu, "index", int),
        name=_checked(gpu, "name", str),
        uuid=_checked(gpu, "uuid", str, UUID),
        pci_bus_id=sysfs_address(address),
        # Machines that were captured before say nothing of it.
        answers=not _checked({"lost": None, **gpu}, "lost", bool),
        memory_bytes=_checked(gpu, "memory_bytes", int),
        free_bytes=_checked(gpu, "free_bytes", int),
        memory_bandwidth_bytes_per_second=_bandwidth(gpu),
        compute_capability=None if capability is None else "{:d}.{:d}".format(*capability),
        cpus=str(CpuSet(affinity)) if affinity else None,
        display_active=_checked(gpu, "display_active", bool),
        persistence_mode=_checked(gpu, "persistence_mode", bool),
        mig=_mig(_checked(gpu, "mig", dict)),
        links=links if len(links) == count - 1 else None,
    )


def _bandwidth(gpu: dict[str, Any]) -> int | None:
    """What all pins of the memory bus carry at the greatest clock: two bits each a cycle, as NVML counts cycles."""
    # Machines that were captured before have neither.
    gpu = {"memory_clock_mhz": None, "memory_bus_bits": None, **gpu}
    clock, width = _checked(gpu, "memory_clock_mhz", int), _checked(gpu, "memory_bus_bits", int)
    return 2 * clock * 1_000_000 * width // 8 if clock and width else None


def _mig(mig: dict[str, Any] | None) -> dict[str, Any] | None:
    if mig is None:
        return None
    instances = [
        {
            "name": _checked(instance, "name", str),
            "uuid": _checked(instance, "uuid", str, UUID),
            "memory_bytes": _checked(instance, "memory_bytes", int),
        }
        for instance in mig["instances"]
    ]
    return {"enabled": _checked(mig, "enabled", bool), "instances": instances}


def _link(link: dict[str, Any]) -> dict[str, Any]:
    return {"to": _checked(link, "to", int), "kind": _checked(link, "kind", str, LINK)}
