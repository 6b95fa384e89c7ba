# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After each change of servers: exactly those that are planned run, start at boot, listen, answer and have files."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0])


@pytest.fixture(scope="module")
def planned(recorded):
    return recorded("planned")


def test_planned_services_run_and_start_at_boot(host, planned):
    for name in planned["services"]:
        assert host.service(name).is_running, name
        assert host.service(name).is_enabled, name


def test_no_other_service_runs_or_starts_at_boot(services, planned):
    found = services["services"]
    assert {name for name in found if found[name]["ActiveState"] == "active"} == set(planned["services"])
    assert {name for name in found if found[name]["UnitFileState"] == "enabled"} == set(planned["services"])


def test_each_server_listens_on_its_planned_address(host, services, planned):
    for name, address in planned["services"].items():
        assert services["services"][name]["address"] == address, name
        assert host.socket(f"tcp://{address}").is_listening, name


def test_each_server_answers_with_its_release(services, planned):
    assert all(services["services"][name]["version"] for name in planned["services"])


def test_files_are_exactly_those_of_the_planned_servers(services, planned):
    assert services["paths"] == planned["paths"]


def test_systemd_understands_every_unit(services):
    assert services["verify"] == {"rc": 0, "out": ""}
