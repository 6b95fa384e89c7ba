# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the server found the planned cards, and whether models run on them.

discover/ of Ollama: without a card the server logs one device "cpu" and goes on, slow and without an error.
/api/ps: size_vram is what the server has reckoned to put on GPUs: 0 is nothing, and more is no proof, since a server
without any card reports it too. A runner logs how many layers it has put there, and the driver lists who has memory of
a card (_service/placed.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.inference.ollama.plugins.module_utils._service.placed import CPU, placed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import BEFORE
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import VENDORS
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, number, text

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Check, Subject

_ADDRESS = re.compile(r"^[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7]$")
_TOOLS = [vendor.tool for vendor in VENDORS.values() if vendor.tool]
FOUND, USED, NODES = "gpus_found", "gpu_in_use", "gpu_device_files"
# The word of the command that waits for them (_plan/readiness.py).
NODES_PART = "wait"
# What the server logs of a card that it does not take, and what to do about it.
_REASONS = {
    "driver-too-old": "upgrade the driver, or let the plan choose an older library (ollama_version, then site)",
    "gpu-dropped": (
        "the release does not serve this card (an integrated one only with OLLAMA_IGPU_ENABLE=1), or OLLAMA_LLM_LIBRARY"
        " names a library without kernels for it"
    ),
    "visible-devices": "a variable hides cards: look for *_VISIBLE_DEVICES in the files of the unit",
    "no-gpu": f"look whether {' or '.join(_TOOLS)} sees the card, and restart the service once it does",
}


def check_found(subject: Subject) -> Check | None:
    """The cards that the server logged; None for a server without planned cards."""
    if not subject.planned["gpus"]:
        return None
    wanted = [str(card) for card in subject.planned["gpus"]]
    planned, journal = ", ".join(wanted), subject.observed.journal
    evidence = f"the lines 'inference compute' in the log of {subject.unit}"
    if journal is None or journal.devices is None:
        return subject.unread(FOUND, planned, evidence, "journalctl", "invocation")
    cards = [device for device in journal.devices if _library(device) != "cpu"]
    seen = ", ".join(_name(card) for card in cards) or "only the CPU"
    if not cards:
        return subject.fails(FOUND, planned, seen, *_why(subject, evidence))
    addresses = {_address(text(card.get("pci_id")) or "") for card in cards}
    # A partition has no address of its own, and releases before 0.12.4 log none.
    known = [card for card in wanted if _ADDRESS.search(card)] if "" not in addresses else []
    missing = [card for card in known if _address(card) not in addresses]
    if missing or len(cards) < len(wanted):
        lost = f"; not {', '.join(missing)}" if missing else ""
        return subject.fails(FOUND, planned, seen + lost, *_why(subject, evidence))
    return subject.passes(FOUND, planned, seen, evidence)


def check_used(subject: Subject) -> Check | None:
    """The part of each loaded model on cards; None for a server without planned cards."""
    if not subject.planned["gpus"]:
        return None
    planned, evidence = "models on the GPU", f"/api/ps of {subject.planned['url']}"
    models = subject.observed.models
    if models is None:
        return subject.unread(USED, planned, evidence, "/api/ps")
    read = [(_label(model), number(model.get("size_bytes")), number(model.get("size_vram_bytes"))) for model in models]
    sizes = [(name, size, vram) for name, size, vram in read if size is not None and size > 0 and vram is not None]
    if not models:
        remedy = "send the server a request, and verify while the model is in memory"
        return subject.unknown(USED, planned, None, f"{evidence}: no model is in memory", remedy)
    seen = ", ".join(f"{name} {min(100, 100 * vram // size)} %" for name, size, vram in sizes)
    if any(vram <= 0 for _name, _size, vram in sizes):
        evidence, remedy = _why(subject, evidence)
        return subject.fails(USED, planned, seen, evidence, f"{remedy}; num_gpu 0 in a request does it too")
    if len(sizes) < len(models):
        return subject.unread(USED, planned, f"the sizes in {evidence}", "/api/ps")
    return _offloaded(subject, planned, seen)


def _offloaded(subject: Subject, planned: str, reckoned: str) -> Check:
    """Where each runner is, where the sizes of all models say that something is on a card."""
    journal, log = subject.observed.journal, f"the log of {subject.unit}"
    found = journal.devices if journal else None
    if found is not None and all(_library(device) == "cpu" for device in found):
        evidence, remedy = _why(subject, f"the lines 'inference compute' in {log}")
        return subject.fails(USED, planned, "only the CPU", evidence, remedy)
    runners = subject.observed.runners
    said = [mapping(subject.observed.start_of(runner).get("offloaded")) for runner in runners]
    layers = [(number(each.get("layers")), number(each.get("of"))) for each in said]
    seen = ", ".join([reckoned, *(f"{count} of {of} layers" for count, of in layers if count is not None)])
    places = [placed(runner.pid, runner.gpu, count) for runner, (count, _of) in zip(runners, layers)]
    fallen = [place.evidence for place in places if place.where == CPU]
    if fallen:
        evidence, remedy = _why(subject, _in_log(fallen[0], log))
        return subject.fails(USED, planned, seen, evidence, f"{remedy}; num_gpu 0 in a request does it too")
    unclear = [runner for runner, place in zip(runners, places) if place.where is None]
    if not runners or unclear:
        why = f"{subject.unit} has no runner that was read"
        if unclear:
            unlogged = f"{log} has no line 'offloaded' of the runner {unclear[0].pid}"
            why = subject.observed.out_of_reach(unclear[0]) or unlogged
        evidence = f"{why}, and the size in /api/ps alone is no proof: a server without any card reports one too"
        remedy = (
            f"look whether the runner has memory of a card ({', '.join(_TOOLS)}), or load the model again and verify"
        )
        return subject.unknown(USED, planned, seen, evidence, remedy)
    words = list(dict.fromkeys(_in_log(place.evidence, log) for place in places))
    return subject.passes(USED, planned, seen, f"/api/ps of {subject.planned['url']}, {', '.join(words)}")


def _in_log(evidence: str, log: str) -> str:
    return f"{evidence} in {log}" if evidence.startswith("the line ") else evidence


def check_nodes(subject: Subject) -> Check | None:
    """The device files that the start waited for; None where the plan lets it wait for none."""
    commands = subject.directives.get(BEFORE) or ()
    if not any(str(word) == NODES_PART for command in commands for word in command):
        return None
    planned, missing = "all device files at the start", subject.observed.missing_devices
    evidence = f"what the last start of {subject.unit} recorded in /run/inference.ollama"
    if missing is None:
        remedy = f"{cause.restart(subject)}; journalctl -u {subject.unit} shows why nothing was recorded"
        return subject.unknown(NODES, planned, None, f"{evidence} was not there", remedy)
    if missing:
        remedy = (
            f"look whether the driver is loaded ({', '.join(_TOOLS)}), let it make its files at boot"
            f" (nvidia-persistenced, nvidia-modprobe, udev), or raise ollama_gpu_wait; then {cause.restart(subject)}"
        )
        return subject.fails(NODES, planned, f"not {', '.join(missing)}", evidence, remedy)
    return subject.passes(NODES, planned, planned, evidence)


def _why(subject: Subject, evidence: str) -> tuple[str, str]:
    """Evidence and remedy by what the server logged of cards that it did not take."""
    warnings = subject.observed.journal.warnings if subject.observed.journal else ()
    for code, line in warnings:
        if code in _REASONS:
            return f"{evidence}: {line}", _REASONS[code]
    return evidence, f"look whether the driver works ({', '.join(_TOOLS)}); then {cause.restart(subject)}"


def _address(card: str) -> str:
    """A PCI address without the zeros that some tools write before the domain."""
    return card.lower()[-12:]


def _library(device: Mapping[str, Any]) -> str:
    return (text(device.get("library")) or text(device.get("id")) or "").lower()


def _name(device: Mapping[str, Any]) -> str:
    words = (text(device.get(key)) for key in ("name", "pci_id", "library"))
    return " ".join(word for word in words if word)


def _label(model: Mapping[str, Any]) -> str:
    return text(model.get("name")) or "?"
