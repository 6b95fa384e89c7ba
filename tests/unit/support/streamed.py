# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that streams answers as Ollama does, with the delays and the bytes that a test or a benchmark gives it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data):
    """A chunk of a body, as HTTP frames it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def part(text, **more):
    """A line of an answer, framed."""
    said = {"model": "m", "created_at": "2026-11-27T12:00:00.123456789Z", "response": text, "done": False, **more}
    return chunk(json.dumps(said).encode() + b"\n")


def last(tokens, prompt_tokens, **more):
    """The last line and the end of the body."""
    counts = {
        "done_reason": "length",
        "load_duration": 12000000,
        "prompt_eval_count": prompt_tokens,
        "prompt_eval_duration": 100000000,
        "eval_count": tokens,
        "eval_duration": 500000000,
    }
    return part("", **{**counts, "done": True, **more}) + b"0\r\n\r\n"


def answer(tokens, prompt_tokens, **more):
    """A whole answer."""
    return HEAD + b"".join(part(" word") for _token in range(tokens)) + last(tokens, prompt_tokens, **more)


def plain(status, body):
    """An answer that is not streamed."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %d Text\r\nContent-Length: %d\r\n\r\n%s" % (status, len(raw), raw)


def tokens_of(prompt):
    """How the server counts: half a token more for each word, and one at the beginning."""
    return 1 + len(prompt.split()) * 3 // 2


class Streaming:
    """Answers requests; ``script(request, number)`` gives ``[(seconds of the request, bytes)]``, None closes.

    Without a script it answers at once. ``posted`` are the requests, ``connections`` how many connections were opened.
    """

    def __init__(self, script=None, *, memory=(), version="0.34.1"):
        self.script = script or self.at_once
        self.memory, self.version = list(memory), version
        self.posted, self.connections = [], 0

    def at_once(self, request, _number):
        return [(0, answer(request["options"]["num_predict"], tokens_of(request["prompt"])))]

    async def handle(self, reader, writer):
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._one(reader, writer):
                    pass
        finally:
            writer.close()

    async def _one(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, *_rest = head.decode().split()
        if method == "GET":
            answers = {
                "/api/version": {"version": self.version},
                "/api/ps": {"models": self.memory},
                "/api/tags": {"models": [{"name": "m:latest", "digest": "5" * 64, "size": 100, "details": {}}]},
            }
            writer.write(plain(200, answers[path]))
            return True
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        request = json.loads(await reader.readexactly(int(length.partition(b":")[2])))
        number, began = len(self.posted), asyncio.get_running_loop().time()
        self.posted.append((path, request))
        name = request["model"] if ":" in request["model"] else f"{request['model']}:latest"
        if not any(entry["name"] == name for entry in self.memory):
            self.memory.append({"name": name, "digest": "5" * 64, "size": 100, "size_vram": 60, "context_length": 4096})
        for seconds, data in self.script(request, number):
            wait = began + seconds - asyncio.get_running_loop().time()
            if wait > 0:
                await asyncio.sleep(wait)
            if data is None:
                return False
            writer.write(data)
            await writer.drain()
        return True


@contextlib.contextmanager
def streaming(server, **options):
    """The address of a server that runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    ports = []

    async def serve():
        listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, **options)
        ports.append(listening.sockets[0].getsockname()[1])
        started.set()
        await stop.wait()
        listening.close()
        own = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not own]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # The loop closes what was ended in its next rounds; a handshake of TLS may not end by itself.
        for _round in range(5):
            await asyncio.sleep(0)

    async def prepare():
        return asyncio.Event()

    stop = loop.run_until_complete(prepare())
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    started.wait()
    scheme = "https" if options.get("ssl") else "http"
    try:
        yield f"{scheme}://127.0.0.1:{ports[0]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
