# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the servers say of themselves before and after a measurement: release, and the model as it is in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._service.api import read_api
from ansible_collections.inference.ollama.plugins.module_utils._service.load import same_name
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch

FIELDS = ("digest", "size_bytes", "size_vram_bytes", "context_length")


def state(fetch: Fetch, url: str, model: str) -> tuple[str | None, dict[str, Any] | None, list[str]]:
    """Return the release, the entry of the model in memory (None where it is in none), and what could not be read."""
    root = Proc("/")
    found = read_api(root, fetch, url)
    name = same_name(model).lower()
    here = [entry for entry in found["models"] or [] if (entry["name"] or "").lower() == name]
    return found["version"], here[0] if here else None, root.problems


def described(fetch: Fetch, urls: Sequence[str], model: str, problems: list[str]) -> dict[str, Any]:
    """Return ``{name, digest, size_bytes, size_vram_bytes, context_length}`` of the first server that has it.

    What is not in memory has its digest and size of /api/tags.
    """
    for url in urls:
        _release, entry, _problems = state(fetch, url, model)
        if entry is not None:
            return {"name": model, **{field: entry[field] for field in FIELDS}}
    # Only what is in no memory needs these files.
    from ansible_collections.inference.ollama.plugins.module_utils._models.api import Server  # noqa: PLC0415 - see above
    from ansible_collections.inference.ollama.plugins.module_utils._models.names import shortened  # noqa: PLC0415 - same

    listed = Server(urls[0], fetch, fetch, problems.append).listed({shortened(model)})
    entry = next(iter(listed.values()), {})
    if not entry:
        problems.append(f"{urls[0]}: neither /api/ps nor /api/tags names {same_name(model)}")
    return {"name": model, **{field: entry.get(field) for field in FIELDS}}
