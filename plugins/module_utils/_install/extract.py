# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extract archives of a release into a folder, whatever is in them.

Only folders, regular files and links come out of an archive, below the folder, owned by whoever extracts, for all to
read and for nobody else to write, without setuid. Links are made when all files are there, so that no file is written
through one, and then each is followed once to see that it stays inside (path_resolution(7)).
"""

from __future__ import annotations

import os
import stat
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, Any, Callable, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._install.releases import PROGRAM
from ansible_collections.inference.ollama.plugins.module_utils._install.unpack import BARE, kind, message, unpacked
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import opened, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PART = 1 << 20
# A release has some hundred files and 5 GiB at most.
MOST_FILES = 20_000
MOST_BYTES = 1 << 36
# What may follow the last entry: padding.
_MOST_AFTER = 1 << 26
# Long names and what pax headers hold, which tarfile reads into memory as a whole.
_LARGEST_HEADER = 1 << 16
_EXTENSIONS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_DAMAGE = (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError, RecursionError)


class Extracted(NamedTuple):
    """How many files and links came out, and how many bytes they have."""

    files: int
    bytes: int


class _Entry(tarfile.TarInfo):
    """An entry whose extensions are small."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Entry:
        """Return the entry of a header; raise TarError for a long extension."""
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _EXTENSIONS and not 0 <= entry.size <= _LARGEST_HEADER:
            raise tarfile.ReadError("an entry has a header that is too long")
        return entry


class Extraction:
    """Extracts archives over each other into one folder that is there and empty."""

    def __init__(self, folder: str, progress: Callable[[str, int], None] | None = None) -> None:
        self._folder = folder
        self._progress = progress
        self._files: dict[str, int] = {}
        self._links: dict[str, str] = {}
        self._folders = {""}
        self._bytes = 0
        self._name = ""

    def add(self, file: IO[bytes], name: str) -> None:
        """Extract an archive of this name, or take a bare program. Raise OllamaError, and OSError of the disk."""
        self._name = name
        if kind(name) == BARE:
            self._write(PROGRAM, file, 0o755)
            return
        try:
            with unpacked(file, name) as inner:
                self._extract(inner)
        except _DAMAGE as error:
            raise self._wrong(message(error)) from None

    def _extract(self, inner: IO[bytes]) -> None:
        source: Any = _Source(inner)
        with tarfile.open(fileobj=source, mode="r|", bufsize=_PART, tarinfo=_Entry, errorlevel=2) as archive:
            for entry in archive:
                self._take(archive, entry)
                # tarfile keeps every entry otherwise.
                archive.members = []  # type: ignore[attr-defined]
        left = _MOST_AFTER
        while left > 0:
            part = _read(inner, _PART)
            if not part:
                return
            left -= len(part)
        raise self._wrong("after its last entry there is more than padding")

    def _take(self, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        path = self._path(entry.name)
        if len(self._files) + len(self._links) + len(self._folders) > MOST_FILES:
            raise self._wrong(f"it has more than {MOST_FILES} entries")
        if entry.isdir():
            self._make(path)
        elif entry.isreg():
            source = archive.extractfile(entry)
            if source is None:
                raise self._wrong(f"{entry.name} has no content")
            self._write(path, source, 0o755 if entry.mode & 0o111 else 0o644)
        elif entry.issym():
            self._link(path, entry.linkname)
        elif entry.islnk():
            self._hard_link(path, self._path(entry.linkname))
        else:
            raise self._wrong(f"{path!r} is neither a file, a folder nor a link")

    def _path(self, name: str) -> str:
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or not name.isprintable() or len(name) > 4096:
            raise self._wrong(f"{name[:200]!r} is not a path below its folder")
        return "/".join(parts)

    def _make(self, path: str) -> None:
        """Make a folder and those above it; what is there of an archive before may not be in the way."""
        parts = path.split("/") if path else []
        for count in range(1, len(parts) + 1):
            folder = "/".join(parts[:count])
            if folder in self._folders:
                continue
            if folder in self._files or folder in self._links:
                raise self._wrong(f"{folder!r} is a folder, and a file or a link before")
            os.mkdir(self._at(folder), 0o755)
            # Whatever umask says.
            os.chmod(self._at(folder), 0o755)  # noqa: S103 - the server runs as another account
            self._folders.add(folder)

    def _clear(self, path: str) -> None:
        """Make room for a file or a link: its folder, and nothing under its name."""
        if path in self._folders:
            raise self._wrong(f"{path!r} is a file or a link, and a folder before")
        self._make(path.rpartition("/")[0])
        self._links.pop(path, None)
        if path in self._files:
            self._bytes -= self._files.pop(path)
            os.unlink(self._at(path))

    def _write(self, path: str, source: IO[bytes], mode: int) -> None:
        self._clear(path)
        with opened(self._at(path), _NEW, 0o600) as target:
            size = 0
            for part in _parts(source):
                write_all(target, part)
                size += len(part)
                self._bytes += len(part)
                if self._bytes > MOST_BYTES:
                    raise self._wrong(f"it has more than {MOST_BYTES} bytes")
                if self._progress is not None:
                    self._progress(self._name, self._bytes)
            os.fchmod(target, mode)
            os.fsync(target)
        self._files[path] = size

    def _link(self, path: str, target: str) -> None:
        if not target or target.startswith("/") or not target.isprintable() or len(target) > 4096:
            raise self._wrong(f"{path!r} is a link to {target[:200]!r}, which is not below its folder")
        self._clear(path)
        self._links[path] = target

    def _hard_link(self, path: str, target: str) -> None:
        if target not in self._files or target == path:
            raise self._wrong(f"{path!r} is a second name of {target[:200]!r}, which is no file before it")
        self._clear(path)
        os.link(self._at(target), self._at(path), follow_symlinks=False)
        self._files[path] = 0

    def finish(self) -> Extracted:
        """Make the links, see that they stay inside, and bring the folders to the disk; there has to be the program."""
        for path, target in self._links.items():
            os.symlink(target, self._at(path))
        inside = os.path.realpath(self._folder)
        for path, target in self._links.items():
            if not f"{os.path.realpath(self._at(path))}/".startswith(f"{inside}/"):
                raise OllamaError(
                    f"{self._name}: {path!r} is a link to {target!r}, which leaves the folder of the release"
                )
        program = os.path.realpath(self._at(PROGRAM))
        if not os.path.isfile(program) or not os.stat(program).st_mode & stat.S_IXUSR:
            raise OllamaError(f"{self._name}: it has no program {PROGRAM}, so it is no release of Ollama for Linux")
        for folder in sorted(self._folders, reverse=True):
            sync(self._at(folder))
        return Extracted(len(self._files) + len(self._links), self._bytes)

    def _at(self, path: str) -> str:
        return os.path.join(self._folder, path) if path else self._folder

    def _wrong(self, what: str) -> OllamaError:
        return OllamaError(f"{self._name}: {what}; nothing of it is used")


class _Source:
    """The file that tarfile reads from; an error of the archive is another one than that of a disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        return _read(self._file, size)


def _read(file: IO[bytes], size: int) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        # What gzip raises has no number.
        if error.errno is not None:
            raise
        raise tarfile.ReadError(str(error)) from None
    except Exception as error:
        # Of zstandard and compression.zstd.
        if type(error).__name__ != "ZstdError":
            raise
        raise tarfile.ReadError(str(error)) from None


def _parts(source: IO[bytes]) -> Iterator[bytes]:
    part = source.read(_PART)
    while part:
        yield part
        part = source.read(_PART)


def sync(folder: str) -> None:
    """Bring a folder's names to the disk (fsync(2))."""
    with opened(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) as descriptor:
        os.fsync(descriptor)
