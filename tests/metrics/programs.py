# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus, node_exporter and HAProxy as Debian has them, on free ports of loopback."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request

_SECONDS = 60


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


@contextlib.contextmanager
def running(*words):
    """A program that ends with the block."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def until(process, ask):
    """The first answer that is not empty, as long as the program runs; AssertionError after a minute."""
    end, last = time.monotonic() + _SECONDS, None
    while time.monotonic() < end:
        try:
            last = ask()
            if last:
                return last
        except OSError as error:
            last = error
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the program ended with status {process.wait(0.1)}")
    raise AssertionError(f"nothing after {_SECONDS} s but {last!r}")


def query(port, expression):
    """The samples that a Prometheus gives for an expression: ``(labels, value)``."""
    words = urllib.parse.urlencode({"query": expression})
    said = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?{words}"))
    return [(row["metric"], float(row["value"][1])) for row in said["data"]["result"]]
