# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the template of HAProxy's configuration prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._gateway import places
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway import routes
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.keys import USUAL_PRIORITY
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.upstreams import weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.routing import Backend, Routing
    from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.upstreams import Upstream
    from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.wanted import Wanted

# How long the header of a request may be, as in Ollama's own server for its answers.
HEADER_BYTES = 16384
# What a buffer keeps for headers that grow (configuration manual, tune.maxrewrite), and for the parts of a message.
_SPARE_BYTES = 8192
# A check may take so many seconds; with a model so many, since it waits for a slot like any request.
_CHECK_SECONDS, _MODEL_SECONDS = 5, 120
# A model is asked at most this often.
_MODEL_INTERVAL = 30
_ERRORS = (
    (400, "the request is malformed"),
    (408, "the request took too long to arrive"),
    (500, "the gateway failed"),
    (502, "the server ended before its answer did, or the answer is malformed"),
    (503, "no server is free in time, or none answers"),
    (504, "the server was silent for too long"),
)
_BALANCES = {
    "leastconn": "    balance leastconn",
    # The servers change for as few keys as can be where one comes or goes.
    "key": "    balance hdr(X-Ollama-Key-Name)\n    hash-type consistent",
}


def config_values(wanted: Wanted, routing: Routing) -> dict[str, Any]:
    """Return the values of ``haproxy.cfg.j2``."""
    scaled = weights(routing.servers)
    model = wanted["check_model"]
    return {
        **{name: wanted[name] for name in _PLAIN},
        "user": "haproxy",
        "run_folder": places.GATEWAY_RUN_FOLDER,
        "socket": places.GATEWAY_SOCKET,
        "state_file": places.GATEWAY_STATE,
        "header_bytes": HEADER_BYTES,
        "bufsize": wanted["body_bytes"] + HEADER_BYTES + _SPARE_BYTES,
        "client_timeout": 2 * wanted["request_timeout"],
        "usual_priority": USUAL_PRIORITY,
        "tls": f" ssl crt {wanted['certificate']} alpn h2,http/1.1" if wanted["certificate"] else "",
        "errors": [{"status": status, "text": text} for status, text in _ERRORS],
        "binds": [each.text for each in wanted.binds],
        "metrics_binds": [each.text for each in wanted.metrics_binds],
        "balance": _BALANCES[wanted["balance"]],
        "routes": _routes(),
        "routed": routing.routed,
        "open": routing.open,
        "full": _full(routing.queue),
        "check_model": model,
        "check_body": _check_body(model),
        "check_timeout": _MODEL_SECONDS if model else _CHECK_SECONDS,
        "check_interval": max(wanted["check_interval"], _MODEL_INTERVAL) if model else wanted["check_interval"],
        "servers": _servers(routing.servers, scaled),
        "backends": [_backend(each, scaled) for each in routing.backends],
    }


_PLAIN = (
    "body_bytes",
    "connections",
    "connections_per_address",
    "idle_timeout",
    "max_body_bytes",
    "queue_timeout",
    "request_timeout",
    "stop_timeout",
)


def _backend(backend: Backend, scaled: Mapping[str, int]) -> dict[str, Any]:
    about = f"The servers that have {backend.model}." if backend.model else "Servers that have any model."
    return {
        "name": backend.name,
        "about": about,
        "full": _full(backend.queue),
        "servers": _servers(backend.servers, scaled),
    }


def _full(queue: int) -> str:
    """The condition under which one more request is not taken."""
    return f"{{ queue ge {queue} }}" if queue else "{ be_conn_free le 0 }"


def _servers(servers: Sequence[Upstream], scaled: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "place": f"[{each.address}]:{each.port}" if ":" in each.address else f"{each.address}:{each.port}",
            "slots": each.slots,
            "weight": scaled[each.name],
        }
        for each in servers
    ]


def _routes() -> dict[str, Any]:
    """The paths of each kind; what is left needs an admin key."""
    (named,) = (route.path for route in routes.ROUTES if route.model == routes.PATH)
    return {
        "inference": routes.paths(kind=routes.INFERENCE, model=routes.BODY, method="POST"),
        "form": routes.paths(kind=routes.INFERENCE, model=routes.FORM, method="POST"),
        "show": routes.paths(kind=routes.READ, model=routes.BODY_OR_NAME, method="POST"),
        "got": routes.paths(kind=routes.READ, method="GET"),
        "headed": routes.paths(kind=routes.READ, method="HEAD"),
        "named": named,
    }


def _check_body(model: str | None) -> str:
    """The question for one token, without what HAProxy's single quotes do not take: a name has none of it."""
    return json.dumps({"model": model, "prompt": "1", "stream": False, "options": {"num_predict": 1}})
