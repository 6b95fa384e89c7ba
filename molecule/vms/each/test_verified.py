# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook verify, with a model in memory."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.on(job="verified")


def test_verify_finds_the_host_as_planned_and_changes_nothing(host, recorded):
    seen = recorded("verified")
    assert re.search(f"{host.backend.host}: (pass|unknown)", seen["output"])
    assert seen["changed"] == 0
