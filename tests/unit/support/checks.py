# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifications, as verify() gives them."""

from __future__ import annotations

COUNTED = ("pass", "configured", "unknown", "fail")


def verification(*rows):
    """One with these checks: setting and verdict, then what was seen and the evidence where they matter."""
    checks = []
    for setting, verdict, *observed in rows:
        seen, evidence = observed or ("28", "/proc/812/environ")
        checks.append(
            {
                "instance": "ollama",
                "setting": setting,
                "verdict": verdict,
                "planned": "14",
                "seen": seen,
                "evidence": evidence,
                "remedy": None if verdict == "pass" else f"mend by {evidence}",
            }
        )
    counts = {verdict: sum(row[1] == verdict for row in rows) for verdict in COUNTED}
    worst = next((verdict for verdict in ("fail", "unknown", "configured") if counts[verdict]), "pass")
    return {"schema": 1, "verdict": worst, "counts": counts, "checks": checks}
