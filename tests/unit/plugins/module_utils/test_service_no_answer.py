# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences about servers that do not answer (_service/no_answer.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._service.no_answer import describe_no_answer


def service(*instances, problems=()):
    return {"instances": list(instances), "problems": list(problems)}


def instance(version=None, journal=None, **facts):
    return {
        "unit": "ollama.service",
        "active_state": "activating",
        "sub_state": None,
        "api": {"url": "http://127.0.0.1:11434", "version": version},
        "journal": journal,
        "problems": ["refused"],
        **facts,
    }


@pytest.mark.parametrize(
    ("journal", "words"),
    [
        (None, ""),
        ({"warnings": [{"code": "other", "line": "x"}]}, ""),
        ({"warnings": [{"code": "server-ended", "line": "Error: bad origin"}]}, "It said: Error: bad origin "),
    ],
)
def test_why_a_server_does_not_answer(journal, words):
    """Its state, where it was asked, what was in the way, and its last words where the log has some."""
    assert describe_no_answer(service(instance(journal=journal), problems=["no systemctl"])) == (
        "ollama.service (activating) does not answer at http://127.0.0.1:11434: no systemctl; refused."
        f" {words}journalctl -u ollama.service tells more."
    )


def test_a_server_that_answers_has_no_sentence():
    """One that does not has one, and an API that was not read is no answer."""
    assert describe_no_answer(service(instance("0.34.1"))) == ""
    text = describe_no_answer(service(instance("0.34.1"), instance(unit="ollama@b.service"), instance(api=None)))
    assert text.count("does not answer") == 2
    assert "ollama@b.service" in text
