# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool that measures numbers of slots counts tokens in their time, and asks as Ollama's server is asked."""

from __future__ import annotations

import argparse
import http.server
import json
import sys
import threading
import time
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
if not TOOLS.is_dir():
    pytest.skip("the tools are no part of the artefact", allow_module_level=True)
sys.path.insert(0, str(TOOLS))

import bench_slots as bench


def every(seconds, count, asked=0.0, first=0.1):
    """A stream with a token in each of so many seconds."""
    return bench.Stream(asked, [asked + first + number * seconds for number in range(count)])


def test_tokens_of_the_first_third_do_not_count():
    """Two streams of 10 tokens/s each make 20, whatever the time before."""
    found = bench.point([every(0.1, 300), every(0.1, 300)], 0.0, 30.0)
    assert found.rate == pytest.approx(20, rel=0.01)
    assert found.slowest == pytest.approx(10)
    assert found.streams == 2


def test_the_slowest_stream_counts_and_not_the_mean():
    """One slow stream in ten is what its caller gets."""
    found = bench.point([every(0.1, 100) for _stream in range(9)] + [every(0.5, 20)], 0.0, 10.0)
    assert found.slowest == pytest.approx(2)


def test_the_first_token_is_that_of_callers_who_begin_at_once():
    """A later request meets a server that reads no other prompt."""
    streams = [every(0.1, 30, first=1.5), every(0.1, 30, asked=5.0, first=0.05)]
    assert bench.point(streams, 0.0, 10.0).first == pytest.approx(1.5)


def test_streams_without_a_token_have_no_speed():
    """They count as answers, and raise nothing."""
    assert bench.point([bench.Stream(0.0, [])], 0.0, 10.0) == bench.Point(0.0, None, None, 1)


@pytest.mark.parametrize(("slots", "context", "rows"), [(1, 4096, "512"), (8, 4096, "1024"), (16, 4096, "2048")])
def test_the_batch_is_the_one_that_the_server_chooses(slots, context, rows):
    """It follows the tokens in all slots."""
    found = bench.options(argparse.Namespace(context=context, threads=2), slots)
    assert found[found.index("-b") + 1] == rows
    assert found[found.index("-c") + 1] == str(slots * context)
    assert found[-2:] == ["-t", "2"]


class Server(http.server.BaseHTTPRequestHandler):
    """Answers as llama-server does, as fast as it can."""

    def do_GET(self):
        self.reply(json.dumps({"data": [{"meta": {"n_vocab": 1000}}]}).encode())

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert len(asked["prompt"]) == 16
        self.reply(b"".join(b'data: {"content": "a"}\n\n' for _token in range(asked["n_predict"])))

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def test_callers_ask_again_until_the_end():
    """As many at a time as there are callers; each answer has from 64 to 192 tokens."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        began = time.monotonic()
        found = bench.load(server.server_address[1], 3, 16, 0.5)
        server.shutdown()
    assert time.monotonic() - began < 30
    assert found.streams > 3
    assert found.rate > 0
