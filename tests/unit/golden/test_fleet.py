# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet of unlike machines is planned to run, on two releases side by side.

``fleet/cases.yml`` holds the machines. Beside it a text for each holds every setting that is written, with its source
unless that is a rule; ``reasons.txt`` holds each sentence once, as the first machine has it. GOLDEN_REWRITE=1 rewrites
the texts; the diff is the review.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.supervision import HARDENING
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import PLACEMENT, as_text
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_lint import lint_unit
from ansible_collections.inference.ollama.tests.unit.support.golden import same
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, topology
from ansible_collections.inference.ollama.tests.unit.support.units import INSTALLED, render

FLEET = Path(__file__).parent / "fleet"
CASES = yaml.safe_load((FLEET / "cases.yml").read_text(encoding="utf-8"))
RELEASES = ("0.24.0", str(load().newest_known))
# What the whole plans show, and no machine changes.
EVERYWHERE = ("instance", "LimitNOFILE", "Restart", "RestartSec", *HARDENING)
IDENTITY = ("unit", "port", "gpus")


def machine(case):
    """The facts of a case."""
    cards = [card(number, **facts) for number, facts in enumerate(case.get("cards", []))]
    driver = case.get("driver", "580.65.06") if any(gpu["vendor"] == "nvidia" for gpu in cards) else None
    drivers = {"nvidia": driver and {"driver": driver, "cuda": "13.0", "error": None}, "amd": None}
    return topology({"gpus": cards, "drivers": drivers}, **case["machine"])


@functools.cache
def planned(name, release):
    """The plan of a case; without a release Ollama is not installed yet."""
    facts = machine(CASES[name])
    if release is None:
        facts["software"]["ollama"] = None
    return plan(facts, release, **CASES[name].get("options", {}))


def releases(name):
    """The two releases of a case."""
    return tuple(CASES[name].get("releases", RELEASES))


def settings(made):
    """Everything that a plan writes, by instance and name, and its warnings."""
    found = {}
    for instance in made["instances"]:
        found |= {(instance["name"], key): as_text(instance[key]) for key in IDENTITY}
        for decision in made["decisions"]:
            name, value = decision["setting"], as_text(decision["value"])
            shown = value is not None or decision["kind"] == PLACEMENT
            if decision["instance"] == instance["name"] and shown and name not in EVERYWHERE:
                source = "" if decision["source"] == "policy" else f" ({decision['source']})"
                # A start may have several commands.
                place = (instance["name"], name)
                found[place] = f"{found[place]}; {value}" if place in found else f"{value or '-'}{source}"
    weight = next(each for each in made["decisions"] if each["setting"] == "CPUWeight")
    if weight["value"] is not None:
        found["slice", "CPUWeight"] = f"{weight['value']} for {made['slice']}"
    found |= {("warning", warning["code"]): "yes" for warning in made["warnings"]}
    return found


def table(name):
    """The settings of both releases; a value that both have is shown once."""
    old, new = (settings(planned(name, release)) for release in releases(name))
    heads = [release or "release unknown" for release in releases(name)]
    lines = [CASES[name]["about"], ""]
    heading = None
    keys = [*new, *(key for key in old if key not in new)]
    places = list(dict.fromkeys(instance for instance, _setting in keys))
    for key in sorted(keys, key=lambda key: places.index(key[0])):
        instance, setting = key
        if instance != heading:
            lines += ["", f"{instance:36} {heads[0]:40} {heads[1]}"]
            heading = instance
        pair = old.get(key) or "-", new.get(key) or "-"
        lines.append(f"  {setting:34} {'=' if pair[0] == pair[1] else pair[0]:40} {pair[1]}")
    return "\n".join(line.rstrip() for line in lines).replace("\n\n\n", "\n\n") + "\n"


def test_the_fleet_is_large_enough():
    """Twenty machines and two releases are what the rules are reviewed on."""
    assert len(CASES) >= 20
    assert sorted(path.stem for path in FLEET.glob("*.txt")) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_machine_is_planned_as_reviewed(name):
    """The same machine gives the same settings on both releases, byte for byte."""
    assert same(FLEET / f"{name}.txt", table(name))


def test_every_reason_is_worded_as_reviewed():
    """A rule that changes its words shows once, however many machines it concerns."""
    found = {}
    for name in CASES:
        for decision in (entry for release in releases(name) for entry in planned(name, release)["decisions"]):
            # Names of cards are no words of a rule, and neither are numbers.
            words = re.sub(r"((; )?[^:;]*\([0-9.]+ GiB, compute capability [0-9.]+\))+", " cards", decision["reason"])
            words = re.sub(r"[0-9][0-9.,:-]*", "#", words)
            found.setdefault((decision["setting"], words), decision["reason"])
    lines = [f"{setting}: {reason}" for (setting, _words), reason in sorted(found.items(), key=lambda item: item[0][0])]
    assert same(FLEET.parent / "reasons.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", CASES)
def test_the_lint_has_nothing_to_advise_on_a_planned_unit(name):
    """A host tuned by the role passes the role's own lint at its strictest level."""
    for release in releases(name):
        made = planned(name, release)
        for instance in made["instances"]:
            text = render("dropin.conf.j2", made, instance["name"])
            service = read_service([("ollama.service", INSTALLED), ("ollama.service.d/override.conf", text)])
            found = lint_unit(service, parse_release(release) if release else None)
            # Without a release the lint asks for one.
            assert [each for each in found if release or each.code != "release-unknown"] == []
