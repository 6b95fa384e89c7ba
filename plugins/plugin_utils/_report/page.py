# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one page that needs nothing else: no font, no picture and no script from anywhere.

The templates beside this file print it. They escape every text but the pictures, the style sheets and the script of the
page, whose digest its policy names. Without scripts the page is a plain one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from itertools import groupby
from typing import Any, Iterable, Mapping

from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from markupsafe import Markup

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import visible
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.metrics import milliseconds, rate
from ansible_collections.inference.ollama.plugins.plugin_utils._models import remedies
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.draw import inline_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.fits import inline_fit_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import shared_sheet
from ansible_collections.inference.ollama.plugins.plugin_utils._report.host import (
    CONFIGURED,
    FAIL,
    PASS,
    REFUSED,
    UNKNOWN,
    UNREACHABLE,
    VERDICTS,
    checks,
    counted,
    differences,
    is_accepted,
    servers,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._report.measured import measured_view
from ansible_collections.inference.ollama.plugins.plugin_utils._report.overview import (
    PLACES,
    best_speed,
    measured_rows,
    model_rows,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._report.packed import PLAIN_BYTES, packed, plain_hosts
from ansible_collections.inference.ollama.plugins.plugin_utils._report.schema import read_report
from ansible_collections.inference.ollama.plugins.plugin_utils._report.since import ADDED, FASTER, KINDS, SLOWER
from ansible_collections.inference.ollama.plugins.plugin_utils._table import place_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import amount, mapping, rows

_HEADINGS = {
    FAIL: "not as planned",
    UNREACHABLE: "not reached",
    REFUSED: "refused",
    UNKNOWN: "not verified in full",
    CONFIGURED: "configured, not proven in full",
    PASS: "as planned",
}
# What a host may be since the baseline without another value.
_ALONE = {ADDED: "added", SLOWER: "measured slower", FASTER: "measured faster"}
_MOST_CHANGES = 300
# What drawing may raise on facts of another shape than topology_facts returns.
_UNDRAWABLE = (OllamaError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2})(?::[0-9]{2})?Z")


def report_page(report: Mapping[str, Any] | str) -> str:
    """An HTML document of what fleet_report() returned, or of its JSON. Raises OllamaError for anything else."""
    return page_of(read_report(report, "report"))


def page_of(report: Mapping[str, Any], plain_bytes: int = PLAIN_BYTES) -> str:
    """The document; of more than ``plain_bytes`` of details only the worst hosts have theirs as elements.

    The others have them compressed, and the script of the page makes elements of them once the host is opened.
    """
    hosts = [_view(host) for host in report["hosts"]]
    whole = [str(_HOST.inside(host)) for host in hosts]
    plain = plain_hosts([len(each) for each in whole], plain_bytes)
    for number, (host, inside) in enumerate(zip(hosts, whole)):
        host["inside"] = Markup(inside if number < plain else _HOST.inside(host, whole=False))  # noqa: S704 - escaped
        host["packed"] = None if number < plain else packed(inside)
    return _TEMPLATES.get_template("page.html.j2").render(
        report=report,
        about=_about(report),
        settings_title=_settings_title(report["settings"]),
        sections=[
            (verdict, f"{counted(len(found), 'host')} {_HEADINGS[verdict]}", found)
            for verdict, found in _grouped(hosts, "verdict")
        ],
        since=_since(mapping(report.get("since"))),
        kinds={kind: len(names) for kind, names in mapping(mapping(report.get("since")).get("kinds")).items() if names},
        measured=measured_rows(report["hosts"]),
        models=model_rows(report["hosts"]),
        picture_style=Markup(shared_sheet()),  # noqa: S704 - holds no text of a host
        script=Markup(_SCRIPT),  # noqa: S704 - holds no text of a host
        script_digest=_SCRIPT_DIGEST,
    )


def anchor(name: str) -> str:
    """An identifier for any name, a different one for each name."""
    return "host-" + "".join(
        char if char.isascii() and (char.isalnum() or char in ".-") else f"_{ord(char):x}_" for char in name
    )


def _about(report: Mapping[str, Any]) -> list[str]:
    runs = report["summary"]["changes"]
    moment = _moment(report["moment"])
    words = [f"{counted(runs[outcome], 'host')} {outcome} in this run" for outcome in runs if runs[outcome]]
    return [f"Ollama on {counted(report['summary']['hosts'], 'host')}", moment, *words]


def _moment(given: object) -> str:
    match = _MOMENT.fullmatch(str(given))
    return f"{match[1]} {match[2]} UTC" if match else str(given)


def _since(since: Mapping[str, Any]) -> dict[str, Any]:
    """What changed in the fleet: a title, and rows of what, from, to and hosts; nothing without a baseline."""
    if not since:
        return {}
    kinds = mapping(since.get("kinds"))
    gone = [str(host.get("name")) for host in rows(since.get("gone"))]
    changes = rows(since.get("changes"))
    return {
        "title": f"Since {_moment(since.get('moment'))}: {since.get('sentence')}",
        "alone": [(what, kinds.get(kind) or []) for kind, what in _ALONE.items() if kinds.get(kind)],
        "gone": gone,
        "changes": changes[:_MOST_CHANGES],
        "more": max(0, len(changes) - _MOST_CHANGES),
    }


def _settings_title(settings: list[Mapping[str, Any]]) -> str:
    failed = [row for row in settings if row[FAIL]]
    words = [f"{row['setting']} on {counted(len(row[FAIL]), 'host')}" for row in failed[:3]]
    more = f" and {counted(len(failed) - 3, 'more setting')}" if len(failed) > 3 else ""
    title = f"Not as planned: {', '.join(words)}{more}" if words else "No setting failed"
    unknown = len(settings) - len(failed)
    return f"{title}; {counted(unknown, 'setting')} unknown" if unknown else title


def _view(host: Mapping[str, Any]) -> dict[str, Any]:
    """The host with the parts of its record in the order in which the page has them."""
    plan, instances, passed = mapping(host["plan"]), servers(host["plan"]), checks(host["verification"], PASS)
    problems = mapping(host["topology"]).get("problems")
    picture = {} if host["topology"] is None else _picture(host, instances)
    speed = best_speed(host)
    return {
        **host,
        "speed": speed,
        "speed_text": None if speed is None else rate(speed),
        "find": _find(host),
        "run_checks": [
            [(check, False) for check in group] for group in _causes(checks(host["changes"], FAIL, UNKNOWN))
        ],
        "wrong": [
            [(check, is_accepted(check, host)) for check in group]
            for group in _causes(checks(host["verification"], FAIL, UNKNOWN))
        ],
        "configured": [
            [(check, False) for check in group] for group in _causes(checks(host["verification"], CONFIGURED))
        ],
        "passed": [
            (instance, [group for _evidence, group in _grouped(found, "evidence")])
            for instance, found in _grouped(passed, "instance")
        ],
        "passed_count": len(passed),
        "differences": differences(host["drift"]),
        "warnings": rows(plan.get("warnings")),
        "servers": [(instance.get("unit"), place_of(instance)) for instance in instances],
        "decisions": _grouped(rows(plan.get("decisions")), "instance"),
        "problems": problems if isinstance(problems, list) else [],
        **picture,
        **_fits(host),
        **measured_view(host),
    }


def _find(host: Mapping[str, Any]) -> list[str]:
    """What else a host is found by: its units, what did not pass, and the models of its store."""
    models = [
        model.get("name")
        for server in rows(mapping(host.get("fit")).get("servers"))
        for model in rows(server.get("models"))
    ]
    units = [row.get("unit") for row in rows(mapping(host["plan"]).get("instances"))]
    wrong = [check.get("setting") for check in checks(host["verification"], FAIL, UNKNOWN, CONFIGURED)]
    return list(dict.fromkeys(each for each in (*units, *wrong, *models) if isinstance(each, str)))


def _causes(found: list[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Checks by verdict and cause, which share evidence and remedy."""
    return [
        group
        for _verdict, same in _grouped(found, "verdict")
        for _evidence, shared in _grouped(same, "evidence")
        for _remedy, group in _grouped(shared, "remedy")
    ]


def _grouped(found: Iterable[Mapping[str, Any]], key: str) -> list[tuple[Any, list[Mapping[str, Any]]]]:
    return [(value, list(group)) for value, group in groupby(found, key=lambda row: row.get(key))]


def _picture(host: Mapping[str, Any], instances: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        picture = inline_svg(host["topology"], host["name"], instances or None)
    except _UNDRAWABLE as error:
        return {"not_drawn": str(error)}
    return {"picture": Markup(picture)}  # noqa: S704 - _picture escapes its texts itself


def _fits(host: Mapping[str, Any]) -> dict[str, Any]:
    """The models that fit with what to do about the others, and their picture; nothing where nobody asked."""
    # Reports of earlier releases lack the key.
    fit = mapping(host.get("fit"))
    if not fit:
        return {}
    try:
        models = [
            (server["name"], model, remedies.where(model), _memory(model), remedies.remedies(model))
            for server in fit["servers"]
            for model in server["models"]
        ]
        picture = inline_fit_svg(fit, host["name"]) if models else ""
    except _UNDRAWABLE as error:
        return {"fits_not_shown": f"{type(error).__name__}"}
    # _picture escapes its texts itself.
    return {"fits": models, "fits_picture": Markup(picture), "fits_missing": rows(fit.get("missing"))}  # noqa: S704


def _memory(model: Mapping[str, Any]) -> str | None:
    total = model["memory"]["total_bytes"]
    return bytes_of(total) if total else None


def _quantity(value: object, unit: object) -> str:
    """``87 ms``, ``57.2 tokens/s``; ``-`` for what is no number."""
    number = amount(value)
    if unit == "ms":
        return milliseconds(number)
    return rate(number) if number is None else f"{rate(number)} {_text(unit)}"


def _ratio(value: object) -> str:
    number = amount(value)
    return "-" if number is None else f"{number:.3f}"


def _text(value: object) -> str:
    """A value of any kind as a text to print."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return "" if value is None else visible(str(value))


# Reads nothing but the templates beside this file.
_TEMPLATES = Environment(
    loader=FileSystemLoader(os.path.join(os.path.dirname(__file__), "templates")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    finalize=_text,
    # Records may lack any key.
    undefined=ChainableUndefined,
)
_TEMPLATES.filters.update(
    anchor=anchor,
    counted=counted,
    moment=_moment,
    quantity=_quantity,
    ratio=_ratio,
    elements=lambda value: value if isinstance(value, list) else [],
    rows=rows,
    text=_text,
)
_TEMPLATES.globals.update(verdicts=VERDICTS, kinds_words=KINDS, places=PLACES)
_HOST: Any = _TEMPLATES.get_template("host.html.j2").module
_SCRIPT = _TEMPLATES.get_template("script.js").render()
_SCRIPT_DIGEST = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
