# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report: all that the data holds and nothing else, and never an element that a host has written."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._models.remedies import remedies
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import DARK, KIND_LOOKS, SIZES
from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import fleet_report, report_text
from ansible_collections.inference.ollama.plugins.plugin_utils._report.page import anchor, report_page
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, TROUBLES, fleet, record

pytestmark = pytest.mark.untraced

HOSTILE = (
    "</title><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "]]><svg onload=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "' style='background:url(//evil)",
    "<!--",
    "&lt;script&gt;&#60;",
    "\x00\x1b[31m\u202e\ud800\uffff",
    "javascript:alert(1)",
    "</td></tr></table></details>",
    "{{ 1 + 1 }}",
)
VOID = {"meta", "link", "br", "input"}
ATTRIBUTES = """charset http-equiv content name rel href class id role tabindex aria-label aria-hidden scope colspan
    rowspan style lang data-label hidden type for value placeholder autocomplete spellcheck aria-pressed data-value
    data-verdict data-release data-hardware data-speed data-since data-find data-packed width height viewbox
    viewBox d fill x y rx transform"""
TAGS = """html head meta link title style body header main footer section div span p h1 h2 h3 h4 ul li a b code
    small form label input select option button output script details
    summary table caption thead tbody tr th td svg symbol use path rect g text desc"""


class Page(HTMLParser):
    """A page as a browser takes it: that every element is closed in its turn, and the text of each host."""

    def __init__(self, page):
        super().__init__()
        self.stack, self.tags, self.texts = [], Counter(), {}
        self.ids, self.links, self.attributes, self.raw = [], [], [], []
        self.host = self.deep = None
        self.feed(page)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += attrs
        given = dict(attrs)
        assert len(given) == len(attrs)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        if tag not in VOID:
            self.stack.append(tag)
        if given.get("class") == "host":
            self.host, self.deep = len(self.texts), len(self.stack)
            self.texts[self.host] = []

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag
        if self.deep is not None and len(self.stack) < self.deep:
            self.host = self.deep = None

    def handle_data(self, data):
        if self.stack and self.stack[-1] == "style":
            self.raw.append(data)
        elif self.host is not None:
            self.texts[self.host].append(data)

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_pi = unknown_decl = handle_comment


def shown(records):
    """The report and its page, parsed."""
    report = fleet_report(records, MOMENT)
    return report, Page(report_page(report))


def everything():
    """A host of every kind."""
    return fleet(len(TROUBLES) + 2)


def leaves(value, path=()):
    """The path of every text in nested data, and of every key."""
    if isinstance(value, str):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(inner, (*path, key))


def put(value, path, text):
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = text


def test_the_page_shows_what_the_data_holds():
    """Every check, decision, difference, warning and change of a host is in its row, and its name and reason are."""
    report, page = shown(everything())
    assert len(page.texts) == len(report["hosts"]) == len(TROUBLES) + 2
    for number, host in enumerate(report["hosts"]):
        texts = Counter(page.texts[number])
        wanted = [host["name"], host["reason"], host["verdict"], host["error"], host["hardware"]]
        wanted += [host["release"] and f"Ollama {host['release']}"]
        for check in (host["verification"] or {"checks": []})["checks"]:
            wanted += [check["setting"], check["seen"], check["evidence"], check["remedy"]]
            wanted += [] if check["verdict"] == "pass" else [check["planned"], check["verdict"]]
        for row in (host["drift"] or {"differences": []})["differences"]:
            wanted += [row["setting"], row["on_host"], row["planned"], row["path"]]
        for row in (host["plan"] or {"decisions": []})["decisions"]:
            value = row["value"]
            wanted += [row["setting"], row["source"], row["reason"], value if isinstance(value, str) else None]
        for server in (host["fit"] or {"servers": []})["servers"]:
            for model in server["models"]:
                wanted += [model["name"], str(model["most_tokens"] or "-"), *remedies(model)]
        wanted += [row["reason"] for row in (host["fit"] or {"missing": []})["missing"]]
        run = host["changes"] or {}
        wanted += [run.get("outcome"), run.get("state"), *(file["path"] for file in run.get("files", []))]
        wanted += [*run.get("restarted", []), (run.get("gate") or {}).get("text")]
        missing = [text for text in wanted if text and texts[text] == 0 and text not in "".join(page.texts[number])]
        assert not missing
        for row in (host["plan"] or {"warnings": []})["warnings"]:
            assert row["message"] in "".join(page.texts[number])


def test_the_top_shows_the_counts():
    """One sentence, a number for each verdict, and a link to the hosts that have it."""
    report = fleet_report(everything(), MOMENT)
    text = report_page(report)
    assert f"<h1>{report['summary']['sentence']}</h1>" in text
    assert "2026-11-22 10:57 UTC" in text
    for verdict, count in report["summary"]["verdicts"].items():
        assert f'href="#{verdict}"><b>{count}</b>' in text
    assert "1 host restored in this run" in text
    alone = report_page(fleet_report({"a": record(0)}, "a day in spring"))
    assert "a day in spring" in alone
    assert 'href="#fail"' not in alone


def test_links_lead_somewhere_and_names_stay_distinct():
    """Every identifier is there once, every link has one, and no name can be taken for another's."""
    names = ["a b", "a_20_b", "ä", "a.b", "A-1", "", '"', "fail", "top"]
    records = {name: record(0, "overridden") for name in names} | everything()
    _report, page = shown(records)
    assert len(set(page.ids)) == len(page.ids)
    assert {link for link in page.links if not link.startswith("data:")} <= {f"#{found}" for found in page.ids}
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", found) for found in page.ids)
    assert len({anchor(name) for name in names}) == len(names)


def test_many_hosts_of_one_trouble_are_counted():
    """Twelve are named, the others are a number."""
    _report, page = shown({f"n{number}": record(0, "overridden") for number in range(14)})
    text = report_page(fleet_report({f"n{number}": record(0, "overridden") for number in range(14)}, MOMENT))
    assert "and 2 more" in text
    assert page.links.count("#host-n1") == 6
    assert "Not as planned: LLAMA_ARG_THREADS on 14 hosts, overridden_by on 14 hosts" in text
    quiet = report_page(fleet_report({"a": record(0, "idle")}, MOMENT))
    assert "No setting failed; 4 settings unknown" in quiet


def test_one_cause_is_shown_once():
    """Rows that have the same evidence and remedy share them."""
    text = report_page(fleet_report({"a": record(0, "idle")}, MOMENT))
    assert text.count("ollama.service has no runner: no model is in memory") == 1
    assert 'rowspan="4"' in text


def test_nothing_comes_from_elsewhere():
    """No address outside the page, and no script but that of the page; its own policy forbids both."""
    text = report_page(fleet_report(everything(), MOMENT))
    page = Page(text)
    policy = next(value for name, value in page.attributes if name == "content")
    (script,) = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith(
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:;"
    )
    assert not re.search(r"fetch|XMLHttp|import|eval|document\.write|localStorage", script)
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert set(page.tags) <= set(TAGS.split())
    assert {name for name, _value in page.attributes} <= set(ATTRIBUTES.split())
    assert all(link.startswith("#") or link == "data:," for link in page.links)
    assert not re.search(r"url\(|@import|expression", "".join(page.raw))
    assert page.tags["style"] == page.tags["script"] == 1


def test_pictures_share_one_sheet():
    """A picture has the class of its size, for which there is a rule, and is one image to a screen reader."""
    text = report_page(fleet_report(everything(), MOMENT))
    sizes = set(re.findall(r'<svg class="ollama-topology (\S+)" role="img"', text))
    assert sizes
    assert sizes <= {f"ollama-topology-{size.height}" for size in SIZES}
    assert all(f".{size} .no{{" in text for size in sizes)
    assert text.count("prefers-color-scheme:dark") == 2


@pytest.mark.parametrize(
    "facts",
    [{"schema": 2}, {"schema": 1, "cpu": {"online": "x"}}, {"schema": 1, "numa": 3}, {"schema": 1, "gpus": [1]}],
)
def test_a_picture_that_cannot_be_drawn_is_reported(facts):
    """A damaged fact costs the picture of its host, and no other host's."""
    report, page = shown({"a": {"topology": facts}, "b": record(0)})
    place = [host["name"] for host in report["hosts"]].index("a")
    assert "It cannot be drawn: " in "".join(page.texts[place])
    assert page.tags["svg"] > 1


@pytest.mark.parametrize(
    "fit", [{"servers": 3}, {"servers": [{"name": "a", "models": [{"name": "x"}]}]}, {"schema": 1}]
)
def test_models_that_cannot_be_shown_are_reported(fit):
    """A damaged part costs nothing else of its host."""
    _report, page = shown({"a": {**record(0), "fit": fit}})
    assert "They cannot be shown: " in "".join(page.texts[0])
    assert "Hardware, and where the service runs" in page.texts[0]


def test_an_empty_store_is_a_sentence():
    """With what could not be read of it."""
    fit = {"servers": [{"name": "ollama", "models": []}], "missing": [], "problems": ["no store is there"]}
    _report, page = shown({"a": {**record(0), "fit": fit}})
    assert {"There is no model in its store.", "no store is there"} <= set(page.texts[0])


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_host_becomes_an_element(text):
    """Every text of every part is replaced by a hostile one: the elements stay those of a page of ours."""
    records = {}
    for name, found in everything().items():
        for path in list(leaves(found)):
            # The words that decide what is shown stay; others in their place show less.
            if path[-1] not in ("verdict", "kind", "outcome", "stopped"):
                put(found, path, text)
        records[f"{text}{name}"] = found
        records[f"{name} fine"] = record(0)
    source = report_page(fleet_report(records, text))
    page = Page(source)
    assert set(page.tags) <= set(TAGS.split())
    assert {name for name, _value in page.attributes} <= set(ATTRIBUTES.split())
    assert page.tags["style"] == page.tags["script"] == 1
    assert len(page.texts) == len(records)
    assert all(link.startswith("#") or link == "data:," for link in page.links)
    assert {char for char in source if not char.isprintable()} == {"\n"}
    source.encode()


@settings(max_examples=examples(60))
@given(st.data())
def test_no_text_in_one_place_becomes_an_element(data):
    """The same for one text in one place, which every other part of the page survives unchanged in number."""
    found = record(0, data.draw(st.sampled_from([None, *TROUBLES])))
    plain = Page(report_page(fleet_report({"a": found}, MOMENT)))
    path = data.draw(st.sampled_from([path for path in leaves(found) if path[0] not in ("stopped", "topology")]))
    text = data.draw(st.sampled_from(HOSTILE) | st.text(min_size=1))
    changed = copy.deepcopy(found)
    put(changed, path, text)
    page = Page(report_page(fleet_report({"a": changed}, MOMENT)))
    assert set(page.tags) <= set(plain.tags) | {"small", "code", "span", "h4", "p"}
    assert {name for name, _value in page.attributes} <= set(ATTRIBUTES.split())
    assert page.tags["html"] == page.tags["style"] == page.tags["main"] == page.tags["script"] == 1


def test_same_report_same_bytes():
    """From the data, from its JSON, and each time."""
    report = fleet_report(everything(), MOMENT)
    first = report_page(report)
    assert report_page(report_text(report)) == report_page(json.loads(report_text(report))) == first
    assert first.startswith('<!doctype html>\n<html lang="en">')
    assert first.endswith("</html>\n")


@pytest.mark.parametrize("report", [None, [], {}, {"schema": 2}, "", "[]", "{", "[" * 100_000])
def test_what_is_no_report_is_refused(report):
    """The sentence says what was expected."""
    with pytest.raises(OllamaError, match=r"report: .*expected"):
        report_page(report)


def test_values_of_any_kind_are_shown():
    """Lists by their words, a dash for what is empty, zero and false as they are, and an odd verdict as unknown."""
    found = record(0)
    values = (["a", 1, True, None], "", None, [], 0, False, "<a>", '"')
    found["plan"]["decisions"] = [{"setting": "x", "value": value} for value in values]
    found["verification"]["checks"] = [{"setting": "y", "verdict": "fail"}]
    found["changes"] = {"outcome": "<never heard of>"}
    text = report_page(fleet_report({"a": found}, MOMENT))
    cells = re.findall(r'<th scope="row"><code>x</code></th><td>(.*?)</td>', text)
    dash = '<span class="none">-</span>'
    codes = ("a 1 true ", *[None] * 3, "0", "false", "&lt;a&gt;", "&#34;")
    assert cells == [dash if code is None else f"<code>{code}</code>" for code in codes]
    assert (
        '<span class="badge unknown"><svg class="sign" aria-hidden="true"><use href="#sign-unknown"/></svg>&lt;' in text
    )


def test_a_report_of_an_earlier_release_is_shown():
    """Keys that came later may be missing."""
    report = fleet_report(everything(), MOMENT)
    for host in report["hosts"]:
        del host["strict"]
    assert report_page(report) == report_page(fleet_report(everything(), MOMENT))
    for host in report["hosts"]:
        del host["fit"]
    assert "Models that fit" not in report_page(report)


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_pictures_can_be_read_in_the_dark():
    """Numbers of CPUs and words stand out from what they are written on, in both schemes."""
    ink, run = (DARK[name].partition("fill:")[2] for name in ("text", "text.run"))
    for kind, (fill, _stroke, running, _radius) in KIND_LOOKS.items():
        assert contrast("#1b1f24", fill) >= 4.5
        assert contrast("#ffffff", running) >= 4.5
        dark, bright = (re.search("fill:(#[0-9a-f]{6})", DARK[name])[1] for name in (f".{kind}", f".{kind}.run"))
        assert contrast(ink, dark) >= 4.5, kind
        assert contrast(run, bright) >= 4.5, kind
    for name in (
        ".page",
        ".node",
        ".socket",
        ".cache",
        ".loose",
        ".gpu",
        ".gpumem",
        ".band",
        ".d0",
        ".d1",
        ".d2",
        ".d3",
    ):
        assert contrast(ink, re.search("fill:(#[0-9a-f]{6})", DARK[name])[1]) >= 4.5, name
    for name in (".page", ".node", ".gpu", ".gpumem", ".loose"):
        muted = DARK[".muted"].partition("fill:")[2]
        assert contrast(muted, re.search("fill:(#[0-9a-f]{6})", DARK[name])[1]) >= 4.5, name
    assert contrast(run, re.search("fill:(#[0-9a-f]{6})", DARK[".band.run"])[1]) >= 4.5
