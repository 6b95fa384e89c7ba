# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in a browser, at 3 and at 300 hosts, on a desk and on a phone, in light and in dark.

What was seen stays in build/report: the pages, and a picture of each look.
"""

from __future__ import annotations

import base64
import shutil
import time
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import fleet_report, report_text
from ansible_collections.inference.ollama.plugins.plugin_utils._report.page import report_page
from ansible_collections.inference.ollama.tests.browser.chromium import Chromium
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, fleet

EARLIER = "2026-11-20T09:00:00Z"

FOLDER = Path(__file__).resolve().parents[2] / "build/report"
LOOKS = [(width, height, scheme) for width, height in ((1280, 900), (390, 844)) for scheme in ("light", "dark")]
LARGEST_BYTES, LONGEST_SECONDS = 15_000_000, 15
# The width of A4 between its margins, in CSS pixels.
PAPER = 703
# The least contrast of the texts that are seen, by class of the element, computed as WCAG 2 has it. Texts of pictures
# are drawn on other shapes, and a unit test looks at those colours.
CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const rgba = colour => known.get(colour) ?? (known.set(colour, painted(colour)), known.get(colour));
  const painted = colour => {
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
SHUT = "document.querySelectorAll('details:not(.tools)').forEach(one => { one.open = false })"
SHOWN = """[...document.querySelectorAll('.host')].filter(one => one.checkVisibility())
  .map(one => one.querySelector('h3').textContent)"""
CLEAR = "document.getElementById('clear').click(); location.hash = ''"


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
    every = 1 if request.param < 10 else 8
    records, before = fleet(request.param, every), fleet_report(fleet(request.param + 1, every + 1), EARLIER)
    started = time.process_time()
    report = fleet_report(records, MOMENT, before)
    html = report_page(report)
    seconds = time.process_time() - started
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
    browser.ask("scrollTo(0, 0); [...document.querySelectorAll('.settings > summary')].pop().focus()")
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


def ask_for(browser, field, value, event="change"):
    """Fill in a field of the form as a reader does; what is shown then."""
    browser.ask(
        f"(() => {{ const field = document.getElementById('{field}'); field.value = '{value}';"
        f" field.dispatchEvent(new Event('{event}')) }})()"
    )
    return browser.ask(SHOWN)


def settled(browser, expression):
    """What an expression is once it is true, within the patience of the browser."""
    return browser.ask(
        f"""(async () => {{ for (let turn = 0; turn < 500; turn++) {{
          const found = {expression}; if (found) return found; await new Promise(done => setTimeout(done, 20)); }}
          throw new Error('never') }})()"""
    )


def test_hosts_are_found_chosen_and_sorted(page, browser):
    """By words, verdict, release and what changed; by name as people count; and the status says how many."""
    _path, report = page
    browser.look(*LOOKS[0])
    browser.ask(CLEAR)
    every = [host["name"] for host in report["hosts"]]
    assert browser.ask(SHOWN) == every
    found = ask_for(browser, "find", "node NODE-2", "input")
    assert found == [host["name"] for host in report["hosts"] if host["name"].startswith("node-2")]
    status = f"{len(found)} of {len(every)} hosts: “node NODE-2”"
    assert browser.ask("document.querySelector('output').textContent") == status
    assert ask_for(browser, "find", "no such host", "input") == []
    ask_for(browser, "find", "", "input")
    browser.ask("document.querySelector('.tiles button[data-verdict=fail]').click()")
    assert browser.ask(SHOWN) == [host["name"] for host in report["hosts"] if host["verdict"] == "fail"]
    assert browser.ask("document.querySelector('[data-verdict=fail]').getAttribute('aria-pressed')") == "true"
    browser.ask(CLEAR)
    kinds = report["since"]["kinds"]
    assert ask_for(browser, "since", "worse") == kinds["worse"]
    assert ask_for(browser, "since", "any") == [
        name for name in every if any(name in names for names in kinds.values())
    ]
    ask_for(browser, "since", "")
    names = [f"node-{number + 1}" for number in range(len(every))]
    assert ask_for(browser, "sort", "name") == names
    browser.ask("document.getElementById('turn').click()")
    assert browser.ask(SHOWN) == names[::-1]
    ask_for(browser, "sort", "speed")
    browser.ask("document.getElementById('turn').click()")
    speeds = browser.ask("[...document.querySelectorAll('.host')].map(one => Number(one.dataset.speed))")
    assert speeds == sorted(speeds, reverse=True)
    browser.ask(CLEAR)
    assert browser.ask(SHOWN) == every


def test_an_address_leads_to_a_host_and_carries_what_is_asked(page, browser):
    """Also to a host whose details are compressed, and that what is asked for would leave out."""
    path, report = page
    last = report["hosts"][-1]["name"]
    browser.call("Page.navigate", url="about:blank")
    browser.call("Page.navigate", url=f"{path.as_uri()}#host-{last}&q=node-1&sort=name")
    inside = f"document.getElementById('host-{last}')"
    settled(browser, f"{inside}?.querySelector('svg')")
    top = settled(browser, f"{inside}.closest('.host').getBoundingClientRect().top")
    assert 0 < top < 300
    assert browser.ask("document.getElementById('find').value") == "node-1"
    assert browser.ask(SHOWN) == sorted(
        {last, *(host["name"] for host in report["hosts"] if host["name"].startswith("node-1"))},
        key=lambda name: int(name[5:]),
    )
    link = f"#host-{last}&q=node-1&sort=name"
    assert browser.ask(f"{inside}.querySelector('.link a').getAttribute('href')") == link
    assert "Hardware, and where the service runs" in browser.ask(f"{inside}.textContent")
    assert browser.ask("document.querySelectorAll('[data-packed]').length") < len(report["hosts"])
    browser.ask("location.hash = 'q=%zz&verdict=fail&unheard=of'")
    fails = [host["name"] for host in report["hosts"] if host["verdict"] == "fail"]
    settled(browser, f"{SHOWN}.length === {len(fails)}")
    browser.ask(CLEAR)


def test_columns_sort_and_say_how(page, browser):
    """By a button in each head, with aria-sort on the one that counts, numbers as numbers."""
    _path, report = page
    rows = "[...document.querySelectorAll('table.numbers tbody tr')]"
    browser.ask("document.querySelectorAll('.settings').forEach(one => { one.open = true })")
    browser.ask("document.querySelector('table.numbers th:nth-child(5) button').click()")
    head = "[...document.querySelectorAll('table.numbers th[aria-sort]')].map(one => one.ariaSort + one.cellIndex)"
    assert browser.ask(head) == ["descending4"]
    times = browser.ask(f"{rows}.map(row => Number(row.cells[4].dataset.value))")
    assert times == sorted(times, reverse=True)
    browser.ask("document.querySelector('table.numbers th:nth-child(1) button').click()")
    assert browser.ask(head) == ["ascending0"]
    names = browser.ask(f"{rows}.map(row => row.cells[0].querySelector('a').textContent)")
    assert names == sorted(names, key=lambda name: int(name[5:]))
    assert len(names) == sum(host["measurement"] is not None for host in report["hosts"])
    browser.ask("document.querySelector('table.asks tbody th button').click()")
    assert browser.ask("document.getElementById('find').value") == report["settings"][0]["setting"]
    browser.ask(CLEAR)
    browser.ask(SHUT)


def test_keys_lead_to_the_search_and_out_of_it(page, browser):
    """A stroke focuses it, Escape empties it, and every control has a name."""
    browser.ask("document.activeElement.blur()")
    browser.press("/", "/")
    assert browser.ask("document.activeElement.id") == "find"
    ask_for(browser, "find", "node-3", "input")
    browser.press("Escape")
    assert browser.ask(SHOWN) == [host["name"] for host in page[1]["hosts"]]
    unnamed = """[...document.querySelectorAll('button, input, select, a')]
      .filter(one => !(one.labels?.[0] ?? one).textContent.trim()).map(one => one.outerHTML)"""
    assert browser.ask(unnamed) == []


def test_paper_has_what_is_shown(page, browser):
    """Nothing is wider than the paper, controls are not on it, and an open host is whole."""
    path, report = page
    browser.ask(OPEN)
    browser.call("Emulation.setDeviceMetricsOverride", width=PAPER, height=990, deviceScaleFactor=1, mobile=False)
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert browser.ask("document.scrollingElement.scrollWidth") == PAPER
    wide = WIDER.replace("*:not(.scroll *, svg *, caption)", "*:not(svg *, caption)")
    assert browser.ask(wide) == []
    for gone in (".find button", ".find input", ".link"):
        assert not browser.ask(f"document.querySelector('{gone}').checkVisibility()"), gone
    assert browser.ask("document.querySelector('.find output').checkVisibility()")
    framed = """[...document.querySelectorAll('.badge')].map(one => getComputedStyle(one))
      .filter(one => parseFloat(one.borderLeftWidth) && !parseFloat(one.paddingLeft)).length"""
    assert browser.ask(framed) == 0, "a frame touches the text in it"
    assert browser.ask("getComputedStyle(document.querySelector('.find')).backgroundColor") == "rgba(0, 0, 0, 0)"
    made = browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, pageRanges="1-3")["data"]
    path.with_suffix(".pdf").write_bytes(base64.b64decode(made))
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    browser.look(*LOOKS[0])
    browser.ask(SHUT)
    assert browser.ask(SHOWN) == [host["name"] for host in report["hosts"]]


def test_without_scripts_it_is_a_plain_page(page, browser):
    """Every host, its reason, what failed on it and the links are there, and no control that does nothing."""
    path, report = page
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(path)
        assert browser.ask(SHOWN) == [host["name"] for host in report["hosts"]]
        assert not browser.ask("document.querySelector('.find').checkVisibility()")
        assert browser.ask("document.querySelectorAll('th button').length") == 0
        browser.ask("document.querySelectorAll('.host').forEach(one => { one.open = true })")
        text = browser.ask("document.body.innerText")
        for host in report["hosts"]:
            assert host["reason"] in text
            for check in (host["verification"] or {"checks": []})["checks"]:
                assert check["verdict"] == "pass" or check["remedy"] in text
        if len(report["hosts"]) == 300:
            assert "without it they are in the JSON file" in text
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
        browser.open(path)
