# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a host's measurements: for each model throughput and latency, over concurrency or requests a second.

Pure: the same record gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark import metrics
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.metrics import milliseconds, rate
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.record import name_of, read_record
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.table import about
from ansible_collections.inference.ollama.plugins.plugin_utils._picture import axes, style, svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.frame import Frame
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import amount, mapping, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_WIDTH = 2 * axes.WIDTH + 20
_LATENCIES = {
    "request_latency_ms": ("whole request", False),
    "time_to_first_token_ms": ("time to first token", False),
    "inter_token_latency_ms": ("inter-token latency", True),
}
# Below it a point counts as not measured.
SUCCESS = 0.95
_WHOLE = ("duration", "requests")
_MOST = 64


def benchmark_svg(record: object, host: str = "") -> str:
    """One SVG document of a record, or of its JSON, which ends in a line break; ``host`` is the name in its title."""
    return _frame(record, host).document(style.curves_sheet())


def inline_benchmark_svg(record: object, host: str = "") -> str:
    """The same as an element of a page that has shared_sheet()."""
    return _frame(record, host).element()


def sound(point: Mapping[str, Any]) -> bool:
    """Whether a point was measured to its end, and at least 95 % of its requests were answered."""
    counts = mapping(point.get("requests"))
    # One that had not ended when its time was over did not fail.
    total = sum(amount(counts.get(key)) or 0 for key in ("successful", "errored", "refused"))
    answered = (amount(counts.get("successful")) or 0) / total if total else 0.0
    return answered >= SUCCESS and mapping(point.get("stop")).get("reason") in _WHOLE


def _frame(record: object, host: str) -> Frame:
    found = read_record(record, "measurement")
    name = str(host or found["host"] or "(host unknown)")
    blocks = [svg.column(list(_title(found, name)), 2)]
    blocks += [svg.column(_model(result), 10) for result in found["benchmarks"]]
    words = "; ".join(_words(result) for result in found["benchmarks"]) or "no measurement"
    return Frame(f"Measurements of {name}", words, svg.column(blocks, 22))


def _title(record: Mapping[str, Any], name: str) -> Iterator[svg.Block]:
    profile = record["profile"]
    yield svg.label(name, "title", limit=_WIDTH)
    hardware = mapping(profile.get("hardware")).get("text")
    if hardware:
        yield svg.label(str(hardware), "head", "muted", _WIDTH)
    release = profile.get("release") or "(release unknown)"
    yield svg.label(f"Ollama {release}, measured at {record['at']}; bars are standard deviations", limit=_WIDTH)
    for failed in record["failed"]:
        yield svg.label(f"{failed.get('model')}: not measured: {failed.get('error')}", limit=_WIDTH)


def _model(result: Mapping[str, Any]) -> list[svg.Block]:
    points = rows(result["points"])[:_MOST]
    blocks = [
        svg.label(name_of(result), "head", limit=_WIDTH),
        svg.label(about(result).partition("; ")[2], "text", "muted", _WIDTH),
    ]
    for unit, text, some in (
        ("concurrency (streams)", _whole, [point for point in points if point.get("profile") == "concurrent"]),
        ("requests/s asked for", rate, [point for point in points if point.get("profile") != "concurrent"]),
    ):
        loaded = sorted((load, number) for number, point in enumerate(some) if (load := _load(point)) is not None)
        if loaded:
            blocks.append(_panels([(load, some[number]) for load, number in loaded], unit, text))
    if len(blocks) == 2:
        blocks.append(svg.label("nothing was measured", "text", "muted"))
    elif not all(sound(point) for point in points):
        words = "A hollow point ended early, or under 95 % of its requests were answered."
        blocks.append(svg.label(words, "small", "muted"))
    return blocks


def _load(point: Mapping[str, Any]) -> float | None:
    _profile, load = metrics.load_of(point)
    return load if load is not None and 0 < load < 1e9 else None


def _panels(points: Sequence[tuple[float, Mapping[str, Any]]], unit: str, text: Callable[[float], str]) -> svg.Block:
    speed = axes.Curve("tokens/s in all", _spots(points, "output_token_throughput", rate, "tokens/s"))
    times = [axes.Curve(name, _spots(points, key, milliseconds), below) for key, (name, below) in _LATENCIES.items()]
    left = axes.panel("Throughput", axes.Axes(unit, "tokens/s", text, rate), [speed], ratios=False)
    right = axes.panel("Latency", axes.Axes(unit, "time", text, milliseconds), times, ratios=True)
    return svg.row([left._replace(width=axes.WIDTH), right._replace(width=axes.WIDTH)], 20, stretch=False)


def _spots(
    points: Sequence[tuple[float, Mapping[str, Any]]], name: str, text: Callable[[float], str], unit: str = ""
) -> list[axes.Spot]:
    found = []
    for load, point in points:
        value, spread = metrics.value(point, name), metrics.value(point, name, "std_dev")
        if value is None or not (0 < value < 1e12):
            continue
        spread = spread if spread is not None and 0 < spread < 1e12 else None
        deviation = "" if spread is None else f", standard deviation {text(spread)}"
        words = f"{metrics.load_text(point)}: {text(value)} {unit}".rstrip() + deviation
        found.append(axes.Spot(load, value, spread, text(value), words, not sound(point)))
    return found


def _whole(value: float) -> str:
    return f"{value:g}"


def _words(result: Mapping[str, Any]) -> str:
    shown = (
        f"{metrics.load_text(point)}: {rate(metrics.value(point, 'output_token_throughput'))} tokens/s,"
        f" first token after {milliseconds(metrics.value(point, 'time_to_first_token_ms'))}"
        for point in rows(result["points"])[:_MOST]
    )
    return f"{name_of(result)}: {', '.join(shown) or 'nothing was measured'}"
