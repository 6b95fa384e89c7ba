# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the service restart, by the journal of systemd itself."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.on(position=[0])

UNIT = "ollama.service"
# systemd.journal-fields(7) and sd-messages.h: SD_MESSAGE_UNIT_STARTED.
UNIT_STARTED = "39f53479d3a045ac8e11786248231fbf"


@pytest.fixture(scope="module")
def events(host):
    """What systemd has done after each mark, in order: reloads of itself and starts of the unit."""
    host.check_output("journalctl --sync")
    found = {}
    for line in host.check_output("journalctl --output=json _PID=1 + SYSLOG_IDENTIFIER=lab-mark").splitlines():
        entry = json.loads(line)
        message = entry["MESSAGE"]
        if entry.get("SYSLOG_IDENTIFIER") == "lab-mark":
            done = found[message] = []
        elif found and re.fullmatch(r"Reloading\.+", str(message)):
            done.append("reload")
        elif found and (entry.get("MESSAGE_ID"), entry.get("UNIT")) == (UNIT_STARTED, UNIT):
            done.append("start")
    return found


@pytest.mark.parametrize("change", ["change", "taken-away"])
def test_change_of_two_files_reloads_systemd_once_and_then_starts_the_service_once(events, change):
    assert events[change] == ["reload", "start"]


def test_second_run_neither_reloads_nor_starts(events):
    assert events["same-again"] == []


def test_taking_the_variables_away_puts_every_file_back(state, recorded):
    """But for the copies that the role keeps of its drop-in, which systemd does not read."""
    now, before = (
        {path: facts for path, facts in each["files"].items() if not path.endswith("~")}
        for each in (state, recorded("before-restarts"))
    )
    assert now == before
