# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules come before a server listens beyond loopback and go after it: by connections and by what the kernel has."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0])

STRANGERS = ("198.51.100.7", "2001:db8:ffff::7")


def let_in(recorded, name):
    rows = recorded(f"exposed-{name}-rules")["exposure"]["connections"]
    return {(row["address"], row["port"]) for row in rows if row["connected"]}


def test_without_a_word_the_host_is_refused_with_the_way_on(recorded):
    output = recorded("exposed-unsaid")["output"]
    assert "ollama_exposure: gateway" in " ".join(output.split())
    assert recorded("exposed-unsaid-rules")["rules"] == ""


@pytest.mark.parametrize(
    ("name", "port", "networks"),
    [
        ("guarded", 11434, {"10.20.0.1", "fd00:20::1"}),
        ("moved", 11500, {"10.20.0.1"}),
        ("went-back", 11434, {"10.20.0.1", "fd00:20::1"}),
    ],
)
def test_networks_get_in_and_strangers_do_not(recorded, name, port, networks):
    """The other port, at which no server listens, is none of the rules' business."""
    at_port = {address for address, reached in let_in(recorded, name) if reached == port}
    assert at_port == networks
    assert recorded(f"exposed-{name}-rules")["exposure"]["problems"] == []
    assert {address for address, reached in let_in(recorded, name) if reached != port} > set(STRANGERS)


def test_the_run_proves_it_by_itself(recorded):
    """A change whose rules do not hold would have been taken back; once the address is closed nothing is left."""
    assert recorded("exposed-guarded")["changed"] > 0
    assert recorded("exposed-closed-rules")["rules"] == ""
    assert recorded("exposed-closed-rules")["exposure"]["loaded"] is False


def test_the_unit_is_no_more_exposed_than_stated(host):
    """systemd's own measure of the tuned unit, in tenths; docs/hardening.md has it, and it may not rise."""
    said = host.run("systemd-analyze security --threshold=36 --no-pager ollama.service")
    assert said.rc == 0, said.stdout.splitlines()[-1]
