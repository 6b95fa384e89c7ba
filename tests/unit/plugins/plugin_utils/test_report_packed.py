# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of many hosts: the worst are whole, of the others the details are compressed, and none is lost."""

from __future__ import annotations

import base64
import re
import zlib

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import fleet_report
from ansible_collections.inference.ollama.plugins.plugin_utils._report.overview import (
    best_speed,
    measured_rows,
    model_rows,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._report.packed import packed, plain_hosts
from ansible_collections.inference.ollama.plugins.plugin_utils._report.page import page_of, report_page
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, fleet


@pytest.fixture(scope="module")
def report():
    """A host of each kind."""
    return fleet_report(fleet(12), MOMENT)


@pytest.mark.parametrize(
    ("lengths", "most", "plain"),
    [
        ([], 10, 0),
        ([4, 4], 10, 2),
        ([4, 4, 4], 10, 2),
        ([11], 10, 0),
        ([1_500_000] * 5, 8_000_000, 5),
        ([400_000] * 21, 8_000_000, 2),
    ],
)
def test_the_worst_hosts_are_plain(lengths, most, plain):
    """All of a small fleet; of a large one those with a million bytes together."""
    assert plain_hosts(lengths, most) == plain


def test_packed_details_are_those_of_a_plain_page(report):
    """What the script makes elements of is what the page would have without it."""
    whole = re.findall(r'<div class="inside" id="([^"]+)">\n(.*?)\n?</div></details>\n', page_of(report), re.DOTALL)
    small = page_of(report, 0)
    parts = re.findall(r'id="([^"]+)" data-packed="([^"]+)"', small)
    assert [name for name, _part in parts] == [name for name, _inside in whole]
    for (_name, inside), (_same, part) in zip(whole, parts):
        assert zlib.decompress(base64.b64decode(part)).decode().strip() == inside.strip()
    assert zlib.decompress(base64.b64decode(packed("ä"))).decode() == "ä"
    assert ' data-packed="' not in report_page(report)


def test_what_failed_is_plain_everywhere(report):
    """Reason, error, every check that did not pass with its remedy, differences; and where the rest is."""
    small = re.sub(r' data-packed="[^"]+"', "", page_of(report, 0))
    text = re.sub(r"&#3[49];", "'", small)
    for host in report["hosts"]:
        assert host["reason"].partition("'")[0] in text
        for check in (host["verification"] or {"checks": []})["checks"]:
            if check["verdict"] != "pass":
                assert check["setting"] in text
                assert check["evidence"].partition("'")[0].partition("&")[0] in text
    assert small.count("without it they are in the JSON file") == len(report["hosts"])
    assert "decisions with reasons" not in small


def test_measurements_of_the_fleet_are_in_one_table(report):
    """Each at its fastest load, with the spread; hosts that nobody measured are not there."""
    rows = measured_rows(report["hosts"])
    assert {row["host"] for row in rows} == {"node-1", "node-7", "node-10"}
    first = rows[0]
    assert (first["model"], first["load"], first["moved"]) == ("llama3.1:8b", "8", [])
    assert first["speed"][0] == pytest.approx(679, rel=0.05)
    assert float(first["spread"]) > 0
    hosts = {host["name"]: host for host in report["hosts"]}
    assert best_speed(hosts["node-1"]) == first["speed"][0]
    assert best_speed(hosts["node-2"]) is None
    empty = {"name": "x", "measurement": {"benchmarks": [{"points": [{"metrics": 3}]}, {"points": 1}]}}
    assert (measured_rows([empty]), best_speed(empty)) == ([], None)


def test_models_of_the_fleet_are_in_one_table(report):
    """Each with the hosts by where it fits; one of an unknown place counts nowhere."""
    rows = model_rows(report["hosts"])
    assert [row["model"] for row in rows] == ["llama3.1:8b", "llama3.3:70b"]
    assert [len(names) for names in rows[0]["places"]] == [10, 0, 0, 0]
    odd = {"name": "x", "fit": {"servers": [{"models": [{"name": "m", "fits": ["gpu"]}]}]}}
    assert model_rows([odd]) == [{"model": "m", "places": [[], [], [], []]}]
