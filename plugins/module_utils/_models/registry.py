# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a registry for the manifest of a model, before the server pulls it: its digest, its layers and their bytes.

The API is the one that server/images.go (pullModelManifest) of Ollama 0.32.15 uses. A registry that this host does not
reach, or that wants a login, says nothing here: the server may have a proxy or a key that nobody else has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch.exchange import FailedAttempt, ask
from ansible_collections.inference.ollama.plugins.module_utils._fetch.watch import watching
from ansible_collections.inference.ollama.plugins.module_utils._models.manifest import LARGEST, Manifest, manifest_from
from ansible_collections.inference.ollama.plugins.module_utils._models.names import parts_of

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._fetch.exchange import Answer

_ACCEPT = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
# Nobody waits longer for what only makes a refusal come sooner.
_MOST_SECONDS = 10.0
_PART = 1 << 16


class Offer(NamedTuple):
    """What a registry has under a name: its manifest, or that there is none; ``problem`` where neither is known."""

    manifest: Optional[Manifest] = None
    missing: bool = False
    problem: Optional[str] = None


def offered(name: str, timeout: float, *, insecure: bool = False) -> Offer:
    """What the registry of a name has under it."""
    parts = parts_of(name)
    if parts is None:
        return Offer(problem=f"{name[:200]!r} is not the name of a model")
    host, namespace, model, tag = parts
    url = f"{'http' if insecure else 'https'}://{host}/v2/{namespace}/{model}/manifests/{tag}"
    try:
        answer = ask(url, min(timeout, _MOST_SECONDS), headers=_ACCEPT)
        return Offer(manifest_from(_body(answer, min(timeout, _MOST_SECONDS))))
    except FailedAttempt as failed:
        return Offer(missing=failed.status == 404, problem=str(failed))
    except OllamaError as error:
        return Offer(problem=f"{url}: {error}")


def _body(answer: Answer, seconds: float) -> bytes:
    data = bytearray()
    with watching(answer, seconds) as watch:
        part = answer.part(_PART)
        while part and len(data) <= LARGEST:
            data += part
            part = answer.part(_PART)
    if watch.late or len(data) > LARGEST or (answer.length is not None and len(data) < answer.length):
        raise OllamaError(f"the manifest is not whole, or has more than {LARGEST} bytes")
    return bytes(data)
