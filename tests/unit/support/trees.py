# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of files to read: small ones written by a test, and captured machines."""

from __future__ import annotations

import functools
import json
import os
import tarfile
import tempfile
from pathlib import Path

import pytest

VARIABLE = "INFERENCE_OLLAMA_FIXTURES"


def plant(folder, files):
    """Write files (path: text or bytes) under a folder and return the folder as text, ready for Root."""
    for path, content in files.items():
        target = Path(folder, path.lstrip("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())
    return str(folder)


def captures():
    """The folder of captured machines, named by the environment or beside the checkout; or None."""
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else Path(__file__).resolve().parents[4] / "shared/fixtures"
    return folder if (folder / "topologies/trees").is_dir() else None


def names():
    """The names of all captured machines."""
    folder = captures()
    return sorted(path.name[: -len(".tar.xz")] for path in folder.glob("topologies/trees/*.tar.xz")) if folder else []


def oracle(name):
    """What other tools say of a captured machine."""
    return json.loads((captures() / f"topologies/trees/{name}.oracle.json").read_text(encoding="utf-8"))


@functools.cache
def _scratch():
    # Removed when the last reference goes, that is at the end of the run.
    return tempfile.TemporaryDirectory(prefix="inference-ollama-trees-")


@functools.cache
def unpack(archive):
    """The folder into which an archive (relative to the fixtures) was unpacked, once in a run."""
    target = Path(_scratch().name, archive.replace("/", "__"))
    with tarfile.open(captures() / archive) as packed:
        # The archives are our own, and Pythons before 3.9.17 know no filter.
        if hasattr(tarfile, "tar_filter"):
            packed.extractall(target, filter="tar")
        else:
            packed.extractall(target)
    return str(target)


def tree(name):
    """The root of a captured machine."""
    return str(Path(unpack(f"topologies/trees/{name}.tar.xz"), name))


needs_captures = pytest.mark.skipif(
    captures() is None,
    reason=f"no captured machines: set {VARIABLE} to the folder that holds topologies/trees",
)
