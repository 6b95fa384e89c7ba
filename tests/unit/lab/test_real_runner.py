# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real llama-server as the stand-in's child: what is pinned, the model that it loads, and how it is spoken to."""

from __future__ import annotations

import http.server
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from standin import runners

LAB = Path(__file__).resolve().parents[2] / "lab"
PINS = [line for line in (LAB / "llama-packages.txt").read_text().splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize("pin", PINS)
def test_a_pin_is_a_version_and_a_checksum(pin: str) -> None:
    assert re.fullmatch(r"[a-z0-9.+-]+=[\w.:+~-]+ [0-9a-f]{64}", pin)


def test_the_programs_and_their_library_are_pinned_to_one_version() -> None:
    versions = dict(pin.partition(" ")[0].split("=") for pin in PINS)
    assert versions["llama.cpp-tools"] == versions["libllama0"]


def test_the_loader_has_a_name_as_long_as_the_one_that_it_is_written_over() -> None:
    loader = re.search(r"^loader=(\S+)$", (LAB / "get-llama.sh").read_text(), re.MULTILINE)
    assert loader is not None
    assert len(loader[1]) == len("/lib64/ld-linux-x86-64.so.2")
    assert str(Path(loader[1]).parent) == runners.LIBRARY


def test_the_model_is_the_same_each_time_and_weighs_what_the_scenario_expects_to_be_locked(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    import tiny_model  # noqa: PLC0415 - it needs gguf

    files = [tmp_path / name for name in ("one", "two")]
    for file in files:
        tiny_model.write(str(file))
    assert files[0].read_bytes() == files[1].read_bytes()
    reader = gguf.GGUFReader(files[0])
    assert reader.fields["general.architecture"].contents() == "llama"
    assert len(reader.fields["tokenizer.ggml.tokens"].contents()) == 3 + 256
    scenario = (LAB.parents[1] / "molecule/vms/each/test_real.py").read_text()
    assert f"\nWEIGHTS = {sum(tensor.n_bytes for tensor in reader.tensors)}\n" in scenario


class Child(http.server.BaseHTTPRequestHandler):
    """Loads its model for as long as ``answers`` has a status, then is healthy and completes."""

    answers: list[int]
    asked: list[Any]

    def log_message(self, *_args: Any) -> None:
        """Nothing is logged."""

    def _send(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        self._send(self.answers.pop(0) if self.answers else 200, {"status": "ok"})

    def do_POST(self) -> None:
        self.asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        timings = {"prompt_n": 25, "prompt_ms": 824.0, "predicted_n": 16, "predicted_ms": 800.0}
        self._send(200, {"content": "qr@O", "timings": timings})


class Process:
    """A child that has not ended."""

    def wait(self, timeout: float) -> int:
        raise runners.subprocess.TimeoutExpired("llama-server", timeout)


def test_a_model_that_is_still_loaded_is_waited_for_and_a_prompt_reaches_the_child() -> None:
    kind = type("BoundChild", (Child,), {"answers": [503, 503], "asked": []})
    with http.server.HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            runners.Runners._wait(Process(), server.server_port)
            made = runners.Runners(None, "0.40.2", "ollama")
            made.loaded["m"] = runners.Loaded("m", Process(), server.server_port, 4096, 0.0)
            answer = made.complete("m", "Hello", {"num_predict": 16})
        finally:
            server.shutdown()
            thread.join()
    assert kind.answers == []
    assert kind.asked == [("/completion", {"prompt": "Hello", "n_predict": 16})]
    assert (answer["response"], answer["eval_count"], answer["eval_duration"]) == ("qr@O", 16, 800000000)


def test_a_child_that_is_gone_is_an_error_of_the_load() -> None:
    made = runners.Runners(None, "0.40.2", "ollama")
    made.loaded["m"] = runners.Loaded("m", Process(), runners.free_port(), 4096, 0.0)
    with pytest.raises(runners.LoadError, match="no longer running"):
        made.complete("m", "Hello", {})
