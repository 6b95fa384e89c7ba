# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units as systemctl prints them, and who overrides whom."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._service.overrides import read_overrides
from ansible_collections.inference.ollama.plugins.module_utils._service.unit import read_unit
from ansible_collections.inference.ollama.tests.unit.support.processes import Planted


def shown(text):
    root = Planted({})
    return read_unit(root, lambda _argv: Outcome(text, None), "ollama.service"), root.problems


def test_a_value_that_cannot_be_is_named_and_null():
    """A damaged property is a hole with a reason, and the others stay."""
    unit, problems = shown("LoadState=loaded\nMainPID=12x\nControlGroup=/../etc\nNRestarts=3\nFragmentPath=etc\n")
    assert (unit.restarts, unit.main_pid, unit.control_group, unit.fragment_path) == (3, None, None, None)
    assert [problem.split(" for ")[1].split(",")[0] for problem in problems] == [
        "MainPID",
        "FragmentPath",
        "ControlGroup",
    ]


def test_no_problem_quotes_the_environment():
    """An environment that cannot be read is named and never quoted."""
    unit, problems = shown('LoadState=loaded\nEnvironment="A=geheim\nnoch geheim\n')
    assert unit.environment is None
    assert len(problems) == 2
    assert "geheim" not in "".join(problems)


def test_drop_ins_that_are_no_paths():
    """A list of drop-ins that holds something else is no list."""
    unit, problems = shown("LoadState=loaded\nDropInPaths=/a.conf b\n")
    assert unit.dropins is None
    assert problems == ["systemctl show ollama.service: DropInPaths is not a list of paths"]


def test_names_of_old_releases():
    """systemd 245 and older say EnvironmentFile, and [not set] for none."""
    unit, problems = shown("LoadState=loaded\nEnvironmentFile=-/a (ignore_errors=yes)\nNRestarts=[not set]\n")
    assert (unit.environment_files, unit.restarts, problems) == (("/a",), None, [])


def test_without_systemctl_the_files_tell():
    """The problem is named without the list of properties, and the unit's file is found."""
    root = Planted({"/etc/systemd/system/a.service": "[Service]\n"})
    unit = read_unit(root, lambda argv: Outcome(None, f"{' '.join(argv)} failed"), "a.service")
    assert unit.fragment_path == "/etc/systemd/system/a.service"
    assert root.problems == ["systemctl show a.service failed"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["Environment=A=1", "Environment=B=1"], []),
        (["Environment=A=1 A=2"], []),
        (["Environment=A=1", 'Environment="A=2 3"'], [("A", 1, [0])]),
        (["Environment=A=1", "Environment=A=2", "Environment=A=3"], [("A", 2, [0, 1])]),
        (["Environment=A=1 B=1", "Environment=\nEnvironment=B=2"], [("A", 1, [0]), ("B", 1, [0])]),
        (["Restart=no", "Restart=always"], [("Restart", 1, [0])]),
        (["Restart=no", "# Restart=always\nRest\\\nart=a"], [("Restart", 1, [0])]),
        (["ReadWritePaths=/a", "ReadWritePaths=/b"], []),
        (["ReadWritePaths=/a", "ReadWritePaths="], [("ReadWritePaths", 1, [0])]),
        (["Environment=A=1", "Environment=A 1=2"], []),
        (["nonsense\n=\n[x", "nonsense"], []),
        (["Environment=A=1", 'Environment=A=2 "B=open'], [("A", 1, [0])]),
        (["Environment=A=1\nRestart=no", "Environment=B=\\\\\nRestart=always"], [("Restart", 1, [0])]),
        (["Environment=A=1", "Environment=B=1 \\\n# A=2\n C=1 \\\n A=3"], [("A", 1, [0])]),
    ],
)
def test_overrides(files, expected):
    """The last assignment holds; lists add up until an empty assignment takes them back."""
    root = Planted(
        {f"/{number}": f"[Service]\n{text}".replace("Rest\\\nart", "Restart") for number, text in enumerate(files)}
    )
    found = read_overrides(root, [f"/{number}" for number in range(len(files))], [])
    assert [
        (each["name"], int(each["kept"][1:]), [int(path[1:]) for path in each["lost"]]) for each in found
    ] == expected


def test_a_variable_that_a_file_unsets():
    """UnsetEnvironment= counts last, so the file with it overrides every file that sets the variable."""
    files = {"/a.service": "[Service]\nUnsetEnvironment=A B=2\nEnvironment=A=1 B=1", "/b.env": "A=2"}
    assert read_overrides(Planted(files), ["/a.service"], ["/b.env"]) == [
        {"name": "A", "kept": "/a.service", "lost": ["/b.env"]}
    ]


def test_environment_files_win_over_units():
    """A line inside a quoted value does not set a variable."""
    files = {"/a.service": "[Service]\nEnvironment=A=1 B=1 C=1", "/b.env": "A='one\nB=2'\n# C=3\nexport C=3\n"}
    assert read_overrides(Planted(files), ["/a.service"], ["/b.env"]) == [
        {"name": "A", "kept": "/b.env", "lost": ["/a.service"]}
    ]


def test_a_file_that_is_gone_is_named():
    """A file that systemd has loaded and that was removed since is a problem."""
    root = Planted({})
    assert read_overrides(root, ["/a.service"], ["/b.env"]) == []
    assert root.problems == ["/a.service: absent, expected a file of the unit that systemd has loaded"]
