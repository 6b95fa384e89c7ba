# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an archive says of the program in it: a file "release" is packed beside the code then, "VERSION [FAULT...]".

So that a host with several releases has programs that differ, and one that fails whatever its settings are.
"""

from __future__ import annotations

import os
from typing import Any


def words(loader: Any = None, folder: str = "") -> list[str]:
    """The words of the packed file; none where there is no such file."""
    folder = folder or os.path.dirname(os.path.dirname(__file__))
    try:
        return (loader or __spec__.loader).get_data(os.path.join(folder, "release")).decode().split()
    except OSError:
        return []


def library(program: str, otherwise: str) -> str:
    """The folder of the child: beside the program, behind all links (ml/path.go of Ollama), where one is there."""
    folder = os.path.normpath(os.path.join(os.path.dirname(os.path.realpath(program)), "../lib/ollama"))
    return folder if os.path.exists(os.path.join(folder, "llama-server")) else otherwise
