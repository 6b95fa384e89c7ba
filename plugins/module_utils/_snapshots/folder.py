# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of snapshots: JSON files that only this user reads and writes, each replaced as a whole.

A restore writes as root what these files say, so neither the folder nor a file in it is believed where somebody else
can have written it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import (
    FILE_FLAGS,
    open_trusted,
    opened,
    read_bounded,
    require_file,
    write_all,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.scratch import SUFFIX, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterator

_JSON = ".json"
# A snapshot has some files of a megabyte at most, as text.
_LARGEST = 1 << 28
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """JSON files by name. Every error is an OllamaError that names the file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def file(self, name: str) -> str:
        return os.path.join(self.path, f"{name}{_JSON}")

    @contextlib.contextmanager
    def opened(self, *, create: bool = False) -> Iterator[int]:
        """The folder's descriptor; FileNotFoundError if it does not exist."""
        descriptor = open_trusted(self.path, create=create)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def exists(self) -> bool:
        return os.path.isdir(self.path)

    def names(self) -> list[str]:
        """The names of the files, without their ending; none if the folder does not exist."""
        return [name[: -len(_JSON)] for name in self._list() if name.endswith(_JSON)]

    def _list(self) -> list[str]:
        try:
            with self.opened() as folder:
                return os.listdir(folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OllamaError(f"{self.path}: cannot be listed ({error.strerror})") from None

    def read(self, name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The data in a file; None if it does not exist."""
        path = self.file(name)
        try:
            with self.opened() as folder, opened(f"{name}{_JSON}", FILE_FLAGS, at=folder) as file:
                require_file(file, path)
                return json.loads(read_bounded(file, _LARGEST).decode("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else "invalid JSON"
            raise OllamaError(f"{path}: cannot be read ({reason})") from None

    def write(self, name: str, value: dict[str, Any]) -> None:
        """Write a file: the whole of it, or nothing."""
        data = json.dumps(value, sort_keys=True).encode() + b"\n"
        try:
            with self.opened(create=True) as folder:
                _replace(f"{name}{_JSON}", data, folder)
        except OSError as error:
            raise OllamaError(f"{self.file(name)}: cannot be written ({error.strerror})") from None

    def remove(self, *names: str) -> None:
        """Remove files, in this order; those that do not exist count as removed."""
        name = ""
        try:
            with self.opened() as folder:
                for name in names:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(f"{name}{_JSON}", dir_fd=folder)
                os.fsync(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise OllamaError(f"{self.file(name)}: cannot be removed ({error.strerror})") from None

    def sweep(self) -> list[str]:
        """Remove what a killed run left half written; return what somebody else has left."""
        left = []
        for name in self._list():
            if name.endswith(f"{_JSON}{SUFFIX}"):
                with contextlib.suppress(OSError), self.opened() as folder:
                    if is_ours(os.stat(name, dir_fd=folder, follow_symlinks=False)):
                        os.unlink(name, dir_fd=folder)
                        continue
                left.append(os.path.join(self.path, name))
        return left


def _replace(name: str, data: bytes, folder: int) -> None:
    scratch = name + SUFFIX
    with contextlib.suppress(FileNotFoundError):
        if not is_ours(os.stat(scratch, dir_fd=folder, follow_symlinks=False)):
            raise OSError(errno.EEXIST, f"{scratch} is somebody else's")
        os.unlink(scratch, dir_fd=folder)
    try:
        with opened(scratch, _CREATE, 0o600, folder) as file:
            write_all(file, data)
            os.fchmod(file, 0o600)
            os.fsync(file)
        os.replace(scratch, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(scratch, dir_fd=folder)
        raise
    os.fsync(folder)
