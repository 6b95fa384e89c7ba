# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a store, which belong to the user of the service: another user than the one who reads may be root.

manifest/paths.go of Ollama 0.32.15. The store and its folders may be links, as those who move a store to another disk
make them. A link in it that leaves these folders is not followed, and no problem quotes a file.
"""

from __future__ import annotations

import errno
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import read_header
from ansible_collections.inference.ollama.plugins.module_utils._models.names import is_part, plain_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Header
    from ansible_collections.inference.ollama.plugins.module_utils._models.record import Problem

# A pipe must not be waited for, and a terminal not become this process's own.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
# The largest stores have hundreds of models and thousands of layers.
_MOST_ENTRIES = 1 << 16
MOST_MODELS = 1000
_DEPTH = 4


class Folder:
    """The files of one store. Methods raise OllamaError with a path, or hand a sentence with it to ``problem``."""

    def __init__(self, path: str, problem: Problem) -> None:
        self.path, self._problem = path, problem
        places = (path, *(os.path.join(path, name) for name in ("manifests", "manifests-v2", "blobs")))
        self._roots = [os.path.realpath(place) for place in places]
        self._headers: dict[str, tuple[Header, int]] = {}
        self._seen = 0

    def blob(self, digest: str) -> str:
        """The path of a blob by its digest in hex."""
        return os.path.join(self.path, "blobs", f"sha256-{digest}")

    def manifests(self) -> dict[tuple[str, str, str, str], str]:
        """The paths of all manifests by host, namespace, model and tag, in order.

        Those of 0.40 go before those of earlier releases, as 0.40 reads them.
        """
        found: dict[tuple[str, str, str, str], str] = {}
        for name in ("manifests-v2", "manifests"):
            for parts, path in self._below(os.path.join(self.path, name), ()):
                found.setdefault((plain_host(parts[0]), parts[1], parts[2], parts[3]), path)
        if len(found) > MOST_MODELS:
            self._problem(f"{self.path}: it has {len(found)} models, of which the first {MOST_MODELS} were read")
        return dict(sorted(found.items())[:MOST_MODELS])

    def _below(self, folder: str, parts: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
        for name in self._names(folder):
            path, here = os.path.join(folder, name), (*parts, name)
            # Files of editors and file managers begin with a dot, which no part of a name does.
            if name.startswith("."):
                continue
            if not is_part(len(parts), name):
                self._problem(f"{path}: it is not a part of a model's name")
            elif len(here) == _DEPTH:
                if not os.path.isdir(path):
                    yield here, path
            elif os.path.isdir(path) and self._inside(path):
                yield from self._below(path, here)

    def _names(self, folder: str) -> list[str]:
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in islice(entries, _MOST_ENTRIES - self._seen + 1)]
        except FileNotFoundError:
            return []
        except OSError as error:
            self._problem(f"{folder}: cannot be listed ({error.strerror})")
            return []
        self._seen += len(names)
        if self._seen > _MOST_ENTRIES:
            self._problem(f"{folder}: the store has more than {_MOST_ENTRIES} files and folders; the rest was left out")
            self._seen = _MOST_ENTRIES
            names.pop()
        return sorted(names)

    def _inside(self, path: str) -> bool:
        real = os.path.realpath(path)
        if any(real == root or real.startswith(f"{root.rstrip('/')}/") for root in self._roots):
            return True
        self._problem(f"{path}: it is a link that leaves the store, and was not followed")
        return False

    def _open(self, path: str) -> int:
        try:
            return os.open(path, _FLAGS)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
        real = os.path.realpath(path)
        if not any(real.startswith(f"{root.rstrip('/')}/") for root in self._roots):
            raise OllamaError(f"{path}: it is a link that leaves the store, and was not followed")
        return os.open(real, _FLAGS)

    def _opened(self, path: str) -> tuple[int, int]:
        """A regular file, open, and its bytes."""
        try:
            number = self._open(path)
        except OSError as error:
            raise OllamaError(f"{path}: cannot be read ({error.strerror})") from None
        status = os.fstat(number)
        if stat.S_ISREG(status.st_mode):
            return number, status.st_size
        os.close(number)
        raise OllamaError(f"{path}: it is not a regular file")

    def data(self, path: str, most: int) -> bytes:
        """The bytes of a small file."""
        number, size = self._opened(path)
        with open(number, "rb", buffering=0) as file:
            data = _read(file, path, most + 1) if size <= most else b"\0" * (most + 1)
        if len(data) > most:
            raise OllamaError(f"{path}: it has more than {most} bytes")
        return data

    def header(self, digest: str) -> tuple[Header, int]:
        """The header of a blob and its bytes; a blob that several models share is read once."""
        if digest not in self._headers:
            self._headers[digest] = self._header(self.blob(digest))
        return self._headers[digest]

    def _header(self, path: str) -> tuple[Header, int]:
        number, size = self._opened(path)
        with open(number, "rb", buffering=0) as file:
            try:
                return read_header(file, size), size
            except OllamaError as error:
                raise OllamaError(f"{path}: {error}") from None
            except OSError as error:
                raise OllamaError(f"{path}: cannot be read ({error.strerror})") from None

    def size(self) -> int | None:
        """The bytes of all blobs; None where they cannot be listed."""
        folder = os.path.join(self.path, "blobs")
        total = 0
        try:
            with os.scandir(folder) as entries:
                for entry in islice(entries, _MOST_ENTRIES):
                    status = entry.stat(follow_symlinks=False)
                    total += status.st_size if stat.S_ISREG(status.st_mode) else 0
        except FileNotFoundError:
            return 0
        except OSError as error:
            self._problem(f"{folder}: cannot be listed ({error.strerror})")
            return None
        return total

    def free(self) -> int | None:
        """The bytes that the file system of the blobs has for users other than root; None where it does not say."""
        folder = os.path.join(self.path, "blobs")
        try:
            status = os.statvfs(folder if os.path.isdir(folder) else self.path)
        except OSError as error:
            self._problem(f"{self.path}: its free space is not known ({error.strerror})")
            return None
        return status.f_bavail * status.f_frsize


def _read(file: Any, path: str, most: int) -> bytes:  # noqa: ANN401 - open() says no more
    data = b""
    try:
        while len(data) < most:
            part = file.read(most - len(data))
            if not part:
                break
            data += part
    except OSError as error:
        raise OllamaError(f"{path}: cannot be read ({error.strerror})") from None
    return data
