# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a verification hand over to the core."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.filter.ollama import FilterModule
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

verify = FilterModule().filters()["verification"]
verify_table = FilterModule().filters()["verify_table"]
NOTHING = {"schema": 1, "instances": [], "problems": []}


def test_the_filters_give_what_the_core_gives():
    """A missing instance fails, and the table says so."""
    found = verify(plan(xeon()), NOTHING)
    assert found["verdict"] == "fail"
    assert verify_table(found, "xeon")[0].startswith("xeon: fail: 0 proven, 0 configured, 1 not as planned, ")


def test_a_wrong_shape_is_an_error_of_ansible():
    """It names the argument."""
    with pytest.raises(AnsibleFilterError, match="service: its schema is None; expected 1"):
        verify(plan(xeon()), {})
