# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of two servers has made way for another one."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0])


def test_server_that_stays_is_the_same_process(services, recorded):
    name = "ollama@chat.service"
    assert services["services"][name] == recorded("before")["services"][name]
