# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that a server has: their digests, what it shows of one, names that are added and taken away.

docs/api.md and server/routes.go of Ollama 0.32.15: /api/tags, /api/show, /api/copy and /api/delete.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.failures import Failure
from ansible_collections.inference.ollama.plugins.module_utils._models.names import shortened
from ansible_collections.inference.ollama.plugins.module_utils._models.parameters import Canonical, lines, shown

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._models.server import Server

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
# The lines before the template name the files of the weights (server/images.go, Model.String).
_FROM = re.compile(r'FROM "?(/.*)/blobs/sha256-([0-9a-f]{64})"?')


class Entry(NamedTuple):
    """A model as /api/tags has it: its name there, and the digest of its manifest in hex."""

    name: str
    digest: Optional[str]


class Shown(NamedTuple):
    """A model as /api/show has it. ``weights`` are the digests of its files, ``store`` is the folder of all models."""

    parameters: Canonical
    template: str
    system: str
    parent: str
    weights: Tuple[str, ...]
    store: Optional[str]


class Library:
    """The models of one server. Methods raise OllamaError with a name, or with the address where it says nothing."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def entries(self) -> dict[str, Entry]:
        """Each model by its shortened name."""
        try:
            models = self.server.ask("GET", "/api/tags").get("models")
        except Failure as failure:
            raise OllamaError(failure.sentence("the models of the server were not read")) from None
        found = {}
        for model in models if isinstance(models, list) else []:
            name = model.get("name") or model.get("model") if isinstance(model, dict) else None
            if isinstance(name, str):
                match = _DIGEST.fullmatch(str(model.get("digest")))
                found[shortened(name)] = Entry(name, None if match is None else match[1].lower())
        return found

    def entry(self, name: str) -> Entry | None:
        """The model of a name; None where the server has none."""
        return self.entries().get(shortened(name))

    def show(self, name: str) -> Shown | None:
        """What the server shows of a model; None where it has none of the name."""
        try:
            said = self.server.ask("POST", "/api/show", {"model": name, "name": name})
        except Failure as failure:
            if failure.status == 404:
                return None
            raise OllamaError(failure.sentence(f"model {name}: the server does not show it")) from None
        details = said.get("details")
        files = _files(_text(said, "modelfile"))
        return Shown(
            shown(said.get("parameters")),
            _text(said, "template"),
            _text(said, "system"),
            _text(details, "parent_model") if isinstance(details, dict) else "",
            tuple(digest for _folder, digest in files),
            files[0][0] if files else None,
        )

    def copy(self, source: str, destination: str) -> None:
        self._do(f"model {source}: it was not copied to {destination}", "POST", "/api/copy", source, destination)

    def delete(self, name: str) -> None:
        self._do(f"model {name}: it was not removed", "DELETE", "/api/delete", name)

    def store(self) -> str | None:
        """The folder of the store, where the server is on this host and shows a model of it."""
        if not self.server.is_local:
            return None
        for entry in list(self.entries().values())[:3]:
            shown_model = self.show(entry.name)
            if shown_model is not None and shown_model.store is not None:
                return shown_model.store
        return None

    def _do(self, what: str, method: str, path: str, name: str, destination: str | None = None) -> None:
        body = {"model": name, "name": name}
        if destination is not None:
            body = {"source": name, "destination": destination}
        try:
            self.server.ask(method, path, body)
        except Failure as failure:
            raise OllamaError(failure.sentence(what)) from None


def _files(modelfile: str) -> list[tuple[str, str]]:
    """Folder of the store and digest of each file of weights that a Modelfile names before its texts."""
    found = []
    for line in modelfile.splitlines()[:1000]:
        match = _FROM.fullmatch(line)
        if match is not None:
            found.append((match[1], match[2]))
        elif line and not line.startswith(("#", "FROM")):
            break
    return found


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""


def described(entry: Entry | None, model: Shown | None) -> str:
    """A model as a difference shows it: name, digest, parameters, template and system; empty where there is none."""
    if entry is None:
        return ""
    found = [f"name: {entry.name}", f"digest: {'not known yet' if entry.digest is None else entry.digest}"]
    if model is not None:
        found += ["parameters:", *(f"  {line}" for line in lines(model.parameters))] if model.parameters else []
        for key in ("template", "system"):
            text = getattr(model, key)
            found += [f"{key}:", *(f"  {line}" for line in text.splitlines())] if text else []
    return "\n".join([*found, ""])
