# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/recipes.md shows the plan that its variables make of each machine in recipes.yml.

The variables stand on the page alone. GOLDEN_REWRITE=1 rewrites the plans there; the diff is the review.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.supervision import STRICT
from ansible_collections.inference.ollama.plugins.plugin_utils._table import place_of
from ansible_collections.inference.ollama.tests.unit.golden.test_fleet import IDENTITY, machine, settings
from ansible_collections.inference.ollama.tests.unit.support.golden import REWRITE
from ansible_collections.inference.ollama.tests.unit.support.plans import plan

PAGE = Path(__file__).resolve().parents[3] / "docs" / "recipes.md"
MACHINES = yaml.safe_load((Path(__file__).parent / "recipes.yml").read_text(encoding="utf-8"))
RELEASE = str(load().newest_known)
WIDTH = 100
# A part of the page: its heading, the variables, and the plan.
PART = re.compile(r"^## (?P<title>[^\n]+)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
VARIABLES = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
PLAN = re.compile(r"```text\n(.*?)```", re.DOTALL)
# Where the server runs stands in the line above the settings, and hardening is the same on all hosts of a kind.
LEFT_OUT = {*IDENTITY, "numa_node", "cpus", "binding", "compute_threads", *STRICT}
PARTS = {found["title"]: found["body"] for found in PART.finditer(PAGE.read_text(encoding="utf-8"))}


def variables(title):
    """The variables of a recipe, without their prefix."""
    found = {}
    for block in VARIABLES.findall(PARTS[title]):
        found |= yaml.safe_load(block) or {}
    assert all(name.startswith("ollama_") for name in found)
    return {name.removeprefix("ollama_"): value for name, value in found.items()}


def shown(title):
    """The plan of a recipe as the page shows it: each server's place and settings, and what is left to people."""
    made = plan(machine(MACHINES[title]), RELEASE, **variables(title))
    found, lines, first = settings(made), [], {}
    for server in views.servers(made):
        place = f"{server['name']} ({server['unit']}) {place_of(server)}"
        rows = {name: text for (instance, name), text in found.items() if instance == server["name"]}
        rows = {name: text for name, text in rows.items() if name not in LEFT_OUT}
        lines += ["", *textwrap.wrap(place, WIDTH, subsequent_indent="    ", break_on_hyphens=False)]
        # Of several servers each but the first shows what differs from it.
        for name, text in rows.items():
            lines += _setting(name, text) if first.get(name) != text else []
        first = first or rows
    if weight := found.get(("slice", "CPUWeight")):
        lines += ["", "the slice of all servers", *_setting("CPUWeight", weight)]
    lines += ["", *(f"WARNING {warning['code']}" for warning in made["warnings"])] if made["warnings"] else []
    return "\n".join([*lines[1:], ""])


def _setting(name, text):
    start = f"  {name:25} "
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False)


def test_every_machine_has_its_recipe():
    """A recipe without a machine shows nothing, and a machine without a recipe is forgotten."""
    assert [title for title in PARTS if VARIABLES.search(PARTS[title]) and PLAN.search(PARTS[title])] == list(MACHINES)


@pytest.mark.parametrize("title", MACHINES)
def test_the_variables_of_a_recipe_are_right(title):
    """Each has a name and a value that the role takes."""
    assert option_errors(variables(title)) == []


@pytest.mark.parametrize("title", MACHINES)
def test_a_recipe_shows_the_plan_that_it_makes(title):
    """Byte for byte what the rules of today make of the machine and the variables."""
    made = shown(title)
    if REWRITE:
        body = PARTS[title]
        written = PLAN.sub(lambda _old: f"```text\n{made}```", body, count=1)
        PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(body, written), encoding="utf-8")
        PARTS[title] = written
    assert PLAN.search(PARTS[title])[1] == made
