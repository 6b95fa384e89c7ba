# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server with models, as far as the module model uses it, and the registry that it pulls from, on one port."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import re
import threading
from urllib.parse import unquote

from ansible_collections.inference.ollama.tests.unit.support.web import serving_by

STORE = "/srv/models"
LLAMA = "llama3.2:3b"


def digest_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Shelf:
    """What the server has, does and was asked.

    ``models`` maps full names to models, ``registry`` names to ``{weights, size, ...}``; ``scripts`` are answers of the
    next pulls in place of the true ones: lists of lines, each an object, bytes, ``"cut"`` or ``"hang"``. ``broken``
    maps ``"METHOD path"`` to a status and an error.
    """

    def __init__(self, **registry):
        self.registry = {name.replace("__", "."): entry for name, entry in registry.items()}
        self.models, self.blobs, self.asked = {}, {}, []
        self.scripts, self.broken, self.memory = [], {}, {}
        self.rewrites, self.reaches = True, False
        self.over = threading.Event()

    def has(self, name, weights="w1", **texts):
        """Put a model there."""
        entry = {"weights": digest_of(weights), "parameters": {}, "template": "T", "system": "", "parent": ""}
        self.models[full(name)] = {**entry, **texts}

    def digest(self, name):
        """The digest of a model as the server says it."""
        return digest_of(self.manifest(self.models[full(name)]))

    @staticmethod
    def manifest(model):
        """A manifest that is another one for another model."""
        layers = [("model", model["weights"], model.get("size", 100)), ("system", digest_of(json.dumps(model)), 0)]
        said = [
            {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}", "size": size}
            for kind, digest, size in layers
        ]
        return json.dumps({"schemaVersion": 2, "config": {}, "layers": said})

    def offer(self, name):
        """The model that the registry has."""
        entry = self.registry[full(name)]
        model = {"weights": digest_of(entry.get("weights", "w1")), "parameters": entry.get("parameters", {})}
        model.update(template="T", system="", parent="", size=entry.get("size", 100))
        return model

    def pull(self, name):
        """The lines of a pull that goes well."""
        yield {"status": "pulling manifest"}
        if full(name) not in self.registry:
            yield {"error": "pull model manifest: file does not exist"}
            return
        model = self.offer(name)
        size, layer = model["size"], f"sha256:{model['weights']}"
        for done in (0, size // 2, size):
            yield {"status": "pulling x", "digest": layer, "total": size, **({"completed": done} if done else {})}
        self.models[full(name)] = model
        yield {"status": "success"}

    def create(self, body):
        """The lines of a creation."""
        asked = {key: body.get(key) for key in ("template", "system") if body.get(key)}
        if "from" in body:
            base = self.models[full(body["from"])]
            kept = {**base, "parent": full(body["from"])}
        else:
            digest = next(iter(body["files"].values()), "").partition(":")[2]
            weights = digest_of(f"{digest} again") if self.rewrites else digest
            kept = {"weights": weights, "parameters": {}, "template": "G", "system": "", "parent": ""}
        parameters = {**kept["parameters"], **body.get("parameters", {})}
        self.models[full(body["model"])] = {**kept, **asked, "parameters": parameters}
        yield {"status": "writing manifest"}
        yield {"status": "success"}

    def show(self, name):
        model = self.models[full(name)]
        pairs = [(key, each) for key, value in model["parameters"].items() for each in _each(value)]
        modelfile = f"# FROM x\n\nFROM {STORE}/blobs/sha256-{model['weights']}\nTEMPLATE FROM /etc/passwd\n"
        return {
            "modelfile": modelfile,
            "parameters": "\n".join(f"{key:<30} {_go(value)}" for key, value in pairs),
            "template": model["template"],
            "system": model["system"],
            "details": {"parent_model": model["parent"]},
        }


def _each(value):
    return value if isinstance(value, list) else [value]


def _go(value):
    """About as Go shows it."""
    return json.dumps(value) if isinstance(value, (str, bool)) else f"{float(value):.17g}"


def full(name):
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def did(shelf):
    """What was asked for that has changed something."""
    asked = [asked for asked, _body in shelf.asked if asked.startswith(("POST", "DELETE"))]
    return [each for each in asked if each != "POST /api/show"]


def shelving(shelf):
    """The address of the server, in a context."""
    return serving_by(type("Bound", (Handler,), {"shelf": shelf}), shelf.over)


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    shelf: Shelf

    def log_message(self, *_args):
        """Requests are not logged."""

    def do_GET(self):
        self._answer("GET", {})

    def do_HEAD(self):
        self._answer("HEAD", {})

    def do_DELETE(self):
        self._answer("DELETE", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer("POST", data if self.path.startswith("/api/blobs/") else json.loads(data))

    def _answer(self, method, body):
        shelf, path = self.shelf, unquote(self.path)
        shelf.asked.append((f"{method} {path}", body))
        broken = shelf.broken.get(f"{method} {path}")
        if broken is not None:
            self._say(broken[0], broken[1] if isinstance(broken[1], bytes) else {"error": broken[1]})
            return
        manifest = re.fullmatch("/v2/(.*)/manifests/(.*)", path)
        name = full(body.get("model") or body.get("source") or "") if isinstance(body, dict) else ""
        if manifest is not None:
            self._registry(f"{self.headers['Host']}/{manifest[1]}:{manifest[2]}")
        elif path.startswith("/api/blobs/"):
            self._blob(method, path.rpartition(":")[2], body)
        elif path in ("/api/tags", "/api/ps", "/api/version"):
            self._say(200, self._read(path))
        elif path == "/api/pull":
            self._lines(shelf.scripts.pop(0) if shelf.scripts else shelf.pull(name))
        elif path == "/api/generate":
            shelf.memory.pop(name, None)
            self._say(200, {"done": True})
        elif path == "/api/create" and ("files" in body or full(body["from"]) in shelf.models):
            self._lines(shelf.create(body))
        elif name not in shelf.models:
            self._say(404, {"error": f"model '{name}' not found"})
        else:
            self._known(path, name, body)

    def _known(self, path, name, body):
        shelf = self.shelf
        if path == "/api/show":
            self._say(200, shelf.show(name))
        elif path == "/api/copy":
            shelf.models[full(body["destination"])] = dict(shelf.models[name])
            self._say(200, b"")
        else:
            del shelf.models[name]
            self._say(200, b"")

    def _read(self, path):
        names = self.shelf.models
        return {
            "/api/tags": {"models": [{"name": name, "digest": self.shelf.digest(name)} for name in names]},
            "/api/ps": {"models": list(self.shelf.memory.values())},
            "/api/version": {"version": "0.32.15"},
        }[path]

    def _registry(self, name):
        if not self.shelf.reaches:
            self._say(401, b"")
        elif name in self.shelf.registry:
            self._say(200, self.shelf.manifest(self.shelf.offer(name)).encode())
        else:
            self._say(404, b"")

    def _blob(self, method, digest, body):
        if method == "HEAD":
            self._say(200 if digest in self.shelf.blobs else 404, b"")
            return
        found = hashlib.sha256(body).hexdigest()
        if found == digest:
            self.shelf.blobs[digest] = body
            self._say(201, b"")
        else:
            self._say(400, {"error": f'digest mismatch, expected "sha256:{digest}", got "sha256:{found}"'})

    def _say(self, status, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _lines(self, lines):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            for line in lines:
                if line == "cut":
                    return
                if line == "hang":
                    self.shelf.over.wait(20)
                    return
                self.wfile.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
