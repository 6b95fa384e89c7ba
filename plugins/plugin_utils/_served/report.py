# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a host's models in a run, as data and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._change import CHANGED, UNCHANGED
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import listed
from ansible_collections.inference.ollama.plugins.plugin_utils._served.steps import CREATE, PULL, REMOVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FIRST_TOKEN = "time_to_first_token_ms"  # noqa: S105 - a metric of the module benchmark
_DONE = {PULL: "pulled", CREATE: "created", REMOVE: "removed"}
_VERBS = {PULL: "pull", CREATE: "create", REMOVE: "remove"}


def models_report(
    change: Mapping[str, Any],
    brought: Iterable[Mapping[str, Any]],
    loaded: Iterable[Mapping[str, Any]] = (),
    *,
    check_mode: bool = False,
) -> dict[str, Any]:
    """Return what change_report() gave with its key ``models``: ``{pulled, created, removed, loaded}``.

    ``brought`` and ``loaded`` are results of the module model, each with the step or the load as ``item``. ``loaded``
    are ``{unit, model, time_to_first_token_ms}``, the time None where it was not measured. A dry run has none of it.
    """
    made: dict[str, list[Any]] = {"pulled": [], "created": [], "removed": [], "loaded": []}
    for result in brought:
        name, state = result["item"]["name"], result["item"]["state"]
        if result.get("changed") and name not in made[_DONE[state]]:
            made[_DONE[state]].append(name)
    for result in loaded:
        if result.get("changed"):
            item, times = result["item"], result.get(FIRST_TOKEN) or {}
            time = times.get(item["name"]) if isinstance(times, dict) else None
            made["loaded"].append({"unit": item["unit"], "model": item["name"], FIRST_TOKEN: time})
    acted = any(made.values()) and change["outcome"] == UNCHANGED and not check_mode
    return {**change, "outcome": CHANGED if acted else change["outcome"], "models": made}


def models_clauses(models: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what became of models, for the summary of a run."""
    for done in _DONE.values():
        names = (models or {}).get(done) or []
        if names:
            yield f"{done}: {listed(names)}"
    loads = (models or {}).get("loaded") or []
    if loads:
        yield f"loaded: {listed([_loaded(load) for load in loads])}"


def models_pending(served: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what is to become of models, by what desired_state() has decided."""
    steps = [*(served or {}).get("early", ()), *(served or {}).get("steps", ())]
    for state, verb in _VERBS.items():
        names = [step["name"] for step in steps if step["state"] == state]
        if names:
            yield f"{verb} {listed(names)}"
    loads = [load["name"] for load in (served or {}).get("loads", ())]
    if loads:
        yield f"load {listed(loads)}"


def _loaded(load: Mapping[str, Any]) -> str:
    time = load[FIRST_TOKEN]
    return f"{load['model']}{'' if time is None else f' (first token after {time / 1000:.1f} s)'}"
