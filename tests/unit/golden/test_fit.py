# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models fit three hosts, as table, JSON and picture, stored to be reviewed by eye.

A workstation with two small cards, a server with one large card, and one with none; the models are dense ones of three,
eight and seventy billion parameters. GOLDEN_REWRITE=1 rewrites the results; the diff is the review.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._models.fits import model_fit
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.fits import fit_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._table import WIDTH, fit_table
from ansible_collections.inference.ollama.tests.unit.support.fits import HOSTS, MODELS, planned
from ansible_collections.inference.ollama.tests.unit.support.golden import REWRITE, same

HERE = Path(__file__).parent / "fit"
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "fit.md"


@pytest.fixture(params=HOSTS)
def fit(request):
    """A host's name, and which of the models fit it."""
    facts = HOSTS[request.param]()
    return request.param, model_fit({"models": [model() for model in MODELS]}, facts, planned(facts))


def test_the_table_is_the_reviewed_one(fit):
    """The same host and models give the same lines, none of which is too long for a terminal."""
    name, found = fit
    lines = fit_table(found, name)
    assert max(map(len, lines)) <= WIDTH
    assert same(HERE / f"{name}.txt", "\n".join([*lines, ""]))


def test_the_data_are_the_reviewed_ones(fit):
    """The same host and models give the same JSON."""
    name, found = fit
    assert same(HERE / f"{name}.json", f"{json.dumps(found, indent=2)}\n")


def test_the_picture_is_the_reviewed_one(fit):
    """The same host and models give the same bytes, which are one well-formed document."""
    name, found = fit
    drawn = fit_svg(found, name)
    assert ET.fromstring(drawn.encode()).find("{http://www.w3.org/2000/svg}title").text == f"Models that fit {name}"
    assert same(HERE / f"{name}.svg", drawn)


def test_the_documentation_shows_the_reviewed_table(fit):
    """Whoever reads the page sees what the playbook prints."""
    name, found = fit
    page = DOCUMENT.read_text(encoding="utf-8")
    shown = re.compile(rf"```text\n{name}: [^`]*```")
    text = "\n".join(["```text", *fit_table(found, name), "```"])
    if REWRITE:
        page = shown.sub(lambda _match: text, page)
        DOCUMENT.write_text(page, encoding="utf-8")
    assert shown.findall(page) == [text]
