# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module exposure_info: what it is asked, and what it refuses to try."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.modules import exposure_info

ASKED = {"table": "no_such_table", "ports": [11434], "addresses": ["10.20.0.1"], "command_timeout": 5}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"command_timeout": 0}, "command_timeout: 0 is not above 0"),
        ({"ports": [0]}, "ports: 0 is not in 1 to 65535"),
        ({"addresses": ["office"]}, "addresses: 'office' is no address"),
        ({"addresses": ["fe80::1%eth0"]}, "is no address"),
        ({"addresses": ["10.0.0.1"] * 2000}, "more than 1024 connections"),
    ],
)
def test_what_cannot_be_tried_is_refused(wrong, says):
    """Before any program is started."""
    with pytest.raises(OllamaError, match=says):
        exposure_info.read({**ASKED, **wrong})


def test_a_table_that_cannot_be_listed_is_no_failure():
    """The answer says what was not read, and there are no connections."""
    found = exposure_info.read(ASKED)
    assert (found["schema"], found["connections"]) == (1, [])
    assert found["problems"]
    assert found["loaded"] is not True


def test_the_module_answers_and_refuses_in_its_own_words(run):
    """It changes nothing, and a wrong option is a sentence."""
    status, answer = run(**ASKED)
    assert (status, answer["changed"], answer["exposure"]["schema"]) == (0, False, 1)
    status, answer = run(**{**ASKED, "ports": [70000]})
    assert (status, answer["msg"]) == (1, "ports: 70000 is not in 1 to 65535")
