# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one page that needs nothing else: no script, no font, no picture from anywhere.

The templates beside this file print it. They escape every text but the pictures and their style sheet.
"""

from __future__ import annotations

import json
import os
import re
from itertools import groupby
from typing import Any, Iterable, Mapping

from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from markupsafe import Markup

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import visible
from ansible_collections.inference.ollama.plugins.plugin_utils._models import remedies
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.draw import inline_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.fits import inline_fit_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import shared_sheet
from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import SCHEMA
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
from ansible_collections.inference.ollama.plugins.plugin_utils._table import place_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, rows

_HEADINGS = {
    FAIL: "not as planned",
    UNREACHABLE: "not reached",
    REFUSED: "refused",
    UNKNOWN: "not verified in full",
    CONFIGURED: "configured, not proven in full",
    PASS: "as planned",
}
# What drawing may raise on facts of another shape than topology_facts returns.
_UNDRAWABLE = (OllamaError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2})(?::[0-9]{2})?Z")


def report_page(report: Mapping[str, Any] | str) -> str:
    """An HTML document of what fleet_report() returned, or of its JSON. Raises OllamaError for anything else."""
    parsed = _parsed(report) if isinstance(report, str) else report
    found = parsed.get("schema") if isinstance(parsed, Mapping) else None
    if found != SCHEMA:
        raise OllamaError(f"report: its schema is {found!r}; expected {SCHEMA}, as the filter fleet_report returns it")
    return _TEMPLATES.get_template("page.html.j2").render(
        report=parsed,
        about=_about(parsed),
        settings_title=_settings_title(parsed["settings"]),
        sections=[
            (verdict, f"{counted(len(hosts), 'host')} {_HEADINGS[verdict]}", map(_view, hosts))
            for verdict, hosts in _grouped(parsed["hosts"], "verdict")
        ],
        picture_style=Markup(shared_sheet()),  # noqa: S704 - holds no text of a host
    )


def anchor(name: str) -> str:
    """An identifier for any name, a different one for each name."""
    return "host-" + "".join(
        char if char.isascii() and (char.isalnum() or char in ".-") else f"_{ord(char):x}_" for char in name
    )


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever the text holds
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OllamaError(f"report: expected what the filter fleet_report returns, or its JSON; {error}") from error


def _about(report: Mapping[str, Any]) -> list[str]:
    match, runs = _MOMENT.fullmatch(report["moment"]), report["summary"]["changes"]
    moment = f"{match[1]} {match[2]} UTC" if match else report["moment"]
    words = [f"{counted(runs[outcome], 'host')} {outcome} in this run" for outcome in runs if runs[outcome]]
    return [f"Ollama on {counted(report['summary']['hosts'], 'host')}", moment, *words]


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
    return {
        **host,
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
    elements=lambda value: value if isinstance(value, list) else [],
    rows=rows,
    text=_text,
)
_TEMPLATES.globals["verdicts"] = VERDICTS
