# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real llama-server says that it reserves for a model, as it loads the shapes of model_shapes.py.

buffers.py --server PROGRAM --out FILE [--models FOLDER] [--few] [--gpu] [--seconds N] [--layers N] [--width N]
           [NAME…]

FILE is a list of rows, whole after each load: shape, path, context of one slot, parallel, kv_type, rows, flash (as
asked for), gpu_layers (null: as many as there are), file_bytes, and either ``buffers``, bytes by kind and device, or
``refused``, what the program said. ``resident`` is what the process then has in host memory. ``breakdown`` is what the
program says as it ends, with what it cannot account for. --gpu asks the driver as well, and loads with some layers and
none on the GPU. The arguments are those that Ollama gives its runner (llm/llama_server.go@v0.32.15).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import selectors
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from model_shapes import SHAPES, Model, write_all
from sparse_model import CONTEXT

MIB = 1024**2
LIMIT_S = 120
BUFFER = re.compile(r"^\S+:\s+(\S+)\s+(model|KV|RS|compute|output) buffer size =\s*([0-9.]+) MiB")
# "|   - CUDA0 (H100) | 81079 = 70000 + (900 = 500 + 300 + 100) + 450 |"; the host's line has no total.
BREAKDOWN = re.compile(
    r"\|\s+- (\S+)[^|]*\|(?:\s*(\d+) =\s*(\d+) \+)?\s*\(?\s*(\d+) =\s*(\d+) \+\s*(\d+) \+\s*(\d+)\)?(?: \+\s*(-?\d+))?"
)
KINDS = {"model": "model", "KV": "kv", "RS": "recurrent", "compute": "compute", "output": "output"}
READY = "all slots are idle"  # it listens, and ends in order when asked to


class Load(NamedTuple):
    """How a model is loaded: tokens in all slots, slots, type of the cache, rows of a batch, flash attention.

    ``mode`` none reads the file and says the bytes of all weights; of a file that is mapped, the default, the program
    says the range that it maps.
    """

    tokens: int
    parallel: int = 1
    kv_type: str = "f16"
    rows: int = 0
    flash: str = "auto"
    gpu_layers: int | None = None
    mode: str = "none"


def default_rows(tokens: int) -> int:
    """Rows of a batch as releases choose them that choose: by the tokens of all slots."""
    return 512 if tokens <= 4096 else 1024 if tokens <= 32768 else 2048


FEW = [Load(4096), Load(32768, 16, "q8_0"), Load(40960, 2)]
# The first tell most; what follows is for the formulas' other arguments.
LOADS = [
    *FEW,
    Load(8192, 4),
    Load(4096, kv_type="q8_0"),
    Load(4096, 16),
    Load(8192),
    Load(8192, 4, "q8_0"),
    Load(8192, 2, flash="off"),
    Load(8192, 2, rows=512),
    Load(8192, 2, rows=2048),
    Load(16384, 8),
    Load(32768),
    Load(32768, 8),
    Load(32768, 4, flash="off"),
    Load(40960, 16),
    Load(40960, 1, "q8_0"),
    Load(4096, 2, rows=2048, flash="off"),
]

# Layers are counted from the last; the output is one more.
PARTLY = [
    Load(8192, 2, gpu_layers=3),
    Load(8192, 2, gpu_layers=0),
    Load(40960, 2, gpu_layers=3),
    Load(8192, 2, mode="auto"),
]


def arguments(model: Model, path: str, load: Load, context: int) -> list[str]:
    """The program's arguments; ``context`` is that of one slot, which a model's own ends."""
    rows = str(min(load.rows or default_rows(context * load.parallel), context * load.parallel))
    given = ["--model", path, "--host", "127.0.0.1", "--port", "0", "--no-webui", "--offline"]
    given += ["-c", str(context * load.parallel), "-np", str(load.parallel), "--log-verbosity", "4"]
    given += ["--no-log-prefix", "--no-log-timestamps", "--no-warmup", "--fit", "off", "--flash-attn", load.flash]
    given += ["--load-mode", load.mode]
    given += ["--cache-type-k", load.kv_type, "--cache-type-v", load.kv_type, "-b", rows, "-ub", rows]
    if "pooling_type" in model.keys:
        given.append("--embedding")
    if load.gpu_layers is not None:
        given += ["-ngl", str(load.gpu_layers)]
    return given


def parse(lines: list[str]) -> dict[str, dict[str, int]]:
    """Bytes by kind and device; ``kv_sliding`` is the cache of layers with a window."""
    found: dict[str, dict[str, int]] = {}
    sliding = False
    for line in lines:
        if "KV cache, size" in line:
            sliding = " SWA KV cache" in line
        match = BUFFER.match(line)
        if match:
            kind = KINDS[match[2]]
            devices = found.setdefault("kv_sliding" if kind == "kv" and sliding else kind, {})
            size = round(float(match[3]) * MIB)
            # Computation is reserved again where a first try was too much; weights come in several parts.
            devices[match[1]] = size if kind == "compute" else devices.get(match[1], 0) + size
    return found


def breakdown(lines: list[str]) -> dict[str, dict[str, int | None]]:
    """By device the bytes of total, free, self, model, context, compute and unaccounted."""
    names = ("total", "free", "self", "model", "context", "compute", "unaccounted")
    return {
        match[1]: {
            name: int(value) * MIB if value else None for name, value in zip(names, match.groups()[1:], strict=True)
        }
        for match in map(BREAKDOWN.search, (line for line in lines if "memory_breakdown" in line))
        if match
    }


def resident(process: int) -> dict[str, int]:
    """Bytes of a process's memory by kind: of its own, of files, shared."""
    with open(f"/proc/{process}/status") as file:
        found = re.findall(r"^Rss(Anon|File|Shmem):\s+(\d+) kB", file.read(), re.MULTILINE)
    return {kind.lower(): int(size) * 1024 for kind, size in found}


def driver(process: int | None) -> dict[str, object]:
    """What nvidia-smi says: MiB in use of each card, and of the process where it names it."""

    def ask(what: str) -> list[list[str]]:
        command = ["nvidia-smi", what, "--format=csv,noheader,nounits"]
        try:
            said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return []
        return [[field.strip() for field in line.split(",")] for line in said.stdout.splitlines()]

    apps = ask("--query-compute-apps=pid,used_memory") if process else []
    mine = [row for row in apps if row[0] == str(process)] or apps
    return {
        "cards_mib": [row[0] for row in ask("--query-gpu=memory.used")],
        **({"process_mib": [row[1] for row in mine if len(row) > 1]} if process else {}),
    }


def output(program: subprocess.Popen, until: float, *, end: bool = False) -> list[str]:
    """Lines of a program until it is ready, or until it ends; none is waited for after ``until``."""
    lines: list[str] = []
    with selectors.DefaultSelector() as waiting:
        waiting.register(program.stdout, selectors.EVENT_READ)
        rest = b""
        while waiting.select(max(0, until - time.monotonic())):
            some = os.read(program.stdout.fileno(), 65536)
            *whole, rest = (rest + some).split(b"\n")
            lines += [line.decode(errors="replace") for line in whole]
            if not some or (not end and any(READY in line for line in lines[-len(whole) - 1 :])):
                break
    return lines


def measure(server: list[str], path: str, model: Model, load: Load, *, gpu: bool = False) -> dict[str, object]:
    """Load a model once and say what was reserved."""
    context = min(load.tokens // load.parallel, int(model.keys.get("context_length", CONTEXT)))
    row: dict[str, object] = {
        "shape": os.path.basename(path).removesuffix(".gguf"),
        "path": path,
        "context": context,
        "parallel": load.parallel,
        "kv_type": load.kv_type,
        "rows": min(load.rows or default_rows(context * load.parallel), context * load.parallel),
        "flash": load.flash,
        "gpu_layers": load.gpu_layers,
        "mode": load.mode,
        "file_bytes": os.path.getsize(path),
    }
    if gpu:
        row["before"] = driver(None)
    began = time.monotonic()
    command = [*server, *arguments(model, path, load, context)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    ) as program:
        try:
            lines = output(program, began + LIMIT_S)
            row["seconds"] = round(time.monotonic() - began, 2)
            ready = any(READY in line for line in lines[-20:])
            if ready:
                row["resident"] = resident(program.pid)
                row["flash_used"] = not any(
                    re.search(r"flash_attn += disabled|Flash Attention .*disabled", line) for line in lines
                )
                if gpu:
                    row["driver"] = driver(program.pid)
            program.send_signal(signal.SIGINT)
            last = output(program, time.monotonic() + 20, end=True)
        finally:
            program.kill()
    found = parse(lines)
    if ready and found:
        row.update(buffers=found, breakdown=breakdown(last))
    else:
        row["refused"] = [line for line in lines if re.search(r"rror|fail|ASSERT|abort|requires", line)][-4:] or lines[
            -4:
        ]
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--server", required=True, type=shlex.split, help="the program, as a shell reads it")
    parser.add_argument("--out", required=True)
    parser.add_argument("--models", help="a folder to keep the models in")
    parser.add_argument("--few", action="store_true", help="only the loads that tell most")
    parser.add_argument("--seconds", type=float, default=86400, help="begin no load after so many")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--width", type=int, default=1)
    parser.add_argument("--gpu", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.models or scratch
        # Each load of all shapes before the next load: what there is when time runs out has every shape.
        loads = FEW if options.few else LOADS
        for load in [*loads[:3], *PARTLY, *loads[3:]] if options.gpu else loads:
            for name in options.names or SHAPES:
                if time.monotonic() - began > options.seconds:
                    break
                path = f"{folder}/{name}.gguf"
                if not os.path.exists(path):
                    write_all(folder, [name], options.width, options.layers)
                model = SHAPES[name](options.width, options.layers)
                row = measure(options.server, path, model, load, gpu=options.gpu)
                rows.append({**row, "scale": [options.width, options.layers]})
                save(options.out, rows)
                sys.stdout.write(f"{len(rows)} {name} {load} {'refused' if 'refused' in row else 'done'}\n")
                sys.stdout.flush()
    return 0 if any("buffers" in row for row in rows) else 1


def save(path: str, rows: list[dict[str, object]]) -> None:
    """Write all rows, so that whoever reads meanwhile has a whole list."""
    text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    with open(f"{path}.new", "w") as file:
        file.write(f"[\n{text}\n]\n")
    os.replace(f"{path}.new", path)


if __name__ == "__main__":
    sys.exit(main())
