# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans, verifications, findings and differences as lines to read in a terminal."""

from __future__ import annotations

import json
import textwrap
import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._text import visible
from ansible_collections.inference.ollama.plugins.plugin_utils._models import remedies
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import as_text, decisions_of, servers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    # The cells, and beneath them notes, each a label and a text.
    Row = tuple[Sequence[object], Sequence[tuple[str, object]]]

# A terminal has 80 columns, of which the default callback takes 11 around each line of a message.
WIDTH = 69
_NARROWEST = 8
# What the default callback prints as two characters, since it writes messages as JSON.
_ESCAPED = '"\\'
# Stands beside a character of two columns while lines are counted; no visible text has it.
_SECOND = "\ue000"
_VERDICTS = ("fail", "unknown")


def wrapped(text: object, start: str = "", indent: int | None = None) -> list[str]:
    """The text after ``start``; further lines are indented by ``indent`` columns, or to where the text began."""
    rest = " " * (columns_of(_plain(start)) if indent is None else indent)
    start, plain = _counted(_plain(start)), _counted(_plain(text))
    # A long word may be broken within a character of two columns.
    room = WIDTH - (_SECOND in start + plain)
    lines = textwrap.wrap(plain, room, initial_indent=start, subsequent_indent=rest, break_on_hyphens=False)
    return [line.replace(_SECOND, "").rstrip() for line in lines]


def columns_of(text: str) -> int:
    """How many columns a line takes where the default callback prints it."""
    return len(_counted(text))


def table(heads: Sequence[str], rows: Iterable[Row]) -> list[str]:
    """Lines of a heading, and of each row's cells with its notes beneath.

    The first columns get the room they need. A cell that is wider than its column is cut there and whole beneath.
    """
    body = [([_plain(cell) or "-" for cell in cells], notes) for cells, notes in rows]
    needs = [max(map(columns_of, column)) for column in zip(heads, *(cells for cells, _notes in body))]
    widths: list[int] = []
    for number, need in enumerate(needs):
        rest = sum(2 + min(each, _NARROWEST) for each in needs[number + 1 :])
        widths.append(min(need, WIDTH - rest - sum(2 + width for width in widths)))
    lines = [_row(heads, widths)]
    for cells, notes in body:
        lines.append(_row(cells, widths))
        for head, cell, width in zip(heads, cells, widths):
            lines += wrapped(cell, f"    {head.lower()}: ") if columns_of(cell) > width else []
        for label, text in notes:
            lines += wrapped(text, f"    {label}")
    return lines


def plan_table(plan: Mapping[str, Any], host: str) -> list[str]:
    """Lines with the instances, every decision and its reason, then the warnings."""
    lines = wrapped(f"{host}: Ollama {plan['release'] or '(release unknown)'}", indent=4)
    for instance in servers(plan):
        place = f"{instance['name']} ({instance['unit']}) {place_of(instance)}"
        lines += ["", *wrapped(place, "  ", 4), "", *_decisions(decisions_of(plan, instance["name"]))]
    if len(plan["instances"]) > 1:
        lines += [
            "",
            *wrapped(f"for a proxy in front of them: {', '.join(map(_upstream, plan['upstreams']))}", "  ", 4),
        ]
    if others := decisions_of(plan, None):
        lines += ["", "  the host itself", "", *_decisions(others)]
    for warning in plan["warnings"]:
        lines += ["", *wrapped(f"WARNING {warning['code']}: {warning['message']}", indent=4)]
        lines += wrapped(warning["remedy"], "    -> ")
    return lines


def _upstream(entry: Mapping[str, Any]) -> str:
    slots = f" slots {entry['slots']}" if entry.get("slots") else ""
    return f"{entry['host']}:{entry['port']} weight {entry['weight']}{slots}"


def verify_table(verification: Mapping[str, Any], host: str) -> list[str]:
    """Lines with the host's verdict, then what differs and what is unknown, each cause with evidence and remedy.

    What is configured and not proven is named beneath, with one remedy for all.
    """
    lines = wrapped(f"{host}: {verification['verdict']}: {counts_of(verification, every=True)}", indent=4)
    checks = [check for verdict in _VERDICTS for check in verification["checks"] if check["verdict"] == verdict]
    columns = ("verdict", "instance", "setting", "planned", "seen")
    rows: list[Row] = []
    for check, following in zip(checks, [*checks[1:], {}]):
        # The last check of those with one cause shows it for all.
        shared = all(check[key] == following.get(key) for key in ("evidence", "remedy"))
        notes = [] if shared else [("by: ", check["evidence"]), ("-> ", check["remedy"])]
        rows.append(([check[column] for column in columns], notes))
    lines += ["", *table([column.upper() for column in columns], rows)] if rows else []
    return lines + _configured(verification)


def _configured(verification: Mapping[str, Any]) -> list[str]:
    found = [check for check in verification["checks"] if check["verdict"] == "configured"]
    if not found:
        return []
    names = ", ".join(dict.fromkeys(str(check["setting"]) for check in found))
    remedies = dict.fromkeys(check["remedy"] for check in found)
    return [
        "",
        *wrapped(f"configured, not proven: {names}", indent=4),
        *(line for remedy in remedies for line in wrapped(remedy, "    -> ")),
    ]


def counts_of(verification: Mapping[str, Any], *, every: bool = False) -> str:
    """How many checks have which verdict; without ``every`` what was proven, and what else there is."""
    words = {"pass": "proven", "configured": "configured", "fail": "not as planned", "unknown": "unknown"}
    counts = verification["counts"]
    return ", ".join(
        f"{counts.get(verdict, 0)} {word}"
        for verdict, word in words.items()
        if every or verdict == "pass" or counts.get(verdict)
    )


def lint_table(findings: Iterable[Mapping[str, Any]], host: str, release: str | None = None) -> list[str]:
    """Lines with the number of findings, then for each its severity, name, place, what is wrong and the remedy.

    ``findings`` are dictionaries of the fields of UnitFinding, shown in the order in which they come.
    """
    found = list(findings)
    counts = [f"{sum(row['severity'] == kind for row in found)} {kind}" for kind in ("fatal", "inert", "advice")]
    result = ", ".join(counts) if found else "nothing is wrong"
    lines = wrapped(f"{host}: Ollama {release or '(release unknown)'}: {result}", indent=4)
    for row in found:
        lines += ["", *wrapped(f"{row['severity']}: {row['name'] or 'a line'}", indent=4)]
        lines += wrapped(f"{row['file']}:{row['line']}" if row["line"] else row["file"], "    ")
        lines += [*wrapped(row["message"], "    "), *wrapped(row["remedy"], "    -> ")]
    return lines


def container_table(adoptions: Iterable[Mapping[str, Any]], host: str) -> list[str]:
    """Lines with the variables by which the role takes each container over, what it does not, and the steps to it.

    ``adoptions`` is what container_variables() returned. The variables are YAML.
    """
    lines: list[str] = []
    for each in adoptions:
        lines += ["", *wrapped(f"{host}: to take over the {each['container']}, with variables of the role:", indent=4)]
        for name, value in each["variables"].items():
            if isinstance(value, dict):
                lines += [f"    {name}:", *(f"      {key}: {json.dumps(text)}" for key, text in value.items())]
            else:
                lines.append(f"    {name}: {value if isinstance(value, int) else json.dumps(value)}")
        lines += ["  not taken over:"] if each["left"] else []
        for row in each["left"]:
            lines += wrapped(f"{row['name']}: {row['why']}", "    ", 6)
        lines.append("  and these commands, which stop it and remove nothing:")
        lines += [f"    {step}" for step in each["steps"]]
    return lines[1:]


def drift_table(drift: Mapping[str, Any], host: str) -> list[str]:
    """Lines with every difference of file_drift()."""
    differences = drift["differences"]
    if not differences:
        return wrapped(f"{host}: the unit files on the host are those of the plan", indent=4)
    title = f"{host}: {len(differences)} difference(s) between the unit files on the host and the plan"
    # What concerns a whole file names the file.
    rows: list[Row] = [
        (
            (row["unit"], row["setting"], row["kind"], row["on_host"], row["planned"]),
            [] if row["setting"] else [("file: ", row["path"])],
        )
        for row in differences
    ]
    causes = dict.fromkeys(str(row["cause"]) for row in differences if row.get("cause"))
    why = [line for cause in causes for line in wrapped(cause, "    -> ")]
    return [*wrapped(title, indent=4), *why, "", *table(("UNIT", "SETTING", "KIND", "ON HOST", "PLANNED"), rows)]


def fit_table(fit: Mapping[str, Any], host: str) -> list[str]:
    """Lines with every model that was asked about: where it fits, with how much, what it takes, what would be better.

    ``fit`` is what model_fit() returned.
    """
    whose = "as planned" if fit["settings"] == "plan" else "as the server has them"
    lines = wrapped(f"{host}: Ollama {fit['release'] or '(release unknown)'}, with settings {whose}", indent=4)
    for server in fit["servers"]:
        lines += ["", f"  {_plain(server['name'])}"] if len(fit["servers"]) > 1 else []
        rows: list[Row] = [
            (
                (
                    model["name"],
                    remedies.where(model),
                    model["most_slots"] or None,
                    model["most_tokens"] or None,
                    bytes_of(model["memory"]["total_bytes"]) if model["memory"]["total_bytes"] else None,
                ),
                _fit_notes(model),
            )
            for model in server["models"]
        ]
        lines += ["", *table(("MODEL", "FITS", "SLOTS", "TOKENS", "MEMORY"), rows)] if rows else []
    if not any(server["models"] for server in fit["servers"]) and not fit["missing"]:
        lines += ["", "  there is no model to ask about"]
    for entry in fit["missing"]:
        lines += ["", *wrapped(f"{entry['name']}: {entry['reason']}", "  ", 4)]
    for problem in fit["problems"]:
        lines += ["", *wrapped(f"WARNING {problem}", indent=4)]
    return lines


def _fit_notes(model: Mapping[str, Any]) -> list[tuple[str, object]]:
    lines = [f"{remedies.planned(model)}{_quantized(model)}"]
    if model["memory"]["total_bytes"]:
        lines.append(remedies.parts(model["memory"]))
    shares = (remedies.share(device, model) for device in model["devices"] if device["total_bytes"])
    counted = ((words, len(list(same))) for words, same in groupby(shares))
    lines += [words if count == 1 else f"{count} x {words}" for words, count in counted]
    if model["fits"] != model["wanted"] and model["reason"]:
        lines.append(model["reason"])
    return [*(("", line) for line in lines), *(("-> ", remedy) for remedy in remedies.remedies(model))]


def _quantized(model: Mapping[str, Any]) -> str:
    size = f"{bytes_of(model['size_bytes'])} on disk" if model["size_bytes"] else None
    words = ", ".join(filter(None, (model["quantization"], size)))
    return f"; {words}" if words else ""


def place_of(server: Mapping[str, Any]) -> str:
    """Address, threads, CPUs, binding and number of GPUs of an instance with its placement."""
    binding, node, gpus = server.get("binding"), server.get("numa_node"), server.get("gpus")
    bound = f"bound to {'them' if node is None else f'{_nodes(node)} {node}'} by {binding}"
    cards = f", {len(gpus)} GPU{'s' if len(gpus) > 1 else ''}" if isinstance(gpus, list) and gpus else ""
    cpus = f"{server.get('compute_threads') or '?'} threads on CPUs {server.get('cpus') or '?'}"
    return f"at {server.get('url')}: {cpus}, {bound if binding not in (None, '', 'none') else 'not bound'}{cards}"


def _nodes(value: object) -> str:
    """What a server is bound to: one node by its number, or those of a socket by their list."""
    return "nodes" if isinstance(value, str) and not value.isdigit() else "node"


def _decisions(decisions: list[Mapping[str, Any]]) -> list[str]:
    rows: list[Row] = [
        ((entry["setting"], as_text(entry["value"]), entry["source"]), [("", entry["reason"])]) for entry in decisions
    ]
    return table(("SETTING", "VALUE", "SOURCE"), rows)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    cut = (_counted(_cut(cell, width)) for cell, width in zip(cells, widths))
    return "  ".join(f"{cell:{width}}" for cell, width in zip(cut, widths)).rstrip().replace(_SECOND, "")


def _cut(cell: str, width: int) -> str:
    counted = _counted(cell)
    if len(counted) <= width:
        return cell
    # It may be cut within a character of two columns.
    return f"{counted[: width - 1 - (_SECOND in counted)].replace(_SECOND, '')}…"


def _counted(text: str) -> str:
    """The text with as many characters as it takes columns."""
    return "".join(f"{char}{_SECOND}" if _is_double(char) else char for char in text)


def _is_double(char: str) -> bool:
    return char in _ESCAPED or (not char.isascii() and unicodedata.east_asian_width(char) in "WF")


def _plain(text: object) -> str:
    """Text on one line that moves no cursor; empty for null."""
    return "" if text is None else visible(str(text)).replace("\n", " ").replace("\t", " ")
