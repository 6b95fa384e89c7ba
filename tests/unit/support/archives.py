# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives in the layout of a release of Ollama, and such as nobody should extract."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile

PROGRAM = b"#!/bin/sh\necho ollama version is 0.32.15\n"
LIBRARY = b"\x7fELF" + bytes(3000)


def entry(name, kind=tarfile.REGTYPE, data=b"", *, mode=0o755, target=""):
    """An entry of an archive and its bytes."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.linkname = kind, len(data), mode, target
    info.uid = info.gid = 1000
    return info, data


def folder(name):
    return entry(name, tarfile.DIRTYPE)


def link(name, target):
    return entry(name, tarfile.SYMTYPE, target=target)


def second_name(name, target):
    return entry(name, tarfile.LNKTYPE, target=target)


LAYOUT = (
    folder("./bin"),
    entry("./bin/ollama", data=PROGRAM),
    folder("./lib/ollama"),
    entry("./lib/ollama/libggml-base.so.0.0.0", data=LIBRARY, mode=0o644),
    link("./lib/ollama/libggml-base.so.0", "libggml-base.so.0.0.0"),
    entry("./lib/ollama/llama-server", data=b"server"),
)
ROCM = (entry("lib/ollama/rocm/libggml-hip.so", data=b"hip"), link("lib/ollama/rocm/base.so", "../libggml-base.so.0"))


def tar(*entries):
    """The bytes of a tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def packed(data, name):
    """The same packed as the name of the archive says."""
    if name.endswith(".zst"):
        return subprocess.run(["zstd", "-1", "-c", "-q"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return gzip.compress(data, 1, mtime=0) if name.endswith("gz") else data


def release(name="ollama-linux-amd64.tgz", entries=LAYOUT):
    """An archive of a release."""
    return packed(tar(*entries), name)


def sha256(data):
    return hashlib.sha256(data).hexdigest()
