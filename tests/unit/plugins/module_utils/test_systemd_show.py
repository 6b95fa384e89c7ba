# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties as systemctl prints them: lists in a shell's quotes, values that cannot be, names of old releases."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._systemd.show import parse_show, show

LISTS = ("DropInPaths", "Environment", "EnvironmentFiles")


def read(text, *names):
    return parse_show("a.service", text, names)


@pytest.mark.parametrize(
    ("printed", "paths"),
    [
        ("", ()),
        ("/a.conf /b.conf", ("/a.conf", "/b.conf")),
        ('"/my own.conf" /b.conf', ("/my own.conf", "/b.conf")),
        ("/a.conf $'/o\\'neill.conf'", ("/a.conf", "/o'neill.conf")),
        ("'/a b.conf'", ("/a b.conf",)),
        (r'"/a\\b.conf"', (r"/a\b.conf",)),
        (r'"/a\"b.conf"', ('/a"b.conf',)),
        (r"/sys/a\x2db.conf", ("/sys/a-b.conf",)),
        ("/a\u2028b.conf", None),
        ('"/open.conf', None),
        ("/a.conf b", None),
    ],
)
def test_paths_of_dropins_lose_the_quotes_of_systemctl(printed, paths):
    """Blanks, quotes and backslashes in a path arrive as the file has them; anything but paths is a problem."""
    found = read(f"DropInPaths={printed}\n", *LISTS)
    assert found.dropins() == paths
    assert found.problems == (
        () if paths is not None else ("systemctl show a.service: DropInPaths is not a list of paths",)
    )


def test_an_environment_with_quoted_values():
    """Values with blanks, quotes and line breaks, and one without a value."""
    found = read("""Environment=A=1 "B=x y" $'C=1\\n2' D= "E=\\$x"\n""", *LISTS)
    assert found.environment() == {"A": "1", "B": "x y", "C": "1\n2", "D": "", "E": "$x"}
    assert found.problems == ()


def test_environment_files_without_the_remark_of_systemctl():
    """One line for each file, under the name of old releases too."""
    for name in ("EnvironmentFile", "EnvironmentFiles"):
        found = read(f"{name}=/a b.env (ignore_errors=no)\n{name}=-/c (ignore_errors=yes)\n", *LISTS)
        assert found.environment_files() == ("/a b.env", "/c")


@pytest.mark.parametrize("file", ["a.env", "/a\x01.env", "/a\ufffd.env (ignore_errors=no)"])
def test_an_environment_file_that_is_not_a_path(file):
    """It is named, and no file is read then."""
    found = read(f"EnvironmentFiles=/b.env\nEnvironmentFiles={file}\n", *LISTS)
    assert found.environment_files() == ()
    assert found.problems == ("systemctl show a.service: EnvironmentFiles is not a path",)


def test_the_last_command_counts():
    """Its words, as systemd would run them, without the status that systemctl adds."""
    line = "ExecStart={{ path=/{0} ; argv[]=/{0} serve ; ignore_errors=no ; pid=0 }}\n"
    assert read(line.format("a") + line.format("b"), "ExecStart").command() == "/b serve"
    assert read("ExecStart=\n", "ExecStart").command() is None


@pytest.mark.parametrize(
    "line", ["LoadState=lo?ded", "MainPID=12x", "FragmentPath=etc", "User=a\x01", "Type=simple", "x"]
)
def test_what_systemctl_would_not_print_is_a_problem(line):
    """The property has no value then; a property that nobody asked for is none of the answer."""
    found = read(f"{line}\nSubState=running\n", "LoadState", "MainPID", "FragmentPath", "User", "SubState")
    assert found.values == {"SubState": ("running",)}
    assert found.problems
    assert all(problem.startswith("systemctl show a.service: read ") for problem in found.problems)


def test_a_systemctl_that_fails():
    """The failure is reported without the list of properties, and every property is unknown."""
    found = show(lambda argv: Outcome(None, f"{' '.join(argv)} failed"), "a.service", ("MainPID", *LISTS))
    assert (found.failure, found.values, found.problems) == ("systemctl show a.service failed", {}, ())
    assert (found.number("MainPID"), found.dropins(), found.environment_files()) == (None, (), ())
