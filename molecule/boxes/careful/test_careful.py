# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dry run before a change of servers, and a second run after it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0])


def test_dry_run_shows_every_file_that_it_would_write_or_remove(recorded):
    seen, before, planned = recorded("dry-run"), set(recorded("before")["paths"]), set(recorded("planned")["paths"])
    paths = [
        path for path in sorted(before ^ planned) if path.endswith((".conf", ".service")) and ".wants/" not in path
    ]
    assert paths
    assert [path for path in paths if path not in seen["output"]] == []
    assert seen["changed"] > 0


def test_dry_run_changes_nothing(recorded):
    assert recorded("after-dry-run") == recorded("before")


def test_second_run_changes_nothing(recorded):
    assert recorded("second-run")["changed"] == 0
