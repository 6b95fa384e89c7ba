# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet of unlike machines is planned to run, by an old release and by the newest, side by side.

``fleet/cases.yml`` holds the machines. Beside it a text for each holds every setting that is written, without the
reasons, which the whole plans next door show. GOLDEN_REWRITE=1 rewrites the texts; the diff is the review.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.supervision import HARDENING
from ansible_collections.inference.ollama.tests.unit.support.golden import same
from ansible_collections.inference.ollama.tests.unit.support.plans import card, instances, plan, topology

FLEET = Path(__file__).parent / "fleet"
CASES = yaml.safe_load((FLEET / "cases.yml").read_text(encoding="utf-8"))
RELEASES = ("0.24.0", str(load().newest_known))
# What the whole plans show, and no machine changes.
EVERYWHERE = ("LimitMEMLOCK", "LimitNOFILE", "Restart", "RestartSec", *HARDENING)
PLACE = ("unit", "port", "numa_node", "cpus", "compute_threads", "binding", "gpus")


def machine(case):
    """The facts of a case."""
    cards = [card(number, **facts) for number, facts in enumerate(case.get("cards", []))]
    driver = case.get("driver", "580.65.06") if any(gpu["vendor"] == "nvidia" for gpu in cards) else None
    drivers = {"nvidia": driver and {"driver": driver, "cuda": "13.0"}, "amd": None}
    return topology({"gpus": cards, "drivers": drivers}, **case["machine"])


def settings(made):
    """Everything that a plan writes, by instance and name, and its warnings."""
    found = {}
    for instance in instances(made):
        values = {key: instance[key] for key in PLACE}
        values |= {**instance["order"], **instance["environment"], **instance["directives"]}
        values = {name: value for name, value in values.items() if name not in EVERYWHERE}
        found |= {(instance["name"], name): value for name, value in values.items()}
    found |= {("warning", warning["code"]): "yes" for warning in made["warnings"]}
    return found


def shown(value):
    if isinstance(value, list):
        value = " ".join(value)
    return "-" if value in (None, "") else str(value)


def render(case):
    """The settings of both releases as a table; a value that both have stands once."""
    old, new = (settings(plan(machine(case), release, **case.get("wishes", {}))) for release in RELEASES)
    lines = [case["about"], ""]
    heading = None
    keys = [*new, *(key for key in old if key not in new)]
    places = list(dict.fromkeys(instance for instance, name in keys))
    for key in sorted(keys, key=lambda key: (places.index(key[0]), key[1] not in PLACE)):
        instance, name = key
        if instance != heading:
            lines += ["", f"{instance:36} {RELEASES[0]:40} {RELEASES[1]}"]
            heading = instance
        pair = shown(old.get(key)), shown(new.get(key))
        lines.append(f"  {name:34} {'=' if pair[0] == pair[1] else pair[0]:40} {pair[1]}")
    return "\n".join(line.rstrip() for line in lines).replace("\n\n\n", "\n\n") + "\n"


def test_the_fleet_is_large_enough():
    """Twenty machines and two releases are what the rules are reviewed on."""
    assert len(CASES) >= 20
    assert sorted(path.stem for path in FLEET.glob("*.txt")) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_machine_is_planned_as_reviewed(name):
    """The same machine gives the same settings on both releases, byte for byte."""
    assert same(FLEET / f"{name}.txt", render(CASES[name]))
