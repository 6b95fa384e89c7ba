# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a model of a server in a state other than in memory: present, absent or created."""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.progress import Progress
from ansible_collections.inference.ollama.plugins.module_utils._models.asked import digits
from ansible_collections.inference.ollama.plugins.module_utils._models.creation import Texts, created_from, created_of
from ansible_collections.inference.ollama.plugins.module_utils._models.library import Library
from ansible_collections.inference.ollama.plugins.module_utils._models.parameters import wanted
from ansible_collections.inference.ollama.plugins.module_utils._models.presence import (
    Outcome,
    Wanted,
    World,
    absent,
    present,
)
from ansible_collections.inference.ollama.plugins.module_utils._models.pull import Bounds
from ansible_collections.inference.ollama.plugins.module_utils._models.server import Server
from ansible_collections.inference.ollama.plugins.module_utils._models.source_file import SourceFile
from ansible_collections.inference.ollama.plugins.module_utils._service.api import fetcher
from ansible_collections.inference.ollama.plugins.module_utils._service.load import Memory, same_name
from ansible_collections.inference.ollama.plugins.module_utils._text import visible_everywhere

if TYPE_CHECKING:
    from collections.abc import Mapping


def have(params: Mapping[str, Any], *, acts: bool) -> dict[str, Any]:
    """The result of the module model; ``params`` were checked. Raise OllamaError where the state is not reached."""
    problems: list[str] = []
    library = Library(Server(params["url"], params["timeout"]))
    bounds = Bounds(params["retries"], time.monotonic() + params["max_duration"])
    store = _store(params, library, problems)
    world = World(library, bounds, Progress(params["progress_file"], problems).say, problems, acts, store)
    outcome = _outcome(world, params)
    result: dict[str, Any] = {
        "changed": outcome.changed,
        "digest": {"before": outcome.before, "after": outcome.after},
        "diff": {"before": outcome.text_before, "after": outcome.text_after},
        "downloaded_bytes": outcome.downloaded_bytes,
        "problems": problems,
    }
    found: dict[str, Any] = visible_everywhere(result)
    return found


def _outcome(world: World, params: Mapping[str, Any]) -> Outcome:
    name, state = params["name"], params["state"]
    if state == "present":
        asked = Wanted(name, digits(params["digest"]), params["source"], params["insecure"], params["update"])
        return present(world, asked)
    if state == "absent":
        if world.acts:
            _unload(params)
        return absent(world, name)
    texts = Texts(wanted(params["parameters"]), params["template"], params["system"])
    if params["base"]:
        return created_from(world, name, params["base"], texts)
    sha256, url = digits(params["file_sha256"]), params["file_url"]
    path = os.path.join(params["folder"], f"sha256-{sha256}.gguf") if url else params["file"]
    return created_of(world, name, SourceFile(path, sha256, world.say, url), texts)


def _store(params: Mapping[str, Any], library: Library, problems: list[str]) -> str | None:
    if not params["room"] or params["state"] == "absent":
        return None
    found: str | None = params["store"] or library.store()
    if found is None:
        problems.append(
            "room: the folder of the server's models is not known, so that its room was not checked; name it in store"
        )
    return found


def _unload(params: Mapping[str, Any]) -> None:
    """Take it out of memory, where it would stay without a name."""
    memory = Memory(params["url"].rstrip("/"), fetcher(params["timeout"]), datetime.now(timezone.utc))
    if same_name(params["name"]) in {model["name"] for model in memory.models()}:
        memory.unload(params["name"])
