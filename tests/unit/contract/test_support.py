# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The support matrix names what the collection declares, and as run what a step of the tests runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load

ROOT = Path(__file__).resolve().parents[3]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tables(text: str) -> dict[str, list[list[str]]]:
    """The rows of the table below each heading, without its head."""
    found = {}
    for part in text.split("\n## ")[1:]:
        rows = [line.strip("| \n").split(" | ") for line in part.splitlines() if line.startswith("|")]
        found[part.partition("\n")[0]] = [[cell.strip() for cell in row] for row in rows[2:]]
    return found


PAGE = tables(read("docs/support.md"))
PINNED = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "requirements").glob("*.txt")))
SCENARIOS = {
    "boxes": "molecule/boxes",
    "fleet": "molecule/fleet",
    "neighbours": "molecule/neighbours",
    "vms": "molecule/vms",
}


def was_run(cell: str) -> bool:
    return not cell.startswith("not run")


@pytest.mark.parametrize(("heading", "rows"), PAGE.items(), ids=PAGE)
def test_each_row_names_steps_that_are_there(heading, rows):
    """Where something was run, a step of tests/run.sh did it; where not, the cell begins with that."""
    steps = set(re.search(r"\|\| steps=\(([^)]+)\)", read("tests/run.sh"))[1].split())
    assert rows, heading
    for row in rows:
        named = set(re.findall(r"`([a-z_]+)`", row[-1])) - {"make"}
        assert named <= steps, row
        assert named or "all steps" in row[-1] or not was_run(row[-1]), row


def test_series_of_ansible_core_are_those_that_are_declared_and_pinned():
    """The first row is the floor of meta/runtime.yml, and a version that was run is one that the tests install."""
    rows = PAGE["Controllers: ansible-core and Python"]
    floor = re.fullmatch(r">=(\d+\.\d+)\.0", yaml.safe_load(read("meta/runtime.yml"))["requires_ansible"])
    assert rows[0][0] == floor[1]
    minors = [int(row[0].split(".")[1]) for row in rows]
    assert minors == list(range(minors[0], minors[-1] + 1))
    for series, _python, cell in rows:
        for version in re.findall(r"\d+\.\d+\.\d+", cell):
            assert version.startswith(f"{series}.")
            assert f"ansible-core=={version}" in PINNED
    pinned = set(re.findall(r"ansible-core==(\d+\.\d+)\.", PINNED))
    assert pinned == {row[0] for row in rows if was_run(row[2])}


def test_the_roles_ask_for_the_same_ansible_core():
    """meta/main.yml of each role has the floor too."""
    for path in ROOT.glob("roles/*/meta/main.yml"):
        version = yaml.safe_load(path.read_text(encoding="utf-8"))["galaxy_info"]["min_ansible_version"]
        assert version == PAGE["Controllers: ansible-core and Python"][0][0], path


def test_the_oldest_python_of_targets_is_the_one_that_is_tested():
    """The first row is what ansible-test reads from tests/config.yml, and what the step runs."""
    oldest = PAGE["Targets: Python"][0]
    assert yaml.safe_load(read("tests/config.yml"))["modules"]["python_requires"] == f">={oldest[0]}"
    assert f"ansible-test units --venv --python {oldest[0]} " in read("tests/run.sh")
    assert "`target_units`" in oldest[1]


def test_distributions_are_those_of_the_roles():
    """Each platform of meta/main.yml has a row, and those that were run are those that the lab's hosts have."""
    declared = set()
    for path in ROOT.glob("roles/*/meta/main.yml"):
        for platform in yaml.safe_load(path.read_text(encoding="utf-8"))["galaxy_info"]["platforms"]:
            declared |= {f"{platform['name']} {version}" for version in platform["versions"]}
    rows = {name.partition(" (")[0]: row[2] for row in PAGE["Targets: distributions"] for name in row[0].split(", ")}
    assert set(rows) == declared
    suites = re.findall(r"VMLAB_SUITE:-(\w+)", read("tests/lab/build-image.sh"))[:1]
    suites += re.findall(r'"VMLAB_SUITE": "(\w+)"', read("tests/containers/host.py"))
    assert {name for name, cell in rows.items() if was_run(cell)} == {f"Debian {suite}" for suite in suites}


def test_releases_of_ollama_are_those_of_the_settings_and_the_scenarios():
    """The bounds are those of settings.yml, and a step that a row names has the release in its hosts or plans."""
    contract = load()
    rows = {row[0]: row[2] for row in PAGE["Ollama"]}
    oldest, newest = str(contract.oldest_supported), str(contract.newest_known)
    releases = [name for name in rows if name[0].isdigit()]
    assert list(rows) == [f"before {oldest}", *releases, f"after {newest}"]
    assert (releases[0], releases[-1]) == (oldest, newest)
    goldens = [path for ending in ("txt", "yml", "json") for path in (ROOT / "tests/unit/golden").rglob(f"*.{ending}")]
    plans = "\n".join(path.read_text(encoding="utf-8") for path in goldens)
    assert [name for name in releases[1:] if "`units`" in rows[name] and name not in plans] == []
    for step, folder in SCENARIOS.items():
        hosts = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.yml"))
        run = set(re.findall(r"lab_release: (\S+)", hosts))
        named = {release for release in releases if f"`{step}`" in rows[release]}
        assert run <= named, step
    assert PAGE["Ollama"][4][0] == contract.options["install_version"].default
