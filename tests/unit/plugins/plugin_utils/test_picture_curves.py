# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The curves of measurements: every point is drawn where its numbers are, and damaged records make whole pictures."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._picture.axes import (
    Axes,
    Curve,
    Scale,
    Spot,
    decades,
    panel,
    steps,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.curves import (
    benchmark_svg,
    inline_benchmark_svg,
    sound,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import CURVE_LOOKS, shared_sheet
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, point, result

SPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script>&\"'\x00\x1b[31m\u202e\ud800\uffff"


def texts(svg):
    """The shown texts."""
    return ["".join(text.itertext()) for text in ET.fromstring(svg.encode()).iter(f"{SPACE}text")]


def marks(svg, number):
    """The paths of the points of a curve, its sample left out."""
    return re.findall(rf'<path class="point-{number}( hollow)?" d="M([\d.]+) ([\d.]+)', svg)[1:]


def test_each_point_has_a_mark_and_a_label():
    """In the panel of throughput one, in that of latency one for each of three curves."""
    record = measured()
    drawn = benchmark_svg(record)
    shown = texts(drawn)
    # The first curve of both panels has the same look; each panel has a sample of it.
    assert len(marks(drawn, 0)) == 2 * 5 + 1
    assert len(marks(drawn, 1)) == len(marks(drawn, 2)) == 5
    for each in record["benchmarks"][0]["points"]:
        assert f"{each['metrics']['output_token_throughput']['mean']:.0f}" in shown
    for words in ("tokens/s", "time", "concurrency (streams)", "Throughput", "Latency", "time to first token"):
        assert words in shown


def test_open_loops_have_panels_of_their_own():
    """Requests a second are no streams."""
    assert texts(benchmark_svg(measured(result(rates=(1, 2))))).count("Latency") == 2
    shown = texts(benchmark_svg(measured(result(speeds={}, rates=()))))
    assert "nothing was measured" in shown
    assert "requests/s asked for" in texts(benchmark_svg(measured(result(speeds={1: 100}, rates=(0.5,)))))


def test_a_higher_number_is_drawn_higher():
    """And more streams further to the right."""
    drawn = benchmark_svg(measured(result(speeds={1: 100, 2: 200, 4: 300})))
    places = [(float(x), float(y)) for _hollow, x, y in marks(drawn, 0)[:3]]
    assert [x for x, _y in places] == sorted(x for x, _y in places)
    assert [y for _x, y in places] == sorted((y for _x, y in places), reverse=True)


def test_what_was_not_measured_to_its_end_is_hollow():
    """With a line that says so."""
    record = measured()
    points = record["benchmarks"][0]["points"]
    points[4]["stop"] = {"reason": "over_saturation", "message": "x"}
    points[3]["requests"].update(errored=100)
    drawn = benchmark_svg(record)
    assert drawn.count(' hollow"') == 2 * 4
    assert "A hollow point ended early, or under 95 % of its requests were answered." in texts(drawn)
    assert "hollow point" not in "".join(texts(benchmark_svg(measured())))


def test_requests_that_time_ended_did_not_fail():
    """At the end of a point some are always under way."""
    found = point(8, 600)
    found["requests"].update(successful=96, incomplete=8)
    assert sound(found)
    found["requests"].update(refused=6)
    assert not sound(found)
    assert not sound({})


def test_a_spread_that_is_known_is_a_bar():
    """Of one value there is none."""
    record = measured(result(speeds={1: 100}))
    for metric in record["benchmarks"][0]["points"][0]["metrics"].values():
        metric["std_dev"] = None
    assert 'class="spread-' not in benchmark_svg(record)
    assert benchmark_svg(measured(result(speeds={1: 100}))).count('class="spread-') == 4


def test_models_are_below_each_other():
    """What could not be measured is in the title."""
    record = measured(result(), result("gemma3:4b"), failed=[("large:70b", "status 500")])
    shown = texts(benchmark_svg(record))
    assert shown.index("llama3.1:8b") < shown.index("gemma3:4b")
    assert "large:70b: not measured: status 500" in shown


def test_the_picture_says_what_it_shows():
    """For programs that read aloud."""
    root = ET.fromstring(benchmark_svg(measured(result(speeds={1: 100}, noise=0))).encode())
    assert root.get("role") == "graphics-document"
    assert root.find(f"{SPACE}title").text == "Measurements of node1"
    assert root.find(f"{SPACE}desc").text == "llama3.1:8b: 1: 100 tokens/s, first token after 95 ms"
    assert 'role="img"' in inline_benchmark_svg(measured())


def test_names_from_hosts_are_only_text():
    """In a separate picture and on a page."""
    record = measured(result(HOSTILE), host=HOSTILE, at=HOSTILE, failed=[(HOSTILE, HOSTILE)])
    record["profile"]["hardware"]["text"] = HOSTILE * 20
    for drawn in (benchmark_svg(record), inline_benchmark_svg(record)):
        assert "<script" not in drawn
        ET.fromstring(drawn.encode())


def test_the_same_record_gives_the_same_bytes():
    """From data and from JSON."""
    record = measured()
    assert benchmark_svg(record) == benchmark_svg(json.dumps(record))


def test_every_curve_has_a_look_in_both_colour_schemes():
    """In a separate picture, and on a page with others."""
    for sheet in (benchmark_svg(measured()), shared_sheet()):
        light, dark = sheet.split("@media (prefers-color-scheme:dark)")
        for number in range(len(CURVE_LOOKS)):
            for part in ("curve", "spread", "point"):
                assert f".{part}-{number}{{" in light
                assert f".{part}-{number}{{" in dark


ODD = st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.integers(-(10**30), 10**30), st.floats(), st.just([]))


@given(st.lists(st.tuples(ODD, ODD, ODD), max_size=6))
def test_any_number_makes_a_whole_picture(values):
    """A point without a number is left out, and no coordinate is beside the page."""
    record = measured(result(speeds={1: 100, 2: 200, 4: 300, 8: 400, 16: 500, 32: 600}))
    for found, (load, mean, spread) in zip(record["benchmarks"][0]["points"], values):
        found["concurrency"] = load
        for metric in found["metrics"].values():
            metric.update(mean=mean, std_dev=spread)
    drawn = benchmark_svg(record)
    ET.fromstring(drawn.encode())
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert all(0 <= float(y) <= 400 for _hollow, _x, y in marks(drawn, 0))


@given(st.floats(1e-6, 1e12))
def test_steps_are_round_and_reach_the_top(high):
    """From 0 on, not more than seven."""
    found = steps(high)
    assert found[0] == 0
    assert found[-1] >= high * 0.999
    assert 3 <= len(found) <= 7
    assert found == sorted(set(found))


@given(st.floats(1e-6, 1e11), st.floats(1, 1e6))
def test_decades_are_around_the_range(low, ratio):
    """At least one number below and one above."""
    found = decades(low, low * ratio)
    assert found[0] <= low * 1.001
    assert found[-1] >= low * ratio * 0.999
    assert found == sorted(set(found))


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.floats(0, 2e6), st.booleans())
def test_a_share_is_between_both_ends(low, width, value, ratios):
    """Whatever lies outside is at the end."""
    scale = Scale(low, low + width, ratios)
    assert 0 <= scale.share(value) <= 1
    assert (scale.share(low), scale.share(low + width)) == (0, pytest.approx(1))
    assert Scale(low, low, ratios).share(low) == 0.5


def test_labels_that_would_lie_on_each_other_change_sides():
    """The lower of two points that are close has its label below."""
    axes = Axes("x", "y", str, str)

    def base(up):
        block = panel(
            "",
            axes,
            [Curve("a", [Spot(1, 100, None, "top", "")]), Curve("b", [Spot(1, up, None, "low", "")])],
            ratios=True,
        )
        drawn = block.draw(block.width, block.height)
        return float(re.search(r'y="([\d.]+)">low<', drawn)[1]) - float(
            re.search(r'class="point-1" d="M[\d.]+ ([\d.]+)h8v8h-8z"/><text', drawn)[1]
        )

    assert base(60) < 0 < base(95)


def test_places_that_are_close_share_a_label():
    """Numbers on an axis do not lie on each other."""
    spots = [Spot(float(each), 1.0, None, "", "") for each in range(1, 60)]
    block = panel("", Axes("x", "y", lambda value: f"at {value:g}", str), [Curve("a", spots)], ratios=False)
    shown = re.findall(r">at (\d+)<", block.draw(block.width, block.height))
    assert shown[:2] == ["1", "2"]
    assert len(shown) < 30
