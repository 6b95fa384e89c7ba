# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is wanted of models can be: files that are there, room for all pulls together, memory for what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.room import room_for
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._models.fits import stays
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of, listed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import LOADED
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import environment
from ansible_collections.inference.ollama.plugins.plugin_utils._served.servers import kept
from ansible_collections.inference.ollama.plugins.plugin_utils._served.steps import REMOVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._served.servers import Server
    from ansible_collections.inference.ollama.plugins.plugin_utils._served.steps import Files, Step
    from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import ServedModel

_LONGEST = 300


def file_errors(wanted: Iterable[ServedModel], files: Files) -> Iterator[str]:
    """Yield why a file of the controller cannot be used."""
    for model in wanted:
        found = files.known.get(model.file) if model.file else None
        if found is None:
            continue
        if found.get("problem"):
            why = one_line(str(found["problem"]), _LONGEST)
            yield f"ollama_models: {model.where}, file: {why}; allowed is a GGUF file that the controller can read"
        elif model.sha256 and found.get("sha256") not in (None, model.sha256):
            yield (
                f"ollama_models: {model.where}, sha256: {model.file} has {found['sha256']}, and {model.sha256} is"
                " wanted; name the right file, or its sum"
            )


def room_errors(store: Mapping[str, Any] | None, steps: Sequence[Step], files: Files) -> Iterator[str]:
    """Yield why a store has no room for all that is to come, as far as its size is known."""
    sizes = {step.model.name: files.size(step.model) or 0 for step in steps if step.state != REMOVE}
    needed = [name for name, size in sizes.items() if size]
    problem = room_for(store or {}, sum(sizes.values()))
    if problem:
        yield f"ollama_models: {listed(needed)} {'is' if len(needed) == 1 else 'are'} to come: {problem}"


def keep_errors(plan: Mapping[str, Any], servers: Iterable[Server]) -> Iterator[str]:
    """Yield where a server holds fewer models in memory than are to stay there."""
    for server in servers:
        names = [model.name for model in kept(server)]
        most = environment(plan, server.name).get(LOADED)
        if most and str(most).isdecimal() and 0 < int(most) < len(names):
            yield (
                f"ollama_models: keep of {listed(names)}: {server.name} holds {most} models in memory at most"
                f" ({LOADED}), and would take one out for the next; keep {most}, or raise ollama_max_loaded_models"
            )


def keep_notices(
    plan: Mapping[str, Any],
    topology: Mapping[str, Any],
    servers: Iterable[Server],
    records: Mapping[str, Mapping[str, Any]],
) -> Iterator[str]:
    """Yield where models that are to stay in memory do not fit it together, of those that the store has."""
    for server in servers:
        wanted = [records[key_of(model.name)] for model in kept(server) if key_of(model.name) in records]
        try:
            lost = stays(wanted, topology, plan, server.name) if wanted else []
        except OllamaError:
            # Facts of another form say nothing here, and the plan was made with them.
            lost = []
        if lost:
            yield (
                f"{listed([str(record['name']) for record in wanted])} {'are' if len(wanted) > 1 else 'is'} to stay in"
                f" memory of {server.name}, and {listed(lost)} {'do' if len(lost) > 1 else 'does'} not fit beside the"
                " others; keep fewer, or smaller ones (ollama_models)"
            )
