# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checksums that a release is published with: sha256sum.txt, in the forms of sha256sum(1) and of BSD."""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

SHA256 = re.compile("[0-9a-fA-F]{64}")
# A file has a line for each archive of a release.
LARGEST = 1 << 20
_LINE = re.compile(r"(?P<sum>[0-9a-fA-F]{64})[ \t]+[* ]?(?P<name>\S.*)")
_TAGGED = re.compile(r"SHA256 ?\((?P<name>.+)\) ?= ?(?P<sum>[0-9a-fA-F]{64})")
_LONGEST = 4096


def parse(data: bytes) -> dict[str, str]:
    """SHA-256 in small letters by the name of a file, without the folders before it. Lines of another form are no sums.

    Forms: ``SUM  NAME``, ``SUM *NAME``, ``SUM  ./NAME``, ``SHA256 (NAME) = SUM``. Of a name with two sums none is
    returned, since nobody knows which is right.
    """
    found: dict[str, str] = {}
    doubtful = set()
    for line in data.decode("utf-8", "replace").removeprefix("\ufeff").splitlines():
        match = (_LINE.fullmatch(line.strip()) or _TAGGED.fullmatch(line.strip())) if len(line) < _LONGEST else None
        if match is None:
            continue
        name, value = match["name"].strip().rpartition("/")[2], match["sum"].lower()
        if found.setdefault(name, value) != value:
            doubtful.add(name)
    return {name: value for name, value in found.items() if name and name not in doubtful}


def required(value: str, where: str) -> str:
    """A SHA-256 that somebody typed, in small letters. Raise OllamaError for anything else."""
    text = value.strip().lower().removeprefix("sha256:")
    if SHA256.fullmatch(text) is None:
        raise OllamaError(f"{where}: {value[:80]!r} is not a SHA-256; right are 64 hexadecimal digits")
    return text
