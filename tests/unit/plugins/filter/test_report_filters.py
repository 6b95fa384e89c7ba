# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a report hand over to the core."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.filter.ollama import FilterModule
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, fleet

fleet_report = FilterModule().filters()["fleet_report"]
report_page = FilterModule().filters()["report_page"]


def test_the_filters_give_what_the_core_gives():
    """The data, its text, and a page that is the same of both."""
    found = fleet_report(fleet(3), MOMENT)
    text = fleet_report(fleet(3), MOMENT, text=True)
    assert json.loads(text) == found
    assert report_page(text) == report_page(found)
    assert "<h1>2 of 3 hosts need you</h1>" in report_page(found)


def test_a_wrong_shape_is_an_error_of_ansible():
    """It names the argument."""
    with pytest.raises(AnsibleFilterError, match="records: expected"):
        fleet_report([], MOMENT)
    with pytest.raises(AnsibleFilterError, match="report: its schema is None; expected 1"):
        report_page({})
