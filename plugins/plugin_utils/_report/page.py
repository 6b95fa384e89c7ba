# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one page that needs nothing else: no script, no font, no picture from anywhere.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import Any, Iterator, Mapping

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.draw import inline_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._report import parts
from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import SCHEMA
from ansible_collections.inference.ollama.plugins.plugin_utils._report.host import (
    FAIL,
    PASS,
    REFUSED,
    UNKNOWN,
    UNREACHABLE,
    VERDICTS,
    counted,
    mapping,
    servers,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._report.markup import (
    Markup,
    anchor,
    badge,
    code,
    el,
    joined,
    shown,
    table,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._report.style import SIGNS, sheet

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_HEADINGS = {
    FAIL: "not as planned",
    UNREACHABLE: "not reached",
    REFUSED: "refused",
    UNKNOWN: "not told in full",
    PASS: "as planned",
}
# So many hosts are named beside a setting.
_NAMED = 12
# What facts of another shape than topology_facts returns may do to whoever draws them.
_UNDRAWABLE = (OllamaError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2})(?::[0-9]{2})?Z")


def report_page(report: Mapping[str, Any] | str) -> str:
    """An HTML document of what fleet_report() gave, or of its JSON. Raises OllamaError where that is something else."""
    return _page(_parsed(report) if isinstance(report, str) else report)


def _page(report: Mapping[str, Any]) -> str:
    found = report.get("schema") if isinstance(report, Mapping) else None
    if found != SCHEMA:
        raise OllamaError(f"report: its schema is {found!r}; expected {SCHEMA}, as the filter fleet_report returns it")
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        # Without it browsers ask the server for one.
        el("link", rel="icon", href="data:,"),
        el("title", f"{report['summary']['sentence']} · Ollama"),
        Markup(f"<style>\n{sheet()}</style>"),
    )
    footer = el("footer", el("p", "The file of the same name that ends in .json holds all of this as data."))
    body = el("body", SIGNS, joined(_top(report)), el("main", joined(_sections(report))), footer, id="top")
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever the text holds
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OllamaError(f"report: expected what the filter fleet_report returns, or its JSON; {error}") from error


def _top(report: Mapping[str, Any]) -> Iterator[Markup]:
    summary = report["summary"]
    match = _MOMENT.fullmatch(report["moment"])
    moment = f"{match[1]} {match[2]} UTC" if match else report["moment"]
    runs = summary["changes"]
    words = [f"{counted(runs[outcome], 'host')} {outcome} in this run" for outcome in runs if runs[outcome]]
    about = " · ".join([f"Ollama on {counted(summary['hosts'], 'host')}", moment, *words])
    yield el("header", el("p", about, class_="about"), el("h1", summary["sentence"]), joined(_counts(summary)))


def _counts(summary: Mapping[str, Any]) -> Iterator[Markup]:
    counts = summary["verdicts"]
    there = [verdict for verdict in VERDICTS if counts[verdict]]
    strip = [el("span", class_=verdict, style=f"flex-grow:{counts[verdict]}") for verdict in there]
    yield el("div", strip, class_="bar", aria_hidden="true")
    tiles = []
    for verdict in VERDICTS:
        inner = [el("b", counts[verdict]), badge(verdict)]
        some = counts[verdict] > 0
        tiles.append(el("li", el("a", inner, href=f"#{verdict}") if some else el("span", inner, class_="zero")))
    yield el("ul", tiles, class_="tiles", aria_label="Hosts by verdict")


def _sections(report: Mapping[str, Any]) -> Iterator[Markup]:
    if report["settings"]:
        yield _settings(report)
    for verdict, group in groupby(report["hosts"], key=lambda host: host["verdict"]):
        hosts = list(group)
        title = el("h2", f"{counted(len(hosts), 'host')} {_HEADINGS[verdict]}", id=verdict)
        yield el(
            "section",
            el("div", title, el("a", "to the top", href="#top")),
            el("div", list(map(_host, hosts)), class_="list"),
            class_="hosts",
        )


def _settings(report: Mapping[str, Any]) -> Markup:
    """Which settings are wrong on which hosts; what is wrong on many at once is seen here."""
    body = [
        el("tr", el("th", code(row["setting"]), scope="row"), [_hosts_of(row[verdict]) for verdict in (FAIL, UNKNOWN)])
        for row in report["settings"]
    ]
    failed = [row for row in report["settings"] if row[FAIL]]
    words = [f"{shown(row['setting'])} on {counted(len(row[FAIL]), 'host')}" for row in failed[:3]]
    more = f" and {counted(len(failed) - 3, 'more setting')}" if len(failed) > 3 else ""
    title = f"Not as planned: {', '.join(words)}{more}" if words else "No setting failed"
    unseen = sum(not row[FAIL] for row in report["settings"])
    if unseen:
        title += f"; {counted(unseen, 'setting')} not told"
    inner = table(
        "Settings by the hosts that they failed on", ("Setting", "Failed on", "Not told on"), [el("tbody", body)]
    )
    return el("details", el("summary", el("h2", title)), inner, class_="settings")


def _hosts_of(names: list[str]) -> Markup:
    if not names:
        return el("td", el("span", "-", class_="none"))
    links: list[Markup] = []
    for name in names[:_NAMED]:
        links += [el("a", name, href=f"#{anchor(name)}"), Markup(" ")]
    more = f"and {len(names) - _NAMED} more" if len(names) > _NAMED else None
    return el("td", el("b", len(names)), " ", links, more)


def _host(host: Mapping[str, Any]) -> Markup:
    run = mapping(host["changes"]).get("outcome")
    release = el("span", f"Ollama {host['release']}", class_="release") if host["release"] else None
    # A host whose run went wrong says so in its reason.
    chip = el("span", "changed", class_="chip") if run == "changed" else None
    summary = el(
        "summary",
        badge(host["verdict"]),
        el("span", el("h3", host["name"]), chip, class_="name"),
        el("span", host["reason"], class_="reason"),
        el("span", release, " ", host["hardware"] or "hardware not read", class_="what"),
    )
    return el(
        "details", summary, el("div", joined(_inside(host)), class_="inside", id=anchor(host["name"])), class_="host"
    )


def _inside(host: Mapping[str, Any]) -> Iterator[Markup]:
    if host["error"]:
        yield el("p", host["error"], class_="error")
    yield from parts.changes(host)
    yield from parts.wrong(host)
    yield from parts.passed(host)
    yield from parts.files(host)
    yield from parts.warnings(host)
    yield from parts.plan(host)
    yield from _picture(host)
    yield from parts.unread(host)
    if host["topology"] is None and host["plan"] is None:
        yield el("p", "Nothing else is known of this host.")


def _picture(host: Mapping[str, Any]) -> Iterator[Markup]:
    if host["topology"] is None:
        return
    yield el("h4", "Hardware, and where the service runs")
    try:
        made = inline_svg(host["topology"], host["name"], servers(host["plan"]) or None)
    except _UNDRAWABLE as error:
        yield el("p", f"It cannot be drawn: {error}")
        return
    label = f"Picture of {host['name']}"
    yield el("div", Markup(made), class_="scroll picture", role="region", tabindex="0", aria_label=label)


__all__ = ("report_page",)
