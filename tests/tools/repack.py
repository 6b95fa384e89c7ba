# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pack a built collection again so that the same files make the same bytes: ``repack.py ARTEFACT SECONDS``.

``ansible-galaxy collection build`` puts the time of the build into the archive and into the header of gzip, and when a
checkout has written each file. All of them become SECONDS since 1970, as in SOURCE_DATE_EPOCH
(https://reproducible-builds.org/specs/source-date-epoch/). The contents and their order stay, so a signature of
MANIFEST.json stays valid. The bytes depend on the zlib that Python has; MANIFEST.json and FILES.json do not.
"""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
from pathlib import Path


def repack(artefact: Path, seconds: int) -> None:
    """Replace the archive by one in which nothing depends on when, where and by whom it was built."""
    new = artefact.with_suffix(".new")
    with (
        tarfile.open(artefact) as old,
        new.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=seconds) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for member in old.getmembers():
            if not (member.isdir() or member.isreg()):
                raise SystemExit(f"{member.name}: is neither a folder nor a regular file")
            clean = tarfile.TarInfo(member.name)
            clean.type, clean.mode, clean.size, clean.mtime = member.type, member.mode, member.size, seconds
            tar.addfile(clean, old.extractfile(member) if member.isreg() else None)
    os.replace(new, artefact)


if __name__ == "__main__":
    repack(Path(sys.argv[1]), int(sys.argv[2]))
