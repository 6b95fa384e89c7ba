# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module engine_info: its answer and its refusal."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.modules import engine_info


def test_the_module_answers_and_refuses_in_its_own_words(run, monkeypatch, tmp_path):
    """It changes nothing, and a wrong option is a sentence."""
    monkeypatch.setattr(engine_info, "runner", lambda _seconds: lambda _argv: Outcome("docker version 1.2", None))
    monkeypatch.setattr(Root, "program", lambda _self, _name: None)
    status, answer = run(root=str(tmp_path), engine="docker")
    assert (status, answer["changed"], answer["containers"]["program"]) == (0, False, None)
    status, answer = run(command_timeout=0)
    assert (status, answer["msg"]) == (1, "command_timeout: 0 is not above 0 and up to 3600 seconds")
