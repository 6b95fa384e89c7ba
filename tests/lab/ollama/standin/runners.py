# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models in memory: a child process each, as the release at hand starts it."""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Iterator, NamedTuple

from standin import completion, environment, faults, llama_server, log, models, packed
from standin.llama_server import physical_cores
from standin.slots import Slots

# Where the child lies; a driver without root moves it.
LIBRARY = os.environ.get("OLLAMA_STANDIN_LIBRARY") or packed.library(sys.argv[0], "/usr/local/lib/ollama")
LLAMA_SERVER_ERA = (0, 30, 0)
LOAD_MODE_ERA = (0, 32, 6)

# The one model that the stand-in has, and what it claims to weigh. Any tag names it, each with a child of its own.
MODEL = "standin:latest"
SIZE = 104857600


class LoadError(Exception):
    """The child ended instead of answering."""


class Loaded(NamedTuple):
    """One model in memory."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    context: int
    expires: float  # seconds since the epoch, or for ever


def parse_version(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].split("."))


def llama_server_command(
    settings: environment.Settings, version: str, request: dict[str, Any], port: int, weights: str | None = None
) -> list[str]:
    """The command line from 0.30 on, for a host without a GPU: there unset flash attention is ``auto``.

    There too the weights are not mapped, unless the request says use_mmap: then no option says how to load them,
    and a real llama-server takes LLAMA_ARG_LOAD_MODE (server/sched.go and llm/llama_server.go of Ollama).
    """
    context = int(request.get("num_ctx") or settings.context)
    flash = {None: "auto", True: "on", False: "off"}[settings.flash_attention]
    command = [f"{LIBRARY}/llama-server", "--model", weights or f"{settings.models}/blobs/sha256-standin"]
    command += ["--port", str(port), "--host", "127.0.0.1", "--no-webui", "--offline"]
    command += ["-c", str(context * settings.parallel), "-np", str(settings.parallel)]
    command += ["--log-verbosity", "4", "--no-log-prefix", "--no-log-timestamps"]
    if not request.get("use_mmap"):
        command += ["--load-mode", "none"] if parse_version(version) >= LOAD_MODE_ERA else ["--no-mmap"]
    if settings.kv_cache_type:
        command += ["--cache-type-k", settings.kv_cache_type, "--cache-type-v", settings.kv_cache_type]
    command += ["--flash-attn", flash, "-b", "512", "-ub", "512"]
    if int(request.get("num_thread") or 0) > 0:
        command += ["-t", str(request["num_thread"])]
    return command


def runner_command(binary: str, settings: environment.Settings, port: int, weights: str | None = None) -> list[str]:
    return [binary, "runner", "--model", weights or f"{settings.models}/blobs/sha256-standin", "--port", str(port)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """Status and answer of a child."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    with contextlib.closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        try:
            return answer.status, json.load(answer)
        except ValueError as error:
            raise http.client.HTTPException(f"{path}: {error}") from None


class Runners:
    """Loads, expires and stops; one lock, since requests come in threads."""

    def __init__(self, settings: environment.Settings, version: str, binary: str) -> None:
        self.settings, self.version, self.binary = settings, version, binary
        self.loaded: dict[str, Loaded] = {}
        self._slots: dict[str, Slots] = {}
        self._in_use: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def load(self, name: str, request: dict[str, Any], keep_alive: float) -> None:
        with self._lock:
            found = self.loaded.get(name)
            if found is None or found.process.poll() is not None:
                found = self._start(name, request)
            self.loaded[name] = found._replace(expires=time.time() + keep_alive)
            self._expire()

    @contextlib.contextmanager
    def in_use(
        self, name: str, request: dict[str, Any], keep_alive: float, gone: Callable[[], bool]
    ) -> Iterator[dict[str, int]]:
        """Hold a slot of a model and keep it in memory; the time of keeping it begins when the block ends.

        Gives the durations of the answer. Requests that wait for the load count as waiting, as with Ollama.
        """
        began = time.monotonic_ns()
        with self._lock:
            slots = self._slots.setdefault(name, Slots(self.settings.parallel, self.settings.queue))
        with slots.slot(gone):
            self._in_use[name] += 1
            try:
                before = time.monotonic_ns()
                self.load(name, request, keep_alive)
                yield {"began": began, "load_duration": time.monotonic_ns() - before}
            finally:
                with self._lock:
                    self._in_use[name] -= 1
                    if name in self.loaded:
                        self.loaded[name] = self.loaded[name]._replace(expires=time.time() + keep_alive)
                    self._expire()

    def stream(self, name: str, prompt: str, request: dict[str, Any], client: socket.socket) -> Any:
        """What the child makes of a prompt, piece by piece."""
        try:
            port = self.loaded[name].port
        except KeyError:
            raise LoadError("llama runner process no longer running") from None
        said = completion.answers(port, completion.body(prompt, request, stream=True), client)
        return faults.held(said, client) if prompt == faults.HELD else said

    def unload(self, name: str) -> None:
        with self._lock:
            self._stop(name)

    def stop_all(self) -> None:
        """No lock: this runs in a signal handler, which may have interrupted its owner."""
        for found in self.loaded.values():
            found.process.kill()

    def _start(self, name: str, request: dict[str, Any]) -> Loaded:
        port, began = free_port(), time.monotonic()
        weights = models.Models(self.settings.models).weights(models.parse(name))
        threads = int(request.get("num_thread") or 0)
        if parse_version(self.version) >= LLAMA_SERVER_ERA:
            command = llama_server_command(self.settings, self.version, request, port, weights)
            what = "llama-server"
        else:
            command, what = runner_command(self.binary, self.settings, port, weights), "runner"
        log.line("server.go:431", f"starting {what}", cmd=shlex.join(command))
        # The whole environment goes down, and on top of it what Ollama sets itself.
        try:
            libraries = ":".join(filter(None, (LIBRARY, os.environ.get("LD_LIBRARY_PATH"))))
            # A runner gets it in its load request, which the stand-in does not send.
            threaded = {llama_server.RUNNER_THREADS: str(threads)} if what == "runner" and threads > 0 else {}
            child = subprocess.Popen(command, env={**os.environ, "LD_LIBRARY_PATH": libraries, **threaded})
        except OSError as error:
            raise LoadError(f"error starting {what}: {error}") from None
        self._wait(child, port)
        if what == "runner":
            used = threads if threads > 0 else physical_cores()
            log.line("runner.go:1178", "load", request=f"{{Operation:commit NumThreads:{used}}}")
            what = "llama runner"
        log.line("server.go:1332", f"{what} started in {time.monotonic() - began:.2f} seconds")
        return Loaded(name, child, port, int(request.get("num_ctx") or self.settings.context), 0.0)

    @staticmethod
    def _wait(child: subprocess.Popen[bytes], port: int) -> None:
        """Until the child is healthy. A real one listens before its model is loaded, and says 503 until then."""
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if ask(port, "GET", "/health")[0] == 200:
                    return
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = child.wait(timeout=0.05)
                raise LoadError(f"llama runner process has terminated: exit status {status}")

    def complete(self, name: str, prompt: str, request: dict[str, Any]) -> dict[str, Any]:
        """What the child makes of a prompt, by the names of /api/generate; the stand-in's own child makes nothing."""
        body = completion.body(prompt, request, stream=False)
        try:
            _status, answer = ask(self.loaded[name].port, "POST", "/completion", body)
        except (KeyError, OSError, http.client.HTTPException) as error:
            raise LoadError(f"llama runner process no longer running: {error}") from None
        counted = completion.counts(answer.get("timings", {}))
        return {"response": answer.get("content", "ok"), **counted}

    def _stop(self, name: str) -> None:
        found = self.loaded.pop(name, None)
        if found is not None:
            found.process.kill()
            found.process.wait()

    def _expire(self) -> None:
        """Stop what is due, and come back when the next one is."""
        if self._timer is not None:
            self._timer.cancel()
        idle = {name: found.expires for name, found in self.loaded.items() if not self._in_use[name]}
        for name in [name for name, expires in idle.items() if expires <= time.time()]:
            self._stop(name)
            del idle[name]
        due = min(idle.values(), default=environment.FOREVER)
        if due != environment.FOREVER:
            self._timer = threading.Timer(max(due - time.time(), 0), self._expire_later)
            self._timer.daemon = True
            self._timer.start()

    def _expire_later(self) -> None:
        with self._lock:
            self._expire()

    def shown(self) -> list[dict[str, Any]]:
        """The entries of /api/ps."""
        return [
            {
                "name": found.name,
                "model": found.name,
                "size": SIZE,
                # What a server has reckoned, with a card in use or without.
                "size_vram": SIZE if os.path.exists("/dev/nvidiactl") else 0,
                "digest": models.Models(self.settings.models).digest(models.parse(found.name)),
                "details": {"format": "gguf", "family": "standin", "parameter_size": "1M"},
                "expires_at": _stamp(found.expires),
                "context_length": found.context,
            }
            for found in self.loaded.values()
            if found.process.poll() is None
        ]


def _stamp(seconds: float) -> str:
    if seconds == environment.FOREVER:
        return "2318-01-01T00:00:00Z"
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
