# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is printed as a table fits a terminal of 80 columns, in each form in which Ansible prints a message."""

from __future__ import annotations

import contextlib
import json
import unicodedata

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._table import table, wrapped
from ansible_collections.inference.ollama.tests.unit.golden import test_fleet, test_golden
from ansible_collections.inference.ollama.tests.unit.plugins.filter.test_damaged_input import (
    RIGHT,
    WRAPPED,
    damaged,
    places,
)
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.hosts import cases, planned

pytestmark = pytest.mark.untraced
COLUMNS = 80
# Filters that return lines for a message; a host whose change was taken back ends in one sentence, however long.
# Lines to be copied, variables and commands, stay whole.
COPIED = {"container_table"}
TABLES = sorted({name for name in RIGHT if name.endswith("_table")} - COPIED | {"run_outcomes", "tuning_progress"})
# Paths, names, quotes, characters of two columns, and none that is printed.
TEXT = st.text(st.sampled_from("aZ9/.-_ \"\\'…é家🦙\n\t\x1b\u202e"), max_size=200)
few = settings(
    max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None
)


def columns(line):
    """How many columns a terminal takes for a line."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def too_wide(lines):
    """The lines that are wider than the terminal: alone, and as the default callback prints those of a message."""
    printed = json.dumps({"msg": lines}, indent=4, ensure_ascii=False).splitlines()
    return [line for line in (*lines, *printed) if columns(line) > COLUMNS]


def too_wide_as_yaml(lines):
    """The lines that are wider where callback_result_format is yaml."""
    printed = yaml.safe_dump({"msg": lines}, allow_unicode=True, default_flow_style=False, indent=4)
    return [line for line in printed.splitlines() if columns(f"    {line}") > COLUMNS]


@pytest.mark.parametrize("name", sorted(test_fleet.CASES))
def test_the_plan_of_every_reviewed_machine_fits(name):
    """For the newest release of its case."""
    lines = WRAPPED["plan_table"](test_fleet.planned(name, test_fleet.releases(name)[-1]), name)
    assert too_wide(lines) == too_wide_as_yaml(lines) == []


@pytest.mark.parametrize("folder", test_golden.CASES, ids=lambda path: path.name)
def test_every_reviewed_plan_fits(folder):
    """As it is stored."""
    plan = yaml.safe_load((folder / "plan.yml").read_text(encoding="utf-8"))
    lines = WRAPPED["plan_table"](plan, folder.name)
    assert too_wide(lines) == too_wide_as_yaml(lines) == []


@few
@given(cases(), st.text("abc-.", min_size=1, max_size=120))
def test_the_plan_of_any_machine_fits(case, host):
    """Whatever its shape, its options and the host's name."""
    assert too_wide(WRAPPED["plan_table"](planned(case), host)) == []


@pytest.mark.parametrize("name", TABLES)
def test_every_table_fits(name):
    """What it is given in the other tests."""
    lines = WRAPPED[name](*RIGHT[name])
    assert lines
    assert too_wide(lines) == too_wide_as_yaml(lines) == []


@pytest.mark.parametrize("name", TABLES)
@few
@given(data=st.data())
def test_every_table_fits_whatever_the_texts_in_it(name, data):
    """Names of hosts, models, files and settings, and what a server has said, may be of any length."""
    args = list(RIGHT[name])
    for _time in range(3):
        number = data.draw(st.integers(0, len(args) - 1))
        texts = [path for path in places(args[number]) if isinstance(value_at(args[number], path), str)]
        if texts:
            args[number] = damaged(args[number], data.draw(st.sampled_from(texts)), data.draw(TEXT))
    with contextlib.suppress(AnsibleFilterError):
        assert too_wide(WRAPPED[name](*args)) == []


def value_at(value, path):
    """The part of nested data at a place."""
    for key in path:
        value = value[key]
    return value


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT)), TEXT)
@example([("家" * 60,) * 6], "家" * 90)
@example([('"' * 60,) * 6], "\\" * 91)
def test_characters_of_two_columns_count_as_two(rows, note):
    """A quotation mark is escaped in JSON, and East Asian characters are wide."""
    lines = table(("A", "B", "C", "D", "E", "F"), [(row, [("by: ", note)]) for row in rows])
    assert too_wide([*lines, *wrapped(note, "家: ", 4)]) == []
