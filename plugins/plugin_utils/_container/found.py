# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container that somebody else has made, as the deciders on it see it: one of ``containers`` of containers_info."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import EVERY_ADDRESS, listens
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

HOST, MODELS = "OLLAMA_HOST", "OLLAMA_MODELS"
_TAG = re.compile(r":v?([0-9]+\.[0-9]+\.[0-9]+)[^/:@]*(?:@.*)?$")
# The number that an engine gives a volume which nobody has named.
_NUMBER = re.compile("[0-9a-f]{64}")


def title(container: Mapping[str, Any]) -> str:
    """Return how the container is named in a sentence, with the file that it was made of."""
    whose = f" of {container['user']}" if container["user"] else ""
    file = container["path"] or next(iter(container["files"]), None)
    return f"{container['engine']} container {container['name']}{whose}{f' ({file})' if file else ''}"


def own_variables(container: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that whoever made the container has set, without secrets."""
    own = container["image_environment"]
    return {name: value for name, value in container["environment"].items() if value is not None and name not in own}


def release_of(container: Mapping[str, Any]) -> Release | None:
    """Return the release that the tag of its image names; None where it names no release."""
    match = _TAG.search(container["image"] or "")
    try:
        return parse_release(match[1]) if match else None
    except OllamaError:
        return None


def addresses(container: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return where the host listens for it: address and port, by published ports or in the network of the host."""
    address, port = listens(container["environment"].get(HOST) or "")
    if container["network"] == "host":
        return [(address, port)]
    rows = [row for row in container["ports"] if row["port"] and row["container_port"] == port]
    return [(row["address"] or EVERY_ADDRESS, row["port"]) for row in rows]


def store_inside(container: Mapping[str, Any]) -> str:
    """Return the folder of models as the container sees it."""
    variables = container["environment"]
    named = variables.get(MODELS)
    if named and named.startswith("/"):
        return str(named)
    # envconfig.Models() of Ollama; its images run as root.
    return f"{variables.get('HOME') or '/root'}/.ollama/models"


def store_mount(container: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the mount that the store lies in; None where it lies in the container's own layer."""
    path = posixpath.normpath(store_inside(container))
    around = [each for each in container["mounts"] if f"{path}/".startswith(f"{each['target'].rstrip('/')}/")]
    return max(around, key=lambda each: len(each["target"]), default=None)


def store_outside(container: Mapping[str, Any]) -> str | None:
    """Return the folder of models as the host sees it; None where that is not known, or there is none."""
    mount = store_mount(container)
    if mount is None or not mount["source"]:
        return None
    rest = posixpath.relpath(posixpath.normpath(store_inside(container)), mount["target"])
    return str(posixpath.normpath(posixpath.join(mount["source"], rest)))


def is_nameless(mount: Mapping[str, Any]) -> bool:
    """Whether the mount is a volume that nobody has named, and that no other container finds again."""
    volume = mount["volume"]
    return volume is not None and (not volume or _NUMBER.fullmatch(volume) is not None)


def pinned(container: Mapping[str, Any]) -> str | None:
    """Return the reference of its image with the digest; None where the digest is not known."""
    image, digest = container["image"], container["image_digest"]
    if not image or not digest:
        return None
    name = image.partition("@")[0]
    first = name.partition("/")[0]
    if "/" not in name:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    return f"{name}@{digest}"
