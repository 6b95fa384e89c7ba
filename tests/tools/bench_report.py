# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the report on 1,000 hosts is, how long it takes to make, and how long a browser takes to open it.

``python tests/tools/bench_report.py [ROUNDS [HOSTS]]`` makes hosts of the stored machines, each eighth in trouble and
each third measured, with a baseline. It prints bytes, seconds of a CPU for data and page, and for Chromium the
milliseconds from the address to the first frame after the load, those of a CPU that the page's thread took of them, and
those to the answer to a search and to an open host: the middle and the range of all rounds, each in a browser of its
own, beside those of a page of three hosts.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / "collections"))

from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import fleet_report, report_text
from ansible_collections.inference.ollama.plugins.plugin_utils._report.page import report_page
from ansible_collections.inference.ollama.tests.browser.chromium import Chromium
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, fleet

EARLIER = "2026-11-20T09:00:00Z"
# Layout and paint of what has changed are in the second frame.
FRAMES = "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));"
LOADED = f"(async () => {{ {FRAMES} return performance.now() }})()"
SEARCH = f"""(async () => {{ const began = performance.now(), field = document.getElementById('find');
  field.value = 'node-77'; field.dispatchEvent(new Event('input')); {FRAMES} return performance.now() - began }})()"""
OPEN = f"""(async () => {{ const began = performance.now(), row = [...document.querySelectorAll('.host')].pop();
  row.open = true; while (!row.querySelector('.inside svg')) {{ {FRAMES} }} return performance.now() - began }})()"""
ASKED = {"search": SEARCH, "host": OPEN}
OPENED, THREAD = "opened", "by the page's thread alone"


def made(count, every):
    """The text of the page and of the data, with the seconds of a CPU that each took."""
    records, before = fleet(count, every), fleet_report(fleet(count + 1, every + 1), EARLIER)
    started = time.process_time()
    report = fleet_report(records, MOMENT, before)
    middle = time.process_time()
    page = report_page(report)
    return page, report_text(report), middle - started, time.process_time() - middle


def shown(times, unit, digits):
    """The middle and the range."""
    low, middle, high = (f"{each:.{digits}f}" for each in (min(times), statistics.median(times), max(times)))
    return f"{middle} {unit} ({low} to {high})"


def browse(pages, rounds):
    """Milliseconds by page and by what is asked; the pages in turn, each in a browser of its own."""
    found = {name: {what: [] for what in (OPENED, THREAD, *ASKED)} for name in pages}
    for _round in range(rounds):
        for name, path in pages.items():
            browser = Chromium()
            browser.call("Performance.enable", timeDomain="threadTicks")
            browser.look(1280, 900, "light")
            browser.open(path)
            found[name][OPENED].append(browser.ask(LOADED))
            metrics = {each["name"]: each["value"] for each in browser.call("Performance.getMetrics")["metrics"]}
            found[name][THREAD].append(1000 * metrics["TaskDuration"])
            for what, expression in ASKED.items():
                found[name][what].append(browser.ask(expression))
            browser.close()
    return found


def main(rounds, hosts):
    with tempfile.TemporaryDirectory(prefix="inference-ollama-report-") as folder:
        pages = {}
        for count, every in ((3, 1), (hosts, 8)):
            page, text, data_s, page_s = made(count, every)
            pages[count] = Path(folder) / f"{count}.html"
            pages[count].write_text(page, encoding="utf-8")
            sizes = [f"{what} {len(each.encode()) / 1e6:.2f} MB" for what, each in (("page", page), ("JSON", text))]
            seconds = f"data in {data_s:.1f} s, page in {page_s:.1f} s of CPU"
            sys.stdout.write(f"{count} hosts: {', '.join(sizes)}; {seconds}\n")
            sys.stdout.flush()
        for count, found in browse(pages, rounds).items():
            words = ", ".join(f"{what} in {shown(times, 'ms', 0)}" for what, times in found.items())
            sys.stdout.write(f"{count} hosts, {rounds} rounds: {words}\n")


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*(given + [5, 1000][len(given) :]))
