# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which devices a server could place models, how much of each is free, and what its environment asks for.

Which cards count, and through which library, is the plan's rule (_plan/gpu.py, _plan/served.py); what a value means is
the contract's (_values.py). Sources: docs/placement.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._models import memory as of_models
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import environment, gpu
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import GIB
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Machine
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import parse
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._values import (
    GO_FALSE,
    LLAMA_BOOLEAN,
    LLAMA_TRUE,
    integer,
)

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load, ModelMemory
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

MIB = 1 << 20
CPU = "cpu"
SPREAD, OVERHEAD = "OLLAMA_SCHED_SPREAD", "OLLAMA_GPU_OVERHEAD"
FIT, TARGET = "LLAMA_ARG_FIT", "LLAMA_ARG_FIT_TARGET"
LAYERS, SHARES = "LLAMA_ARG_N_GPU_LAYERS", "LLAMA_ARG_TENSOR_SPLIT"
# Variables of llama-server that move tensors and that no figure here knows of.
_UNCOUNTED = (
    "LLAMA_ARG_CPU_MOE",
    "LLAMA_ARG_DEVICE",
    "LLAMA_ARG_KV_OFFLOAD",
    "LLAMA_ARG_MAIN_GPU",
    "LLAMA_ARG_N_CPU_FFN",
    "LLAMA_ARG_N_CPU_MOE",
    "LLAMA_ARG_OVERRIDE_TENSOR",
    "LLAMA_ARG_SPLIT_MODE",
)
# What a process takes of a card that is older than any that is known better: nvidia-smi showed about so much more than
# the parts of a model on two cards of compute capability 6.1.
_OLD, _OLD_BYTES = (7, 0), 96 * MIB
# LLAMA_ARG_FIT_TARGET where it is unset (common/common.h@b11434).
FIT_TARGET_BYTES = 1024 * MIB


@dataclass(frozen=True)
class Device:
    """A card as the server sees it, in the order of the topology. ``free`` and ``memory`` are bytes; a card whose
    memory could not be read has 0 free, because nothing may be placed on a guess. ``own`` are the bytes that
    are not the host's, None for a card that shares none.
    """

    key: str
    name: str
    library: str
    memory: int | None
    free: int
    integrated: bool = False
    compute: tuple[int, int] | None = None
    own: int | None = None

    def shared(self, taken: int) -> int:
        """How many of the bytes that models take of the card are the host's."""
        return 0 if self.own is None else max(0, taken - self.own)


def runtime_bytes(device: Device) -> int:
    """What the process of a model takes of a card beside the model."""
    if device.compute is not None and device.compute < _OLD:
        return _OLD_BYTES
    return of_models.runtime_bytes(device.compute)


@dataclass(frozen=True)
class Host:
    """The host's memory: bytes that a new program could have, swap that is free, all of it. None: not read."""

    free: int | None
    swap: int = 0
    total: int | None = None


@dataclass(frozen=True)
class Options:
    """What the server's environment asks for; None where it leaves the choice to the server.

    ``overhead`` is what OLLAMA_GPU_OVERHEAD keeps free of each card in bytes. ``targets`` are the bytes that
    llama-server's fit leaves free, one number for every card or one for each; ``layers`` what LLAMA_ARG_N_GPU_LAYERS
    says (-1: left to the fit, -2: all), ``shares`` the cards' shares of LLAMA_ARG_TENSOR_SPLIT. ``named_target``: the
    operator names the bytes that stay free.
    """

    context: int | None = None
    parallel: int | None = None
    loaded: int | None = None
    spread: bool = False
    overhead: int = 0
    targets: tuple[int, ...] = (FIT_TARGET_BYTES,)
    fit: bool = True
    layers: int = -1
    shares: tuple[float, ...] = ()
    named_target: bool = False

    def target(self, index: int) -> int:
        """Bytes that stay free of the card of this index; a list that is too short leaves the default for the rest."""
        if len(self.targets) == 1:
            return self.targets[0]
        return self.targets[index] if index < len(self.targets) else FIT_TARGET_BYTES


@dataclass(frozen=True)
class Inputs:
    """Everything that a placement depends on beside the models."""

    release: Release
    devices: tuple[Device, ...]
    host: Host
    options: Options
    planning: Planning
    warnings: tuple[str, ...] = field(default=())
    # What a model takes, for those who ask about few models on many servers to look it up.
    memory: Callable[[Mapping[str, Any], Load], ModelMemory] = of_models.model_memory

    @property
    def fits_itself(self) -> bool:
        """Whether models run in llama-server, which fits its layers itself."""
        return self.planning.reached("llama_server")

    @property
    def default_context(self) -> int:
        """Tokens of a slot where nobody sets them (server/routes.go, envconfig/config.go)."""
        if not self.planning.reached("context_by_gpu_memory"):
            return 4096 if self.planning.reached("context_4096") else 2048
        sizes = [(device.memory or 0) - self.options.overhead for device in self.devices]
        # The server counts in unsigned numbers: an overhead above a card's memory makes a very large one of it.
        total = sum(sizes) % (1 << 64)
        return 262144 if total >= 47 * GIB else 32768 if total >= 23 * GIB else 4096


def read_inputs(topology: Mapping[str, Any], settings: Mapping[str, Any], release: str) -> Inputs:
    """Devices, memory and options of a server of this release with this environment on this host.

    Raises OllamaError where the topology, the settings or the release are of another form than they have to be. A
    setting whose value is wrong is left out, with a warning.
    """
    if not isinstance(settings, Mapping):
        raise OllamaError("settings: expected a mapping of environment variables to values")
    if not isinstance(release, str):
        raise OllamaError("release: expected a text such as '0.34.1'; quote it")
    installed = parse_release(release)
    machine = Machine(topology)
    policy, errors = parse({"environment": settings})
    policy, wrong, found = environment.ready(policy, installed)
    texts = [text.replace("ollama_environment: ", "settings: ") for text in errors]
    texts += [text.replace("ollama_environment.", "") for text in wrong]
    texts += [entry["message"] for entry in found]
    planning = Planning(machine, policy, installed, load(), memory_bytes=machine.memory_bytes)
    cards = gpu.one_process(planning, gpu.wanted(planning, gpu.usable(planning)))
    planning = replace(planning, gpus=tuple(cards))
    options = _options(planning, policy, {str(name): str(value) for name, value in settings.items()})
    devices, unknown = _devices(topology, machine, cards)
    host, missing = _host(topology, machine)
    moved = [name for name in _UNCOUNTED if name in policy.environment]
    texts += [f"{name} is set, and the figures here do not know what it moves" for name in moved]
    texts += planning.notes.errors + [entry["message"] for entry in planning.notes.warnings] + unknown + missing
    return Inputs(installed, tuple(devices), host, options, planning, tuple(texts))


def _options(planning: Planning, policy: Policy, settings: Mapping[str, str]) -> Options:
    free = policy.environment
    options = Options(
        context=policy.context_length,
        parallel=policy.num_parallel,
        loaded=policy.max_loaded_models or None,
        spread=_on(settings.get(SPREAD, "")),
        # The release that no longer places by it still counts it for the default context.
        overhead=integer(settings.get(OVERHEAD, "").strip()) or 0,
    )
    if not planning.reached("llama_server"):
        return options
    targets = tuple(int(part) * MIB for part in free.get(TARGET, "").split(",") if part.isdigit())
    layers = free.get(LAYERS, "auto")
    number = integer(layers)
    shares = free.get(SHARES, "")
    return replace(
        options,
        targets=targets or options.targets,
        named_target=bool(targets),
        fit=free.get(FIT, "1") in LLAMA_TRUE if free.get(FIT, "1") in LLAMA_BOOLEAN else True,
        layers=-2 if layers == "all" else -1 if number is None else number,
        shares=tuple(float(part) for part in shares.split(",")) if shares else (),
    )


def _on(value: str) -> bool:
    """What the server makes of a boolean: any text that it does not know switches it on (envconfig/config.go)."""
    text = value.strip().strip("\"'")
    return bool(text) and text not in GO_FALSE


def _devices(topology: Mapping[str, Any], machine: Machine, cards: list[Gpu]) -> tuple[list[Device], list[str]]:
    """The cards that count, in the order of the topology, and a sentence for each whose figures are missing."""
    free: dict[str, int | None] = {}
    for entry, card in zip(topology.get("gpus") or [], machine.gpus):
        free[card.address] = entry.get("free_bytes")
        parts = (entry.get("mig") or {}).get("instances") or []
        free.update({part.address: one.get("free_bytes") for one, part in zip(parts, card.partitions)})
    devices, said, names = [], [], set()
    for number, card in enumerate(cards):
        left, memory = free.get(card.address), card.memory_bytes
        if left is None and memory is None:
            said.append(f"the memory of {card.name} could not be read, so nothing is placed on it")
        elif left is None:
            said.append(f"the free memory of {card.name} could not be read; all of its memory is taken to be free")
        key = card.uuid or card.address
        key = f"{key} ({number})" if key in names else key
        names.add(key)
        known = memory if left is None else left if memory is None else min(left, memory)
        own = max(0, (memory or 0) - card.shared_bytes) if card.shared_bytes else None
        size, library = max(0, known or 0), card.library or card.vendor
        devices.append(Device(key, card.name, library, memory, size, card.integrated, card.compute, own))
    return devices, said


def _host(topology: Mapping[str, Any], machine: Machine) -> tuple[Host, list[str]]:
    memory = topology.get("memory") or {}
    available, total = memory.get("available_bytes"), machine.memory_bytes
    swap = memory.get("swap_free_bytes") or 0
    if available is None and total is None:
        return Host(None, swap), ["the host's memory could not be read, so nobody knows whether the CPUs' part fits"]
    if available is None:
        return Host(total, swap, total), ["the host's available memory was not read; all of it is taken to be free"]
    # A control group may hold the service to less than the host has.
    return Host(available if total is None else min(available, total), swap, total), []
