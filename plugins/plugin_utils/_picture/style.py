# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours, sizes and the style sheet of the picture.

The colours differ in lightness and stay apart for colour-blind eyes (after Okabe and Ito); what they mean is
shown by a shape, a line or a word too.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# Every rule is bound to this class, since a page may have several pictures and other styles.
ROOT = "ollama-topology"
# Name of a text's class: height in pixels, weight.
FONTS = {"title": (21, 700), "head": (13, 700), "text": (12, 400), "small": (11, 400), "strong": (12, 700)}
# Wider pictures get too small to read where a page fits them in.
WIDTH = 1240
GAP = 10
PAD = 10

# Of each kind of core: fill, outline, fill where the service runs, corner radius as a share of the height.
KIND_LOOKS = {
    "performance": ("#cfe4f6", "#2a6ca6", "#0b4f8a", 0.1),
    "uniform": ("#cfe4f6", "#2a6ca6", "#0b4f8a", 0.1),
    "middle": ("#e2ecd0", "#5a7a1c", "#435c10", 0.28),
    "efficiency": ("#fde2c2", "#b3590b", "#8f4500", 0.5),
    "low_power": ("#ebdcf4", "#77479a", "#5b2f7d", 0.5),
    "unread": ("#e6e9ed", "#66707b", "#3f4750", 0.1),
}
_BOXES = {
    "socket": ("#f5f6f8", "#8c959f"),
    "node": ("#eaf2fa", "#5f8fbd"),
    "gpumem": ("#e4f3ec", "#1c7a58"),
    "cache": ("#fdf6e1", "#b9993a"),
    "loose": ("#ffffff", "#8c959f"),
    "gpu": ("#e4f3ec", "#1c7a58"),
}


# The same in a page that is read in the dark: what stands out is the lighter one there.
DARK = {
    "text": "fill:#e6eaef",
    ".page": "fill:#12161b;stroke:#343d47",
    ".muted": "fill:#a9b3be",
    ".core": "fill:#0d1014;stroke:#6e7781",
    ".bar": "fill:#0d1014;stroke:#5f8fbd",
    ".band": "fill:#1d4536",
    ".band.run": "fill:#4fc394",
    "text.run": "fill:#0b0f14",
    ".gpu.run": "stroke:#4fc394",
    ".wire": "stroke:#e6eaef",
    ".line": "stroke:#343d47",
    ".socket": "fill:#1a2027;stroke:#6e7781",
    ".node": "fill:#14263a;stroke:#5f8fbd",
    ".gpumem": "fill:#11281f;stroke:#3fa27c",
    ".cache": "fill:#2a2412;stroke:#a88a35",
    ".loose": "fill:#12161b;stroke:#6e7781",
    ".gpu": "fill:#11281f;stroke:#3fa27c",
    **{
        f".{kind}{run}": f"fill:{fill};stroke:{stroke}"
        for kind, (fill, stroke, bright) in {
            "performance": ("#1d3a57", "#6aa9e0", "#8cc6f5"),
            "uniform": ("#1d3a57", "#6aa9e0", "#8cc6f5"),
            "middle": ("#2f3a17", "#9dbb5c", "#c3dc8c"),
            "efficiency": ("#4a2d10", "#e0934a", "#ffbf80"),
            "low_power": ("#3a2748", "#b98bd6", "#dcb8f2"),
            "unread": ("#2c343d", "#8c959f", "#c9d1d9"),
        }.items()
        for run, fill, stroke in (("", fill, stroke), (".run", bright, bright))
    },
    ".barred": "fill:#1a2027;stroke:#6e7781",
    ".slash": "stroke:#8c959f",
    ".isolated": "stroke:#e6eaef",
    ".dim": "fill:#a9b3be",
    ".d0": "fill:#12161b",
    ".d1": "fill:#222a33",
    ".d2": "fill:#303b47",
    ".d3": "fill:#3f4d5c",
}


# What the memory of a device holds: fill, outline, and the fill in the dark. Neighbours differ in lightness.
PART_LOOKS = {
    "weights": ("#0b4f8a", "#0b4f8a", "#8cc6f5"),
    "kv": ("#e69f3c", "#8f4500", "#c8781a"),
    "compute": ("#2f8f6d", "#1c7a58", "#3fa27c"),
    "projector": ("#b98bd6", "#5b2f7d", "#dcb8f2"),
    "runtime": ("#a9b3be", "#4d5661", "#e6eaef"),
    "others": ("#c9d2dc", "#8c959f", "#3f4d5c"),
    "free": ("#ffffff", "#8c959f", "#0d1014"),
}
PARTS = {
    **{f".part-{name}": f"fill:{fill};stroke:{edge}" for name, (fill, edge, _dark) in PART_LOOKS.items()},
    ".part-others": "fill:#c9d2dc;stroke:#8c959f;stroke-dasharray:2 2",
    ".good": "fill:#0f6346",
    ".bad": "fill:#9b1c1c",
}
PARTS_DARK = {
    **{f".part-{name}": f"fill:{dark}" for name, (_fill, _edge, dark) in PART_LOOKS.items()},
    ".good": "fill:#4fc394",
    ".bad": "fill:#ff9c9c",
}

# Of the curves of a panel: the colour, and the one in the dark. The shape of the points tells them apart too.
CURVE_LOOKS = (("#0b4f8a", "#8cc6f5"), ("#a04d00", "#f0a35e"), ("#1c7a58", "#4fc394"))
CURVES = {
    ".grid": "stroke:#d0d7de;fill:none",
    ".axis": "stroke:#6e7781;fill:none",
    ".end": "text-anchor:end",
    **{
        rule: value
        for number, (colour, _dark) in enumerate(CURVE_LOOKS)
        for rule, value in (
            (f".curve-{number}", f"stroke:{colour};stroke-width:2;fill:none"),
            (f".spread-{number}", f"stroke:{colour};stroke-width:1.2;fill:none"),
            (f".point-{number}", f"stroke:{colour};stroke-width:2;fill:{colour}"),
        )
    },
    # After the points, which it empties.
    ".hollow": "fill:#ffffff",
}
CURVES_DARK = {
    ".grid": "stroke:#343d47",
    ".axis": "stroke:#8c959f",
    **{
        rule: value
        for number, (_colour, dark) in enumerate(CURVE_LOOKS)
        for rule, value in (
            (f".curve-{number}", f"stroke:{dark}"),
            (f".spread-{number}", f"stroke:{dark}"),
            (f".point-{number}", f"stroke:{dark};fill:{dark}"),
        )
    },
    ".hollow": "fill:#12161b",
}


class Size(NamedTuple):
    """The size of drawn CPUs; without a font they have no numbers.

    If all boxes together are higher than ``tallest``, the next smaller size is taken.
    """

    height: int
    font: int
    tallest: int

    def width(self, digits: int) -> int:
        """Wide enough for a number of so many digits in a wide font."""
        return max(self.height, math.ceil(digits * self.font * 0.64) + 6)


# Smaller than the third, numbers cannot be read: rather a long picture than none.
SIZES = (Size(22, 12, 900), Size(19, 11, 1100), Size(16, 9, 1800), Size(10, 0, 1800), Size(6, 0, 0))


def sheet(size: Size) -> str:
    """The style sheet of a separate picture, one rule a line."""
    return "<style>\n" + "\n".join(_bound({**_rules(), ".no": _number(size)})) + "\n</style>\n"


def bars_sheet() -> str:
    """The style sheet of a separate picture of bars, in both colour schemes."""
    return _sheet_of(PARTS, PARTS_DARK)


def curves_sheet() -> str:
    """The style sheet of a separate picture of curves, in both colour schemes."""
    return _sheet_of(CURVES, CURVES_DARK)


def _sheet_of(rules: dict[str, str], in_dark: dict[str, str]) -> str:
    names = ("text", ".page", ".muted", ".mid", *(f".{name}" for name in FONTS))
    some = {name: rule for name, rule in _rules().items() if name in names}
    dark = {**{name: rule for name, rule in DARK.items() if name in names}, **in_dark}
    return "<style>\n" + "\n".join([*_bound({**some, **rules}), *in_the_dark(dark)]) + "\n</style>\n"


def shared_sheet() -> str:
    """The rules for all pictures of a page in both colour schemes, each picture with the class of its size."""
    rules = _bound({**_rules(), **PARTS, **CURVES})
    rules += [f".{size_class(size)} .no{{{_number(size)}}}" for size in SIZES]
    return "\n".join([*rules, *in_the_dark({**DARK, **PARTS_DARK, **CURVES_DARK})])


def in_the_dark(rules: dict[str, str]) -> list[str]:
    """Rules for a page that is read in the dark."""
    return ["@media (prefers-color-scheme:dark){", *_bound(rules), "}"]


def _bound(rules: dict[str, str]) -> list[str]:
    return [f".{ROOT} {name}{{{rule}}}" for name, rule in rules.items()]


def size_class(size: Size) -> str:
    """The class of pictures with CPUs of this size."""
    return f"{ROOT}-{size.height}"


def _number(size: Size) -> str:
    return f"font-size:{size.font}px;text-anchor:middle;font-variant-numeric:tabular-nums"


def _rules() -> dict[str, str]:
    rules = {
        "text": "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1b1f24",
        ".page": "fill:#ffffff;stroke:#d0d7de",
        ".muted": "fill:#4d5661",
        # Filled in by size; here it keeps its place among the rules.
        ".no": "",
        ".mid": "text-anchor:middle",
        ".core": "fill:#ffffff;stroke:#9aa4af",
        ".box": "stroke-width:1.2",
        ".bare": "stroke-dasharray:6 3",
        ".bar": "fill:#ffffff;stroke:#5f8fbd",
        ".used": "fill:#5f8fbd",
        ".band": "fill:#c3e4d6",
        ".band.run": "fill:#0f6346",
        "text.run": "fill:#ffffff",
        ".gpu.run": "stroke-width:3;stroke:#0f6346",
        ".wire": "stroke:#1b1f24;stroke-width:1.4;fill:none",
        ".wire.thick": "stroke-width:5",
        ".line": "stroke:#d0d7de",
        **{f".{name}": f"font-size:{height}px;font-weight:{weight}" for name, (height, weight) in FONTS.items()},
        **{f".{name}": f"fill:{fill};stroke:{stroke}" for name, (fill, stroke) in _BOXES.items()},
    }
    for name, (fill, stroke, run, _radius) in KIND_LOOKS.items():
        rules[f".{name}"] = f"fill:{fill};stroke:{stroke}"
        rules[f".{name}.run"] = f"fill:{run};stroke:{run}"
    rules |= {
        ".low_power": rules[".low_power"] + ";stroke-dasharray:1.5 1.5",
        ".barred": "fill:#f1f2f4;stroke:#8c959f",
        ".slash": "stroke:#6e7781;stroke-width:1.2",
        ".isolated": "stroke:#1b1f24;stroke-width:2;stroke-dasharray:3 2",
        ".offline": "fill:none;stroke:#8c959f;stroke-dasharray:2 2",
        ".dim": "fill:#5b646e",
        ".d0": "fill:#ffffff",
        ".d1": "fill:#e3e8ee",
        ".d2": "fill:#c9d2dc",
        ".d3": "fill:#aab7c4",
    }
    return rules
