# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models fit, shown in a terminal (_table.py) and as a picture (_picture/fits.py)."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._models.advice import advise
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.fits import fit_svg, inline_fit_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import PART_LOOKS, shared_sheet
from ansible_collections.inference.ollama.plugins.plugin_utils._table import WIDTH, fit_table
from ansible_collections.inference.ollama.tests.unit.support.fits import GIB, SETTINGS, Host, dense, fit_of

SPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script>&\"'\x00\x1b[31m\u202e\ud800\uffff"


def advised(host, name="llama3.1:8b", **settings):
    """The advice on a model of eight billion parameters."""
    return advise(dense(name), {}, {**SETTINGS, **settings}, "0.34.1", host)


FITTING = advised(Host(card=8 * GIB, host=8 * GIB))
PARTLY = advised(Host(card=8 * GIB, host=8 * GIB), OLLAMA_NUM_PARALLEL="4")
LARGE = advised(Host(card=2 * GIB, host=2 * GIB), "large:8b")


def words(lines):
    """The lines as one text without what wrapping adds."""
    return " ".join(line.strip() for line in lines)


def texts(svg):
    """The texts that are drawn."""
    return ["".join(text.itertext()) for text in ET.fromstring(svg.encode()).iter(f"{SPACE}text")]


def widths(svg, look):
    """The widths of a part's bars, the legend's sample left out."""
    drawn = svg.partition(">Legend<")[0]
    return [float(width) for width in re.findall(rf'<rect class="part-{look}"[^>]* width="([0-9.]+)"', drawn)]


def test_a_model_has_a_row_with_its_memory_and_what_would_be_better():
    """By part, by device, and in a line that says what to do."""
    assert fit_table(fit_of(FITTING, PARTLY), "node1") == [
        "node1: Ollama 0.34.1, with settings as planned",
        "",
        "MODEL        FITS    SLOTS  TOKENS  MEMORY",
        "llama3.1:8b  GPU     3      27648   6.6 GiB",
        "    2 slots of 8192 tokens; Q4_K_M, 4.6 GiB on disk",
        "    weights 6.6 GiB",
        "    Card: 33 of 33 layers, 6.6 GiB of 8 GiB free",
        "    -> Q5_K_M (5.3 GiB) would fit too",
        "llama3.1:8b  partly  3      27648   8.6 GiB",
        "    4 slots of 8192 tokens; Q4_K_M, 4.6 GiB on disk",
        "    weights 8.6 GiB",
        "    Card: 33 of 33 layers, 8 GiB of 8 GiB free",
        "    host memory: 33 of 33 layers, 590.7 MiB of 8 GiB free",
        "    it is so",
        "    -> it fits on GPUs with 3 slots of 8192 tokens or 1 slot of 27648",
        "       tokens",
        "    -> Q3_K_M (3.7 GiB) would fit on GPUs with 4 slots of 8192 tokens",
    ]


def test_what_does_not_fit_or_is_not_there_is_in_the_table():
    """With the reason, and with what the readers could not read."""
    missing = [{"name": "gemma3:27b", "reason": "the host's store does not have it"}]
    lines = fit_table(fit_of(LARGE, missing=missing, problems=["/srv/x: cut off"]), "node1")
    text = words(lines)
    assert "large:8b  no    -      -       -" in lines
    assert "2 slots of 8192 tokens; Q4_K_M" in text
    assert "-> Q2_K (3 GiB) would run with layers on the CPUs" in text
    assert "gemma3:27b: the host's store does not have it" in text
    assert "WARNING /srv/x: cut off" in text


def test_cards_that_have_the_same_are_one_line():
    """A server of eight cards fills no screen."""
    lines = fit_table(fit_of({**FITTING, "devices": FITTING["devices"][:1] * 8}), "node1")
    assert lines[6:8] == [
        "    8 x Card: 33 of 33 layers, 6.6 GiB of 8 GiB free",
        "    -> Q5_K_M (5.3 GiB) would fit too",
    ]


def test_nothing_to_ask_about_is_a_sentence():
    """An empty store is no empty screen."""
    lines = fit_table({**fit_of(), "settings": "server", "release": None}, "node1")
    assert words(lines) == (
        "node1: Ollama (release unknown), with settings as the server has them  there is no model to ask about"
    )


def test_several_servers_have_their_names():
    """The same model may fit one and not the other."""
    fit = fit_of(FITTING)
    fit["servers"] = [{"name": "node0", "models": [FITTING]}, {"name": "node1", "models": [LARGE]}]
    lines = fit_table(fit, "host")
    assert lines.index("  node0") < lines.index("  node1")
    assert "fits on GPU (node0)" in texts(fit_svg(fit, "host"))


@pytest.mark.parametrize("name", [HOSTILE, "x" * 300])
def test_no_name_breaks_a_line_or_a_document(name):
    """Names come from files that somebody else wrote."""
    odd = {**LARGE, "name": name, "reason": name, "quantization": name}
    fit = fit_of(odd, missing=[{"name": name, "reason": name}], problems=[name], release=name)
    assert all(len(line) <= WIDTH and line.isprintable() for line in fit_table(fit, name))
    for drawn in (fit_svg(fit, name), inline_fit_svg(fit, name)):
        assert "<script" not in drawn
        ET.fromstring(drawn.encode())


def test_the_picture_says_what_it_shows():
    """A title and a description for programs that read aloud, and a legend of the parts that are drawn."""
    root = ET.fromstring(fit_svg(fit_of(FITTING, LARGE), "node1").encode())
    assert root.get("role") == "graphics-document"
    assert root.find(f"{SPACE}title").text == "Models that fit node1"
    assert root.find(f"{SPACE}desc").text == (
        "llama3.1:8b: fits on GPU: Card (weights 6.6 GiB); large:8b: does not fit"
    )
    shown = texts(fit_svg(fit_of(FITTING), "node1"))
    assert shown[shown.index("Legend") :] == ["Legend", "weights", "free"]


def test_a_bar_is_as_long_as_the_memory_that_it_stands_for():
    """What the model takes and what is free add up to the whole bar."""
    drawn = fit_svg(fit_of(FITTING), "node1")
    (weights,), (free,) = widths(drawn, "weights"), widths(drawn, "free")
    assert weights + free == pytest.approx(560, abs=0.2)
    assert weights / 560 == pytest.approx(FITTING["memory"]["total_bytes"] / (8 * GIB), abs=0.001)


def test_what_others_use_comes_first():
    """A card that a desktop is on has less for the model."""
    device = {**FITTING["devices"][0], "memory_bytes": 10 * GIB}
    drawn = fit_svg(fit_of({**FITTING, "devices": [device]}), "node1")
    assert widths(drawn, "others") == [pytest.approx(112, abs=0.1)]


def test_memory_that_could_not_be_read_is_no_bar_of_a_guess():
    """The parts alone are drawn, and the words say so."""
    device = {**FITTING["devices"][0], "memory_bytes": None, "free_bytes": None}
    drawn = fit_svg(fit_of({**FITTING, "devices": [device]}), "node1")
    assert "6.6 GiB of an unknown size" in texts(drawn)
    assert widths(drawn, "free") == []


def test_every_part_has_a_look_in_both_colour_schemes():
    """In a separate picture, and on a page with others."""
    for sheet in (fit_svg(fit_of(FITTING), "node1"), shared_sheet()):
        light, dark = sheet.split("@media (prefers-color-scheme:dark)")
        for part in PART_LOOKS:
            assert f".part-{part}{{" in light
            assert f".part-{part}{{" in dark


def test_the_same_advice_gives_the_same_bytes():
    """Pictures in a repository change only with what they show."""
    assert fit_svg(fit_of(FITTING), "node1") == fit_svg(fit_of(FITTING), "node1")
