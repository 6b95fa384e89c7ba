# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of two servers has changed: the other one runs on, and what is changed by hand is found."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.on(position=[0])


def test_server_that_did_not_change_is_the_same_process(services, recorded):
    name = "ollama@chat.service"
    assert services["services"][name] == recorded("before")["services"][name]


def test_server_that_changed_has_restarted_with_the_new_value(services, recorded):
    name = "ollama@embed.service"
    before, now = recorded("before")["services"][name], services["services"][name]
    assert now["InvocationID"] != before["InvocationID"]
    assert now["environ"]["OLLAMA_KEEP_ALIVE"] == "6m"


def test_plan_names_the_service_the_setting_and_both_values_of_a_line_changed_by_hand(host, recorded):
    output = recorded("plan")["output"]
    assert re.search("ollama@embed.service +OLLAMA_KEEP_ALIVE +differs +9m +6m", output)
    assert f"{host.backend.host}: 1 difference(s)" in output


def test_site_after_plan_in_one_command_verifies_what_it_wrote(recorded):
    """The difference that the first playbook found is not one any more when the second verifies."""
    seen = recorded("plan-and-site")
    assert re.search("ollama@embed.service +OLLAMA_KEEP_ALIVE +differs +9m +6m", seen["output"])
    assert seen["changed"] > 0
    assert seen["rc"] == 0
