# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of hosts after public reports, where their folder is present; small machines hold the same elsewhere."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.tests.unit.support import reported
from ansible_collections.inference.ollama.tests.unit.support.plans import codes, instances


def planned(name, folder, **options):
    return make_plan(reported.read(name, folder), options)


@reported.needs_reports
def test_limits_of_a_stopped_unit_give_the_plan_of_the_running_one(tmp_path):
    """Four threads and 16 GiB by the files of the unit, whether it has a control group or not."""
    running, stopped = (planned(f"28-limits-unit-{state}", tmp_path) for state in ("running", "stopped"))
    assert running == stopped
    (server,) = instances(stopped)
    assert (server["compute_threads"], server["memory_bytes"]) == (4, 16 << 30)


@reported.needs_reports
def test_a_machine_in_sub_nodes_is_planned_as_uncut(tmp_path):
    """Two sockets in NPS4 get the servers that NPS1 gets, bound to sockets."""
    for options, warned in (({}, ["one-node-of-many"]), ({"objective": "throughput"}, [])):
        cut, uncut = (planned(name, tmp_path, **options) for name in ("11-epyc-two-sockets-nps4", "11-same-nps1"))
        assert [server["cpus"] for server in instances(cut)] == [server["cpus"] for server in instances(uncut)]
        assert [server["compute_threads"] for server in instances(cut)] == [96] * len(instances(uncut))
        assert [server["memory_bytes"] for server in instances(cut)] == [
            server["memory_bytes"] for server in instances(uncut)
        ]
        assert {server["binding"] for server in instances(cut)} == {"affinity"}
        assert codes(cut) == codes(uncut) == warned
