# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action release: bringing a release is a job, and taking one away answers at once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.inference.ollama.plugins.action.release import ActionModule
from ansible_collections.inference.ollama.plugins.modules import release


@pytest.mark.parametrize(
    ("args", "check", "at_once"),
    [({}, False, False), ({"state": "present"}, True, True), ({"state": "pruned"}, False, True)],
)
def test_what_takes_long_is_a_job(args, check, at_once):
    """Everything else answers at once."""
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(args=args, check_mode=check)
    assert action._answers_at_once() is at_once


def test_the_job_has_the_time_of_the_module():
    """Where the task does not say how much."""
    assert release.argument_spec()["max_duration"]["default"] == ActionModule.MOST_SECONDS
