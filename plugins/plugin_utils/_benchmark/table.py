# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements and their comparison as lines to read in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark import metrics
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.metrics import milliseconds, rate
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.record import digest_of, name_of, read_record
from ansible_collections.inference.ollama.plugins.plugin_utils._table import table, wrapped
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import amount, mapping, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._table import Row

_HEADS = ("LOAD", "TOKENS/S", "REQUESTS/S", "FIRST TOKEN", "NEXT TOKEN", "REQUEST")
_LATENCIES = {"time_to_first_token_ms": "first token", "request_latency_ms": "request"}
# The stop reasons of a point that was measured as it was meant to be.
_WHOLE = ("duration", "requests")
_SIGNS = {"faster": "faster", "slower": "SLOWER"}
_ERRORS = 3


def benchmark_table(record: object, host: str = "") -> list[str]:
    """Return lines with each model that was measured, a row for each load, and what could not be measured.

    Of what compare_records() returned, those of comparison_table().
    """
    if isinstance(record, dict) and "verdicts" in record:
        return comparison_table(record)
    found = read_record(record, "measurement")
    lines = wrapped(f"{host or found['host']}: {_machine(found)}", indent=4)
    for result in found["benchmarks"]:
        lines += ["", *wrapped(about(result), "  ", 4), ""]
        lines += table(_HEADS, [_row(point) for point in rows(result["points"])])
        for problem in result.get("problems") or []:
            lines += wrapped(f"WARNING {problem}", "    ", 6)
    for failed in found["failed"]:
        lines += ["", *wrapped(f"{failed.get('model')}: not measured: {failed.get('error')}", "  ", 4)]
    return lines


def comparison_table(comparison: Mapping[str, Any]) -> list[str]:
    """Return lines with what differs, and for each load and metric both means, their ratio, its interval, a verdict."""
    before, after = (mapping(comparison[side]) for side in ("before", "after"))
    title = f"{after.get('host')} at {after.get('at')}, compared with {before.get('host')} at {before.get('at')}"
    lines = wrapped(title, indent=4)
    for label in ("differences", "refused"):
        for words in comparison[label]:
            lines += wrapped(f"{'NOT COMPARABLE:' if label == 'refused' else 'differs:'} {words}", "  ", 4)
    for model in comparison["models"]:
        for point in model["points"]:
            lines += ["", *wrapped(f"{model['model']}, {_loaded(point['point'])}", "  ", 4), ""]
            cells: list[Row] = [(_compared(each), _why(each)) for each in point["metrics"]]
            lines += table(("METRIC", "BEFORE", "AFTER", "RATIO", "95 %", "VERDICT"), cells)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in comparison["verdicts"].items() if count)
    return [*lines, "", *wrapped(f"of all metrics: {counts}" if counts else "nothing is compared", "  ", 4)]


def about(result: Mapping[str, Any]) -> str:
    """Return what was measured in a sentence: model, release and workload."""
    digest, work = digest_of(result), mapping(result.get("workload"))
    words = [f"{name_of(result)}{f' ({digest[:12]})' if digest else ''}"]
    words.append(f"prompts of {work.get('prompt_tokens')} tokens, answers of {work.get('output_tokens')}")
    words.append(f"prompt cache {'defeated' if work.get('prompt_cache') == 'defeat' else 'used'}")
    words.append(f"{work.get('duration')} s each")
    load = mapping(result.get("load"))
    seconds = amount(load.get("seconds"))
    if seconds is not None and load.get("already_loaded") is not True:
        words.append(f"loaded in {milliseconds(1000 * seconds)}")
    limits = mapping(work.get("goodput"))
    if limits:
        words.append(f"goodput within {', '.join(f'{name} {limit}' for name, limit in limits.items())}")
    return "; ".join(words)


def notes(point: Mapping[str, Any]) -> Iterator[str]:
    """Yield what there is to say of a point beside its means: percentiles, goodput, what failed, why it ended early."""
    for name, words in _LATENCIES.items():
        values = [(part, metrics.value(point, name, part)) for part in metrics.PERCENTILES]
        known = [f"{part} {milliseconds(value)}" for part, value in values if value is not None]
        if known:
            yield f"{words}: {', '.join(known)}"
    good = metrics.value(point, "goodput")
    if good is not None:
        yield f"goodput: {rate(good)} requests/s"
    counts = mapping(point.get("requests"))
    bad = [f"{counts[key]} {key}" for key in ("errored", "refused") if counts.get(key)]
    if bad:
        said = (f"{each.get('message')} ({each.get('count')})" for each in rows(point.get("errors"))[:_ERRORS])
        yield f"of {counts.get('total')} requests {', '.join(bad)}: {'; '.join(said)}"
    stop = mapping(point.get("stop"))
    if stop.get("reason") not in _WHOLE:
        yield f"ended early: {stop.get('message') or stop.get('reason')}"


def cells(point: Mapping[str, Any]) -> list[str]:
    """Return load, tokens/s, requests/s, first token, next token and request as texts."""
    speed = [rate(metrics.value(point, name)) for name in ("output_token_throughput", "request_throughput")]
    names = ("time_to_first_token_ms", "inter_token_latency_ms", "request_latency_ms")
    return [metrics.load_text(point), *speed, *(milliseconds(metrics.value(point, name)) for name in names)]


def _row(point: Mapping[str, Any]) -> Row:
    return cells(point), [("", words) for words in notes(point)]


def _machine(record: Mapping[str, Any]) -> str:
    profile = record["profile"]
    words = [f"Ollama {profile.get('release') or '(release unknown)'}"]
    text = mapping(profile.get("hardware")).get("text")
    words += [str(text)] if text else []
    failed = mapping(profile.get("as_planned")).get("failed")
    if isinstance(failed, list) and failed:
        words.append(f"not as planned: {', '.join(map(str, failed))}")
    words.append(f"measured from the {record['from'] or 'host'} at {record['at']}")
    return "; ".join(words)


def _loaded(point: Mapping[str, Any]) -> str:
    text = metrics.load_text(point)
    if point["profile"] != "concurrent":
        return f"{text.removesuffix('/s')} requests/s ({point['profile']})"
    return f"{text} stream{'' if text == '1' else 's'}"


def _compared(found: Mapping[str, Any]) -> list[str]:
    shown = milliseconds if found["unit"] == "ms" else rate
    ratio = "-" if found["ratio"] is None else f"{found['ratio']:.3f}"
    interval = "-" if found["low"] is None else f"{found['low']:.3f}-{found['high']:.3f}"
    verdict = _SIGNS.get(found["verdict"], found["verdict"])
    words = next((metric.words for metric in metrics.METRICS if metric.name == found["metric"]), found["metric"])
    return [words, shown(found["before"]), shown(found["after"]), ratio, interval, verdict]


def _why(found: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [("", found["reason"])] if found["verdict"] == "unclear" and found["low"] is None else []
