# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/symptoms.md says what lint, plan and verification say: each row is run, its drop-in from the page itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_lint import lint_unit
from ansible_collections.inference.ollama.tests.unit.support.symptoms import AROUND, PLANS, VERIFIED

PAGE = Path(__file__).resolve().parents[3] / "docs" / "symptoms.md"
COLUMNS = ["what you see", "lint", "plan", "verify"]
UNIT = "/etc/systemd/system/ollama.service"
VENDOR = "[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama\n"
ENVIRONMENT_FILE = "/etc/default/ollama"
RELEASE = parse_release("0.34.1")


def _rows():
    """The cells of every row, by the sentence that begins it."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| ") or line.startswith("| ---"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells != COLUMNS:
            title = re.match(r"\*\*(.+?)\*\*", cells[0])
            assert title, f"a row begins without a sentence in bold: {line[:60]}"
            assert title[1] not in found, f"two rows of one name: {title[1]}"
            found[title[1]] = cells
    return found


ROWS = _rows()


def code(cell):
    """What stands in code, without the sentence that begins the row."""
    return re.findall(r"`([^`]+)`", re.sub(r"^\*\*.+?\*\*", "", cell))


def lint(title, cell):
    """What the lint says of the lines in a cell: those of a drop-in, and of the file that it names, if it is there."""
    lines = [line for line in code(cell) if re.match(r"[A-Z]\w*=", line) and " # " not in line]
    inside = [line for line in code(cell) if line.startswith("export ") or " # " in line]
    dropin = "\n".join(["[Service]", *lines, ""])
    files = [(ENVIRONMENT_FILE, "\n".join([*inside, ""]))] if inside else []
    service = read_service([(UNIT, VENDOR), (f"{UNIT}.d/override.conf", dropin)], files)
    named = [setting.value for setting in service.values("EnvironmentFile")]
    missing = {path: "the file does not exist" for path in named if not inside}
    findings = [*lint_unit(service, RELEASE, missing), *(AROUND[title]() if title in AROUND else [])]
    return [text for each in findings for text in (f"{each.severity}: {each.message}", each.remedy)]


def planned(make):
    """What a plan says: each decision, each warning with its remedy, or why it is refused."""
    try:
        made = make()
    except OllamaError as error:
        return [str(error)]
    said = [f"{each['setting']}: {each['reason']}" for each in made["decisions"]]
    return said + [text for each in made["warnings"] for text in (f"{each['code']}: {each['message']}", each["remedy"])]


def verified(make):
    """What a verification says of what does not pass."""
    rows = [row for row in make()["checks"] if row["verdict"] != "pass"]
    shown = [f"{row['verdict']} {row['setting']}: {'-' if row['seen'] is None else row['seen']}" for row in rows]
    return shown + [text for row in rows for text in (row["evidence"], row["remedy"])]


def missing(cell, said):
    """The words of a cell that nobody said; a dash quotes nothing."""
    quoted = code(cell)
    assert quoted or cell == "-", f"neither words nor a dash: {cell}"
    return [words for words in quoted if not any(words in text for text in said)]


@pytest.mark.parametrize("title", ROWS)
def test_the_lint_says_what_the_page_says(title):
    """Of the lines in the row; where the page has a dash, it finds nothing in them."""
    seen, cell = ROWS[title][:2]
    said = lint(title, seen)
    assert missing(cell, said) == [], said
    assert (cell == "-") == (said == []), said


@pytest.mark.parametrize("title", ROWS)
def test_the_plan_says_what_the_page_says(title):
    """For a machine that shows the symptom; a dash has no plan to show."""
    cell = ROWS[title][2]
    assert (cell == "-") == (title not in PLANS)
    said = planned(PLANS[title]) if title in PLANS else []
    assert missing(cell, said) == [], said


@pytest.mark.parametrize("title", ROWS)
def test_the_verification_says_what_the_page_says(title):
    """Of a host with the fault; a dash has no check that shows it."""
    cell = ROWS[title][3]
    assert (cell == "-") == (title not in VERIFIED)
    said = verified(VERIFIED[title]) if title in VERIFIED else []
    assert missing(cell, said) == [], said


def test_every_input_has_a_row():
    """An input whose row is gone or renamed is not forgotten."""
    assert [title for title in (*AROUND, *PLANS, *VERIFIED) if title not in ROWS] == []
    assert len(ROWS) >= 40
