# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing a module's files on a target, where they come in a zip archive, at half the price.

Python keeps no bytecode of an archive, so each file is compiled in every run, and twice: zipimport's find_spec asks
its own get_filename for a name, which compiles the file to tell it (Lib/zipimport.py of Python 3.9 to 3.13).
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import gc
import sys
from importlib.util import spec_from_file_location
from pkgutil import get_importer
from typing import TYPE_CHECKING
from zipimport import zipimporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

_OURS = "ansible_collections.inference.ollama."


class Finder:
    """Names the files of this collection in an archive without compiling them; all others it leaves to Python."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, _target: object = None) -> ModuleSpec | None:
        importer = get_importer(path[0]) if path and name.startswith(_OURS) else None
        if not isinstance(importer, zipimporter):
            return None
        try:
            ending = "/__init__.py" if importer.is_package(name) else ".py"
        except ImportError:
            return None
        file = f"{importer.archive}/{importer.prefix}{name.rpartition('.')[2]}{ending}"
        return spec_from_file_location(name, file, loader=importer)


def lean() -> None:
    """For a process that reads a host and ends: what is imported from now on is compiled once, and no time is spent
    looking for cycles of garbage.
    """
    gc.disable()
    sys.meta_path.insert(0, Finder)


__all__ = ("Finder", "lean")
