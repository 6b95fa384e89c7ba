# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process of the host is in the container that a unit starts by a client of Docker."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._service.contained import contained
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit

CLIENT = "docker\0--host\0unix:///run/docker.sock\0start\0--attach\0ollama\0"
UNIT = Unit("ollama.service", main_pid=7, control_group="/ollama.slice/ollama.service")


def host(tmp_path, command=CLIENT):
    for pid, text in ((7, command), (9, "/bin/ollama\0serve\0")):
        folder = tmp_path / "proc" / str(pid)
        folder.mkdir(parents=True)
        (folder / "cmdline").write_text(text)
        (folder / "cgroup").write_text("12:cpu:/x\n0::/ollama.slice/docker-1.scope\n")
    return Proc(str(tmp_path))


def test_the_server_in_the_container_is_the_main_process(tmp_path):
    """By its number on the host, in the control group of the container, so that its runners are seen too."""
    asked = []
    found = contained(host(tmp_path), lambda argv: asked.append(argv) or Outcome("9\n", None), UNIT)
    assert (found.main_pid, found.control_group, found.name) == (9, "/ollama.slice/docker-1.scope", "ollama.service")
    assert asked[0][-1] == "ollama"


@pytest.mark.parametrize("command", ["/bin/ollama\0serve\0", "docker\0run\0x\0", "docker\0start\0--attach\0-x/\0", ""])
def test_any_other_unit_is_as_it_is(tmp_path, command):
    """Nobody is asked for it."""
    assert contained(host(tmp_path, command), None, UNIT) is UNIT
    assert contained(Proc(str(tmp_path)), None, Unit("ollama.service")).main_pid is None


@pytest.mark.parametrize(
    "said", [Outcome("0\n", None), Outcome("x" * 99, None), Outcome(None, "docker is not installed")]
)
def test_a_container_without_a_process_is_a_problem(tmp_path, said):
    """As one that has just ended, or a program that answers something else."""
    root = host(tmp_path)
    assert contained(root, lambda _argv: said, UNIT) is UNIT
    assert len(root.problems) == 1
