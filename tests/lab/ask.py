# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the server a prompt and print as JSON what its runner is and how many of its threads computed the answer.

ask.py              of the server as it runs
ask.py LINES...     once for each LINES: restarted with these lines of [Service], between blanks, in a drop-in by hand

Soon after the end the drop-in is gone and the server restarted. Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import glob
import http.client
import json
import os
import subprocess
import sys
import time
from typing import Any

UNIT = "ollama.service"
DROPIN = f"/etc/systemd/system/{UNIT}.d/zz-hand.conf"
MODEL, PROMPT = "standin", "Threads?"
# use_mmap leaves the way in which the weights are loaded to the runner, and so to LLAMA_ARG_LOAD_MODE.
OPTIONS = {"use_mmap": True, "num_predict": 8}
LIMIT = 120


def read(path: str) -> str:
    with open(path, errors="replace") as file:
        return file.read()


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout.decode(errors="replace").strip()


def post(port: int, **body: Any) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    with contextlib.closing(connection):
        connection.request("POST", "/api/generate", json.dumps({"model": MODEL, "stream": False, **body}))
        return json.load(connection.getresponse())


def ask(port: int) -> dict[str, Any]:
    """The answer of a model loaded for it, waiting for a server that has just been started."""
    end = time.monotonic() + LIMIT
    while True:
        try:
            post(port, keep_alive=0)
            return post(port, prompt=PROMPT, keep_alive="1h", options=OPTIONS)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def seconds(thread: str) -> float | None:
    """What a thread spent in user mode, field 14 of proc(5); None for one that has ended."""
    try:
        return int(read(f"{thread}/stat").rpartition(")")[2].split()[11]) / os.sysconf("SC_CLK_TCK")
    except (FileNotFoundError, ProcessLookupError):
        return None


def environment_of(pid: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in read(f"/proc/{pid}/environ").split("\0") if "=" in each)


def look() -> dict[str, Any]:
    shown = dict(
        line.split("=", 1) for line in run("systemctl", "show", UNIT, "-p", "MainPID,ControlGroup").splitlines()
    )
    server, group = shown["MainPID"], shown["ControlGroup"]
    answer = ask(int(environment_of(server).get("OLLAMA_HOST", ":11434").rpartition(":")[2]))
    # Read after the answer: systemd counts a server as started before it executes the program.
    environment = environment_of(server)
    runners = [pid for pid in read(f"/sys/fs/cgroup{group}/cgroup.procs").split() if pid != server]
    if len(runners) != 1:
        return {"answer": answer, "runners": runners}
    folder = f"/proc/{runners[0]}"
    status = dict(line.split(":\t", 1) for line in read(f"{folder}/status").splitlines() if ":\t" in line)
    spent = sorted((found for found in map(seconds, glob.glob(f"{folder}/task/*")) if found is not None), reverse=True)
    return {
        "answer": answer,
        "runners": runners,
        "comm": read(f"{folder}/comm").strip(),
        "exe": os.readlink(f"{folder}/exe"),
        "argv": [word for word in read(f"{folder}/cmdline").split("\0") if word],
        "environ": {each: environment[each] for each in environment if each.endswith("_THREADS")},
        "cpus": status["Cpus_allowed_list"].strip(),
        "locked_bytes": int(status["VmLck"].split()[0]) * 1024,
        "resident_bytes": int(status["VmRSS"].split()[0]) * 1024,
        "seconds": spent,
        # All threads of a step wait for each other on the CPU; a tenth is far above what any other one spends.
        "computed": sum(1 for each in spent if each > spent[0] / 10),
    }


def with_lines(lines: str) -> dict[str, Any]:
    with open(DROPIN, "w") as file:
        file.write("\n".join(["[Service]", *lines.split(), ""]))
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", UNIT)
    return {"lines": lines, **look()}


def main(wanted: list[str]) -> list[dict[str, Any]]:
    if not wanted:
        return [look()]
    try:
        return [with_lines(lines) for lines in wanted]
    finally:
        os.unlink(DROPIN)
        # Not waited for: a busy emulated processor reloads for half a minute.
        null, after = subprocess.DEVNULL, f"systemctl daemon-reload && systemctl restart {UNIT}"
        subprocess.Popen(["sh", "-c", after], stdin=null, stdout=null, stderr=null, start_new_session=True)


if __name__ == "__main__":
    json.dump(main(sys.argv[1:]), sys.stdout)
