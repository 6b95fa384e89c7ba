# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's own child at a known speed: tokens come when those of a server with this curve would."""

from __future__ import annotations

import json
import operator
import select
import socket
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, NoReturn

from standin.completion import PREDICT, hung_up
from standin.slots import GoneError
from standin.speed import from_json

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def settings(found: Mapping[str, str], threads: int) -> Dict[str, Any]:
    """What acts on the child, by the names of the role's variables."""
    slots = max(1, int(found.get("N_PARALLEL", "1")))
    return {
        "num_threads": threads,
        "num_parallel": slots,
        "context_length": int(found.get("CTX_SIZE", "4096")) // slots,
        "flash_attention": found.get("FLASH_ATTN", "auto"),
        "kv_cache_type": found.get("CACHE_TYPE_K", "f16"),
    }


class Pace:
    """The streams that are active, and what that makes of the speed of each."""

    def __init__(self, text: str, acting: Mapping[str, Any]) -> None:
        import random

        self.curve, self.acting = from_json(text), acting
        self._draw = random.Random(self.curve.seed)
        self._lock, self._active = threading.Lock(), 0
        self._slots = threading.BoundedSemaphore(acting["num_parallel"])
        self._known: List[List[str]] = []  # the prompts that the slots have in their caches

    def loads(self) -> bool:
        """Whether a model loads with the settings that act."""
        return self.curve.loads(self.acting)

    def _new_words(self, prompt: str) -> int:
        """How many tokens of a prompt no slot has read before; a token is a word, and the last is always read."""
        words = prompt.split()
        with self._lock:
            common = max((_common(words, known) for known in self._known), default=0)
            self._known = [words, *self._known][: self.acting["num_parallel"]]
        return max(1, len(words) - common)

    def answer(self, prompt: str, count: int, wait: Callable[[float], None]) -> Iterator[Dict[str, Any]]:
        """The pieces of an answer, each when it is due; ``wait`` waits until a time of the monotonic clock."""
        with self._slots:
            with self._lock:
                self._active += 1
                factor = self.curve.factor(self._draw)
            try:
                yield from self._pieces(prompt, count, factor, wait)
            finally:
                with self._lock:
                    self._active -= 1

    def serve(self, server: socket.socket, logged: Callable[[], None]) -> NoReturn:
        """Answer for ever, a thread for each request."""
        while True:
            client, _address = server.accept()
            threading.Thread(target=_serve, args=(client, self, logged), daemon=True).start()

    def _pieces(
        self, prompt: str, count: int, factor: float, wait: Callable[[float], None]
    ) -> Iterator[Dict[str, Any]]:
        words, due = self._new_words(prompt), time.monotonic()
        prompt_s = words * self._active / self.curve.prompt_rate(self.acting) / factor
        due += prompt_s
        wait(due)
        began = due
        for number in range(count):
            # The first token comes with the end of the prompt.
            if number:
                due += self._active / self.curve.rate(self.acting, self._active) / factor
                wait(due)
            yield {"content": f" {WORDS[number % len(WORDS)]}", "stop": False}
        spent = {"prompt_n": words, "prompt_ms": prompt_s * 1e3, "predicted_n": count}
        yield {"content": "", "stop": True, "timings": {**spent, "predicted_ms": (due - began) * 1e3}}


def _common(left: List[str], right: List[str]) -> int:
    """With how many words both begin."""
    same = enumerate(map(operator.eq, left, right))
    return next((number for number, equal in same if not equal), min(len(left), len(right)))


def _request(client: socket.socket) -> tuple[bytes, Dict[str, Any]]:
    """The method of a request, and its body as JSON."""
    with client.makefile("rb") as file:
        method = file.readline().partition(b" ")[0]
        length = 0
        for line in iter(file.readline, b"\r\n"):
            if not line:
                break
            name, _colon, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return method, json.loads(file.read(length)) if length else {}


def _send(client: socket.socket, body: bytes) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))


def _serve(client: socket.socket, pace: Pace, logged: Callable[[], None]) -> None:
    def wait(due: float) -> None:
        """Until the time, or GoneError as soon as the client hangs up."""
        left = due - time.monotonic()
        if left > 0 and select.select([client], [], [], left)[0] and hung_up(client):
            raise GoneError

    with client:
        try:
            method, asked = _request(client)
            if method != b"POST":
                _send(client, b'{"status":"ok"}')
                return
            logged()
            pieces = pace.answer(str(asked.get("prompt", "")), int(asked.get("n_predict") or PREDICT), wait)
            if not asked.get("stream"):
                said = list(pieces)
                text = "".join(piece["content"] for piece in said)
                _send(client, json.dumps({"content": text, "timings": said[-1]["timings"]}).encode())
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
                b"Connection: close\r\n\r\n"
            )
            for piece in pieces:
                event = b"data: " + json.dumps(piece).encode() + b"\n\n"
                client.sendall(b"%x\r\n%s\r\n" % (len(event), event))
            client.sendall(b"0\r\n\r\n")
        except (OSError, ValueError, GoneError):
            return
