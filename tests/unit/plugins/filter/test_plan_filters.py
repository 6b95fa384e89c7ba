# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters hand over to the core, and its errors become Ansible's."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.filter.changed_units import FilterModule as ChangedUnits
from ansible_collections.inference.ollama.plugins.filter.command_line import FilterModule as CommandLine
from ansible_collections.inference.ollama.plugins.filter.drift_table import FilterModule as DriftTable
from ansible_collections.inference.ollama.plugins.filter.dropin import FilterModule as Dropin
from ansible_collections.inference.ollama.plugins.filter.environment_file import FilterModule as EnvironmentFile
from ansible_collections.inference.ollama.plugins.filter.plan_refusals import plan_refusals
from ansible_collections.inference.ollama.plugins.filter.plan_table import FilterModule as PlanTable
from ansible_collections.inference.ollama.plugins.filter.stale_files import FilterModule as StaleFiles
from ansible_collections.inference.ollama.plugins.filter.topology_svg import FilterModule as TopologySvg
from ansible_collections.inference.ollama.plugins.filter.tuning_plan import FilterModule as TuningPlan
from ansible_collections.inference.ollama.plugins.filter.unit_drift import FilterModule as UnitDrift
from ansible_collections.inference.ollama.plugins.filter.unit_files import FilterModule as UnitFiles
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

tuning_plan = TuningPlan().filters()["tuning_plan"]
dropin = Dropin().filters()["dropin"]
environment_file = EnvironmentFile().filters()["environment_file"]
plan_table = PlanTable().filters()["plan_table"]
changed_units = ChangedUnits().filters()["changed_units"]
command_line = CommandLine().filters()["command_line"]
drift_table = DriftTable().filters()["drift_table"]
stale_files = StaleFiles().filters()["stale_files"]
unit_drift = UnitDrift().filters()["unit_drift"]
unit_files = UnitFiles().filters()["unit_files"]
topology_svg = TopologySvg().filters()["topology_svg"]


def test_filters_give_what_the_core_gives():
    """A thin wrapper adds nothing."""
    made = tuning_plan(xeon(), {"numa_node": 1}, "0.34.1")
    assert made == plan(xeon(), numa_node=1)
    assert dropin(made, "ollama")[0]["lines"] == []
    assert environment_file({"A": "b"}) == 'A="b"\n'
    assert plan_table(made, "xeon")[0] == "xeon: Ollama 0.34.1"
    assert command_line(["/bin/a", "b c"]) == '/bin/a "b c"'
    assert topology_svg(xeon(), "xeon", made["instances"]).count(" run") > topology_svg(xeon(), "xeon").count(" run")


def test_filters_of_files_fit_into_each_other():
    """What one returns, the next one takes."""
    made = plan(xeon())
    files = unit_files(made, "override.conf")
    path = files[0]["path"]
    assert stale_files(made, files, [path]) == {"units": [], "files": [], "folders": []}
    assert changed_units(made, [{"path": path, "change": "created"}], everywhere=False) == ["ollama.service"]
    drift = unit_drift(files, {path: "x"}, [{"item": files[0], "failed": True, "msg": "File not found: x"}])
    assert "file-missing" in "".join(drift_table(drift, "xeon"))


@pytest.mark.parametrize(
    "call",
    [
        lambda: tuning_plan(xeon(), {"numa_node": 7}),
        lambda: dropin(plan(xeon()), "gpu0"),
        lambda: environment_file({"A": "b\n"}),
        lambda: command_line(["a\nb"]),
        lambda: unit_drift([], {}, [{"item": {"path": "/x"}, "failed": True, "msg": "File is not readable: /x"}]),
        lambda: topology_svg({}, "xeon"),
    ],
)
def test_errors_are_sentences_of_ansible(call):
    """A task fails with the sentence, not with a traceback."""
    with pytest.raises(AnsibleFilterError):
        call()


def test_refusals_are_the_lines_of_what_the_plan_would_fail_with():
    """A play can refuse in its own words, and hears nothing where there is a plan."""
    assert plan_refusals(xeon(), {"numa_node": 1}) == []
    (line,) = plan_refusals(xeon(), {"numa_node": 7})
    with pytest.raises(AnsibleFilterError, match="1 setting cannot be used") as caught:
        tuning_plan(xeon(), {"numa_node": 7})
    assert f"- {line}" in str(caught.value)
    with pytest.raises(AnsibleFilterError, match="schema 1"):
        plan_refusals({}, {})
