# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archives of a release: where each comes from, which checksum it has to have, and that file, checked and open."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from typing import IO, TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch.address import shown
from ansible_collections.inference.ollama.plugins.module_utils._fetch.ask import read
from ansible_collections.inference.ollama.plugins.module_utils._fetch.fetch import fetch
from ansible_collections.inference.ollama.plugins.module_utils._install.checksums import LARGEST, parse, required
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import FILE_FLAGS, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# No archive of a release has more.
MOST_BYTES = 1 << 34
_PART = 1 << 20


class Archive(NamedTuple):
    """An archive: its name, its address or its path on this host, and its SHA-256 where that is known."""

    name: str
    url: Optional[str]
    path: Optional[str]
    sha256: Optional[str]


class Limits(NamedTuple):
    """How long a server may be silent, how often it is asked again, and until when (time.monotonic()) all is done."""

    timeout: float
    retries: int
    ends: float

    def left(self) -> float:
        """Return the seconds that are left; raise OllamaError where there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise OllamaError("max_duration: its time is over; another run goes on with what was downloaded")
        return left


class Opened(NamedTuple):
    """An archive that was checked: the open file at its beginning, and what is known of it."""

    file: IO[bytes]
    bytes: int
    sha256: str
    downloaded_bytes: int
    resumed_bytes: int


def archives_of(asked: Sequence[Mapping[str, Any]]) -> list[Archive]:
    """The archives as an option names them. Raise OllamaError for names that are paths, and for two sources or none."""
    found: list[Archive] = []
    for entry in asked:
        name, url, path = str(entry["name"]), entry.get("url"), entry.get("path")
        if name in ("", ".", "..") or "/" in name or not name.isprintable() or len(name) > 200:
            raise OllamaError(f"archives: {name[:80]!r} is not the name of a file")
        if bool(url) == bool(path):
            has = "both url and path" if url else "neither url nor path"
            raise OllamaError(f"archives: {name} has {has}; right is one of them")
        if name in [archive.name for archive in found]:
            raise OllamaError(f"archives: {name} is named twice")
        sha256 = required(entry["sha256"], f"archives: {name}: sha256") if entry.get("sha256") else None
        found.append(Archive(name, url or None, path or None, sha256))
    if not found:
        raise OllamaError("archives: none is named, so there is nothing to install")
    return found


def read_checksums(source: Mapping[str, Any] | None, timeout: float) -> dict[str, str]:
    """The checksums by name of a file that ``{url, path}`` names. Raise OllamaError where it cannot be read."""
    url, path = (source or {}).get("url"), (source or {}).get("path")
    if url:
        data = read(url, timeout, LARGEST)
    elif path:
        try:
            data = read_regular(path, LARGEST)
        except OSError as error:
            raise OllamaError(f"checksums: {path} cannot be read ({error.strerror})") from None
    else:
        return {}
    return parse(data)


def with_checksums(
    archives: Sequence[Archive], source: Mapping[str, Any] | None, timeout: float, *, unverified: bool
) -> list[Archive]:
    """The archives with their checksums. Raise OllamaError for one without, unless that is allowed in words."""
    known: dict[str, str] = {}
    why = "no file of checksums was named"
    if source and any(archive.sha256 is None for archive in archives):
        why = f"{shown(source['url']) if source.get('url') else source.get('path')} has none of that name"
        try:
            known = read_checksums(source, timeout)
        except OllamaError as error:
            why = str(error)
    found = [archive._replace(sha256=archive.sha256 or known.get(archive.name)) for archive in archives]
    missing = [archive.name for archive in found if archive.sha256 is None]
    if missing and not unverified:
        raise OllamaError(
            f"archives: {', '.join(missing)}: the SHA-256 is not known ({why}); right is a checksum for each archive,"
            " or unverified: true, by which whatever arrives is run"
        )
    return found


@contextlib.contextmanager
def opened(
    archive: Archive, downloads: str, limits: Limits, progress: Callable[[int, int | None], None]
) -> Iterator[Opened]:
    """An archive, downloaded where it has to be and checked; what was downloaded stays. Raise OllamaError."""
    fetched = None
    path = archive.path or os.path.join(downloads, archive.name)
    if archive.url is not None:
        fetched = fetch(
            archive.url,
            path,
            sha256=archive.sha256,
            timeout=limits.timeout,
            retries=limits.retries,
            progress=progress,
            within=limits.left(),
            largest=MOST_BYTES,
        )
    with _file(path) as file:
        size, found = (fetched.bytes, fetched.sha256) if fetched else _digest(file, limits)
        if archive.sha256 not in (None, found):
            raise OllamaError(f"{path}: its SHA-256 is {found}, expected {archive.sha256}; nothing of it was used")
        resumed = fetched.resumed_bytes if fetched else 0
        yield Opened(file, size, found, size - resumed if fetched else 0, resumed)


def _file(path: str) -> IO[bytes]:
    """Open a regular file, through no link."""
    try:
        descriptor = os.open(path, FILE_FLAGS)
    except OSError as error:
        raise OllamaError(f"{path}: cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OllamaError(f"{path}: cannot be read (it is not a regular file)")
    return os.fdopen(descriptor, "rb")


def _digest(file: IO[bytes] | Any, limits: Limits) -> tuple[int, str]:  # noqa: ANN401 - raw or buffered
    digest, size = hashlib.sha256(), 0
    for part in iter(lambda: file.read(_PART), b""):
        digest.update(part)
        size += len(part)
        limits.left()
    file.seek(0)
    return size, digest.hexdigest()
