# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers on a host that had one."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0])


@pytest.fixture(scope="module")
def chat(services):
    return services["services"]["ollama@chat.service"]


@pytest.fixture(scope="module")
def embed(services):
    return services["services"]["ollama@embed.service"]


def test_each_server_has_other_cpus(chat, embed):
    assert chat["cpus"] != embed["cpus"]


def test_each_server_has_its_own_settings(chat, embed):
    assert embed["environ"]["OLLAMA_KEEP_ALIVE"] == "5m"
    assert chat["environ"]["OLLAMA_KEEP_ALIVE"] != "5m"


def test_dry_run_shows_the_files_by_name(recorded):
    shown = recorded("dry-run")["output"]
    for file in (
        "ollama@.service",
        "ollama@chat.service.d/override.conf",
        "ollama@embed.service.d/override.conf",
        "ollama.service.d/override.conf",
    ):
        assert file in shown


def test_plan_finds_no_difference(recorded):
    assert recorded("plan")["rc"] == 0
