# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GGUF file that a model is made of: on the host, or to be downloaded; its digest, and giving it to the server."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Optional
from urllib.parse import urlsplit

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.failures import Failure
from ansible_collections.inference.ollama.plugins.module_utils._models.pull import check_room
from ansible_collections.inference.ollama.plugins.module_utils._models.room import amount

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from ansible_collections.inference.ollama.plugins.module_utils._models.presence import World

_PART = 1 << 20
_MAGIC = b"GGUF"


class SourceFile:
    """A file at a path, and where it is to come from if it is not there."""

    def __init__(self, path: str, sha256: str | None, say: Callable[[str], None], url: str | None = None) -> None:
        self._path, self._sha256, self._say, self._url = path, sha256, say, url
        self.name = "model.gguf"
        self.downloaded_bytes = self.size_bytes = 0

    def digest(self) -> str:
        """Its SHA-256 in hex: the one that was given, or summed up. Raise OllamaError where it cannot be read."""
        if self._sha256 is None:
            found = hashlib.sha256()
            with self._opened() as file:
                size, done = os.fstat(file.fileno()).st_size, 0
                part = file.read(_PART)
                while part:
                    found.update(part)
                    done += len(part)
                    self._say(f"{self._path}: {amount(done)} of {amount(size)} summed up")
                    part = file.read(_PART)
            self._sha256 = found.hexdigest()
        return self._sha256

    def give(self, world: World) -> None:
        """Download it where that is asked for, and let the server have it as a blob."""
        server, digest = world.library.server, self.digest()
        try:
            if server.has_blob(digest):
                return
        except Failure as failure:
            raise OllamaError(failure.sentence(f"{self._path}: it was not given to the server")) from None
        if self._url is not None:
            self._download(self._url, world)
        with self._opened() as file:
            size = self.size_bytes = os.fstat(file.fileno()).st_size
            short = check_room(world.store, size)
            if short is not None:
                raise OllamaError(f"{self._path}: it is not given to the server, since {short}")
            try:
                server.put_blob(
                    digest, file, size, lambda sent, of: self._say(f"{amount(sent)} of {amount(of)} handed over")
                )
            except Failure as failure:
                raise OllamaError(failure.sentence(f"{self._path}: it was not given to the server")) from None

    def drop(self) -> None:
        """Delete what was downloaded."""
        if self._url is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)

    def _download(self, url: str, world: World) -> None:
        from ansible_collections.inference.ollama.plugins.module_utils._fetch.address import shown  # noqa: PLC0415 - only here
        from ansible_collections.inference.ollama.plugins.module_utils._fetch.fetch import fetch  # noqa: PLC0415 - only here

        _own_folder(os.path.dirname(self._path))
        # An address may hold a secret, so that Ansible hides it as a whole, be it quoted without one.
        where = f"file_url at {urlsplit(url).hostname}"

        def progress(done: int, total: Optional[int]) -> None:
            self._say(f"{where}: {amount(done)}{'' if total is None else f' of {amount(total)}'}")

        bounds, timeout = world.bounds, world.library.server.timeout
        within = max(1.0, bounds.ends - bounds.clock())
        try:
            found = fetch(
                url,
                self._path,
                sha256=self._sha256,
                timeout=timeout,
                retries=bounds.retries,
                progress=progress,
                within=within,
            )
        except OllamaError as error:
            raise OllamaError(str(error).replace(shown(url), where)) from None
        self.downloaded_bytes = found.bytes - found.resumed_bytes

    def _opened(self) -> BinaryIO:
        """The file, which is a regular one and begins as GGUF files do."""
        try:
            file = open(os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY), "rb")  # noqa: SIM115 - closed by who asked for it
        except OSError as error:
            raise OllamaError(f"file: {self._path} cannot be read ({error.strerror})") from None
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or file.read(len(_MAGIC)) != _MAGIC:
            file.close()
            raise OllamaError(f"file: {self._path} is not a GGUF file, which begins with {_MAGIC.decode()}")
        file.seek(0)
        return file


def _own_folder(path: str) -> None:
    """Make a folder that nobody else can write to. Raise OllamaError where it is another's."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.lstat(path)
    except OSError as error:
        raise OllamaError(f"folder: {path} cannot be made ({error.strerror})") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise OllamaError(f"folder: {path} is not a folder of this user that nobody else can write to")
