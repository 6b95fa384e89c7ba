# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a unit's variables come from, and which of their variables are secrets.

systemd.exec(5), "EnvironmentFile=" and "LoadCredential=". What a file sets that its owner alone can read is a secret,
whatever its name: the process itself does not show which of its variables came from there.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._systemd.environment_file import parse_environment_file
from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
    from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor

_OTHERS = 0o077


def read_secret_files(
    root: Proc, files: Iterable[str], environment_files: Iterable[str], redactor: Redactor
) -> list[dict[str, Any]]:
    """``[{path, mode, user_id}]`` of the files that are there. The redactor learns what the private ones set.

    ``files`` are those of the unit, ``environment_files`` those of its variables.
    """
    found: list[dict[str, Any]] = []
    for path in dict.fromkeys([*environment_files, *_sources(root, files)]):
        try:
            facts = os.stat(os.path.join(root.path, path.lstrip("/")))
        except (OSError, ValueError):
            # One that is not there sets nothing, and one in a folder that nobody may enter is not read either.
            continue
        if not stat.S_ISREG(facts.st_mode):
            continue
        found.append({"path": path, "mode": f"{stat.S_IMODE(facts.st_mode):04o}", "user_id": facts.st_uid})
        if not facts.st_mode & _OTHERS:
            redactor.learn((name, value) for name, value, _line in parse_environment_file(root.text(path) or ""))
    return found


def _sources(root: Proc, files: Iterable[str]) -> Iterator[str]:
    """The files that credentials are made of."""
    service = read_service([(path, root.text(path) or "") for path in files])
    for setting in service.values("LoadCredential"):
        path = setting.value.partition(":")[2]
        if path.startswith("/"):
            yield path
