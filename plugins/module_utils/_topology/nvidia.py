# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs from the best source that answers: NVIDIA's library (NVML), through nvidia-ml-py where that is
installed, else nvidia-smi, else files.

What the source leaves out comes from sysfs (NUMA node, and CPUs where the driver names none) and from the
compute capability (architecture; whether the GPU shares the host's memory).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._process import CUT, SAID
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_proc import (
    read_driver,
    read_proc,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import fill, find_card, gpu_entry
from ansible_collections.inference.ollama.plugins.module_utils._topology.virtualization import read_container

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml import Answer
    from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import PciDevice

# "CUDA GPU Compute Capability" of NVIDIA and the virtual architecture table of nvcc's manual.
_ARCHITECTURES = {
    "3": "Kepler",
    "5": "Maxwell",
    "6": "Pascal",
    "7.0": "Volta",
    "7.2": "Volta",
    "7.5": "Turing",
    "8": "Ampere",
    "8.9": "Ada",
    "9": "Hopper",
    "10": "Blackwell",
    "11": "Blackwell",
    "12": "Blackwell",
}

_MISSING = " is not installed"
_NVML_FAILED = "NVML failed: "
_LONGEST_CAUSE = 200

# Tegra, Jetson and GB10 (nvidia_boards.py, which only they need): each of these belongs to integrated GPUs alone.
_INTEGRATED = ("3.2", "5.3", "6.2", "7.2", "8.7", "11.0", "12.1")


def read_nvidia(
    root: Root, run: Runner | None, cards: list[PciDevice]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Entries in nvidia-smi's order and ``{driver, cuda, error}``, None without a driver.

    ``cards`` are NVIDIA's among the PCI devices. Every one of them is listed, answered for or not. Where
    there are none (a GPU behind WSL2 or on a Tegra board is on no PCI bus) a driver may still answer; then
    a tool that is missing or fails is no problem unless the host shows that it has such a GPU. An answer that
    cannot be understood always is one.
    """
    loaded = read_driver(root) is not None
    answer, problems = _ask(run, cards)
    gpus: list[dict[str, Any]] = answer[0] if answer is not None else []
    drivers: dict[str, Any] | None = None if answer is None else {**answer[1], "error": None}
    for gpu in gpus:
        fill(gpu, answers=True)
    boards = _unlisted(root, asked=answer is not None) if not cards and not gpus else []
    for problem in problems:
        if cards or loaded or gpus or boards or not _is_usual(problem):
            root.problem(problem)
    given_none = run is not None and answer is None and bool(cards) and _given_none(root)
    error = None
    if answer is None and not given_none and (boards or any(_may_answer(card) for card in cards)):
        error = next((cause(text) for text in reversed(problems) if not text.endswith(_MISSING)), None)
    if not gpus:
        # A driver that answers and counts no GPU (all excluded, or lost) still has its files.
        gpus, drivers = _from_files(root, cards, listed=answer is None)
        gpus += boards
        if error is not None:
            drivers = {"driver": None, "cuda": None, **(drivers or {}), "error": error}
    # Without a module of NVIDIA's no card has a driver that could list it.
    asked = answer is not None or given_none or (run is not None and not loaded and error is None)
    _complete(root, gpus, cards, asked=asked)
    return gpus, drivers


def _is_usual(problem: str) -> bool:
    """Whether a host without such a GPU says so too: a tool that is missing, or fails since it finds no driver."""
    return problem.endswith(_MISSING) or SAID in problem or problem.startswith(_NVML_FAILED)


def cause(problem: str) -> str:
    """The first line of what a failed program or library said, else the whole sentence."""
    said = problem.partition(SAID)[2] or problem.partition(_NVML_FAILED)[2] or problem
    first = next(filter(None, map(str.strip, said.splitlines())), "it said nothing")
    return first.partition(CUT)[0][:_LONGEST_CAUSE]


def _unlisted(root: Root, *, asked: bool) -> list[dict[str, Any]]:
    from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_boards import (  # noqa: PLC0415 compiled only where needed
        unlisted,
    )

    return unlisted(root, asked=asked)


def _given_none(root: Root) -> bool:
    """Whether this is a container that was given none of NVIDIA's devices; sysfs shows it the host's cards anyway."""
    return not root.exists("/dev/nvidiactl") and read_container(root) is not None


def _may_answer(card: PciDevice) -> bool:
    """Whether NVIDIA's driver has the card, or nothing has; others, as nouveau and vfio-pci, keep it from CUDA."""
    return card.driver in (None, "nvidia")


def _ask(run: Runner | None, cards: list[PciDevice]) -> tuple[Answer | None, list[str]]:
    problems: list[str] = []
    if run is None:
        return None, problems
    # Imported where they are asked: they are most of what there is to compile for a host with these cards.
    for source in (_nvml, _smi):
        answer, failure = source(run, [card.address for card in cards if _may_answer(card)])
        if answer is not None:
            return answer, problems + answer[2]
        if failure is not None:
            problems.append(failure)
    return None, problems


def _nvml(run: Runner, _addresses: list[str]) -> tuple[Answer | None, str | None]:
    from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml import (  # noqa: PLC0415 compiled only where needed
        read_nvml,
    )

    return read_nvml(run)


def _smi(run: Runner, addresses: list[str]) -> tuple[Answer | None, str | None]:
    from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_smi import (  # noqa: PLC0415 compiled only where needed
        read_smi,
    )

    return read_smi(run, addresses)


def _from_files(
    root: Root, cards: list[PciDevice], *, listed: bool
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The cards that files name; without ``listed`` a driver has said that it has none of them."""
    gpus, driver = read_proc(root, cards)
    if any(gpu["index"] is not None for gpu in gpus):
        root.problem(
            "NVIDIA GPUs were read from sysfs and /proc/driver/nvidia alone: "
            "memory, compute capability, display, MIG, NVLinks and CUDA version are unknown"
        )
    for gpu in gpus if not listed else ():
        gpu["index"] = None
    return gpus, None if driver is None else {"driver": driver, "cuda": None, "error": None}


def _complete(root: Root, gpus: list[dict[str, Any]], cards: list[PciDevice], *, asked: bool) -> None:
    by_address = {card.address: card for card in cards}
    for gpu in gpus:
        card = find_card(root, by_address, gpu["pci_bus_id"])
        by_address.pop(gpu["pci_bus_id"], None)
        if card is not None:
            fill(gpu, driver=card.driver, numa_node=card.numa_node, cpus=card.cpus, answers=_answers(card, asked=asked))
            if gpu["index"] is None or gpu["answers"] is False:
                _name_silent(root, card)
        _describe(root, gpu)
    for card in by_address.values():
        place = {"driver": card.driver, "numa_node": card.numa_node, "cpus": card.cpus}
        gpus.append(gpu_entry("nvidia", pci_bus_id=card.address, answers=_answers(card, asked=asked), **place))
        _name_silent(root, card)


def _describe(root: Root, gpu: dict[str, Any]) -> None:
    """What follows from the compute capability, and from the board where the driver does not say that."""
    if (gpu["answers"] and gpu["compute_capability"] is None) or gpu["pci_bus_id"] is None:
        from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_boards import (  # noqa: PLC0415 compiled only where needed
            complete,
        )

        complete(root, gpu)
    capability = gpu["compute_capability"]
    if capability is not None:
        gpu["architecture"] = architecture_of(capability) or gpu["architecture"]
        fill(gpu, integrated=capability in _INTEGRATED)
    if gpu["integrated"]:
        from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_boards import (  # noqa: PLC0415 compiled only where needed
            share,
        )

        share(root, gpu)
    elif gpu["integrated"] is False:
        # A NUMA node of a card's own memory (Grace Hopper, Grace Blackwell) is not the host's.
        gpu["shared_bytes"] = 0


def _answers(card: PciDevice, *, asked: bool) -> bool | None:
    """False for a card that the asked driver does not list, and for one of another driver, whatever was asked."""
    return False if asked or not _may_answer(card) else None


def _name_silent(root: Root, card: PciDevice) -> None:
    bound = f"bound to the driver {card.driver}" if card.driver else "bound to no driver"
    root.problem(f"{card.address}: an NVIDIA GPU, {bound}, for which the NVIDIA driver does not answer")


def architecture_of(capability: str) -> str | None:
    """``Pascal`` for ``6.1``; None for newer ones."""
    return _ARCHITECTURES.get(capability) or _ARCHITECTURES.get(capability.partition(".")[0])
