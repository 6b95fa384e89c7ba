# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The legend of a picture, with the signs that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import KINDS
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import KIND_LOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Host

_WIDTH, _HEIGHT = 22, 16


def legend(host: Host, levels: set[str], limit: int) -> list[svg.Block]:
    """Samples with their meaning, as many in a row as fit; empty if there is nothing to explain.

    ``levels`` are the boxes that were drawn.
    """
    items = [
        svg.row([svg.fixed(_WIDTH, _HEIGHT, sample), svg.label(words, "small")], 8, stretch=False)
        for sample, words in [*_cpus(host), *_boxes(host, levels)]
    ]
    return [svg.column([svg.label("Legend", "head"), svg.flow(items, limit, 18, 4, stretch=False)], 4)] if items else []


def _cpus(host: Host) -> Iterator[tuple[str, str]]:
    if any(len(core) > 1 for core in host.cores):
        yield svg.rect("core", _WIDTH, _HEIGHT, 3), "a core around the logical CPUs that share it (SMT siblings)"
    elif host.cores and not host.cores_known:
        yield svg.rect("core", _WIDTH, _HEIGHT, 3), "a logical CPU; which of them share a core was not read"
    present = {host.kinds.get(cpu, "unread") for cpu in host.online - host.barred - host.running}
    running = {host.kinds.get(cpu, "unread") for cpu in host.running}
    for kind in (*KINDS, "unread"):
        if kind in present:
            yield _cell(kind, kind), _kind_words(kind)
        if kind in running:
            yield _cell(kind, f"{kind} run"), f"{_kind_words(kind)}: the service runs here"
    if host.barred:
        slash = f'<path class="slash" d="M2 {_HEIGHT - 2}L{_WIDTH - 2} 2"/>'
        yield _cell("uniform", "barred") + slash, "the service may not use it"
    if host.isolated & host.online:
        yield _cell("uniform", "uniform isolated"), "isolated from the scheduler's balancing"
    if host.offline:
        yield _cell("uniform", "offline"), "offline"


def _kind_words(kind: str) -> str:
    words = {"uniform": "a CPU", "unread": "a CPU whose kind was not read"}
    return words.get(kind, f"a CPU of {'an' if kind[0] in 'aeiou' else 'a'} {kind.replace('_', '-')} core")


def _cell(kind: str, classes: str) -> str:
    return svg.rect(classes, _WIDTH, _HEIGHT, _HEIGHT * KIND_LOOKS[kind][3])


def _boxes(host: Host, levels: set[str]) -> Iterator[tuple[str, str]]:
    if "cache" in levels:
        yield svg.rect("box cache", _WIDTH, _HEIGHT, 3), "CPUs that share a last-level cache"
    bare = {bool(node.facts.get("gpu_memory")) for node in host.nodes if not node.cpus}
    if False in bare:
        yield svg.rect("box node bare", _WIDTH, _HEIGHT, 3), "a node without CPUs"
    if True in bare:
        yield svg.rect("box gpumem bare", _WIDTH, _HEIGHT, 3), "a node that is a GPU's memory"
    if any(node.facts.get("memory_bytes") and node.facts.get("free_bytes") is not None for node in host.nodes):
        used = svg.rect("used", 9, 6, 3, (0, 5))
        yield svg.rect("bar", _WIDTH, 6, 3, (0, 5)) + used, "memory, the filled part in use"
    if any(gpu.used for gpu in host.gpus):
        yield svg.rect("band run", _WIDTH, _HEIGHT, 3), "a GPU that the service uses"
