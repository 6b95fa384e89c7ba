# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module topology_capture: what it returns and how it refuses."""

from __future__ import annotations

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.replay import planted


def test_a_machine_is_captured(run, tmp_path):
    """The text that the module returns is the whole machine, in check mode too."""
    folder = Machine(sockets=2, cores=2, threads=2, nodes=2).write(tmp_path / "machine")
    code, result = run(root=folder)
    assert (code, result["changed"]) == (0, False)
    assert run(root=folder, _ansible_check_mode=True) == (code, result)
    _capture, root = planted(result["capture"], tmp_path / "planted")
    assert gather(root, None, set(SUBSETS)) == gather(Root(folder), None, set(SUBSETS))


def test_this_host_is_captured_with_its_programs(run):
    """On the real root programs are asked too."""
    code, result = run()
    assert code == 0
    assert "\nrun systemctl show ollama.service " in result["capture"] or "\nfailed systemctl " in result["capture"]


@pytest.mark.parametrize(
    ("args", "option"), [({"root": "/nothing"}, "root"), ({"command_timeout": 0}, "command_timeout")]
)
def test_what_makes_no_sense_is_refused(run, args, option):
    """The same rules as for topology_facts."""
    code, result = run(**args)
    assert code == 1
    assert result["msg"].startswith(f"{option}: ")
