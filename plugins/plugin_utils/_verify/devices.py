# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the server found the planned cards, and whether models run on them.

discover/ of Ollama: without a card the server logs one device "cpu" and goes on, slow and without an error.
/api/ps: size_vram is the part of a model on GPUs, 0 for none.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import number, text

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import Case, Check

_ADDRESS = re.compile(r"^[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7]$")
_FOUND, _USED = "gpus_found", "gpu_in_use"
# What the server logs of a card that it does not take, and what to do about it.
_REASONS = {
    "driver-too-old": "upgrade the driver, or let the plan choose an older library (ollama_version, then site)",
    "gpu-dropped": "the release does not serve this card, or OLLAMA_LLM_LIBRARY names a library without kernels for it",
    "visible-devices": "a variable hides cards: look for *_VISIBLE_DEVICES in the files of the unit",
    "no-gpu": "look whether nvidia-smi or rocm-smi sees the card, and restart the service once it does",
}


def look(case: Case) -> list[Check]:
    """Both answers on a server that shall have cards, none on one that shall not."""
    return [_found(case), _used(case)] if case.planned["gpus"] else []


def _found(case: Case) -> Check:
    wanted = [str(card) for card in case.planned["gpus"]]
    planned, journal = ", ".join(wanted), case.state.journal
    evidence = f"the lines 'inference compute' in the log of {case.unit}"
    if journal is None or journal.devices is None:
        return case.unread(_FOUND, planned, evidence, "journalctl", "invocation")
    cards = [device for device in journal.devices if _library(device) != "cpu"]
    seen = ", ".join(_name(card) for card in cards) or "only the CPU"
    if not cards:
        return case.fails(_FOUND, planned, seen, *_why(case, evidence))
    addresses = {_address(text(card.get("pci_id")) or "") for card in cards}
    # A partition has no address of its own, and releases before 0.12.4 log none.
    known = [card for card in wanted if _ADDRESS.search(card)] if "" not in addresses else []
    missing = [card for card in known if _address(card) not in addresses]
    if missing or len(cards) < len(wanted):
        lost = f"; not {', '.join(missing)}" if missing else ""
        return case.fails(_FOUND, planned, seen + lost, *_why(case, evidence))
    return case.passes(_FOUND, planned, seen, evidence)


def _used(case: Case) -> Check:
    planned, evidence = "models on the GPU", f"/api/ps of {case.planned['url']}"
    models = case.state.models
    if models is None:
        return case.unread(_USED, planned, evidence, "/api/ps")
    read = [(_label(model), number(model.get("size_bytes")), number(model.get("size_vram_bytes"))) for model in models]
    sizes = [(name, size, vram) for name, size, vram in read if size is not None and size > 0 and vram is not None]
    if not models:
        remedy = "send the server a request, and verify while the model is in memory"
        return case.unknown(_USED, planned, None, f"{evidence}: no model is in memory", remedy)
    seen = ", ".join(f"{name} {min(100, 100 * vram // size)} %" for name, size, vram in sizes)
    if any(vram <= 0 for _name, _size, vram in sizes):
        evidence, remedy = _why(case, evidence)
        return case.fails(_USED, planned, seen, evidence, f"{remedy}; num_gpu 0 in a request does it too")
    if len(sizes) < len(models):
        return case.unread(_USED, planned, f"the sizes in {evidence}", "/api/ps")
    return case.passes(_USED, planned, seen, evidence)


def _why(case: Case, evidence: str) -> tuple[str, str]:
    """Evidence and remedy by what the server logged of cards that it did not take."""
    warnings = case.state.journal.warnings if case.state.journal else ()
    for code, line in warnings:
        if code in _REASONS:
            return f"{evidence}: {line}", _REASONS[code]
    return evidence, f"look whether the driver works (nvidia-smi, rocm-smi); then {cause.restart(case)}"


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


__all__ = ("look",)
