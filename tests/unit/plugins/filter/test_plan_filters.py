# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters hand over to the core, and its errors become Ansible's."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.filter.ollama import FilterModule
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

tuning_plan = FilterModule().filters()["tuning_plan"]
plan_table = FilterModule().filters()["plan_table"]
drift_table = FilterModule().filters()["drift_table"]
file_drift = FilterModule().filters()["file_drift"]
topology_svg = FilterModule().filters()["topology_svg"]


def test_filters_give_what_the_core_gives():
    """A thin wrapper adds nothing."""
    made = tuning_plan(xeon(), {"numa_node": 1}, "0.34.1")
    assert made == plan(xeon(), numa_node=1)
    assert plan_table(made, "xeon")[0] == "xeon: Ollama 0.34.1"
    assert topology_svg(xeon(), "xeon", made).count(" run") > topology_svg(xeon(), "xeon").count(" run")


def test_a_missing_file_is_in_the_table():
    """What one filter returns, the next one takes."""
    file = {"path": "/x.conf", "unit": "ollama.service", "instance": "ollama", "content": "x"}
    drift = file_drift({"unit_files": [file], "stale": []}, {})
    assert "file-missing" in "\n".join(drift_table(drift, "xeon"))


@pytest.mark.parametrize(
    "call",
    [
        lambda: tuning_plan(xeon(), {"numa_node": 7}),
        lambda: file_drift({"unit_files": [{"path": "/x", "unit": "u", "instance": "i"}], "stale": []}, {"/x": None}),
        lambda: topology_svg({}, "xeon"),
    ],
)
def test_errors_are_sentences_of_ansible(call):
    """A task fails with the sentence, not with a traceback."""
    with pytest.raises(AnsibleFilterError):
        call()
