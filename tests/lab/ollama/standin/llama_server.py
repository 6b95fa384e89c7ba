# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The child of releases from 0.30 on: llama-server as far as its options, threads and failures go.

An option comes from the environment (LLAMA_ARG_*) or, over that, from the command line; a value that cannot
be read ends the process, even where the command line would win.
"""

from __future__ import annotations

import glob
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Callable, Mapping

from standin import cards, process

if TYPE_CHECKING:
    from standin.paced import Pace

HANDLING = "error while handling"
KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
PLAIN_KV_TYPES = ("f32", "f16", "bf16")


def _number(value: str) -> str:
    return str(int(value))


def _layers(value: str) -> str:
    return value if value in ("auto", "all") else _number(value)


def _truth(value: str) -> str:
    if value in ("1", "true", "on", "enabled"):
        return "on"
    if value in ("0", "false", "off", "disabled"):
        return "off"
    raise ValueError(value)


def _flash(value: str) -> str:
    return "auto" if value in ("auto", "-1") else _truth(value)


def _one_of(*allowed: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(value)
        return value

    return check


# What a real one logs of a request, in part, and how often the stand-in does for each: as after so many requests.
REQUEST = (
    "slot get_availabl: id  0 | task -1 |  - skipping, slot is empty",
    "srv  get_availabl: updating prompt cache",
    "srv  get_availabl: prompt cache update took 0.03 ms",
    "srv  update_slots: all slots are idle",
)
# How the stand-in's runner before 0.30 learns of a request's num_thread.
RUNNER_THREADS = "OLLAMA_STANDIN_THREADS"
FLOOD_FILE = "/run/ollama-standin-flood"


def repeated(path: str = FLOOD_FILE) -> int:
    try:
        with open(path) as file:
            return int(file.read())
    except FileNotFoundError:
        return 1


# Variable without its prefix: (options that win over it, how it is read).
OPTIONS: dict[str, tuple[tuple[str, ...], Callable[[str], str]]] = {
    "THREADS": (("-t", "--threads"), _number),
    "CTX_SIZE": (("-c", "--ctx-size"), _number),
    "N_PARALLEL": (("-np", "--parallel"), _number),
    "BATCH": (("-b",), _number),
    "UBATCH": (("-ub",), _number),
    "N_GPU_LAYERS": (("-ngl",), _layers),
    "FLASH_ATTN": (("--flash-attn",), _flash),
    "CACHE_TYPE_K": (("--cache-type-k",), _one_of(*KV_TYPES)),
    "CACHE_TYPE_V": (("--cache-type-v",), _one_of(*KV_TYPES)),
    "CACHE_RAM": (("--cache-ram",), _number),
    "NUMA": (("--numa",), _one_of("distribute", "isolate", "numactl")),
    "SPLIT_MODE": (("--split-mode",), _one_of("none", "layer", "row", "tensor")),
    "LOAD_MODE": (("--load-mode",), _one_of("none", "mmap", "mlock", "mmap+mlock", "dio")),
    "MLOCK": (("--mlock",), _truth),
    "MMAP": (("--mmap",), _truth),
    "THREADS_HTTP": (("--threads-http",), _number),
    "TIMEOUT": (("--timeout",), _number),
    "HOST": (("--host",), str),
    "PORT": (("--port",), _number),
    "MODEL": (("--model",), str),
}


def options(argv: list[str], env: Mapping[str, str], warn: Callable[[str], object]) -> dict[str, str]:
    """What acts, by variable name; ValueError with llama-server's own words for what it cannot read."""
    found = {}
    for name, (flags, read) in OPTIONS.items():
        variable = f"LLAMA_ARG_{name}"
        if variable in env:
            try:
                found[name] = read(env[variable])
            except ValueError:
                raise ValueError(f'{HANDLING} environment variable "{variable}": invalid value') from None
        for position, flag in enumerate(argv[:-1], 1):
            if flag in flags:
                if variable in env:
                    warn(
                        f"warn: {variable} environment variable is set, but will be overwritten by command "
                        f"line argument {flag}"
                    )
                try:
                    found[name] = read(argv[position])
                except ValueError:
                    raise ValueError(f'{HANDLING} argument "{flag}": invalid value') from None
    return found


def check_cache(found: Mapping[str, str]) -> None:
    """A quantised cache without flash attention fails every load."""
    types = [found.get(f"CACHE_TYPE_{side}", "f16") for side in "KV"]
    if found.get("FLASH_ATTN") == "off" and any(kind not in PLAIN_KV_TYPES for kind in types):
        raise ValueError("llama_init_from_model: V cache quantization requires flash_attn")


def physical_cores(sysfs: str = "/sys") -> int:
    """Every core of the host, blind to affinity, cpuset and quota."""
    pattern = f"{sysfs}/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list"
    siblings = set()
    for path in glob.glob(pattern):
        with open(path) as file:
            siblings.add(file.read())
    return len(siblings) or os.cpu_count() or 1


def thread_count(found: Mapping[str, str]) -> int:
    wanted = int(found["THREADS"]) if "THREADS" in found else physical_cores()
    return wanted if wanted > 0 else os.cpu_count() or 1


def _pace(found: Mapping[str, str], env: Mapping[str, str]) -> Pace | None:
    """The speed that the file says; None without one, ValueError where it says none."""
    try:
        with open(os.path.join(env.get("OLLAMA_STANDIN_FOLDER") or "/etc/ollama-standin", "speed")) as file:
            text = file.read()
    except FileNotFoundError:
        return None
    from standin.paced import Pace, settings

    return Pace(text, settings(found, thread_count(found)))


def _compute(numa: str | None, stop: threading.Event) -> None:
    """A compute thread at rest. These two NUMA modes put every thread where they please."""
    if numa in ("distribute", "isolate"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    stop.wait()


def main(argv: list[str], name: str = "llama-server") -> int:
    process.take_over(name)

    def say(words: str) -> None:
        sys.stderr.write(words + "\n")
        sys.stderr.flush()

    try:
        found = options(argv, os.environ, say)
        check_cache(found)
        pace = _pace(found, os.environ)
    except ValueError as error:
        say(str(error))
        return 1
    threads = thread_count(found)
    if pace is not None and not pace.loads():
        say("llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache")
        say("main: exiting due to model loading error")
        return 1
    layers = cards.offloaded()
    if layers:
        say(layers)
    say(f"system_info: n_threads = {threads} (n_threads_batch = {threads}) / {os.cpu_count()} | CPU : |")
    if found.get("CACHE_RAM") != "0":
        say(f"srv    load_model: prompt cache is enabled, size limit: {found.get('CACHE_RAM', '8192')} MiB")
    stop = threading.Event()
    for _thread in range(threads - 1):  # the main thread computes too
        threading.Thread(target=_compute, args=(found.get("NUMA"), stop), daemon=True).start()
    with socket.create_server((found.get("HOST", "127.0.0.1"), int(found.get("PORT", "8080")))) as server:
        say(f"main: server is listening on http://{found.get('HOST')}:{found.get('PORT')}")
        if pace is not None:
            pace.serve(server, lambda: say("\n".join(REQUEST * repeated())))
        body = b'{"status":"ok"}'
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        while True:
            client, _address = server.accept()
            with client:
                asked = client.recv(65536)
                if asked.startswith(b"POST"):
                    say("\n".join(REQUEST * repeated()))
                client.sendall(answer)
