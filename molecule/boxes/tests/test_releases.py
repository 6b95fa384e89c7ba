# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases before 0.30, in which no variable reaches the model's process."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(variable="lab_release")


def test_api_answers_with_the_installed_release(observed, variables):
    assert observed["version"]["version"] == variables["lab_release"]


def test_drop_in_has_no_variable_that_would_only_act_from_0_30_on(drop_in):
    assert "LLAMA_ARG_" not in drop_in.content_string


def test_model_process_is_a_runner_of_the_program_itself(runner):
    assert runner["argv"][1] == "runner"
