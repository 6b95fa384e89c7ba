# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which machine a root names: the running host, a folder, or a capture's text."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import gather
from ansible_collections.inference.ollama.plugins.module_utils._topology.options import machine_of

CAPTURE = Path(__file__).resolve().parents[2] / "machines/tiny.txt"


def machine(root, *, captures=False, timeout=5):
    return machine_of({"root": str(root), "command_timeout": timeout}, captures=captures)


def test_a_folder_has_no_programs_and_the_running_host_has(tmp_path):
    """Programs of another machine cannot be run."""
    assert machine(tmp_path)[1] is None
    assert machine("/")[1] is not None


def test_a_capture_is_a_machine_where_captures_are_read():
    """Its files are read from its text, and the host that reads it is left alone."""
    root, _run = machine(CAPTURE, captures=True)
    assert not root.live
    assert gather(root, None, {"cpu"})["cpu"]["cores"] is not None


@pytest.mark.parametrize(
    ("root", "captures", "timeout", "said"),
    [
        ("/no/such", True, 5, "root: '/no/such' is not a folder"),
        (CAPTURE, False, 5, "of a capture topology_facts alone reads"),
        (Path(__file__), True, 5, "root: "),
        ("/", True, 0, "command_timeout: 0 is not a number of seconds above 0"),
    ],
)
def test_what_is_no_machine_is_refused(root, captures, timeout, said):
    """With what was given and what would be right."""
    with pytest.raises(OllamaError, match=said):
        machine(root, captures=captures, timeout=timeout)
