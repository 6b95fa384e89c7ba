# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which model goes to which backend, and how many requests may wait for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.names import backend_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.keys import Key
    from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.upstreams import Upstream

# The backend of models that are routed nowhere else, where some servers have any model.
ANY = "any"
# How many requests wait for each slot, where an operator does not say.
_WAITING = 4


class Backend(NamedTuple):
    """``model`` is empty for the backend of all others."""

    name: str
    model: str
    servers: Tuple[Upstream, ...]
    queue: int


class Routing(NamedTuple):
    """``routed`` is false where every server takes any model, ``open`` true where some do.

    ``models`` are all that a map must know, in their short form; ``backend_of`` is by model.
    """

    routed: bool
    open: bool
    servers: Tuple[Upstream, ...]
    queue: int
    backends: Tuple[Backend, ...]
    models: Tuple[str, ...]
    backend_of: Dict[str, str]


def route(servers: Sequence[Upstream], keys: Sequence[Key], queue: int | None) -> Routing:
    """Return the backends; ``queue`` is how many requests may wait for each, None for a few for each slot."""

    def waiting(group: Sequence[Upstream]) -> int:
        return _WAITING * sum(each.slots for each in group) if queue is None else queue

    served = sorted({model for each in servers for model in each.models or ()})
    anything = tuple(each for each in servers if each.models is None)
    routed = len(anything) < len(servers)
    backends = []
    for number, model in enumerate(served if routed else [], 1):
        group = tuple(each for each in servers if each.models is None or model in each.models)
        backends.append(Backend(backend_name(number), model, group, waiting(group)))
    backend_of = {each.model: each.name for each in backends}
    if routed and anything:
        backends.append(Backend(ANY, "", anything, waiting(anything)))
    known = sorted({*served, *(model for key in keys for model in key.models or ())})
    return Routing(routed, bool(anything), tuple(servers), waiting(servers), tuple(backends), tuple(known), backend_of)
