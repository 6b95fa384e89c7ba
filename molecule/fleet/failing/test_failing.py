# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that fails its proof and servers that lose their power hurt nobody but streams that ran on the latter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

first = pytest.mark.on(position=[0])
# Hosts that are gone are noticed by two or three checks, a second apart.
NOTICED_S = 8


def keep_alive(host):
    """What the units of the host's servers are set to."""
    return set(
        host.check_output(
            "systemctl cat 'ollama*.service' | sed -n 's/.*OLLAMA_KEEP_ALIVE=\\([0-9a-z]*\\).*/\\1/p'"
        ).split()
    )


@first
def test_server_that_fails_its_proof_hurts_no_stream(recorded):
    found = recorded("proof")
    assert found["failures"] == []
    assert found["whole"] == found["streams"] >= 300


@first
def test_run_ends_with_the_failure_and_names_untouched_hosts(recorded, last_lines):
    """The host that went back, and the one that was never begun."""
    assert recorded("proof-site")["rc"] == 2
    said = last_lines("proof-site")
    assert "fleet-cards" in said
    assert "fleet-pair" in said


@first
def test_every_server_serves_again_after_the_failure(recorded):
    """The one that went back was proven in its old state, and so made ready."""
    assert {row["status"] for row in recorded("proof-servers") if row["pxname"] == "servers"} == {"UP"}


@first
def test_power_cut_in_the_middle_of_a_change_cuts_no_stream(recorded):
    """That host was drained; what failed ran on the other one, which was in use."""
    cut = datetime.fromisoformat(recorded("power-cut")["began"]).replace(tzinfo=UTC).timestamp()
    found = recorded("power")
    assert found["whole"] >= 300
    for each in found["failures"]:
        assert each["host"] in ("fleet-pair", ""), each
        began = found["began"] + each["began"]
        assert began < cut + NOTICED_S, each
    on_others = [
        each for each in found["failures"] if each["outcome"] in ("cut", "wrong") and each["host"] != "fleet-pair"
    ]
    assert on_others == []


@first
def test_run_on_a_host_that_vanishes_says_so(recorded):
    found = recorded("crash-site")
    assert found["rc"] == 4
    assert "unreachable=1" in found["output"]


@first
def test_next_run_finishes_what_was_begun(recorded):
    assert recorded("again-site")["rc"] == 0
    rows = [row for row in recorded("again-servers") if row["pxname"] == "servers"]
    assert len(rows) == 5
    assert {row["status"] for row in rows} == {"UP"}


def test_all_servers_are_as_planned_in_the_end(host):
    assert keep_alive(host) == {"34m"}
