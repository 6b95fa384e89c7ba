# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read all models of a host: those in its stores, files of models, and what only the server can tell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._models.files import read_every_model
from ansible_collections.inference.ollama.plugins.module_utils._models.names import shortened
from ansible_collections.inference.ollama.plugins.module_utils._models.store import read_store, wanted
from ansible_collections.inference.ollama.plugins.module_utils._text import MOST, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._models.record import Problem

# Where the installer of Ollama, packages of distributions, root and the user who reads have their stores.
STANDARD = (
    "/usr/share/ollama/.ollama/models",
    "/var/lib/ollama/.ollama/models",
    "/var/lib/ollama/models",
    "/var/lib/ollama",
    "/var/snap/ollama/common/models",
    "/root/.ollama/models",
    "~/.ollama/models",
)
# What the server's record does not know of a model in a store.
_KEPT = ("name", "store", "digest", "size_bytes", "files", "parameters", "modelfile", "requires", "runner")


def gather(
    stores: Sequence[str] | None, files: Sequence[str], names: Sequence[str], url: str | None, timeout: float
) -> dict[str, Any]:
    """``{models, stores, problems}``: the records of all models, and of the stores where they are.

    Without ``stores`` the standard places that are there are read. ``url``, which was checked, is asked for what no
    file said; each answer is waited for ``timeout`` seconds at most.
    """
    problems: list[str] = []

    def problem(text: str) -> None:
        text = one_line(text)
        if text not in problems and len(problems) < MOST:
            problems.append(text)

    asked = wanted(names)
    models: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for path in standard() if stores is None else _once(stores):
        store, records = read_store(path, asked, problem)
        found.append(store)
        models += records
    if url is not None:
        models = _completed(models, url, timeout, asked, problem)
    here = {shortened(str(record["name"])) for record in models}
    for name in sorted(asked - here):
        problem(f"{name}: there is no such model")
    more, wrong = read_every_model(files)
    for text in wrong:
        problem(text)
    return {"models": models + more, "stores": found, "problems": problems}


def standard() -> list[str]:
    """The standard places of stores that are there, each once."""
    return [place for place in _once([os.path.expanduser(place) for place in STANDARD]) if _is_store(place)]


def _is_store(place: str) -> bool:
    """Whether a store is there, or this user may not know."""
    for name in ("manifests", "manifests-v2"):
        try:
            os.stat(os.path.join(place, name))
        except PermissionError:
            # Root's home is closed to others on every host, with a store or without.
            return not place.startswith("/root/")
        except OSError:
            continue
        return True
    return False


def _once(paths: Sequence[str]) -> list[str]:
    """The paths without those that lead to a folder again."""
    found: dict[str, str] = {}
    for path in paths:
        found.setdefault(os.path.realpath(path) if "\0" not in path else path, path)
    return list(found.values())


def _completed(
    models: list[dict[str, Any]], url: str, timeout: float, asked: set[str], problem: Problem
) -> list[dict[str, Any]]:
    # Most calls need no server, and each file of code is compiled on the target.
    from ansible_collections.inference.ollama.plugins.module_utils._models.api import (  # noqa: PLC0415 compiled only where needed
        VERBOSE,
        Server,
    )
    from ansible_collections.inference.ollama.plugins.module_utils._service.api import (  # noqa: PLC0415 compiled only where needed
        fetcher,
    )

    server = Server(url, fetcher(timeout), fetcher(timeout, VERBOSE), problem)
    listed = server.listed(asked)
    completed = []
    for record in models:
        entry = listed.pop(shortened(record["name"]), None)
        more = server.model(entry) if record["layers"] is None and entry is not None else None
        completed.append(record if more is None else {**more, **{key: record[key] for key in _KEPT}})
    others = [server.model(entry) for entry in listed.values()]
    return completed + [record for record in others if record is not None]
