# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can keep a host from being read: nothing is lost, and the last lines say what is unknown and why."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(job="readers")

REASONS = {
    "log-unreadable": ["unknown", "journalctl", "are back as they were"],
    "processes-hidden": ["unknown", "was not read"],
    "models-come-and-go": ["as planned", "changed=0", "failed=0"],
}


@pytest.fixture(params=REASONS)
def obstacle(request):
    return request.param


def test_last_lines_say_what_is_unknown_and_why(recorded, last_lines, obstacle):
    lines = last_lines(obstacle)
    assert [words for words in REASONS[obstacle] if words not in lines] == []
    assert "Traceback" not in recorded(obstacle)["output"]


def test_host_is_as_it_was(recorded, obstacle):
    before, after = recorded("before-readers"), recorded(f"{obstacle}-after")
    assert after["files"] == before["files"]
    assert after["ActiveState"] == "active"
