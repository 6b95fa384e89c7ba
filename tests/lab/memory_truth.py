# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set what a llama-server reserved beside what model_memory says that it reserves.

memory_truth.py compare FILE             a table of the rows of buffers.py; fails where the two are too far apart
memory_truth.py keep FILE TEXT OUT       numbers of the rows and the records of their models, for the unit tests

Both read the records of the models from the files that the rows name. PYTHONPATH has the collection's root.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._models.files import read_model_files
from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load, model_memory

MIB = 1024**2
# What the predictions have to keep, in percent: the median of the errors, and how far one may be too low. Below so many
# bytes an error is less than what a process has beside its model.
MEDIAN, UNDER, TRIFLE = 3.0, 5.0, 16 * MIB
HEAD_FIRST = ("gemma3n", "gemma4")
COLUMNS = ("shape", "context", "parallel", "kv_type", "rows", "flash", "weights", "cache", "compute", "results")


def record(path: str) -> dict[str, Any]:
    """The record of a model file, without what differs by host."""
    found, problems = read_model_files([path])
    if found is None or problems:
        raise SystemExit(f"{path}: {'; '.join(problems)}")
    return {**found, "name": "", "files": [], "source": "file"}


def real(row: dict[str, Any]) -> dict[str, int]:
    """Bytes by part of a row for a model on the CPU."""
    parts = {kind: sum(devices.values()) for kind, devices in row["buffers"].items()}
    return {
        "weights": parts["model"],
        "cache": parts.get("kv", 0) + parts.get("kv_sliding", 0) + parts.get("recurrent", 0),
        "compute": parts["compute"],
        "results": parts.get("output", 0),
    }


def predicted(model: dict[str, Any], row: dict[str, Any]) -> dict[str, int]:
    """Bytes by part for a model on the CPU.

    A head that is the embedding too is there once, unless the CPU's instructions want the head in another order, or
    the family asks for the head before the embedding (src/models/gemma4.cpp@b11434).
    """
    memory = model_memory(model, load_of(row))
    copied = memory.output - model["tensor_bytes"]["output"] - model["tensor_bytes"]["other"]
    once = "CPU_REPACK" not in row["buffers"]["model"] and model["family"] not in HEAD_FIRST
    return {
        "weights": memory.weights - (copied if once else 0),
        "cache": memory.cache,
        "compute": memory.compute_cpu,
        "results": memory.results,
    }


def load_of(row: dict[str, Any]) -> Load:
    return Load(row["context"], row["parallel"], row["kv_type"], row["flash_used"], row["rows"])


def error(mine: int, theirs: int) -> float:
    """By how many percent a prediction is above (or, negative, below) what is so."""
    return (mine - theirs) * 100 / theirs if theirs else 0.0


def compare(rows: list[dict[str, Any]]) -> list[str]:
    """Print a table and return sentences for what is too far apart."""
    models = {row["path"]: record(row["path"]) for row in rows}
    say(f"{'shape':<18} {'load':<26} {'predicted':>9} {'real':>9} {'error':>7}   weights   cache compute  results")
    errors, wrong = [], []
    for row in rows:
        load, theirs = load_of(row), real(row)
        mine = predicted(models[row["path"]], row)
        total, so = sum(mine.values()), sum(theirs.values())
        off = error(total, so)
        errors.append(abs(off))
        name = f"{row['parallel']} x {row['context']} {row['kv_type']} {row['rows']}{'' if load.flash else ' no flash'}"
        by_part = " ".join(f"{error(mine[part], theirs[part]):+7.1f}%" for part in theirs)
        say(f"{row['shape']:<18} {name:<26} {total / MIB:9.1f} {so / MIB:9.1f} {off:+6.1f}%  {by_part}")
        if off < -UNDER and so - total > TRIFLE:
            wrong.append(f"{row['shape']}, {name}: {so - total >> 20} MiB too low, {-off:.1f} %")
    median = statistics.median(errors) if errors else 100.0
    most = max(errors, default=0.0)
    say(f"{len(rows)} loads of {len(models)} shapes, median error {median:.2f} %, largest {most:.1f} %")
    if median >= MEDIAN:
        wrong.append(f"the median error is {median:.2f} %, expected less than {MEDIAN} %")
    return wrong


def keep(rows: list[dict[str, Any]], text: str) -> dict[str, Any]:
    """The rows as lists of ``columns``, the records by shape; ``text`` says where the rows are from."""
    records = {row["shape"]: record(row["path"]) for row in rows}
    lines = [[*(row[name] for name in COLUMNS[:5]), row["flash_used"], *real(row).values()] for row in rows]
    return {"source": text, "columns": COLUMNS, "rows": lines, "records": records}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("compare", "keep"))
    parser.add_argument("file")
    parser.add_argument("text", nargs="?")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--shapes", type=int, default=1, help="fail where fewer shapes were loaded")
    options = parser.parse_args()
    with open(options.file) as file:
        every = json.load(file)
    rows = [row for row in every if "buffers" in row]
    for row in every:
        if "refused" in row:
            say(f"{row['shape']}, {row['parallel']} x {row['context']} {row['kv_type']}: {row['refused'][0][:90]}")
    found = len({row["shape"] for row in rows})
    if found < options.shapes:
        say(f"the server said of {found} shapes what it reserves, expected {options.shapes}")
        return 1
    if options.what == "compare":
        wrong = compare(rows)
        for sentence in wrong:
            say(sentence)
        return 1 if wrong else 0
    kept = keep(rows, options.text)
    with open(options.out, "w") as file:
        # A row a line, so that a change shows which.
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in kept.pop("rows"))
        records = ",\n".join(
            f'"{name}": {json.dumps(each, separators=(",", ":"))}' for name, each in kept.pop("records").items()
        )
        head = json.dumps(kept)[:-1]
        file.write(f'{head},\n"rows": [\n{lines}\n],\n"records": {{\n{records}\n}}\n}}\n')
    return 0


if __name__ == "__main__":
    sys.exit(main())
