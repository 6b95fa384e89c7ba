# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write models without sense in the shapes of families that people run, to see what a runner reserves for them.

model_shapes.py FOLDER [--layers N] [--width N] [NAME...]     NAME.gguf each; all of them where none is named

Vocabulary, length of heads, windows, ranks and the pattern of the layers are those of the family; width and heads are a
fraction, a quarter in most, and the layers few. --width and --layers multiply them. sparse_model.py says how they are
written.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

import hybrid_shapes
import plain_shapes
from sparse_model import Model, write

if TYPE_CHECKING:
    from collections.abc import Callable

# Each shape by its name, as a function of what multiplies width and layers.
SHAPES: dict[str, Callable[[int, int], Model]] = {**plain_shapes.SHAPES, **hybrid_shapes.SHAPES}


def write_all(folder: str, names: list[str], width: int = 1, layers: int = 1) -> dict[str, int]:
    """Write the named shapes, all where none is named, and return the bytes of each file."""
    os.makedirs(folder, exist_ok=True)
    return {name: write(f"{folder}/{name}.gguf", SHAPES[name](width, layers)) for name in names or SHAPES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*", choices=[[], *SHAPES], metavar="NAME")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--width", type=int, default=1)
    options = parser.parse_args()
    for name, size in write_all(options.folder, options.names, options.width, options.layers).items():
        sys.stdout.write(f"{name} {size >> 20} MiB\n")


if __name__ == "__main__":
    main()
