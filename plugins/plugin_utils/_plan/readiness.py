# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a server's cards are there when it starts, and stay in use: waiting, watching, coming back from a suspend.

Sources: docs/policy.md, rules R1 to R4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import READINESS
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import BESIDE, DIRECTIVE, ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

WATCH, RESUME = "gpu_watch", "gpu_resume"
# A dash: the server starts whatever comes of it. A plus: with all rights, to make device files and to record.
_SHELL = "-+/bin/sh"
USUAL_SECONDS = 30
_NVIDIA = "nvidia"
# Vendors whose device files the program knows.
_KNOWN = frozenset({_NVIDIA, "amd"})
# Words of /sys/power/state after which a driver has lost what was on its card.
_ASLEEP = frozenset({"mem", "disk"})


def devices(gpus: Iterable[Gpu]) -> list[str]:
    """The cards whose device files a server needs, each once, as the program names them: ``nvidia@0000:01:00.0``.

    A board's own GPU has a driver in the kernel, and files of other names.
    """
    found = (gpu for gpu in gpus if gpu.vendor in _KNOWN and gpu.pci_bus_id and not gpu.integrated)
    return list(dict.fromkeys(f"{gpu.vendor}@{gpu.pci_bus_id}" for gpu in found))


def cards_of(instance: Mapping[str, Any]) -> list[str]:
    """The same of an instance of a plan."""
    return [str(device) for device in instance.get("devices") or ()]


def waits(plan: Mapping[str, Any], instance: str) -> bool:
    """Whether a server of the plan waits for them."""
    return any(READINESS in command for command in views.directives(plan, instance).get(views.BEFORE) or ())


def keep_loaded(planning: Planning) -> None:
    """Decide whether the service that keeps the driver loaded starts with the server."""
    names = dict.fromkeys(gpu.maker.after for gpu in planning.gpus if gpu.maker.after and not gpu.integrated)
    reason = "not set: no driver's service keeps it loaded"
    if names:
        reason = (
            "starts with the server, so that the driver keeps its cards ready and their device files are there; without"
            " it each first use of a card waits for the driver; systemd passes it over where it is not installed"
        )
    planning.record(ORDER, "Wants", " ".join(names) or None, POLICY, reason)


def wait(planning: Planning, unit: str) -> None:
    """Decide how long a start waits for the device files of the cards."""
    option, cards = planning.policy.gpu_wait, devices(planning.gpus)
    seconds = USUAL_SECONDS if option is None else option
    source, value = (OPERATOR if option is not None else POLICY), None
    if not cards:
        source, reason = POLICY, "not set: the plan counts on no card whose device files have to come first"
    elif not seconds:
        reason = "not set: ollama_gpu_wait is 0"
    else:
        value = [_SHELL, READINESS, "wait", "--unit", unit, "--seconds", str(seconds), *cards]
        reason = (
            f"waits up to {seconds} s for the device files of {len(cards)} card(s), and starts the server without them"
            " then, with a line in the journal: one that starts before them runs on the CPUs until it is restarted"
        )
    planning.record(DIRECTIVE, views.BEFORE, value, source, reason)


def beside(planning: Planning, cards: list[Gpu]) -> None:
    """Decide on the units beside the servers: the timer that looks at them, and the one after a suspend."""
    _watch(planning, cards)
    _resume(planning, cards)


def _watch(planning: Planning, cards: list[Gpu]) -> None:
    policy, value, source = planning.policy, None, POLICY
    if not policy.gpu_watch:
        reason = "not set: ollama_gpu_watch is false"
    elif not devices(cards):
        planning.warn(
            "nothing-to-watch",
            "ollama_gpu_watch is true, and the servers of this host use no card that can be watched",
            "leave ollama_gpu_watch on false on this host",
        )
        reason = "not set: the servers use no card"
    else:
        value, source = policy.gpu_watch_interval, OPERATOR
        reason = (
            f"ollama_gpu_watch is true: looks every {value} s whether a server fell to the CPU, and repairs that at"
            f" most {policy.gpu_watch_repairs} time(s) an hour"
        )
    planning.record(BESIDE, WATCH, value, source, reason)


def _resume(planning: Planning, cards: list[Gpu]) -> None:
    option, machine = planning.policy.gpu_resume, planning.machine
    seconds = USUAL_SECONDS if planning.policy.gpu_wait is None else planning.policy.gpu_wait
    nvidia = [card for card in devices(cards) if card.startswith(f"{_NVIDIA}@")]
    value, source = None, POLICY if option is None else OPERATOR
    if option is False:
        reason = "not set: ollama_gpu_resume is false"
    elif not nvidia:
        source, reason = POLICY, "not set: no NVIDIA card, whose driver's module has to be loaded again"
    elif option is None and machine.sleep_states is None:
        reason = "not set: whether the host can sleep was not read"
    elif option is None and (machine.container or not _ASLEEP & set(machine.sleep_states or ())):
        reason = "not set: the host cannot be suspended"
    else:
        value = seconds
        why = "ollama_gpu_resume is true" if option else f"the host can sleep ({', '.join(machine.sleep_states or ())})"
        reason = (
            f"{why}: after a suspend NVIDIA's module for unified memory may have lost its cards; it is loaded again"
            " where nobody uses it, the servers are restarted, and their models brought back to the cards"
        )
    planning.record(BESIDE, RESUME, value, source, reason)
