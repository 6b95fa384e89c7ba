# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong while a host is changed: afterwards the host is as it was, and the last lines say why."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(job="faults")

DROP_IN = "/etc/systemd/system/ollama.service.d/override.conf"
REASONS = {
    "start-fails": ["no answer", "not start with", "are back as they were", "checks passed"],
    "other-port": ["http://127.0.0.1:11434", "no answer", "are back as they were", "checks passed"],
    "load-fails": ["model standin", "did not answer", "are back as they were", "checks passed"],
    "disk-full": [DROP_IN, "No space left on device", "nothing was changed"],
    "rollback": ["back at", f"changed {DROP_IN}", "before a change of 2 files"],
}


@pytest.fixture(params=REASONS)
def fault(request):
    return request.param


def test_last_lines_say_why(recorded, last_lines, fault):
    lines = last_lines(fault)
    assert [words for words in REASONS[fault] if words not in lines] == []
    assert "Traceback" not in recorded(fault)["output"]


def test_host_is_as_it_was(recorded, fault):
    before, after = recorded("before-faults"), recorded(f"{fault}-after")
    after["files"].pop("/etc/systemd/system/ollama.service.d/rest", None)  # what fills the disk
    assert after["files"] == before["files"]
    assert after["ActiveState"] == "active"


def test_run_after_a_killed_one_finishes_what_that_one_began(recorded):
    assert recorded("after-kill")["changed"] > 0
    server = recorded("after-kill-services")["services"]["ollama.service"]
    assert server["environ"]["OLLAMA_MAX_QUEUE"] == "75"
