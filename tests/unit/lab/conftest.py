# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the lab's own Python importable: it is a set of programs, not a package of the collection."""

from __future__ import annotations

import sys
from pathlib import Path

LAB = Path(__file__).resolve().parents[2] / "lab"

# The lab stays out of the collection's artefact; what is built from that has nothing to test here.
collect_ignore_glob = [] if LAB.is_dir() else ["test_*.py"]

sys.path[:0] = [str(LAB), str(LAB / "ollama")]
