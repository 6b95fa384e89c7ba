# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests after the jobs of single machines share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def last_lines(recorded):
    """The end of a run's output as one line, since Ansible breaks long ones."""
    return lambda name: " ".join(line.strip() for line in recorded(name)["output"].splitlines()[-60:])
