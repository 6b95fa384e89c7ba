# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module firewalld_info: its answer and its refusal."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.modules import firewalld_info


def test_the_module_answers_and_refuses_in_its_own_words(run, monkeypatch, tmp_path):
    """It changes nothing, and a wrong option is a sentence."""
    nothing = Outcome(None, "firewall-cmd is not installed")
    monkeypatch.setattr(firewalld_info, "runner", lambda _seconds: lambda _argv: nothing)
    status, answer = run(record=str(tmp_path / "none.json"))
    assert (status, answer["changed"], answer["firewalld"]["running"]) == (0, False, False)
    status, answer = run(command_timeout=0)
    assert (status, answer["msg"]) == (1, "command_timeout: 0 is not above 0 and up to 3600 seconds")
