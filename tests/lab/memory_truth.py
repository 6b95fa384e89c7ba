# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set what a llama-server reserved beside what model_memory says that it reserves.

memory_truth.py compare FILE...          a table of the rows of buffers.py; fails where the two are too far apart
memory_truth.py keep --out OUT FILE...   numbers of the rows and the records of their models, for the unit tests

Both read the records of the models from the files that the rows name, or from --models FOLDER. PYTHONPATH has the
collection's root. Rows with a GPU are compared on it.
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
# Names of devices in llama-server's lines; their memory on the host has names of its own, such as CUDA_Host.
GPUS = frozenset(f"{kind}{number}" for kind in ("CUDA", "ROCm", "Vulkan") for number in range(16))
HEAD_FIRST = ("gemma3n", "gemma4")
PARTS = ("weights", "cache", "compute", "results", "host")
COLUMNS = ("shape", "where", "gpu_layers", "context", "parallel", "kv_type", "flash", "rows", *PARTS, "process")


def record(path: str) -> dict[str, Any]:
    """The record of a model file, without what differs by host."""
    found, problems = read_model_files([path])
    if found is None or problems:
        raise SystemExit(f"{path}: {'; '.join(problems)}")
    return {**found, "name": "", "files": [], "source": "file"}


def card_of(row: dict[str, Any]) -> str | None:
    """The GPU that a row's model was loaded with; None for one on the CPU alone."""
    return next((device for device in row["buffers"].get("compute", {}) if device in GPUS), None)


def whole(row: dict[str, Any]) -> bool:
    """Whether a row's model lies on its GPU with all layers."""
    return card_of(row) is not None and row["gpu_layers"] is None


def real(row: dict[str, Any]) -> dict[str, int]:
    """Bytes by part of a row: on the GPU where there is one, and what the host has beside it for the computation."""
    card = card_of(row)
    kinds = {
        kind: sum(size for device, size in devices.items() if card in {None, device})
        for kind, devices in row["buffers"].items()
    }
    return {
        "weights": kinds["model"],
        "cache": kinds.get("kv", 0) + kinds.get("kv_sliding", 0) + kinds.get("recurrent", 0),
        "compute": kinds["compute"],
        "results": sum(row["buffers"].get("output", {}).values()),
        **({"host": sum(row["buffers"]["compute"].values()) - kinds["compute"]} if whole(row) else {}),
    }


def predicted(model: dict[str, Any], row: dict[str, Any]) -> dict[str, int]:
    """The same of the record of a model.

    On a CPU a head that is the embedding too is there once, unless the CPU's instructions want the head in another
    order, or the family asks for the head before the embedding (src/models/gemma4.cpp@b11434).
    """
    memory = model_memory(model, load_of(row))
    if card_of(row):
        # The head counts as a layer, the last (src/llama-model.cpp@b11434, i_gpu_start).
        count = len(memory.layers) + 1 if row["gpu_layers"] is None else row["gpu_layers"]
        layers = memory.layers[max(0, len(memory.layers) + 1 - count) :]
        return {
            "weights": sum(layer.weights for layer in layers) + (memory.output if count else 0),
            "cache": sum(layer.cache for layer in layers),
            "compute": memory.compute if whole(row) else memory.compute_split,
            "results": memory.results,
            **({"host": memory.compute_host} if whole(row) else {}),
        }
    copied = memory.output - model["tensor_bytes"]["output"] - model["tensor_bytes"]["other"]
    once = "CPU_REPACK" not in row["buffers"]["model"] and model["family"] not in HEAD_FIRST
    return {
        "weights": memory.weights - (copied if once else 0),
        "cache": memory.cache,
        "compute": memory.compute_cpu,
        "results": memory.results,
    }


def asked_of(row: dict[str, Any]) -> tuple[int, int, str, bool, int]:
    """The fields of a Load, in its order."""
    return row["context"], row["parallel"], row["kv_type"], row["flash_used"], row["rows"]


def load_of(row: dict[str, Any]) -> Load:
    return Load(*asked_of(row))


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


def keep(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows as lists of ``columns``, each load once, and the records by shape, shortened.

    ``where`` is cpu, repacked (a CPU whose instructions want an order of their own) or gpu; ``process`` the bytes that
    the driver says of the process.
    """
    records = {row["shape"]: short(record(row["path"])) for row in rows}
    lines: dict[tuple, list] = {}
    for row in rows:
        repacked = "repacked" if "CPU_REPACK" in row["buffers"]["model"] else "cpu"
        said = row.get("driver", {}).get("process_mib") or [0]
        asked = (row["shape"], "gpu" if card_of(row) else repacked, row["gpu_layers"], *asked_of(row))
        parts = real(row)
        values = [parts.get(part, 0) for part in PARTS]
        lines[asked] = [*asked, *values, int(said[0]) * MIB]
    return {"columns": COLUMNS, "rows": list(lines.values()), "records": records}


def short(model: dict[str, Any]) -> dict[str, Any]:
    """A record whose ``layers`` of tensor bytes are the kinds that there are, and ``kinds`` which one each layer is."""
    every = model["tensor_bytes"]["layers"]
    kinds = [kind for index, kind in enumerate(every) if kind not in every[:index]]
    known = {**model["tensor_bytes"], "layers": kinds, "kinds": [kinds.index(each) for each in every]}
    return {**{key: value for key, value in model.items() if value is not None}, "tensor_bytes": known}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("compare", "keep"))
    parser.add_argument("files", nargs="+")
    parser.add_argument("--models")
    parser.add_argument("--out")
    parser.add_argument("--shapes", type=int, default=1, help="fail where fewer shapes were loaded")
    options = parser.parse_args()
    rows = [row for path in options.files for row in read(path, options.models)]
    found = len({row["shape"] for row in rows})
    if found < options.shapes:
        say(f"the server said of {found} shapes what it reserves, expected {options.shapes}")
        return 1
    if options.what == "compare":
        wrong = compare(rows)
        for sentence in wrong:
            say(sentence)
        return 1 if wrong else 0
    kept = keep(rows)
    with open(options.out, "w") as file:
        # A row a line, so that a change shows which.
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in kept["rows"])
        records = kept["records"].items()
        texts = ",\n".join(f'"{name}": {json.dumps(each, separators=(",", ":"))}' for name, each in records)
        columns = json.dumps(kept["columns"])
        file.write(f'{{"columns": {columns},\n"rows": [\n{lines}\n],\n"records": {{\n{texts}\n}}\n}}\n')
    return 0


def read(path: str, models: str | None) -> list[dict[str, Any]]:
    """The rows of a file in which the server said what it reserves; what it refused is printed."""
    with open(path) as file:
        every = json.load(file)
    for row in every:
        if models:
            row["path"] = f"{models}/{row['shape']}.gguf"
        if "refused" in row:
            say(f"{row['shape']}, {row['parallel']} x {row['context']} {row['kv_type']}: {row['refused'][0][:90]}")
    return [row for row in every if "buffers" in row]


if __name__ == "__main__":
    sys.exit(main())
