# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes within an archive, whatever it is packed with: gzip by Python, Zstandard by Python or the program zstd.

Releases from 0.14.0 on are .tar.zst; compression.zstd is in Python from 3.14 on, and a host may have the package
zstandard. Memory stays bounded: zstd(1) takes no window above 128 MiB by itself.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import os
import subprocess
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import find
from ansible_collections.inference.ollama.plugins.module_utils._trust import weakness

if TYPE_CHECKING:
    from collections.abc import Iterator

GZIP, ZSTD, BARE = "gzip", "zstd", "bare"
_ENDINGS = ((".tgz", GZIP), (".tar.gz", GZIP), (".tar.zst", ZSTD), (".tzst", ZSTD))
_MODULES = ("compression.zstd", "zstandard")
_SAID = 300
_WAIT, _MOMENT = 30.0, 1.0


def kind(name: str) -> str:
    """How an archive of this name is packed; one of a name without such an ending is the program itself."""
    return next((kind for ending, kind in _ENDINGS if name.endswith(ending)), BARE)


def python_zstd() -> Any:  # noqa: ANN401 - one of two modules
    """Python's module that reads Zstandard; None without one."""
    for name in _MODULES:
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return None


def program_zstd() -> str | None:
    """The program zstd, one that nobody but root can have changed where root runs it; None without one."""
    path = find("zstd")
    return None if path is None or (os.geteuid() == 0 and weakness(path) is not None) else path


@contextlib.contextmanager
def unpacked(file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """What is within an archive, to be read once from its beginning.

    Raise OllamaError where it is damaged or this host cannot read it; reading raises OSError, EOFError or zlib.error.
    """
    if kind(name) != ZSTD:
        with gzip.GzipFile(fileobj=file, mode="rb") as opened:
            inner: Any = opened
            yield inner
        return
    module = python_zstd()
    if module is not None:
        with _by_module(module, file) as inner:
            yield inner
        return
    program = program_zstd()
    if program is None:
        raise OllamaError(
            f"{name}: this host has no program zstd that root can trust, and its Python neither of"
            f" {' and '.join(_MODULES)}; right is the package zstd of the distribution"
        )
    with _by_program(program, file, name) as inner:
        yield inner


def _by_module(module: Any, file: IO[bytes]) -> contextlib.AbstractContextManager[IO[bytes]]:  # noqa: ANN401 - one of two
    if hasattr(module, "ZstdFile"):
        opened: contextlib.AbstractContextManager[IO[bytes]] = module.ZstdFile(file, "rb")
        return opened
    made: contextlib.AbstractContextManager[IO[bytes]] = module.ZstdDecompressor().stream_reader(
        file, read_across_frames=True, closefd=False
    )
    return made


@contextlib.contextmanager
def _by_program(program: str, file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    with subprocess.Popen(  # noqa: S603 - a list, no shell, a trusted program
        [program, "-d", "-c", "-q"],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    ) as process:
        output: Any = process.stdout
        try:
            yield output
            _require_end(process, name, _WAIT)
        except (tarfile.TarError, EOFError):
            # It knows better what is wrong than who reads what it made of it.
            _require_end(process, name, _MOMENT)
            raise
        finally:
            if process.poll() is None:
                process.kill()


def _require_end(process: subprocess.Popen[bytes], name: str, seconds: float) -> None:
    """Raise OllamaError where the program failed; one that has not ended says nothing."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        if process.wait(seconds) and process.stderr is not None:
            said = process.stderr.read(_SAID).decode("utf-8", "replace").strip()
            raise OllamaError(
                f"{name}: it is damaged (zstd ended with status {process.returncode} and said: {said or 'nothing'});"
                " nothing of it is used"
            )


def message(error: BaseException) -> str:
    """What is wrong with an archive, by what reading it raised."""
    if isinstance(error, EOFError):
        return "it ends too soon"
    if isinstance(error, zlib.error):
        return "it is damaged (not what gzip writes)"
    return f"it is damaged ({str(error)[:_SAID] or type(error).__name__})"
