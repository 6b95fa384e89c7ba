# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule only warns of a playbook or a test that does not exist, and ends well: so their absence is found here."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parents[3]
BASE = yaml.safe_load((ROOT / ".config/molecule/config.yml").read_text())
SCENARIOS = sorted(file.parent for file in (ROOT / "molecule").glob("*/molecule.yml"))

# Steps that run a playbook of their own name; syntax, check and idempotence run that of converge.
STEPS = {"syntax": "converge", "check": "converge", "idempotence": "converge"}


def merged(scenario: Path) -> tuple[list[str], dict[str, str]]:
    """The test sequence and the playbooks of a scenario over those of the base."""
    own: dict[str, Any] = yaml.safe_load((scenario / "molecule.yml").read_text()) or {}
    sequence = own.get("scenario", {}).get("test_sequence", BASE["scenario"]["test_sequence"])
    defaults = {step: f"{step}.yml" for step in ("side_effect", "cleanup")}
    playbooks = {**defaults, **BASE["ansible"]["playbooks"], **own.get("ansible", {}).get("playbooks", {})}
    return sequence, playbooks


def hosts_of(scenario: Path) -> list[dict[str, Any]]:
    """The variables of each host, in whatever group it is."""
    groups = yaml.safe_load((scenario / "inventory/hosts.yml").read_text())
    return [host for group in groups.values() for host in group["hosts"].values()]


def test_there_are_scenarios() -> None:
    assert [scenario.name for scenario in SCENARIOS] == ["boxes", "fleet", "neighbours", "vms"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_playbook_that_the_sequence_names_exists(scenario: Path) -> None:
    sequence, playbooks = merged(scenario)
    for entry in sequence:
        step, _blank, given = entry.partition(" ")
        if step == "verify":
            continue
        needed = {given or playbooks[STEPS.get(step, step)]}
        if step == "side_effect":
            needed.add(playbooks[step])  # without its own playbook the step skips the given one too
        missing = [name for name in needed if not (scenario / name).is_file()]
        assert not missing, f"{scenario.name}: the step {entry!r} needs {missing}"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_folder_that_the_sequence_verifies_has_tests(scenario: Path) -> None:
    sequence, _playbooks = merged(scenario)
    given = [entry.split()[1:] for entry in sequence if entry.split()[0] == "verify"]
    assert [] in given, "the tests of every tuned host"
    verifier = BASE["verifier"]
    needed = [f"{folder}/test_*.py" for folders in given for folder in folders or [verifier["directory"]]]
    needed += [f"{verifier['directory']}/{pattern}" for pattern in verifier["additional_files_or_dirs"]]
    assert not [pattern for pattern in needed if not glob.glob(str(scenario / pattern))]


def test_every_test_file_is_in_a_folder_that_a_sequence_verifies() -> None:
    """A file that nobody runs proves nothing."""
    folders = {(ROOT / "molecule/shared/tests").resolve()}
    for scenario in SCENARIOS:
        sequence, _playbooks = merged(scenario)
        for entry in sequence:
            step, *given = entry.split()
            folders |= {(scenario / folder).resolve() for folder in given or ["tests"] if step == "verify"}
    assert {file.parent.resolve() for file in (ROOT / "molecule").rglob("test_*.py")} == folders


def test_check_mode_meets_a_host_before_converge_does() -> None:
    """On boxes; on virtual machines a dry run is a part of what each of them is asked."""
    sequence, _playbooks = merged(ROOT / "molecule/boxes")
    assert sequence.index("check") < sequence.index("converge") < sequence.index("idempotence")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_job_is_done_by_one_host(scenario: Path) -> None:
    """A job that no host has would not be done, nor one that the scenario lacks; each has tests of its own."""
    asked = sorted(job for host in hosts_of(scenario) for job in host.get("lab_jobs", []))
    assert asked == sorted(file.stem for file in scenario.glob("jobs/*.yml"))
    assert {f"test_{job}.py" for job in asked} <= {file.name for file in scenario.glob("each/test_*.py")}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_host_says_what_machine_it_is(scenario: Path) -> None:
    assert all(host["lab_machine"]["kind"] in ("vm", "box") for host in hosts_of(scenario))
