# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the fleet are unlike each other, and all of them serve behind the gateway."""

from __future__ import annotations

import re

import pytest


def test_every_host_runs_its_planned_servers(host):
    """One for each instance, with the slots that the inventory asks for."""
    variables = host.ansible.get_variables()
    instances = variables.get("ollama_instances", [{}])
    units = host.check_output("systemctl show 'ollama*.service' -p Environment --value")
    slots = sorted(map(int, re.findall(r"OLLAMA_NUM_PARALLEL=(\d+)", units)))
    assert slots == sorted(entry.get("num_parallel", variables["ollama_num_parallel"]) for entry in instances)


def test_every_host_has_processors_of_its_own_kind(host):
    """As captured, where the box shows another machine."""
    shown = host.ansible.get_variables()["lab_machine"].get("shows")
    online = {"desktop8": "0-7", "tiny": "0", "small16": "0-15"}
    seen = host.file("/sys/devices/system/cpu/online").content_string.strip()
    assert seen == online.get(shown, seen)


@pytest.mark.on(group="ollama_gateways")
def test_gateway_runs_and_starts_at_boot(host):
    service = host.service("inference-ollama-gateway.service")
    assert service.is_running
    assert service.is_enabled


@pytest.mark.on(group="ollama_gateways")
def test_gateway_is_no_unit_of_the_distribution(host):
    assert not host.service("haproxy.service").is_running
