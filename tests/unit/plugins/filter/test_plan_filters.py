# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters hand over to the core, and its errors become Ansible's."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.filter.dropin import FilterModule as Dropin
from ansible_collections.inference.ollama.plugins.filter.environment_file import FilterModule as EnvironmentFile
from ansible_collections.inference.ollama.plugins.filter.plan_table import FilterModule as PlanTable
from ansible_collections.inference.ollama.plugins.filter.topology_svg import FilterModule as TopologySvg
from ansible_collections.inference.ollama.plugins.filter.tuning_plan import FilterModule as TuningPlan
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

tuning_plan = TuningPlan().filters()["tuning_plan"]
dropin = Dropin().filters()["dropin"]
environment_file = EnvironmentFile().filters()["environment_file"]
plan_table = PlanTable().filters()["plan_table"]
topology_svg = TopologySvg().filters()["topology_svg"]


def test_filters_give_what_the_core_gives():
    """A thin wrapper adds nothing."""
    made = tuning_plan(xeon(), {"numa_node": 1}, "0.34.1")
    assert made == plan(xeon(), numa_node=1)
    assert dropin(made, "ollama")[0]["lines"] == []
    assert environment_file({"A": "b"}) == 'A="b"\n'
    assert plan_table(made, "xeon").startswith("xeon:")
    assert topology_svg(xeon(), "xeon", made["instances"][0]).count(" run") > topology_svg(xeon(), "xeon").count(" run")


@pytest.mark.parametrize(
    "call",
    [
        lambda: tuning_plan(xeon(), {"numa_node": 7}),
        lambda: dropin(plan(xeon()), "gpu0"),
        lambda: environment_file({"A": "b\n"}),
        lambda: topology_svg({}, "xeon"),
    ],
)
def test_errors_are_sentences_of_ansible(call):
    """A task fails with the sentence, not with a traceback."""
    with pytest.raises(AnsibleFilterError):
        call()
