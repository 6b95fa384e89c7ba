# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two records of measurements: by metric and point, and what differs between what was measured.

Another model or another workload is no comparison. Another machine, release or setting is one, and is named.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark import metrics
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.comparison import compare, compare_summaries
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.record import (
    digest_of,
    name_of,
    read_record,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import amount, mapping, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SCHEMA = 1
# What makes another workload; how long and how often it was measured does not.
WORKLOAD = ("prompt_tokens", "output_tokens", "output_tokens_stdev", "prompt_cache")
_LONGEST = 100
_SETTINGS = 12


def compare_records(after: object, baseline: object, threshold: float = 0.03) -> dict[str, Any]:
    """Return ``{schema, comparable, before, after, refused, differences, models, verdicts}``.

    Both are records or their JSON, OllamaError if one is neither. ``refused`` has a sentence for each model that cannot
    be compared, ``differences`` one for each thing that was another one on the other side. ``models`` are
    ``{model, points}``, points ``{point, metrics}``, metrics the result of compare() with ``metric`` and ``unit``.
    ``verdicts`` counts the metrics by verdict.
    """
    new, old = read_record(after, "measurement"), read_record(baseline, "baseline")
    earlier: dict[str, Mapping[str, Any]] = {name_of(result): result for result in old["benchmarks"]}
    differences = list(_machines(old, new))
    refused: list[str] = []
    models: list[dict[str, Any]] = []
    for result in new["benchmarks"]:
        name = name_of(result)
        if name not in earlier:
            refused.append(f"{one_line(name, _LONGEST)}: it is not in the baseline")
            continue
        wrong = list(unlike(earlier[name], result))
        refused += [f"{one_line(name, _LONGEST)}: {each}" for each in wrong]
        if not wrong:
            differences += [f"{one_line(name, _LONGEST)}: {each}" for each in _conditions(earlier[name], result)]
            models.append({"model": name, "points": list(_points(earlier[name], result, threshold))})
    if not new["benchmarks"]:
        refused.append("nothing was measured")
    verdicts = [metric["verdict"] for model in models for point in model["points"] for metric in point["metrics"]]
    return {
        "schema": SCHEMA,
        "comparable": any(model["points"] for model in models),
        **{side: {"host": each["host"], "at": each["at"]} for side, each in (("before", old), ("after", new))},
        "refused": refused,
        "differences": differences,
        "models": models,
        "verdicts": {verdict: verdicts.count(verdict) for verdict in ("faster", "slower", "same", "unclear")},
    }


def unlike(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield why two measurements with a model of one name are not of the same thing."""
    digests = digest_of(before), digest_of(after)
    if None not in digests and digests[0] != digests[1]:
        yield f"it is another model by its digest: {_both(str(digest)[:12] for digest in digests)}"
    asked, asks = mapping(before.get("workload")), mapping(after.get("workload"))
    for key in WORKLOAD:
        if asked.get(key) != asks.get(key):
            yield f"another workload: {key}: {_both(each.get(key) for each in (asked, asks))}"


def _machines(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the machines, their releases and settings differ."""
    if old["host"] != new["host"]:
        yield f"another host: {_said(old['host'])} in the baseline"
    hardware = [mapping(each["profile"].get("hardware")) for each in (old, new)]
    if hardware[0].get("key") != hardware[1].get("key"):
        yield f"another hardware: {_both(each.get('text') for each in hardware)}"
    if (old["from"] or "host") != (new["from"] or "host"):
        yield f"the requests came from elsewhere: {_both(each['from'] or 'host' for each in (old, new))}"
    yield from _settings(old["profile"], new["profile"])
    for side, each in (("in the baseline", old), ("now", new)):
        failed = mapping(each["profile"].get("as_planned")).get("failed")
        if isinstance(failed, list) and failed:
            names = ", ".join(map(str, failed[:_SETTINGS]))
            yield one_line(f"the host did not run as planned {side}: {names}")


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    sides = [_by_name(each) for each in (old, new)]
    changed = [key for key in dict.fromkeys([*sides[0], *sides[1]]) if sides[0].get(key) != sides[1].get(key)]
    for server, name in changed[:_SETTINGS]:
        values = [each.get((server, name), "not set") for each in sides]
        where = "" if server in (None, "ollama") else f" of {server}"
        yield one_line(f"another {name}{where}: {_both(values)}")
    if len(changed) > _SETTINGS:
        yield f"and {len(changed) - _SETTINGS} more settings"


def _by_name(profile: Mapping[str, Any]) -> dict[tuple[str | None, str], object]:
    found = rows(profile.get("settings"))
    return {(_name(row.get("instance")), str(row.get("setting"))): row.get("value") for row in found}


def _name(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _conditions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield how two measurements of the same thing differ."""
    if before.get("release") != after.get("release"):
        yield f"another release: {_both(each.get('release') for each in (before, after))}"
    if None in (digest_of(before), digest_of(after)):
        yield "whether it is the same model is not known: a digest is missing"
    asked, asks = mapping(before.get("workload")), mapping(after.get("workload"))
    for key in ("duration", "seed", "goodput"):
        if asked.get(key) != asks.get(key):
            yield f"another {key}: {_both(each.get(key) for each in (asked, asks))}"
    first, second = ([metrics.load_of(point) for point in rows(each["points"])] for each in (before, after))
    for side, own, other in (("the baseline alone", first, second), ("this measurement alone", second, first)):
        alone = [metrics.load_text(_point(load)) for load in own if load not in other]
        if alone:
            yield f"points of {side}: {', '.join(alone)}"


def _points(before: Mapping[str, Any], after: Mapping[str, Any], threshold: float) -> Iterator[dict[str, Any]]:
    """Yield the comparison of each load that both have."""
    earlier = {metrics.load_of(point): point for point in rows(before["points"])}
    limits = [mapping(each.get("workload")).get("goodput") for each in (before, after)]
    for point in rows(after["points"]):
        load = metrics.load_of(point)
        if load not in earlier or load[1] is None:
            continue
        # Of other limits it is another number.
        some = [each for each in metrics.METRICS if each.name != "goodput" or (limits[0] and limits[0] == limits[1])]
        found = (_metric(earlier[load], point, metric, threshold) for metric in some)
        yield {"point": _point(load), "metrics": [each for each in found if each is not None]}


def _metric(
    before: Mapping[str, Any], after: Mapping[str, Any], metric: metrics.Metric, threshold: float
) -> dict[str, Any] | None:
    sides = before, after
    options: dict[str, Any] = {"threshold": threshold, "less_is_better": metric.less_is_better}
    if metric.windows:
        values = [_numbers(mapping(each.get("windows")).get(metric.name)) for each in sides]
        found = compare(values[0], values[1], **options)
    else:
        beside = [amount(each.get("request_concurrency")) or 1.0 for each in sides]
        summaries = [metrics.summary(each, metric.name) for each in sides]
        found = compare_summaries(summaries[0], summaries[1], beside=(beside[0], beside[1]), **options)
    if found["before"] is None and found["after"] is None:
        return None
    return {"metric": metric.name, "unit": metric.unit, **found}


def _numbers(values: object) -> Sequence[float]:
    found = map(amount, values) if isinstance(values, list) else ()
    return [each for each in found if each is not None]


def _point(load: tuple[str, float | None]) -> dict[str, Any]:
    profile, many = load
    closed = profile == "concurrent"
    whole = int(many) if closed and many is not None and many == int(many) else many
    return {"profile": profile, "concurrency": whole if closed else None, "request_rate": None if closed else many}


def _both(values: Iterable[object]) -> str:
    before, after = map(_said, values)
    return f"{before} in the baseline, {after} now"


def _said(value: object) -> str:
    if value is None:
        return "unknown"
    return one_line(value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True), _LONGEST)
