# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, messages, comments and documents use the words of the field."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("changelogs/fragments", "docs", "meta", "molecule", "playbooks", "plugins", "requirements", "roles", "tests")
SUFFIXES = {"", ".cfg", ".j2", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
# Machines' own words, results of code that is itself checked, and this list.
EXCLUDED = ("tests/unit/machines/", "tests/unit/golden/", "tests/unit/contract/test_language.py")
# Each phrase as a regular expression that knows no case, and what to write instead.
BANNED = {
    r"anew": "Write `again` or `from scratch`, or name the repetition: `recompute`, `reread`.",
    r"be had": "Write `available`, or `supported` where a release or a card has it.",
    r"(?:what|whatever) came of|came of (?:it|them)": "Write `the result of` or `the outcome of`.",
    r"convict(?:s|ed|ing)?": "A check `fails` a host or a setting.",
    # Not the value none of a variable, nor Python's None, nor Jinja's test of a name.
    r"(?<!\w)(?!there )[a-z]+ (?-i:(?:is|are|was|were) none)(?! of )": "Write `is not a release` or `is invalid`.",
    r"(?:is|are|was|were) said(?: so)?": "Write what reports it: `the table reports`, `is a problem`, `is logged`.",
    r"own affair": "Write whose decision it is: `the process may change it`.",
    r"stands? once": "Write `has one home` or `is defined in one place`.",
    r"told": "Programs `report`, `log` or `receive`; what cannot be told is `unknown`; an argument is `passed`.",
    r"ways? back": "Write `rollback` for the feature and `restore` for the act.",
    r"what of": "Name the thing: `the part of`, `the share of`, `which fields of`.",
    r"whose word": "Write whose value counts: `the operator's value wins`.",
    r"wish(?:es|ed)?": "Operators set `options`, `variables` or a `policy`; a function takes `options`.",
    r"with(?:hold|holds|held)": "Write `not_supported` or `is not set on this release`.",
}


def texts() -> list[Path]:
    """All files that people write and read, generated ones left out."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    found += [path for path in ROOT.iterdir() if path.suffix in SUFFIXES - {""}]
    names = {path.relative_to(ROOT).as_posix(): path for path in found if path.is_file() and path.name != "LICENSE"}
    return [names[name] for name in sorted(names) if not name.startswith(EXCLUDED) and "__pycache__" not in name]


def hits(phrase: str, text: str) -> list[int]:
    """The lines of a text that hold the phrase, as whole words or as parts of a name_like_this."""
    pattern = re.compile(rf"(?<![a-z.]){phrase.replace(' ', '[ _]')}(?![a-z])", re.IGNORECASE)
    return [number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def test_phrases_that_are_not_plain_english_are_not_used():
    """Readers are engineers of this field: the text says what they would say."""
    contents = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8", "replace") for path in texts()}
    report = []
    for phrase, advice in BANNED.items():
        found = [f"  {name}:{number}" for name, text in contents.items() for number in hits(phrase, text)]
        report += [f"{phrase}: {advice}", *found] if found else []
    assert not report, "\n".join(report)


def test_a_phrase_is_found_as_words_and_in_names():
    """A part of another word is not a hit, and a legitimate none is left alone."""
    assert hits("told", "Nobody was Told.\nuntold\nis_told = 1\ntold()\n") == [1, 3, 4]
    (none,) = (phrase for phrase in BANNED if "none" in phrase)
    fine = ["there is none", "if x is None", "ollama_numa_node is none", "plan.template is none", "x is none of a, b"]
    assert hits(none, "\n".join(["a time that is none", *fine])) == [1]


def test_all_kinds_of_files_are_read():
    """The list of files has documents, code, roles, scenarios and tests in it, and not itself."""
    names = [path.relative_to(ROOT).as_posix() for path in texts()]
    for name in (
        "README.md",
        "docs/policy.md",
        "plugins/plugin_utils/settings.yml",
        "tests/run.sh",
        "molecule/README.md",
    ):
        assert name in names
    assert "tests/unit/contract/test_language.py" not in names
