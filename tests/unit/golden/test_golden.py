# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole plans and their units, stored to be reviewed by eye.

Each folder here holds a case (``case.yml``: a machine, the operator's options, a release, what the unit's other files
set) and its results: the plan, the drop-in of each instance and the unit that several instances are made of. The
machines of ``fleet`` are reviewed as tables. GOLDEN_REWRITE=1 rewrites the results; the diff is the review.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import (
    DIRECTIVE,
    FOUND,
    ORDER,
    VARIABLE,
    decisions_of,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_slice
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import dropin
from ansible_collections.inference.ollama.tests.unit.support.found import found_unit
from ansible_collections.inference.ollama.tests.unit.support.golden import as_yaml, same
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.units import INSTALLED, render, verdict

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/case.yml"))


def topology_of(case: dict, folder: Path) -> dict:
    """The machine of a case, read by the same readers as a real one; GPUs and software are given as facts."""
    machine = Machine(**case["machine"])
    topology = gather(Root(machine.write(folder)), None, set(SUBSETS))
    topology.update(case.get("facts", {}))
    topology["problems"] = []
    return topology


@pytest.fixture(params=CASES, ids=lambda path: path.name)
def case(request, tmp_path):
    """One case with its topology, plan and rendered drop-in."""
    text = yaml.safe_load((request.param / "case.yml").read_text(encoding="utf-8"))
    found = found_unit(**text["found"]) if "found" in text else None
    plan = make_plan(topology_of(text, tmp_path), text.get("options", {}), text.get("release"), found)
    return request.param, plan


def units_of(plan: dict) -> dict[str, str]:
    """The texts that the plan is written as, by the names of their files here."""
    texts = {f"{each['name']}.conf": render("dropin.conf.j2", plan, each["name"]) for each in plan["instances"]}
    if plan["template"]:
        texts["template.service"] = render("template.service.j2", plan)
    if plan["slice"]:
        texts[plan["slice"]] = render_slice(plan)
    return texts


def test_plan_is_the_reviewed_one(case):
    """The same machine, options and release give the same plan, byte for byte."""
    folder, plan = case
    assert same(folder / "plan.yml", as_yaml(plan))


def test_units_are_the_reviewed_ones(case):
    """The plan gives the same drop-ins and the same template unit, byte for byte."""
    folder, plan = case
    texts = units_of(plan)
    assert [name for name, text in texts.items() if not same(folder / name, text)] == []
    assert {path.name for path in folder.iterdir()} == {"case.yml", "plan.yml", *texts}


def test_every_decision_that_is_written_has_its_reason_above_its_line(case):
    """An operator can ask of any variable and directive why it is there, and nothing else is written."""
    _folder, plan = case
    name = plan["instances"][0]["name"]
    lines = [entry for entry in dropin(plan, name) if entry["lines"]]
    kinds = (VARIABLE, DIRECTIVE, ORDER)
    made = [d for d in decisions_of(plan, name) if d["kind"] in kinds and d["value"] is not None]
    # The only server reads what was found where it stands.
    made = [d for d in made if plan["template"] or d["source"] != FOUND]
    assert [entry["lines"][-1].partition("=")[2 * (d["kind"] == VARIABLE)] for entry, d in zip(lines, made)] == [
        f'"{d["setting"]}={d["value"]}"' if d["kind"] == VARIABLE else d["setting"] for d in made
    ]
    assert len(lines) == len(made)
    assert all(" ".join(entry["comment"]).startswith(f"{d['source']}: ") for entry, d in zip(lines, made))


def test_systemd_accepts_the_dropin(case, tmp_path):
    """systemd itself finds no fault with the unit and its drop-in."""
    _folder, plan = case
    text = units_of(plan)[f"{plan['instances'][0]['name']}.conf"]
    files = {"ollama.service": INSTALLED, "ollama.service.d/override.conf": text}
    assert verdict(tmp_path / "units", "ollama.service", files) == (0, "")
