# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A molecule run in which a test looked at no host fails, where pytest by itself is content."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("testinfra")

ROOT = Path(__file__).resolve().parents[3]
INVENTORY = """\
ollama:
  hosts:
    one: {ansible_connection: local, lab_jobs: [work]}
    two: {ansible_connection: local}
"""
SKIPPED = 'import pytest\ndef test_skipped(_testinfra_host): pytest.skip("no reason")\n'
PASSED = "def test_passed(_testinfra_host): assert True\n"


def run(folder: Path, tests: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "molecule").mkdir()
    (folder / "tests/lab").mkdir(parents=True)
    shutil.copy(ROOT / "molecule/conftest.py", folder / "molecule")
    (folder / "tests/lab/probe.py").touch()
    (folder / "hosts.yml").write_text(INVENTORY)
    (folder / "molecule/test_it.py").write_text(tests)
    argv = [sys.executable, "-m", "pytest", "--connection=ansible", f"--ansible-inventory={folder}/hosts.yml"]
    options = ("--hosts=ollama", "--verbose", "-p", "no:cacheprovider", *options, "molecule")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OLLAMA_TEST_INVENTORY": "", **environment}
    return subprocess.run([*argv, *options], cwd=folder, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_test_that_every_host_skipped_fails_the_run_by_name(tmp_path: Path, workers: str) -> None:
    done = run(tmp_path, PASSED + SKIPPED, f"--numprocesses={workers}")
    assert done.stdout.count("PASSED") == 2, done.stdout
    assert done.returncode != 0
    assert "test_it.py::test_skipped - skipped on every host" in done.stdout


def test_a_test_for_hosts_that_the_scenario_lacks_fails_the_run_by_name(tmp_path: Path) -> None:
    done = run(tmp_path, f"import pytest\n@pytest.mark.on(job='rest')\n{PASSED}")
    assert done.returncode != 0
    assert "test_it.py::test_passed" in done.stderr


def test_a_test_runs_on_the_hosts_that_it_names(tmp_path: Path) -> None:
    choices = ["job='work'", "position=[0]", "variable='lab_jobs'"]
    tests = [f"@pytest.mark.on({each})\n{PASSED.replace('d(', f'd_{n}(', 1)}" for n, each in enumerate(choices)]
    done = run(tmp_path, "import pytest\n" + "".join(tests))
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == done.stdout.count("[ansible://one]") == 3


def test_machines_of_somebodys_own_need_not_have_a_host_for_every_test(tmp_path: Path) -> None:
    lacking = f"import pytest\n@pytest.mark.on(job='rest')\n{PASSED.replace('d(', 'd_elsewhere(', 1)}"
    done = run(tmp_path, lacking + SKIPPED + PASSED, OLLAMA_TEST_INVENTORY="given")
    assert done.returncode == 0, done.stdout
