# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Ollama over a real llama-server, without systemd and without root, and one measurement of it.

For tune_grid.py. Python 3.9, standard library, and the collection on PYTHONPATH for the load generator.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, Iterator, Mapping, NamedTuple

STANDIN = pathlib.Path(__file__).resolve().parent / "ollama"
MODEL = "standin"
# Variables of the role without their prefix, by what acts on the server.
VARIABLES = {
    "num_threads": "LLAMA_ARG_THREADS",
    "num_parallel": "OLLAMA_NUM_PARALLEL",
    "context_length": "OLLAMA_CONTEXT_LENGTH",
    "flash_attention": "OLLAMA_FLASH_ATTENTION",
    "kv_cache_type": "OLLAMA_KV_CACHE_TYPE",
}
START_S, LOAD_S = 30.0, 300.0


class FailedError(Exception):
    """The server does not start, or no model loads, with these settings."""


class Host(NamedTuple):
    """What is measured: a llama-server and a model."""

    server: str
    model: str


def environment(settings: Mapping[str, Any]) -> Dict[str, str]:
    """The variables of these settings."""
    return {VARIABLES[name]: _text(value) for name, value in settings.items()}


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


@contextlib.contextmanager
def running(host: Host, settings: Mapping[str, Any]) -> Iterator[str]:
    """Start a server with these settings and its model in memory, and give its URL; FailedError says what it says."""
    with tempfile.TemporaryDirectory(prefix="tune-grid-") as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        (folder / "blobs").mkdir()
        (folder / "blobs/sha256-standin").symlink_to(os.path.realpath(host.model))
        (folder / "llama-server").symlink_to(os.path.realpath(host.server))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        others = {key: value for key, value in os.environ.items() if not key.startswith(("OLLAMA_", "LLAMA_ARG_"))}
        libraries = [os.path.dirname(os.path.realpath(host.server)), os.environ.get("LD_LIBRARY_PATH", "")]
        env = {
            **others,
            **environment(settings),
            "LD_LIBRARY_PATH": ":".join(filter(None, libraries)),
            "OLLAMA_HOST": f"127.0.0.1:{port}",
            "OLLAMA_MODELS": name,
            "OLLAMA_STANDIN_FOLDER": name,
            "OLLAMA_STANDIN_LIBRARY": name,
        }
        log = stack.enter_context(open(folder / "log", "wb"))
        process = subprocess.Popen([sys.executable, str(STANDIN), "serve"], env=env, stderr=log, stdout=log)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        try:
            _wait(process, port)
            _load(port)
        except FailedError as error:
            lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
            raise FailedError(f"{error}: {' | '.join(lines[-3:])}") from None
        yield f"http://127.0.0.1:{port}"


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until the server answers."""
    end = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise FailedError("the server does not start")
        time.sleep(0.05)


def _load(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LOAD_S)
    with contextlib.closing(connection):
        try:
            connection.request("POST", "/api/generate", json.dumps({"model": MODEL, "keep_alive": "1h"}))
            answer = connection.getresponse()
            said = json.load(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FailedError(f"no model loads: {error}") from None
        if answer.status != 200:
            raise FailedError(f"no model loads: {said.get('error')}")
