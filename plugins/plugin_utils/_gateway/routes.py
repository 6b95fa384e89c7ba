# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of Ollama by what they do, and how the model that one is about is named.

Source: server/routes.go@0.32.15; what has come since 0.5.13 by comparison with 0.5.13, 0.13.2, 0.13.3 and 0.14.0.
Whatever is not here needs an admin key, so an endpoint that a release adds is closed until it is entered here.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

# What an endpoint does: answer with a model, say what a server has, change what it has.
INFERENCE, READ, MANAGEMENT = "inference", "read", "management"
# Where the model's name is: fields of a body that is JSON, a form, the last part of the path.
BODY, BODY_OR_NAME, FORM, PATH = "model", "model or name", "form", "path"


class Route(NamedTuple):
    """An endpoint. ``path`` ends in ``/`` where one more part follows; ``model`` is None where it is about none.

    ``since`` is the first release with it, None for one that every supported release has; ``seen`` is true where only
    the release is known that it was read in.
    """

    methods: Tuple[str, ...]
    path: str
    kind: str
    model: Optional[str] = None
    since: Optional[str] = None
    seen: bool = False


_GET, _READ, _POST = ("GET",), ("GET", "HEAD"), ("POST",)
ROUTES: Tuple[Route, ...] = (
    Route(_POST, "/api/chat", INFERENCE, BODY),
    Route(_POST, "/api/embed", INFERENCE, BODY),
    Route(_POST, "/api/embeddings", INFERENCE, BODY),
    Route(_POST, "/api/generate", INFERENCE, BODY),
    Route(_POST, "/v1/audio/transcriptions", INFERENCE, FORM, "0.32.15", seen=True),
    Route(_POST, "/v1/chat/completions", INFERENCE, BODY),
    Route(_POST, "/v1/completions", INFERENCE, BODY),
    Route(_POST, "/v1/embeddings", INFERENCE, BODY),
    Route(_POST, "/v1/messages", INFERENCE, BODY, "0.14.0"),
    Route(_POST, "/v1/responses", INFERENCE, BODY, "0.13.3"),
    Route(_POST, "/v1/systemone", INFERENCE, BODY, "0.35.0"),
    Route(_READ, "/", READ),
    Route(_GET, "/api/experimental/model-recommendations", READ, None, "0.32.15", seen=True),
    Route(_GET, "/api/ps", READ),
    Route(_POST, "/api/show", READ, BODY_OR_NAME),
    Route(_GET, "/api/status", READ, None, "0.32.15", seen=True),
    Route(_READ, "/api/tags", READ),
    Route(_READ, "/api/version", READ),
    Route(_GET, "/v1/models", READ),
    Route(_GET, "/v1/models/", READ, PATH),
    Route(_READ, "/api/blobs/", MANAGEMENT),
    Route(_POST, "/api/blobs/", MANAGEMENT),
    Route(_POST, "/api/copy", MANAGEMENT),
    Route(_POST, "/api/create", MANAGEMENT),
    Route(("DELETE",), "/api/delete", MANAGEMENT),
    # These two use the account that the server's host has with the vendor, and tell about it.
    Route(_POST, "/api/experimental/web_fetch", MANAGEMENT, None, "0.32.15", seen=True),
    Route(_POST, "/api/experimental/web_search", MANAGEMENT, None, "0.32.15", seen=True),
    Route(_POST, "/api/me", MANAGEMENT, None, "0.13.2", seen=True),
    Route(_POST, "/api/pull", MANAGEMENT),
    Route(_POST, "/api/push", MANAGEMENT),
    Route(_POST, "/api/signout", MANAGEMENT, None, "0.13.2", seen=True),
    Route(("DELETE",), "/api/user/keys/", MANAGEMENT, None, "0.13.2", seen=True),
)


def paths(*, kind: Optional[str] = None, model: Optional[str] = None, method: str) -> list[str]:
    """Return the whole paths with this method, of a kind, or with a model that is named in this way."""
    return [
        route.path
        for route in ROUTES
        if method in route.methods
        and (kind is None or route.kind == kind)
        and (model is None or route.model == model)
        and (route.path == "/" or not route.path.endswith("/"))
    ]
