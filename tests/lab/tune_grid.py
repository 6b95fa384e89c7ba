# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a real llama-server over a grid of settings, let the collection's search find its best, and compare the two.

    tune_grid.py grid|tune|both|compare --server llama-server --model FILE.gguf --vary num_threads=1,2,4 ... --out FILE

Starts the stand-in for Ollama over the server, once for each point, without systemd and without root, and measures with
the collection's load generator. A setting that is varied over numbers is bracketed by the search between the least and
the greatest of them; --start is where it begins. ``compare`` measures what the search found and the best of the grid in
turn, A B A B. FILE is written after each measurement, and a run that was cut off, as by --stop-after, goes on from it.
Needs Python 3.9 and the collection on PYTHONPATH (a folder with ansible_collections/inference/ollama); nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import os
import pathlib
import statistics
import sys
import time
from typing import Any, Callable, Dict, List

from tune_load import Load
from tune_search import Search
from tune_server import VARIABLES, FailedError, Host, running

Settings = Dict[str, Any]
DONE, NOT_YET = 0, 3


def say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


class OutOfTimeError(Exception):
    """The run is to go on in another one."""


class Record:
    """What was measured, in a file that is always whole."""

    def __init__(self, path: str, asked: Dict[str, Any]) -> None:
        self.path = pathlib.Path(path)
        self.data: Dict[str, Any] = {"asked": asked, "grid": [], "tune": None, "pairs": []}
        with contextlib.suppress(FileNotFoundError):
            found = json.loads(self.path.read_text(encoding="utf-8"))
            if found["asked"] != asked:
                sys.exit(f"{path} holds other measurements: {found['asked']}; name another file or ask for the same")
            self.data = found

    def save(self) -> None:
        scratch = self.path.with_suffix(".new")
        scratch.write_text(json.dumps(self.data, indent=1), encoding="utf-8")
        scratch.replace(self.path)


class Bench:
    """Measures points for as long as there is time."""

    def __init__(self, host: Host, load: Load, fixed: Settings, stop_after: float) -> None:
        self.host, self.load, self.fixed = host, load, fixed
        self._end = time.monotonic() + stop_after

    def measure(self, settings: Settings, step: Dict[str, Any]) -> Dict[str, Any]:
        """One measurement, ``{benchmark, seconds}``; the benchmark of a server that fails is ``{error}``."""
        began = time.monotonic()
        if began + self.load.longest > self._end:
            raise OutOfTimeError
        try:
            with running(self.host, {**self.fixed, **settings}) as url:
                benchmark = self.load.measure(url, step)
        except FailedError as error:
            benchmark = {"error": str(error)}
        seconds = time.monotonic() - began
        say(f"{seconds:6.1f} s  {settings}  {_short(benchmark)}")
        return {"benchmark": benchmark, "seconds": seconds}


def throughput(benchmark: Dict[str, Any]) -> float:
    """Tokens per second of all streams; 0 where it failed, or under 95 % of the requests that ended did so well."""
    if "error" in benchmark or not benchmark.get("points"):
        return 0.0
    point = benchmark["points"][0]
    requests = point["requests"]
    # Those that are under way at the end say nothing.
    ended = requests["total"] - requests["incomplete"]
    if not ended or requests["successful"] < 0.95 * ended:
        return 0.0
    summary = point["metrics"]["output_token_throughput"]
    return float((summary or {}).get("mean") or 0.0)


def _short(benchmark: Dict[str, Any]) -> str:
    return benchmark.get("error") or f"{throughput(benchmark):.1f} tokens/s"


def grid(bench: Bench, record: Record, varied: Dict[str, List[Any]]) -> None:
    """Measure each combination once."""
    known = [point["settings"] for point in record.data["grid"]]
    for pairs in itertools.product(*([(name, value) for value in values] for name, values in varied.items())):
        settings = dict(pairs)
        if settings in known:
            continue
        found = bench.measure(settings, {"seed": len(record.data["grid"]) + 1})
        record.data["grid"].append({"settings": settings, "value": throughput(found["benchmark"]), **found})
        record.save()


def tune(bench: Bench, record: Record, search: Search, budget: Dict[str, Any]) -> None:
    """Take the search's steps until it is done."""
    found = record.data["tune"] = record.data["tune"] or {"space": search.space, "history": [], "step": None}
    while True:
        used = sum(trial["seconds"] for trial in found["history"]) / 60
        step = found["step"] = search.step(found["history"], {**budget, "minutes_used": used})
        record.save()
        if step["done"]:
            return
        say(step["why"])
        one = bench.measure(step["settings"], step)
        found["history"].append(search.trial(one["benchmark"], step, one["seconds"]))
        record.save()


def compare(bench: Bench, record: Record, pairs: int) -> None:
    """Measure the two winners in turn; the same prompts for both of a pair."""
    found, best = record.data["tune"]["step"]["settings"], best_of_grid(record.data["grid"])["settings"]
    while len(record.data["pairs"]) < pairs and found != best:
        seed = 1000 + len(record.data["pairs"])
        values = {
            name: throughput(bench.measure(settings, {"seed": seed})["benchmark"])
            for name, settings in (("grid", best), ("tune", found))
        }
        record.data["pairs"].append(values)
        record.save()


def best_of_grid(points: List[Dict[str, Any]]) -> Dict[str, Any]:
    return max(points, key=lambda point: float(point["value"]))


def summary(data: Dict[str, Any]) -> Dict[str, Any]:
    """The figures that a report needs."""
    shown: Dict[str, Any] = {}
    if data["grid"]:
        best = best_of_grid(data["grid"])
        minutes = sum(point["seconds"] for point in data["grid"]) / 60
        shown["grid"] = {"points": len(data["grid"]), "minutes": round(minutes, 1), "best": best["settings"]}
        shown["grid"]["value"] = best["value"]
    if data["tune"]:
        history, step = data["tune"]["history"], data["tune"]["step"]
        settings = {json.dumps(trial["settings"], sort_keys=True) for trial in history}
        minutes = sum(trial["seconds"] for trial in history) / 60
        shown["tune"] = {"points": len(settings), "measurements": len(history), "minutes": round(minutes, 1)}
        shown["tune"]["before"] = history[0]["value"] if history else None
        if step["done"]:
            shown["tune"].update(found=step["settings"], proven=step["proven"], stop=step["stop"])
    if len(shown) == 2 and "found" in shown["tune"]:
        shown.update(ratio(data["pairs"], same=shown["tune"]["found"] == shown["grid"]["best"]))
    return shown


def ratio(pairs: List[Dict[str, float]], *, same: bool) -> Dict[str, Any]:
    """What the search found, as a share of the best of the grid, by pairs; 1 where they are the same settings."""
    if same:
        return {"tune_of_grid": 1.0, "pairs": 0}
    ratios = [pair["tune"] / pair["grid"] for pair in pairs if pair["tune"] and pair["grid"]]
    if not ratios:
        return {"tune_of_grid": None, "pairs": 0}
    mean = math.exp(statistics.fmean(map(math.log, ratios)))
    return {"tune_of_grid": mean, "pairs": len(ratios), "least": min(ratios), "greatest": max(ratios)}


def _value(text: str) -> Any:
    """A number, a truth value, or a word."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text


def _assignments(words: List[str], read: Callable[[str], Any]) -> Dict[str, Any]:
    found = {}
    for word in words:
        name, separator, text = word.partition("=")
        if not separator or name not in VARIABLES:
            raise SystemExit(f"{word}: expected NAME=VALUE with a name of {', '.join(VARIABLES)}")
        found[name] = read(text)
    return found


def arguments(argv: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("grid", "tune", "both", "compare"))
    parser.add_argument("--server", required=True, help="a real llama-server")
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--out", required=True)
    parser.add_argument("--vary", nargs="+", default=[], metavar="NAME=VALUE,VALUE", help=", ".join(VARIABLES))
    parser.add_argument("--start", nargs="+", default=[], metavar="NAME=VALUE", help="default: the first of each")
    parser.add_argument("--fixed", nargs="+", default=[], metavar="NAME=VALUE", help="the same at each point")
    parser.add_argument("--objective", default="throughput")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--duration", type=float, default=20.0, help="seconds of a measurement")
    parser.add_argument("--prompt-tokens", type=int, default=128)
    parser.add_argument("--output-tokens", type=int, default=64)
    parser.add_argument("--points", type=int, default=30, help="most points of the search")
    parser.add_argument("--minutes", type=float, default=120.0, help="most minutes of the search")
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--stop-after", type=float, default=math.inf, help="seconds; the next run goes on")
    return parser.parse_args(argv)


def main(argv: List[str]) -> int:
    given = arguments(argv)
    varied = _assignments(given.vary, lambda text: [_value(word) for word in text.split(",")])
    start, fixed = _assignments(given.start, _value), _assignments(given.fixed, _value)
    load = Load(given.concurrency, given.duration, given.prompt_tokens, given.output_tokens)
    asked = {
        "server": os.path.realpath(given.server), "model": os.path.realpath(given.model), "varied": varied,
        "start": start, "fixed": fixed, "objective": given.objective, "load": load._asdict(),
    }  # fmt: skip
    record = Record(given.out, asked)
    host = Host(given.server, given.model)
    bench = Bench(host, load, fixed, given.stop_after)
    budget = {"points": given.points, "minutes": given.minutes}
    status = DONE
    try:
        if given.what in ("tune", "both"):
            search = Search(varied, start, given.objective, given.concurrency)
            tune(bench, record, search, budget)
        if given.what in ("grid", "both"):
            grid(bench, record, varied)
        if given.what in ("compare", "both"):
            compare(bench, record, given.pairs)
    except OutOfTimeError:
        say("out of time: run it again, and it goes on")
        status = NOT_YET
    record.data["summary"] = summary(record.data)
    record.save()
    json.dump(record.data["summary"], sys.stdout, indent=1)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
