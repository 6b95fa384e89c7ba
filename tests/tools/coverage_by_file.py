# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the files of plugins that the unit tests cover too little: ``python tests/tools/coverage_by_file.py REPORT``.

REPORT is what ``coverage json`` writes. A good total hides an untested file among 170 tested ones; this does not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Percent of statements and branches together, for every file and without exceptions.
FLOOR = 90


def uncovered(report: dict, files: list[str]) -> list[str]:
    """Return a sentence for each of the files below the floor; one that no test imports is absent from the report."""
    found = []
    for name in files:
        entry = report["files"].get(name)
        percent = entry["summary"]["percent_covered"] if entry else 0
        if percent < FLOOR:
            lines = entry["missing_lines"] if entry else "all, since no test imports the file"
            found.append(f"{name}: {percent:.0f} % covered, at least {FLOOR} % are required; lines never run: {lines}")
    return found


def main(path: str) -> str | None:
    """Return what is wrong, for sys.exit."""
    report = json.loads(Path(path).read_text(encoding="utf-8"))
    files = sorted(file.relative_to(ROOT).as_posix() for file in ROOT.glob("plugins/**/*.py"))
    return "\n".join(uncovered(report, files)) or None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
