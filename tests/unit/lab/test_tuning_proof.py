# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A search finds nearly the best of a known curve, changes nothing without a gain, and survives what fails."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.untraced

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "tuning_proof.py"))
SEEDS = range(50)


@pytest.mark.parametrize("noise", TOOL["NOISES"])
@pytest.mark.parametrize("kind", ["varied", "failing"])
def test_every_search_ends_near_the_best_point_of_the_grid(kind: str, noise: str) -> None:
    """Within 5 % of it, with at most a quarter of the grid's points, and never with settings that fail."""
    missed = [found for seed in SEEDS if not (found := TOOL["search"](seed, kind, noise)).good or found.failing]
    assert not missed, missed


@pytest.mark.parametrize("noise", TOOL["NOISES"])
def test_noise_alone_changes_nothing(noise: str) -> None:
    """On a server on which no setting changes anything."""
    changed = [found for seed in SEEDS if (found := TOOL["search"](seed, "flat", noise)).changed]
    assert not changed, changed


def test_the_same_seed_gives_the_same_search() -> None:
    """Otherwise a failure could not be looked at again."""
    assert TOOL["search"](3, "varied", "drift") == TOOL["search"](3, "varied", "drift")


def test_a_table_says_how_often_a_search_missed(capsys: pytest.CaptureFixture[str]) -> None:
    """With as many lines as there are kinds of servers and of noise."""
    TOOL["main"](1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(TOOL["KINDS"]) * len(TOOL["NOISES"])
    assert lines[0].startswith("varied   requests  1 searches, 0 missed")
