# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a host's record as tables and lists: checks, files, changes, the plan with its reasons.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, Callable, Iterable, Iterator, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._report.host import (
    FAIL,
    PASS,
    UNKNOWN,
    checks,
    counted,
    differences,
    mapping,
    rows,
    servers,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._report.markup import (
    Markup,
    badge,
    code,
    el,
    shown,
    table,
)

# What happened on the host, and whose looks the word has.
OUTCOMES = {"changed": PASS, "unchanged": PASS, "restored": FAIL, "failed": FAIL}
_KINDS = {
    "differs": "differs",
    "missing": "missing on the host",
    "extra": "only on the host",
    "file-missing": "the file is not there",
    "not-ours": "somebody else's file",
    "stale": "of an earlier plan",
    "text": "comments or order alone",
}


def wrong(host: Mapping[str, Any]) -> Iterator[Markup]:
    """What failed and what could not be told; what one cause has brought about says its remedy once."""
    found = checks(host["verification"], FAIL, UNKNOWN)
    if found:
        yield el("h4", "Not as planned, or not told")
        yield _causes(f"Checks of {host['name']} that did not pass", found, host["accepted"])


def _causes(caption: str, found: list[Mapping[str, Any]], accepted: list[str] | None = None) -> Markup:
    bodies = [_cause(list(group), accepted or []) for _same, group in groupby(found, key=_cause_of)]
    heads = ("Verdict", "Setting", "Planned", "Seen", "Where, and what to do")
    return table(caption, heads, bodies, "wrong")


def _cause_of(check: Mapping[str, Any]) -> tuple[object, ...]:
    return check.get("verdict"), check.get("evidence"), check.get("remedy")


def _cause(found: list[Mapping[str, Any]], accepted: list[str]) -> Markup:
    """The rows of one cause; on a narrow page they are no table to the eye, so their roles are named."""
    lines = []
    span = str(len(found)) if len(found) > 1 else None
    for number, check in enumerate(found):
        borne = check.get("verdict") == FAIL and check.get("setting") in accepted
        about = f"{shown(check.get('instance') or 'the host itself')}{' (accepted)' if borne else ''}"
        name = code(check.get("setting")), el("small", about)
        cells = [el("th", name, scope="row", role="rowheader")]
        cells += [
            el("td", code(check.get(key)), role="cell", data_label=key.capitalize()) for key in ("planned", "seen")
        ]
        if number == 0:
            verdict = badge(shown(check.get("verdict")))
            cells.insert(0, el("td", verdict, rowspan=span, class_="verdict", role="cell"))
            words = el("span", shown(check.get("evidence")), class_="evidence"), _remedy(check.get("remedy"))
            cells.append(el("td", words, rowspan=span, class_="why", role="cell"))
        lines.append(el("tr", cells, role="row"))
    return el("tbody", lines, role="rowgroup")


def passed(host: Mapping[str, Any]) -> Iterator[Markup]:
    """What is as planned, folded away."""
    found = checks(host["verification"], PASS)
    if found:
        bodies = _by_instance(found, 3, _passed)
        inner = table(f"Checks of {host['name']} that passed", ("Setting", "Seen", "Where"), bodies)
        yield _folded(f"{counted(len(found), 'check')} passed", inner)


def files(host: Mapping[str, Any]) -> Iterator[Markup]:
    """How the unit files on the host differ from the plan."""
    if host["drift"] is None:
        return
    found = differences(host["drift"])
    yield el("h4", "Unit files")
    if not found:
        yield el("p", "They are those of the plan.")
        return
    body = [
        el(
            "tr",
            el("th", code(row.get("setting") or "the whole file"), el("small", shown(row.get("path"))), scope="row"),
            el("td", _KINDS.get(shown(row.get("kind")), shown(row.get("kind")))),
            el("td", code(row.get("on_host"))),
            el("td", code(row.get("planned"))),
        )
        for row in found
    ]
    heads = ("Setting", "Difference", "On the host", "Planned")
    yield table(f"Unit files of {host['name']} that differ from the plan", heads, [el("tbody", body)])


def changes(host: Mapping[str, Any]) -> Iterator[Markup]:
    """What this run has done to the host."""
    run = mapping(host["changes"])
    if not run:
        return
    outcome = shown(run.get("outcome"))
    yield el("h4", "This run")
    words = "; ".join(shown(run[key]) for key in ("reason", "problem") if run.get(key))
    yield el("p", badge(outcome, OUTCOMES.get(outcome)), f" {words}" if words else None)
    lines = [el("li", shown(file.get("change")), " ", code(file.get("path"))) for file in rows(run.get("files"))]
    for word in ("restarted", "stopped"):
        units = run.get(word)
        lines += [el("li", f"{word} ", code(unit)) for unit in (units if isinstance(units, list) else [])]
    if run.get("state"):
        lines.append(el("li", "what was there before is kept as ", code(run["state"])))
    if mapping(run.get("restored")).get("saved_at"):
        lines.append(el("li", "it is again as it was at ", code(run["restored"]["saved_at"])))
    if lines:
        yield el("ul", lines)
    found = checks(run, FAIL, UNKNOWN)
    if found:
        yield el("p", "What the run failed by:")
        yield _causes(f"Checks of {host['name']} that the run failed by", found)


def warnings(host: Mapping[str, Any]) -> Iterator[Markup]:
    """What the plan warns of."""
    found = rows(mapping(host["plan"]).get("warnings"))
    if found:
        yield el("h4", "Warnings of the plan")
        yield el(
            "ul",
            [
                el("li", code(row.get("code")), " ", shown(row.get("message")), _remedy(row.get("remedy")))
                for row in found
            ],
            class_="warnings",
        )


def plan(host: Mapping[str, Any]) -> Iterator[Markup]:
    """Where each server runs, and every decision with its reason, folded away."""
    made = mapping(host["plan"])
    if not made:
        return
    yield el("h4", "Plan")
    found = servers(made)
    yield el("ul", [el("li", code(entry.get("unit")), f" {_placement(entry)}") for entry in found])
    decisions = rows(made.get("decisions"))
    if decisions:
        heads = ("Setting", "Value", "Decided by", "Why")
        inner = table(f"Plan of {host['name']}", heads, _by_instance(decisions, 4, _decided))
        yield _folded(f"{counted(len(decisions), 'decision')} with reasons", inner)


def unread(host: Mapping[str, Any]) -> Iterator[Markup]:
    """What could not be read of the hardware."""
    problems = mapping(host["topology"]).get("problems")
    if isinstance(problems, list) and problems:
        inner = el("ul", [el("li", shown(problem)) for problem in problems])
        yield _folded(f"{counted(len(problems), 'fact')} not read or in doubt", inner)


def _by_instance(
    found: list[Mapping[str, Any]], columns: int, lines: Callable[[Iterable[Mapping[str, Any]]], Iterable[Markup]]
) -> list[Markup]:
    """A body of the table for each instance, under its name."""
    return [
        el(
            "tbody",
            el("tr", el("th", code(name or "the host itself"), colspan=str(columns), scope="rowgroup")),
            lines(group),
        )
        for name, group in groupby(found, key=lambda row: row.get("instance"))
    ]


def _passed(found: Iterable[Mapping[str, Any]]) -> Iterator[Markup]:
    """A row for each check; those that one place shows name it once."""
    for evidence, group in groupby(found, key=lambda check: check.get("evidence")):
        shared = list(group)
        span = str(len(shared)) if len(shared) > 1 else None
        for number, check in enumerate(shared):
            name, seen = el("th", code(check.get("setting")), scope="row"), el("td", code(check.get("seen")))
            yield el("tr", name, seen, el("td", shown(evidence), rowspan=span, class_="why") if number == 0 else None)


def _remedy(words: object) -> Markup | None:
    return el("span", shown(words), class_="remedy") if words else None


def _decided(found: Iterable[Mapping[str, Any]]) -> Iterator[Markup]:
    for row in found:
        name, value = el("th", code(row.get("setting")), scope="row"), el("td", code(row.get("value")))
        source, reason = el("td", shown(row.get("source"))), el("td", shown(row.get("reason")), class_="why")
        yield el("tr", name, value, source, reason)


def _placement(server: Mapping[str, Any]) -> str:
    binding, node = shown(server.get("binding")), server.get("numa_node")
    bound = "not bound"
    if binding not in ("", "none"):
        bound = f"bound to {'them' if node is None else f'node {node}'} by {binding}"
    gpus = server.get("gpus")
    cards = f", {counted(len(gpus), 'GPU')}" if isinstance(gpus, list) and gpus else ""
    threads, cpus = server.get("compute_threads") or "?", server.get("cpus") or "?"
    return f"at {shown(server.get('url'))}: {threads} threads on CPUs {cpus}, {bound}{cards}"


def _folded(summary: str, inner: Markup) -> Markup:
    return el("details", el("summary", summary), inner, class_="more")


__all__ = ("OUTCOMES", "changes", "files", "passed", "plan", "unread", "warnings", "wrong")
