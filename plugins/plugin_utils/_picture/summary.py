# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines under the title: the hardware of a host in numbers, and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Host

_PLURALS = {"socket": "sockets", "node": "NUMA nodes", "cache": "last-level caches"}


def totals(host: Host) -> str:
    """``2 sockets, 28 cores, 56 CPUs, 2 NUMA nodes, 256 GiB of memory, no GPU``."""
    # The total of the machine includes the memory of a GPU that is a NUMA node; the host's does not.
    cpu, total = host.cpu, host.memory.get("host_bytes") or host.memory.get("total_bytes")
    threads = cpu.get("threads")
    return ", ".join(
        [
            _count(cpu.get("sockets"), "socket"),
            _count(cpu.get("cores"), "core"),
            _count(len(host.online) or None if threads is None else threads, "CPU"),
            _count(len(host.nodes) if host.nodes_known else None, "NUMA node"),
            "memory not read" if total is None else f"{bytes_of(total)} of memory",
            _count(len(host.gpus) if host.gpus_known else None, "GPU"),
        ]
    )


def _count(count: int | None, what: str) -> str:
    if count is None:
        return f"{what}s not read"
    return f"{count or 'no'} {what}{'' if count in (0, 1) else 's'}"


def remarks(host: Host, crossing: list[str], *, private_cache: bool) -> list[str]:
    """Sentences about what the boxes do not show."""
    lines = []
    kind = host.virtualization.get("kind")
    if host.virtualization.get("type") == "vm":
        lines.append(f"A virtual machine ({kind or 'of unknown kind'}): its sockets are the hypervisor's choice.")
    elif host.virtualization.get("type") == "container":
        lines.append(f"A container ({kind or 'of unknown kind'}).")
    limits = _limits(host)
    if limits:
        lines.append(f"A service may use {limits}.")
    if host.planned:
        used = [f"CPUs {host.running}"] if host.running else []
        used += [gpu.label for gpu in host.gpus if gpu.used]
        who = "The service runs" if len(host.servers) < 2 else f"{len(host.servers)} servers run"
        lines.append(f"{who} on {', '.join(used) or 'CPUs that are not known'}.")
        if len(host.servers) > 1:
            lines += [
                f"{name}: {f'CPUs {cpus}' if cpus else 'CPUs that are not known'}." for name, cpus in host.servers
            ]
    if private_cache:
        sizes = sorted({cache.facts.get("bytes") or 0 for cache in host.caches})
        lines.append(f"Each core has its own last-level cache ({', '.join(bytes_of(size) for size in sizes)}).")
    lines += [f"The CPUs of {_PLURALS[level]} overlap, so they are not drawn as boxes." for level in crossing]
    if host.online and host.cpus_known and not host.cores_known:
        lines.append("Which CPUs share a core was not read.")
    if host.problems:
        some = "One fact" if host.problems == 1 else f"{host.problems} facts"
        lines.append(f"{some} could not be read or are in doubt; the fact's problems say which.")
    return lines


def _limits(host: Host) -> str:
    limits, parts = host.allowed, []
    if host.barred:
        parts.append(f"CPUs {host.online - host.barred}")
    quota, memory = limits.get("cpu_quota"), limits.get("memory_bytes")
    if quota is not None:
        parts.append(f"the time of {quota:g} cores")
    if memory is not None:
        parts.append(f"{bytes_of(memory)} of memory")
    return ", ".join(parts)
