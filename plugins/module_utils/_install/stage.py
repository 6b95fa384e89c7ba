# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a release to a host: under its name as a whole, or not at all, whenever the run ends.

The order in which it is written: the archive is downloaded and checked; the release is extracted into a folder of
another name, its marker last; all of it is on the disk; then that folder gets its name. A run that is killed before
leaves a folder that the next one deletes, and downloads with which it goes on.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch.partial import FULL
from ansible_collections.inference.ollama.plugins.module_utils._install.extract import Extraction, sync
from ansible_collections.inference.ollama.plugins.module_utils._install.releases import MARKER, read_marker, written
from ansible_collections.inference.ollama.plugins.module_utils._install.remove import delete, is_release, retire
from ansible_collections.inference.ollama.plugins.module_utils._install.sources import opened as opened_archive
from ansible_collections.inference.ollama.plugins.module_utils._install.swap import exchange
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import opened, write_all
from ansible_collections.inference.ollama.plugins.module_utils._trust import weakness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._benchmark.progress import Progress
    from ansible_collections.inference.ollama.plugins.module_utils._install.releases import Places
    from ansible_collections.inference.ollama.plugins.module_utils._install.sources import Archive, Limits

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MEGABYTE = 1_000_000
# A download, the part that is there of one, and what is known of the part.
_ENDINGS = ("", ".partial", ".partial.json")


class Staged(NamedTuple):
    """A release that was brought: its marker, the bytes that were downloaded, and those that were there of them."""

    marker: dict[str, Any]
    downloaded_bytes: int
    resumed_bytes: int


def is_there(places: Places, version: str, archives: Sequence[Archive]) -> bool:
    """Whether a release is complete and of these archives; a checksum that is not known cannot differ."""
    marker = read_marker(places.release(version), version)
    if marker is None:
        return False
    known = {entry["name"]: entry["sha256"] for entry in marker["archives"]}
    asked = {archive.name: archive.sha256 or known.get(archive.name) for archive in archives}
    return asked == known


def stage(places: Places, version: str, archives: Sequence[Archive], limits: Limits, progress: Progress) -> Staged:
    """Download, check and extract a release. Raise OllamaError; what was there before is as it was then."""
    _require_place(places, version)
    try:
        for folder in (places.folder, places.releases, places.downloads):
            _make(folder)
        _require_own(places)
        with locked(places):
            return _stage(places, version, archives, limits, progress)
    except OSError as error:
        raise OllamaError(_sentence(places, version, error)) from None


def leftovers(places: Places, version: str, archives: Sequence[Archive]) -> list[str]:
    """What a run that was killed right after it had brought the release has left of it."""
    names = [archive.name for archive in archives if archive.url is not None]
    downloads = [os.path.join(places.downloads, f"{name}{end}") for name in names for end in _ENDINGS]
    return [path for path in (places.partial(version), places.old(version), *downloads) if os.path.lexists(path)]


def clear(places: Places, paths: Sequence[str]) -> None:
    """Remove leftovers. Raise OllamaError."""
    try:
        with locked(places):
            for path in paths:
                delete(path)
    except OSError as error:
        raise OllamaError(f"{error.filename or places.folder}: cannot be removed ({error.strerror})") from None


def _stage(places: Places, version: str, archives: Sequence[Archive], limits: Limits, progress: Progress) -> Staged:
    partial = places.partial(version)
    delete(partial)
    delete(places.old(version))
    _make(partial)
    extraction = Extraction(partial, _extracting(limits, progress))
    kept, downloaded, resumed = [], 0, 0
    try:
        for archive in archives:
            with opened_archive(archive, places.downloads, limits, _downloading(archive, progress)) as source:
                progress.say(f"extracting {archive.name}", now=True)
                extraction.add(source.file, archive.name)
                kept.append({"name": archive.name, "sha256": source.sha256, "bytes": source.bytes})
                downloaded, resumed = downloaded + source.downloaded_bytes, resumed + source.resumed_bytes
        done = extraction.finish()
        data = written(version, kept, done.files, done.bytes)
        with opened(os.path.join(partial, MARKER), _NEW, 0o644) as marker:
            write_all(marker, data)
            os.fchmod(marker, 0o644)
            os.fsync(marker)
        sync(partial)
        _name(places, version)
    except (OllamaError, OSError):
        with contextlib.suppress(OSError):
            delete(partial)
        raise
    for archive in archives:
        if archive.url is not None:
            delete(os.path.join(places.downloads, archive.name))
    return Staged({"archives": kept, "files": done.files, "bytes": done.bytes}, downloaded, resumed)


def _name(places: Places, version: str) -> None:
    """Give the folder its name. One that is there, and may be in use, is replaced at once where the host can."""
    partial, release = places.partial(version), places.release(version)
    if not os.path.lexists(release):
        os.replace(partial, release)
    elif exchange(partial, release):
        os.replace(partial, places.old(version))
    else:
        retire(places, version)
        os.replace(partial, release)
    sync(places.releases)
    with contextlib.suppress(OSError):
        delete(places.old(version))


def _require_place(places: Places, version: str) -> None:
    """Raise OllamaError where somebody else has something in the place of a release, or can put it there."""
    release = places.release(version)
    if os.path.lexists(release) and not is_release(release):
        raise OllamaError(
            f"{release}: there is something that is no release of Ollama; nothing was changed, and right is to move it"
            " away"
        )


def _require_own(places: Places) -> None:
    """Raise OllamaError where root writes to a folder that others may change."""
    for folder in (places.releases, places.downloads):
        weak = weakness(folder) if os.geteuid() == 0 else None
        if weak is not None:
            raise OllamaError(
                f"{folder}: {weak} can be changed by others, who could then change what runs as a service; right is"
                " root as the owner of the folder and of every one above it, and mode 0755"
            )


@contextlib.contextmanager
def locked(places: Places) -> Iterator[None]:
    """Keep other runs away, until this one ends in whatever way (flock(2)). Raise OllamaError where one is at work."""
    with opened(places.releases, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise OllamaError(
                f"{places.releases}: another run installs or removes a release here; right is to wait for its end"
            ) from None
        yield


def _make(folder: str) -> None:
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o755)
        # Whatever umask says.
        os.chmod(folder, 0o755)  # noqa: S103 - the server runs as another account


def _downloading(archive: Archive, progress: Progress) -> Any:  # noqa: ANN401 - a function
    begun, first = time.monotonic(), [-1]

    def say(done: int, total: int | None) -> None:
        first[0] = done if first[0] < 0 else first[0]
        rate = (done - first[0]) / max(0.001, time.monotonic() - begun)
        whole = f" of {total // _MEGABYTE} MB ({100 * done // max(total, 1)} %)" if total is not None else " MB"
        progress.say(f"downloading {archive.name}: {done // _MEGABYTE}{whole}, {rate / _MEGABYTE:.1f} MB/s")

    return say


def _extracting(limits: Limits, progress: Progress) -> Any:  # noqa: ANN401 - a function
    def say(name: str, size: int) -> None:
        limits.left()
        progress.say(f"extracting {name}: {size // _MEGABYTE} MB")

    return say


def _sentence(places: Places, version: str, error: OSError) -> str:
    where = error.filename or places.folder
    where = where.decode("utf-8", "replace") if isinstance(where, bytes) else str(where)
    if error.errno in FULL:
        return (
            f"{places.release(version)}: no space is left ({error.strerror}); what was extracted was removed, what was"
            " downloaded as a whole is kept, and the releases that were there are as before"
        )
    return f"{where}: {error.strerror or error}; the releases that were there are as before"
