# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in a browser, at 3 and at 300 hosts, on a desk and on a phone, in light and in dark.

What was seen stays in build/report: the pages, and a picture of each look.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import fleet_report, report_text
from ansible_collections.inference.ollama.plugins.plugin_utils._report.page import report_page
from ansible_collections.inference.ollama.tests.browser.chromium import Chromium
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, fleet

FOLDER = Path(__file__).resolve().parents[2] / "build/report"
LOOKS = [(width, height, scheme) for width, height in ((1280, 900), (390, 844)) for scheme in ("light", "dark")]
LARGEST_BYTES, LONGEST_SECONDS = 15_000_000, 15
# The least contrast of the texts that are seen, by class of the element, computed as WCAG 2 has it. Texts of pictures
# are drawn on other shapes, and a unit test looks at those colours.
CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const light = ([r, g, b]) => [r, g, b].map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const found = rgba(getComputedStyle(element).backgroundColor);
      if (found[3] === 1) return found;
      if (found[3] > 0) throw new Error('a background that is seen through: ' + element.className);
    }
    return [255, 255, 255, 1];
  };
  const found = {};
  for (const element of document.querySelectorAll('body *:not(svg, svg *)')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility({contentVisibilityAuto: false}) || !element.getClientRects().length) continue;
    const [one, other] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const name = element.tagName.toLowerCase() + (element.className ? '.' + element.className : '');
    found[name] = Math.min(found[name] || 99, Math.round(ratio * 100) / 100);
  }
  return found;
})()"""
WIDER = """[...document.querySelectorAll('body *:not(.scroll *, svg *, caption)')]
  .filter(one => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.tagName + '.' + one.className).slice(0, 5)"""


OPEN = """document.querySelectorAll('.settings, .host:nth-child(-n+3), .host:nth-child(-n+3) .more')
  .forEach(one => { one.open = true })"""
SHUT = "document.querySelectorAll('details').forEach(one => { one.open = false })"


def note(line):
    """What was measured, for whoever looks at the pictures."""
    with (FOLDER / "figures.txt").open("a", encoding="utf-8") as figures:
        figures.write(f"{line}\n")


@pytest.fixture(scope="module")
def browser():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    chromium = Chromium()
    yield chromium
    chromium.close()


@pytest.fixture(scope="module", params=[3, 300])
def page(request, browser):
    """The report of so many hosts, loaded; each eighth of three hundred is in trouble."""
    records = fleet(request.param, 1 if request.param < 10 else 8)
    started = time.monotonic()
    report = fleet_report(records, MOMENT)
    html = report_page(report)
    seconds = time.monotonic() - started
    path = FOLDER / f"{request.param}.html"
    path.write_text(html, encoding="utf-8")
    path.with_suffix(".json").write_text(report_text(report), encoding="utf-8")
    started = time.monotonic()
    browser.open(path)
    loaded = time.monotonic() - started
    note(f"{request.param} hosts: {path.stat().st_size} bytes made in {seconds:.1f} s, loaded in {loaded:.1f} s")
    assert path.stat().st_size < LARGEST_BYTES
    assert seconds < LONGEST_SECONDS
    return path, report


def test_it_loads_in_silence(page, browser):
    """No error, no warning, no request but for the page; every host is a row, in the order of the data."""
    path, report = page
    seen = {event["method"] for event in browser.events}
    assert not seen & {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Network.loadingFailed"}
    asked = [
        event["params"]["request"]["url"] for event in browser.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    names = browser.ask("[...document.querySelectorAll('details.host > summary h3')].map(one => one.textContent)")
    assert names == [host["name"] for host in report["hosts"]]
    assert browser.ask("document.querySelector('h1').textContent") == report["summary"]["sentence"]


def test_what_needs_a_reader_is_seen_at_once(page, browser):
    """Without scrolling: the counts, and the worst host with what is wrong with it."""
    for look in LOOKS:
        browser.look(*look)
        browser.ask("scrollTo(0, 0)")
        for seen in ("h1", ".tiles", ".host:first-child .badge", ".host:first-child .reason"):
            box = browser.ask(f"document.querySelector('{seen}').getBoundingClientRect().toJSON()")
            assert box["top"] >= 0, seen
            assert box["bottom"] <= look[1], seen
        browser.picture(FOLDER / f"{page[0].stem}-{look[0]}-{look[2]}.png")


def test_every_look_can_be_read(page, browser):
    """With hosts opened, nothing is wider than the page, and every text stands out from what is behind it."""
    browser.ask(OPEN)
    least = {}
    for width, height, scheme in LOOKS:
        browser.look(width, height, scheme)
        assert browser.ask("document.scrollingElement.scrollWidth") == width
        assert browser.ask(WIDER) == []
        assert browser.ask("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
        found = browser.ask(CONTRAST)
        assert {"badge fail", "badge unreachable", "badge unknown"} <= {name.partition(".")[2] for name in found}
        low = {name: ratio for name, ratio in found.items() if ratio < 4.5}
        assert not low, (width, scheme, low)
        least[width, scheme] = min(found.items(), key=lambda pair: pair[1])
        browser.ask("document.querySelector('.host').scrollIntoView()")
        browser.picture(FOLDER / f"{page[0].stem}-{width}-{scheme}-open.png")
    note(f"{page[0].stem} hosts: the least contrast is {least}")
    browser.ask(SHUT)


@pytest.mark.usefixtures("page")
def test_keys_open_a_host(browser):
    """Tab reaches the rows, Enter opens one, and a link to a host opens it too."""
    browser.look(*LOOKS[0])
    browser.ask("scrollTo(0, 0); document.querySelector('.settings').open = true")
    browser.ask("document.querySelector('.settings summary').focus()")
    for _stop in range(200):
        browser.press("Tab")
        if browser.ask("document.activeElement.matches('.host > summary')"):
            break
    assert browser.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Enter", "\r")
    assert browser.ask("document.activeElement.parentElement.open")
    assert browser.ask("document.querySelectorAll('.host[open]').length") == 1
    last = "[...document.querySelectorAll('.settings td a')].pop()"
    browser.ask(f"document.querySelector('.host').open = false; {last}.click()")
    assert browser.ask(f"document.getElementById({last}.hash.slice(1)).closest('.host').open")
