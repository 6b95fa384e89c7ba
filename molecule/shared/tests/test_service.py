# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service as systemd and the network see it."""

from __future__ import annotations

UNIT = "ollama.service"


def test_service_runs_and_starts_at_boot(host):
    service = host.service(UNIT)
    assert service.is_running
    assert service.is_enabled


def test_systemd_understands_every_line_of_the_unit_and_its_drop_ins(host):
    verified = host.run("systemd-analyze verify %s", UNIT)
    assert (verified.rc, verified.stdout, verified.stderr) == (0, "", "")


def test_server_runs_as_the_user_of_the_unit(host, server):
    user = host.user(host.service(UNIT).systemd_properties["User"])
    assert user.uid != 0
    assert host.process.get(pid=server["pid"]).user == user.name


def test_server_listens_on_the_planned_address(host, planned_environment):
    assert host.socket(f"tcp://{planned_environment['OLLAMA_HOST']}").is_listening


def test_api_answers_with_a_release(observed):
    assert observed["version"]["version"]
