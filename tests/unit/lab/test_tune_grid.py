# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver that compares the search with a full grid: what it starts, what it keeps, and which figures it reports."""

from __future__ import annotations

import contextlib
import json
import sys
import urllib.request
import zipapp
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tune_grid
import tune_search
import tune_server
from standin.speed import Speed

if TYPE_CHECKING:
    from collections.abc import Iterator

LAB = Path(__file__).resolve().parents[2] / "lab"
CURVE = Speed(cpus=8, thread_knee=6, slot_knee=5)
THREADS, SLOTS = [1, 2, 4, 6, 8, 12], [1, 2, 4, 5, 8]


def benchmark(value: float, successful: int = 100) -> dict[str, Any]:
    """A measurement of schema 1 without noise."""
    rate = {"mean": value, "std_dev": 0.0, "count": 10}
    point = {
        "requests": {"total": 100, "successful": successful, "errored": 0, "incomplete": 0, "refused": 0},
        "errors": [],
        "stop": {"reason": "duration", "message": ""},
        "metrics": {"output_token_throughput": rate, "request_throughput": rate, "goodput": None},
        "windows": {"seconds": 1, "output_token_throughput": [value] * 10, "request_throughput": [value] * 10},
    }
    return {"schema": 1, "points": [point], "problems": []}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings that were measured, on a server of a known curve in place of a real one."""
    asked: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def running(_host: tune_server.Host, settings: dict[str, Any]) -> Iterator[str]:
        asked.append(settings)
        if settings["num_threads"] == 12:
            raise tune_server.FailedError("no model loads")
        yield "http://127.0.0.1:1"

    def measure(_load: Any, _url: str, _step: dict[str, Any]) -> dict[str, Any]:
        return benchmark(CURVE.rate(asked[-1], 8))

    monkeypatch.setattr(tune_grid, "running", running)
    monkeypatch.setattr(tune_grid.Load, "measure", measure)
    return asked


def arguments(what: str, out: Path, *more: str) -> list[str]:
    varied = [f"num_threads={','.join(map(str, THREADS))}", f"num_parallel={','.join(map(str, SLOTS))}"]
    return [what, "--server", "llama-server", "--model", "m.gguf", "--out", str(out), *more, "--vary", *varied]


def test_a_grid_measures_each_combination_once_and_a_failure_counts_as_nothing(
    tmp_path: Path, measured: list[dict[str, Any]]
) -> None:
    out = tmp_path / "out.json"
    assert tune_grid.main(arguments("grid", out)) == tune_grid.DONE
    assert tune_grid.main(arguments("grid", out)) == tune_grid.DONE
    data = json.loads(out.read_text())
    assert len(measured) == len(data["grid"]) == len(THREADS) * len(SLOTS)
    assert data["summary"]["grid"]["best"] == {"num_threads": 6, "num_parallel": 5}
    assert {point["value"] for point in data["grid"] if point["settings"]["num_threads"] == 12} == {0.0}


def test_a_run_that_has_no_time_left_says_so_and_keeps_what_it_has(
    tmp_path: Path, measured: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.json"
    clock = iter(range(0, 100000, 10))
    monkeypatch.setattr(tune_grid.time, "monotonic", lambda: float(next(clock)))
    assert tune_grid.main(arguments("grid", out, "--stop-after", "200")) == tune_grid.NOT_YET
    first = len(measured)
    assert 0 < first < len(THREADS) * len(SLOTS)
    assert len(json.loads(out.read_text())["grid"]) == first
    assert tune_grid.main(arguments("grid", out)) == tune_grid.DONE
    assert len(measured) == len(THREADS) * len(SLOTS)


def test_a_file_of_other_measurements_is_not_continued(tmp_path: Path, measured: list[dict[str, Any]]) -> None:
    out = tmp_path / "out.json"
    tune_grid.main(arguments("grid", out))
    with pytest.raises(SystemExit, match="other measurements"):
        tune_grid.main(arguments("grid", out, "--concurrency", "3"))
    assert len(measured) == len(THREADS) * len(SLOTS)


def test_the_search_is_compared_with_the_best_of_the_grid(tmp_path: Path, measured: list[dict[str, Any]]) -> None:
    pytest.importorskip("ansible_collections.inference.ollama.plugins.plugin_utils._tuning.search")
    out = tmp_path / "out.json"
    assert tune_grid.main(arguments("both", out, "--start", "num_threads=8", "num_parallel=1")) == tune_grid.DONE
    shown = json.loads(out.read_text())["summary"]
    assert shown["tune"]["before"] == pytest.approx(CURVE.rate({"num_threads": 8, "num_parallel": 1}, 8))
    assert shown["tune"]["proven"] is True
    assert shown["tune"]["points"] < shown["grid"]["points"]
    assert shown["tune_of_grid"] > 0.95
    assert len(measured) == shown["grid"]["points"] + shown["tune"]["measurements"] + 2 * shown["pairs"]


def test_the_same_settings_are_not_measured_against_themselves() -> None:
    assert tune_grid.ratio([], same=True) == {"tune_of_grid": 1.0, "pairs": 0}


def test_the_ratio_is_that_of_pairs_and_a_pair_that_failed_does_not_count() -> None:
    pairs = [{"grid": 10.0, "tune": 9.0}, {"grid": 20.0, "tune": 20.0}, {"grid": 0.0, "tune": 5.0}]
    found = tune_grid.ratio(pairs, same=False)
    assert found == {"tune_of_grid": pytest.approx(0.9**0.5), "pairs": 2, "least": 0.9, "greatest": 1.0}
    assert tune_grid.ratio(pairs[2:], same=False)["tune_of_grid"] is None


@pytest.mark.parametrize(("successful", "value"), [(95, 7.0), (94, 0.0)])
def test_a_point_counts_where_95_percent_of_the_requests_ended_well(successful: int, value: float) -> None:
    assert tune_grid.throughput(benchmark(7.0, successful)) == value


@pytest.mark.parametrize("word", ["num_threads", "threads=1"])
def test_a_setting_that_there_is_not_is_refused(word: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="expected NAME=VALUE"):
        tune_grid.main(["grid", "--server", "s", "--model", "m", "--out", str(tmp_path / "out"), "--vary", word])


@pytest.mark.parametrize(
    ("values", "start", "kind", "bounds"),
    [
        ([4, 1, 2], 4, "integer", (1, 4, [])),
        ([2, 4], 1, "integer", (1, 4, [])),
        ([True, False], False, "choice", (None, None, [False, True])),
        (["f16", "q8_0"], "f16", "choice", (None, None, ["f16", "q8_0"])),
    ],
)
def test_numbers_are_bracketed_and_all_else_is_chosen(values: list[Any], start: Any, kind: str, bounds: Any) -> None:
    knob = tune_search.knob("x", values, start)
    assert (knob["kind"], knob["start"]) == (kind, start)
    assert (knob["low"], knob["high"], knob["values"]) == bounds


def test_settings_reach_the_server_by_the_names_that_it_reads() -> None:
    assert tune_server.environment({"num_threads": 3, "flash_attention": True, "kv_cache_type": "q8_0"}) == {
        "LLAMA_ARG_THREADS": "3",
        "OLLAMA_FLASH_ATTENTION": "1",
        "OLLAMA_KV_CACHE_TYPE": "q8_0",
    }


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> tune_server.Host:
    """The stand-in's own child as llama-server."""
    folder = tmp_path_factory.mktemp("server")
    zipapp.create_archive(LAB / "ollama", folder / "llama-server", interpreter=sys.executable)
    (folder / "m.gguf").write_bytes(b"")
    return tune_server.Host(str(folder / "llama-server"), str(folder / "m.gguf"))


def test_a_server_runs_with_its_model_for_as_long_as_it_is_needed(host: tune_server.Host) -> None:
    with tune_server.running(host, {"num_threads": 2}) as url, urllib.request.urlopen(f"{url}/api/ps") as answer:
        assert [model["name"] for model in json.load(answer)["models"]] == ["standin:latest"]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/api/ps")


def test_a_server_that_loads_no_model_ends_with_what_it_says(host: tune_server.Host) -> None:
    settings = {"flash_attention": False, "kv_cache_type": "q8_0"}
    words = r"no model loads: .*requires flash_attn"
    with pytest.raises(tune_server.FailedError, match=words), tune_server.running(host, settings):
        pass
