# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the picture looks: colours, sizes and the style sheet.

The colours differ in lightness and stay apart for colour-blind eyes (after Okabe and Ito); whatever they mean is
said by a shape, a line or a word too. Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# Every rule is bound to this class, since a page may hold several pictures, and styles of its own.
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


class Size(NamedTuple):
    """How large CPUs are drawn; without a font they have no numbers.

    ``tallest`` is the height of all boxes from which on the next smaller size is taken.
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
    """The style sheet, one rule a line."""
    rules = {
        "text": "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1b1f24",
        ".page": "fill:#ffffff;stroke:#d0d7de",
        ".muted": "fill:#4d5661",
        ".no": f"font-size:{size.font}px;text-anchor:middle;font-variant-numeric:tabular-nums",
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
    lines = (f".{ROOT} {name}{{{rule}}}" for name, rule in rules.items())
    return "<style>\n" + "\n".join(lines) + "\n</style>\n"


__all__ = ("FONTS", "GAP", "KIND_LOOKS", "PAD", "ROOT", "SIZES", "WIDTH", "Size", "sheet")
