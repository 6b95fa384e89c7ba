# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the guard: an archive with the files of the collection that it imports, which Python runs.

A host has nothing of the collection but while a module runs. Ansible sends a module in an archive with all that it
imports, in functions too, so the same files, taken from there, do without Ansible and the controller.
"""

from __future__ import annotations

import io
import os
import zipfile

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._guard import act

_FILES = "ansible_collections/inference/ollama/plugins/module_utils/"
_MAIN = f"import sys\n\nfrom {act.__name__} import main\n\nsys.exit(main(sys.argv[1:]))\n"
# The archive is the same for the same files, so that a second run writes nothing.
_MOMENT = (1980, 1, 1, 0, 0, 0)


def archive() -> bytes:
    """The archive; OllamaError where the files that this program runs from cannot be read."""
    path = getattr(globals().get("__loader__"), "archive", None)
    try:
        files = _of_archive(path) if path else _of_folder(os.path.abspath(__file__))
    except (OSError, zipfile.BadZipFile) as error:
        raise OllamaError(f"the files of the guard cannot be read ({error})") from None
    # Python imports from an archive what is below packages alone.
    folders = {os.path.dirname(name) for name in files}
    folders |= {above for folder in list(folders) for above in _above(folder)}
    packages = {f"{folder}/__init__.py": b"" for folder in folders}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in sorted({**packages, **files, "__main__.py": _MAIN.encode()}.items()):
            file.writestr(zipfile.ZipInfo(name, _MOMENT), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _above(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _of_archive(path: str) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist() if name.startswith(_FILES) and name.endswith(".py")}


def _of_folder(here: str) -> dict[str, bytes]:
    """The same from a collection that lies in folders."""
    top = os.path.dirname(os.path.dirname(here))
    found = {}
    for folder, _folders, names in os.walk(top):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[_FILES + os.path.relpath(path, top)] = file.read()
    return found
