# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a model, its configuration and its parameters: JSON that anybody may have written.

manifest/manifest.go and layer.go, types/model/config.go and server/images.go (GetModel) of Ollama 0.32.15; the lists
of manifests by runner of 0.40 as its manifest/manifest.go has them.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.record import NO_PARAMETERS, PARAMETERS, is_whole
from ansible_collections.inference.ollama.plugins.module_utils._text import MOST

if TYPE_CHECKING:
    from collections.abc import Mapping

# A model of safetensors has a layer of 200 bytes for each of thousands of tensors.
LARGEST = 1 << 22
_DIGEST = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")
_IMAGE = "application/vnd.ollama.image."
_LIST = "application/vnd.ollama.manifest.list.v2+json"
# Of several manifests of one name the first of these runners that it has is loaded (runnerPreferences, on Linux).
_RUNNERS = ("llamacpp", "ggml", "ollama", "mlx")
_GREATEST = (1 << 63) - 1
_LONGEST_NUMBER = 20
# Of a parameter, in characters.
_LONGEST_NAME, _LONGEST_TEXT = 80, 4096


class Layer(NamedTuple):
    """A layer: its kind, such as ``model``, the digest in hex, its bytes, and the model that it was taken from."""

    kind: str
    digest: str
    size_bytes: int
    origin: Optional[str] = None


class Manifest(NamedTuple):
    """A manifest. ``digest`` is its own, in hex; ``child`` that of the one to load, where it only names others.

    ``runner`` is the runner that 0.40 names for it, None in a manifest of earlier releases.
    """

    digest: str
    layers: tuple[Layer, ...]
    config: Layer | None
    child: str | None
    runner: str | None = None

    @property
    def size_bytes(self) -> int:
        """The bytes of all layers, as the API shows a model's size."""
        return sum(layer.size_bytes for layer in (*self.layers, *([] if self.config is None else [self.config])))

    def of(self, kind: str) -> list[Layer]:
        """The layers of a kind."""
        return [layer for layer in self.layers if layer.kind == kind]


def parsed(data: bytes, what: str) -> dict[str, Any]:
    """The object that JSON says; OllamaError where it says none. A number of more than 20 digits is refused."""
    try:
        value = json.loads(data.decode("utf-8", "replace"), parse_int=_number)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise OllamaError(f"{what} is not an object of JSON")
    return value


def _number(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError
    return int(text)


def manifest_from(data: bytes) -> Manifest:
    """The manifest that a file says. Raises OllamaError, with what was found and what was expected."""
    return _manifest(parsed(data, "the manifest"), hashlib.sha256(data).hexdigest())


def _manifest(said: dict[str, Any], digest: str) -> Manifest:
    if said.get("mediaType") == _LIST:
        return _chosen(said.get("manifests"), digest)
    layers = said.get("layers")
    if layers is not None and not isinstance(layers, list):
        raise OllamaError("the manifest's layers are no list")
    config = said.get("config")
    # Models of the oldest releases have none, which Go writes as one without a digest.
    has_config = isinstance(config, dict) and bool(config.get("digest"))
    return Manifest(
        digest,
        tuple(_layer(each) for each in layers or []),
        _layer(config) if has_config else None,
        child=None,
        runner=_runner(said),
    )


def _runner(said: dict[str, Any]) -> str | None:
    runner = str(said.get("runner")).lower()
    return runner if runner in _RUNNERS else None


def _layer(said: object) -> Layer:
    if not isinstance(said, dict):
        raise OllamaError("a layer of the manifest is not an object of JSON")
    kind, size = said.get("mediaType"), said.get("size")
    if not is_whole(size) or not 0 <= size <= _GREATEST:
        raise OllamaError(f"a layer of the manifest has the size {str(size)[:40]}, expected a number of bytes")
    origin = said.get("from")
    name = origin[:_LONGEST_TEXT] if isinstance(origin, str) and origin else None
    return Layer(_kind(kind if isinstance(kind, str) else ""), digest_of(said), size, name)


def _kind(media: str) -> str:
    return media.partition(";")[0].strip().removeprefix(_IMAGE)


def digest_of(said: dict[str, Any]) -> str:
    """The digest that an object names, in hex; OllamaError for anything else, such as a path."""
    match = _DIGEST.fullmatch(str(said.get("digest")))
    if match is None:
        raise OllamaError(
            f"a digest of the manifest is {str(said.get('digest'))[:80]!r}, expected sha256: and 64 hexadecimal digits"
        )
    return match.group(1).lower()


def _chosen(children: object, digest: str) -> Manifest:
    found = [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []
    for runner in _RUNNERS:
        for child in found:
            if str(child.get("runner")).lower() != runner or child.get("mediaType") == _LIST:
                continue
            if child.get("layers"):
                return _manifest(child, digest)
            return Manifest(digest, (), None, digest_of(child), runner)
    raise OllamaError(f"the manifest lists no manifest for one of the runners {', '.join(_RUNNERS)}")


def plain_parameters(data: bytes) -> dict[str, Any]:
    """The parameters of a Modelfile, as far as they are texts, numbers, truth values and lists of texts."""
    said = parsed(data, "the file of the parameters")
    return {str(name)[:_LONGEST_NAME]: value for name, value in list(said.items())[:MOST] if _is_plain(value)}


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return len(value) <= MOST and all(isinstance(each, str) and len(each) <= _LONGEST_TEXT for each in value)
    return isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= _LONGEST_TEXT)


def parameters_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the parameters that decide what the model takes; None for those that are not set."""
    return {**NO_PARAMETERS, **{name: parameter(said.get(name), kind) for name, kind in PARAMETERS.items()}}


def parameter(value: object, kind: type) -> int | bool | None:
    """A parameter as a number or truth value; None for anything else."""
    if kind is bool or isinstance(value, bool):
        return value if kind is bool and isinstance(value, bool) else None
    if isinstance(value, float) and value.is_integer() and abs(value) <= _GREATEST:
        return int(value)
    return value if is_whole(value) and abs(value) <= _GREATEST else None
