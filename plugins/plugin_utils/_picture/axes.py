# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A panel with axes, and curves in it: points of two numbers, each with its spread and its label."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import svg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, HEIGHT = 470, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 26, 40
_RADIUS = 4
_NEAR = 24
_LABEL = 14


class Spot(NamedTuple):
    """A point of a curve: its place, its spread in the same unit, its label, and what a pointer over it shows."""

    across: float
    up: float
    spread: float | None
    label: str
    words: str
    hollow: bool = False


class Curve(NamedTuple):
    """A curve: its name, and its points from left to right. Labels are above, or below the points."""

    name: str
    spots: Sequence[Spot]
    below: bool = False


class Scale(NamedTuple):
    """Numbers on an axis: the least and the greatest one, and whether equal steps are equal ratios."""

    low: float
    high: float
    ratios: bool

    def share(self, value: float) -> float:
        """Where a value is, from 0 at the least one to 1."""
        if self.high <= self.low:
            return 0.5
        if not self.ratios:
            return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return min(1.0, max(0.0, math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)))


class Axes(NamedTuple):
    """What is at the axes: the unit of each, and how a number of each is written."""

    across: str
    up: str
    across_text: Callable[[float], str]
    up_text: Callable[[float], str]


def panel(title: str, axes: Axes, curves: Sequence[Curve], *, ratios: bool) -> svg.Block:
    """A title, a row of the curves' names, and the curves; with ``ratios`` the upright axis is logarithmic."""
    spots = [spot for curve in curves for spot in curve.spots]
    heading = [svg.label(title, "head")]
    if not spots:
        return svg.column([*heading, svg.label("nothing was measured", "text", "muted")], 4)
    places = sorted({spot.across for spot in spots})
    across = Scale(places[0], places[-1], ratios=places[0] > 0)
    up, ticks = _upright(spots, ratios=ratios)
    drawn = [*_grid(axes, across, up, places, ticks)]
    tops = _tops(curves)
    for number, curve in enumerate(curves):
        drawn += _curve(number, curve, across, up, tops)
    names = [_name(number, curve) for number, curve in enumerate(curves)]
    heading.append(svg.row(names, 16, stretch=False))
    return svg.column([*heading, svg.fixed(WIDTH, HEIGHT, "\n".join(drawn))], 4)


def steps(high: float) -> list[float]:
    """Round numbers from 0 to at least ``high``, about five of them."""
    raw = high / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= raw * 0.999)
    return [number * step for number in range(math.ceil(high / step - 1e-9) + 1)]


def decades(low: float, high: float) -> list[float]:
    """The numbers 1, 2 and 5 of each power of ten around a range; powers alone where it is a wide one."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1,) if last - first > 3 else (1, 2, 5)
    every = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
    below = [each for each in every if each <= low * 1.001]
    above = [each for each in every if each >= high * 0.999]
    return [each for each in every if below[-1] <= each <= (above[0] if above else every[-1])]


def _upright(spots: Sequence[Spot], *, ratios: bool) -> tuple[Scale, list[float]]:
    tops = [spot.up + (spot.spread or 0) for spot in spots]
    if not ratios:
        ticks = steps(max(tops)) if max(tops) > 0 else [0.0, 1.0]
        return Scale(0, ticks[-1], ratios=False), ticks
    # A spread that reaches below 0 has no place here; a tenth of the mean is far enough.
    bottoms = [max(spot.up - (spot.spread or 0), spot.up / 10) for spot in spots]
    ticks = decades(min(bottoms), max(tops))
    return Scale(ticks[0], ticks[-1], ratios=True), ticks


def _grid(axes: Axes, across: Scale, up: Scale, places: Sequence[float], ticks: Sequence[float]) -> list[str]:
    left, right, bottom = _LEFT, WIDTH - _RIGHT, HEIGHT - _BOTTOM
    drawn = [svg.text(axes.up, "small muted", 0, 10)]
    for tick in ticks:
        height = _y(up, tick)
        drawn.append(f'<path class="grid" d="M{left} {height:g}H{right}"/>')
        drawn.append(svg.text(axes.up_text(tick), "small muted end", left - 6, f"{height + 4:g}"))
    last = -math.inf
    for place in places:
        x = _x(across, place)
        drawn.append(f'<path class="axis" d="M{x:g} {bottom}v4"/>')
        if x - last >= _NEAR:
            drawn.append(svg.text(axes.across_text(place), "small muted mid", x, bottom + 17))
            last = x
    drawn.append(f'<path class="axis" d="M{left} {_TOP}V{bottom}H{right}"/>')
    drawn.append(svg.text(axes.across, "small muted mid", (left + right) / 2, HEIGHT - 6))
    return drawn


def _curve(number: int, curve: Curve, across: Scale, up: Scale, tops: dict[float, list[float]]) -> list[str]:
    places = [(_x(across, spot.across), _y(up, spot.up)) for spot in curve.spots]
    line = "L".join(f"{x:g} {y:g}" for x, y in places)
    drawn = [f'<path class="curve-{number}" d="M{line}"/>'] if len(places) > 1 else []
    for spot, (x, y) in zip(curve.spots, places):
        parts = [svg.element("title", spot.words)]
        if spot.spread:
            high, low = _y(up, spot.up + spot.spread), _y(up, max(up.low, spot.up - spot.spread))
            parts.append(
                f'<path class="spread-{number}" d="M{x:g} {high:g}V{low:g}M{x - 4:g} {high:g}h8M{x - 4:g} {low:g}h8"/>'
            )
        parts.append(_mark(number, x, y, hollow=spot.hollow))
        # Above the spread, unless another curve's point is there.
        above = [_y(up, other) for other in tops[spot.across] if other > spot.up]
        crowded = any(y - other < 2.2 * _LABEL for other in above)
        high = _y(up, spot.up + (spot.spread or 0))
        low = _y(up, max(up.low, spot.up - (spot.spread or 0)))
        base = low + _LABEL + 2 if curve.below or crowded else high - 7
        parts.append(svg.text(spot.label, "small mid", round(x, 1), f"{base:g}"))
        drawn.append(f"<g>{''.join(parts)}</g>")
    return drawn


def _tops(curves: Sequence[Curve]) -> dict[float, list[float]]:
    """The heights of all points by their place."""
    found: dict[float, list[float]] = {}
    for curve in curves:
        for spot in curve.spots:
            found.setdefault(spot.across, []).append(spot.up)
    return found


def _name(number: int, curve: Curve) -> svg.Block:
    line = f'<path class="curve-{number}" d="M0 8h24"/>{_mark(number, 12, 8)}'
    return svg.row([svg.fixed(24, 16, line), svg.label(curve.name, "small")], 6, stretch=False)


def _mark(number: int, x: float, y: float, *, hollow: bool = False) -> str:
    """A circle, a square or a triangle."""
    r = _RADIUS
    shapes = (
        f"M{x - r:g} {y:g}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 -{2 * r} 0z",
        f"M{x - r:g} {y - r:g}h{2 * r}v{2 * r}h-{2 * r}z",
        f"M{x:g} {y - r - 1:g}l{r + 1} {2 * r}h-{2 * r + 2}z",
    )
    return f'<path class="point-{number}{" hollow" if hollow else ""}" d="{shapes[number % len(shapes)]}"/>'


def _x(scale: Scale, value: float) -> float:
    # Some room at both ends, so that no label leaves the panel.
    return round(_LEFT + 28 + scale.share(value) * (WIDTH - _LEFT - _RIGHT - 54), 1)


def _y(scale: Scale, value: float) -> float:
    return round(HEIGHT - _BOTTOM - scale.share(value) * (HEIGHT - _BOTTOM - _TOP), 1)
