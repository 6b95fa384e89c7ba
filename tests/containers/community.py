# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack the collection community.docker out of the package ``ansible``: community.py PACKAGES TARGET, both folders."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

COLLECTION = "ansible_collections/community/docker/"


def main(packages: str, target: str) -> int:
    (package,) = Path(packages).glob("ansible-*.whl")
    with zipfile.ZipFile(package) as archive:
        names = [name for name in archive.namelist() if name.startswith(COLLECTION)]
        archive.extractall(target, names)
    sys.stdout.write(f"{package.name}: {len(names)} files of {COLLECTION}\n")
    return 0 if names else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
