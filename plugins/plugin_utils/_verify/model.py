# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the model that was to be loaded for the verification answers, and the memory is as before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Load
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, rows, text, texts

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Check, Subject

LOADS = "model_loads"
_LONGEST = 400


def load_of(loads: Mapping[str, Any] | None, unit: str) -> Load | None:
    """The outcome of the load on this server; None where none was wanted."""
    if not loads:
        return None
    name = text(loads.get("model")) or "?"
    loaded, left = (_result(loads.get(part), unit) for part in ("loaded", "left"))
    # A result without the time that it took is of a module that failed.
    return Load(
        name,
        texts(loads.get("not_loadable")),
        None if loaded is None or "seconds" in loaded else _message(loaded),
        None if left is None or "seconds" in left else _message(left),
    )


def check_loads(subject: Subject) -> Check | None:
    """Fail where the model did not answer; unknown where it was not loaded, or what was in memory is not back."""
    load = subject.load
    if load is None:
        return None
    place = f"POST {subject.planned['url']}/api/generate"
    if load.not_loaded:
        evidence = f"{load.model} was not loaded: {', '.join(load.not_loaded)} failed"
        return subject.unknown(LOADS, load.model, None, evidence, "do what these checks say first, and verify again")
    if load.problem is not None:
        remedy = f"journalctl -u {subject.unit} shows why; ollama run {load.model} tries it by hand"
        return subject.fails(LOADS, load.model, "no answer", f"{place}: {load.problem}", remedy)
    if load.left is not None:
        remedy = "ollama ps shows what is in memory; requests of its clients bring back what is missing"
        return subject.unknown(LOADS, load.model, "the memory is not as before", load.left, remedy)
    return subject.passes(LOADS, load.model, load.model, place)


def _result(results: object, unit: str) -> Mapping[str, Any] | None:
    """The result of this server in a loop, in which a loop over results has its item one level deeper."""
    for result in rows(results):
        item = mapping(result.get("item"))
        if (item.get("unit") or mapping(item.get("item")).get("unit")) == unit:
            return result
    return None


def _message(result: Mapping[str, Any]) -> str:
    return (text(result.get("msg")) or "it did not say why")[:_LONGEST]
