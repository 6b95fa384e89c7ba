# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action store: the module as a job, with its own limit."""

from __future__ import annotations

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.action.store import ActionModule
from ansible_collections.inference.ollama.plugins.modules import store


def test_a_job_that_says_nothing_of_its_time_has_the_limit_of_the_module():
    """Both have the same default, and the action asks for the module of its name."""
    assert store.argument_spec()["max_duration"]["default"] == ActionModule.MOST_SECONDS
    assert ActionModule.MODULE == "inference.ollama.store"
