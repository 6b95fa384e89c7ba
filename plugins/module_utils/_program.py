# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs for a host: an archive with the files of the collection that a module imports, which Python runs.

A host has nothing of the collection but while a module runs. Ansible sends a module in an archive with all that it
imports, in functions too, so the same files, taken from there or from the collection's folder, do without Ansible and
the controller.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import os
import zipfile
from typing import Callable, Dict, Iterator, Mapping, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

_PACKAGE = "ansible_collections.inference.ollama.plugins"
_FILES = f"{_PACKAGE.replace('.', '/')}/"
_MAIN = "import sys\n\nfrom {module} import main\n\nsys.exit(main(sys.argv[1:]))\n"
# A reader knows no decider: what it has read is decided by the one that it is given here. Python keeps no bytecode of
# an archive, and compiling one again each minute costs more than what it does. So it is unpacked where systemd gives it
# a folder of its own (systemd.exec(5), CacheDirectory=), once for each of its releases.
_MAIN_WITH = """\
import os
import sys


def unpack(cache, folder):
    import shutil
    import tempfile
    import zipfile

    for name in os.listdir(cache):
        shutil.rmtree(os.path.join(cache, name), ignore_errors=True)
    scratch = tempfile.mkdtemp(dir=cache)
    with zipfile.ZipFile(sys.argv[0]) as file:
        file.extractall(scratch)
    os.rename(scratch, folder)


cache = os.environ.get("CACHE_DIRECTORY", "")
if cache.startswith("/"):
    folder = os.path.join(cache, "{digest}")
    try:
        if not os.path.isdir(folder):
            unpack(cache, folder)
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = False
    except OSError as error:
        sys.stderr.write(f"{{cache}}: not used ({{error.strerror}})\\n")

from {decider} import decide
from {module} import main

sys.exit(main(sys.argv[1:], decide))
"""
# The archive is the same for the same files, so that a second run writes nothing. It is not compressed: the bytes of
# that differ between releases of zlib.
_MOMENT = (1980, 1, 1, 0, 0, 0)

Source = Callable[[str], Optional[bytes]]


def archive(module: str, decider: str | None = None, more: Mapping[str, bytes] | None = None) -> bytes:
    """The archive whose program is ``main(arguments)`` of a module; OllamaError where its files cannot be read.

    With a ``decider``, a module too, it is ``main(arguments, decide)`` with that one's function. ``more`` are further
    files by their path in the archive.
    """
    path = getattr(globals().get("__loader__"), "archive", None)
    try:
        if path:
            with zipfile.ZipFile(path) as file:
                names = frozenset(file.namelist())
                found = _needed(module, decider, lambda name: file.read(name) if name in names else None)
        else:
            found = _needed(module, decider, _of_folder)
    except (OSError, SyntaxError, ValueError, zipfile.BadZipFile) as error:
        raise OllamaError(f"the files of the program {module} cannot be read ({error})") from None
    # Python imports from an archive what is below packages alone.
    folders = {os.path.dirname(name) for name in found}
    folders |= {above for folder in list(folders) for above in _above(folder)}
    packages = {f"{folder}/__init__.py": b"" for folder in folders}
    files = {**packages, **found, **(more or {})}
    main = _MAIN.format(module=module)
    if decider:
        main = _MAIN_WITH.format(module=module, decider=decider, digest=_digest(files))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as file:
        for name, content in sorted({**files, "__main__.py": main.encode()}.items()):
            file.writestr(zipfile.ZipInfo(name, _MOMENT), content, zipfile.ZIP_STORED)
    return data.getvalue()


def _digest(files: Mapping[str, bytes]) -> str:
    """One name for the same files."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(content).digest())
    return digest.hexdigest()[:32]


def _needed(module: str, decider: str | None, source: Source) -> Dict[str, bytes]:
    """The files of the modules and of all that they import of the collection, by their names in an archive."""
    found: Dict[str, bytes] = {}
    waiting = [module, *([decider] if decider else [])]
    while waiting:
        wanted = waiting.pop()
        name = f"{wanted.replace('.', '/')}.py"
        data = source(name) if name not in found else None
        if data is not None:
            found[name] = data
            waiting += _imports(data)
    for wanted in filter(None, (module, decider)):
        if f"{wanted.replace('.', '/')}.py" not in found:
            raise OllamaError(f"the program {wanted} has no file")
    return found


# A controller makes the same programs for each host with a card, by the same files.
@functools.lru_cache(maxsize=512)
def _imports(data: bytes) -> tuple[str, ...]:
    """The modules of the collection that a file may import: a name of ``from … import`` may be a module too."""
    found = []
    for node in _run(ast.parse(data)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE):
            found += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that no run reaches, below ``if TYPE_CHECKING``."""
    yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    for child in ast.iter_child_nodes(node):
        # No import is in an expression.
        if not isinstance(child, ast.expr):
            yield from _run(child)


def _above(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _of_folder(name: str) -> bytes | None:
    """The file of a collection that lies in folders; None for what is none of its modules."""
    if not name.startswith(_FILES):
        return None
    plugins = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.path.join(plugins, name[len(_FILES) :])
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
