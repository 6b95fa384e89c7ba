# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile each file of Ansible's archive once; modules import this file before any other of the collection.

On a target a module and all that it imports lie in a zip archive that holds sources alone. Python compiles each of
them twice there: ``zipimport`` finds out a module's file name (``get_filename``) by compiling it, and then compiles it
to run it. That is half of what importing a module's files costs. CPython: Lib/zipimport.py, Python 3.9 to 3.14.
"""

from __future__ import annotations

import os
import sys
from zipimport import zipimporter


class Importer(zipimporter):
    """Tells a module's file name by where it lies in the archive, which holds no other form of it than its source."""

    def get_filename(self, fullname: str) -> str:
        name = os.path.join(self.archive, self.prefix + fullname.rpartition(".")[2])
        return os.path.join(name, "__init__.py") if self.is_package(fullname) else name + ".py"


# The importer refuses what is no archive, so any other place is left to the next in the list. Python keeps an importer
# for each folder that it has looked into, such as this file's.
sys.path_hooks.insert(0, Importer)
sys.path_importer_cache.pop(os.path.dirname(__file__), None)
