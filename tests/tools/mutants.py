# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Harm hosts and see what reading and planning make of it: ``python tests/tools/mutants.py [FIRST [COUNT]]``.

Every seed from FIRST (0) on is one mutant (10000 of them): one change of one file, folder or answer of a program. What
raises, takes more than 5 s or 64 MiB, fills a problem, or leaves a fact unknown without a word is printed.
"""
# ruff: noqa: T201  (a command line prints)

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    first, count = (int(word) for word in [*sys.argv[1:], *("0", "10000")[len(sys.argv) - 1 :]])
    sys.path.insert(0, str(ROOT / "build/collections"))
    from ansible_collections.inference.ollama.tests.unit.support import mutants  # noqa: PLC0415 found by the line above

    began, failed = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        hosts = mutants.subjects(folder, reports=True)
        paths, answers = (sum(len(getattr(host, part)) for host in hosts) for part in ("paths", "asked"))
        print(f"{len(hosts)} hosts with {paths} paths and {answers} answers")
        for seed in range(first, first + count):
            case, wrong = mutants.run(seed, hosts)
            if wrong is not None:
                failed += 1
                print(f"{case}: {wrong}", flush=True)
    print(f"{count} mutants, {failed} wrong, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
