# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module clock_info: the time in UTC and in a zone."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta, timezone

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.modules import clock_info

NOW = datetime(2026, 11, 27, 23, 35, tzinfo=timezone.utc)


def test_utc_needs_no_database(monkeypatch):
    """A host without time zones knows it."""
    monkeypatch.setattr(clock_info, "ZoneInfo", None)
    assert clock_info.read("UTC", NOW) == {
        "schema": 1,
        "utc": "2026-11-27T23:35:00Z",
        "zone": "UTC",
        "day": "fri",
        "time": "23:35",
        "problems": [],
    }


def test_a_zone_has_its_own_day(monkeypatch):
    """One that is an hour ahead is at Saturday already."""
    monkeypatch.setattr(clock_info, "ZoneInfo", lambda _zone: timezone(timedelta(hours=1)))
    found = clock_info.read("Europe/Vienna", NOW)
    assert (found["utc"], found["day"], found["time"]) == ("2026-11-27T23:35:00Z", "sat", "00:35")


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../etc/passwd", "/etc/passwd", "", "\x00", "Europe"])
def test_a_zone_that_the_host_does_not_know_is_named(zone):
    """Nothing is guessed in its place, and no other file is read for it."""
    found = clock_info.read(zone, NOW)
    assert (found["day"], found["time"]) == (None, None)
    assert [problem.startswith("the host knows no time zone") for problem in found["problems"]] == [True]


def test_zones_of_this_machine_are_known():
    """As far as it has a database at all."""
    zones = sorted(zoneinfo.available_timezones())[:1]
    assert [clock_info.read(zone, NOW)["problems"] for zone in zones] == [[] for _zone in zones]


def test_the_module_answers(run):
    """It changes nothing."""
    status, answer = run()
    assert (status, answer["changed"], answer["clock"]["zone"]) == (0, False, "UTC")
