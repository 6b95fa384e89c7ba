# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small server that behaves like Ollama where the collection looks: the lab's ollama and llama-server.

Packed into one executable file (``python3 -m zipapp``), which installs itself under both names; the name
decides. It computes nothing. /etc/ollama-standin/version may name the release that it shall pretend to be, unless one
is packed into it (../archives.py), and /etc/ollama-standin/speed how fast it shall be (standin/speed.py).
OLLAMA_STANDIN_FOLDER is another folder for the two, OLLAMA_STANDIN_LIBRARY one for its llama-server, which else lies in
../lib/ollama beside the program, as Ollama looks for it, or in /usr/local/lib/ollama.
"""

from __future__ import annotations

import os
import sys

VERSION = "0.34.1"
VERSION_FILE = os.path.join(os.environ.get("OLLAMA_STANDIN_FOLDER") or "/etc/ollama-standin", "version")
# Seconds that --version takes to answer, as on a host too busy to start a program.
DELAY_FILE = "/run/ollama-standin-delay"


def pretended_version(path: str = VERSION_FILE) -> str:
    from standin import packed

    known = packed.words()[:1]
    if known:
        return known[0]
    try:
        with open(path) as file:
            return file.read().strip() or VERSION
    except FileNotFoundError:
        return VERSION


def wait(path: str = DELAY_FILE) -> None:
    if os.path.exists(path):
        import time

        with open(path) as file:
            time.sleep(float(file.read()))


def print_version(version: str) -> int:
    """As the client does: the server's release, and its own where that differs or nobody answers."""
    import re
    import socket

    from standin import environment

    # Spoken by hand: importing an HTTP client would take longer than all the rest.
    address = environment.host_of(os.environ)
    try:
        with socket.create_connection((address.host, address.port), timeout=5) as server:
            server.sendall(b"GET /api/version HTTP/1.0\r\n\r\n")
            answer = server.makefile(errors="replace").read()
        served = re.findall(r'"version": ?"([^"]+)"', answer)[0]
    except (OSError, IndexError):
        print("Warning: could not connect to a running Ollama instance")
        print(f"Warning: client version is {version}")
        return 0
    print(f"ollama version is {served}")
    if served != version:
        print(f"Warning: client version is {version}")
    return 0


def main() -> int:
    name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
    if name == "llama-server":
        from standin import llama_server

        return llama_server.main(arguments)
    version = pretended_version()
    if arguments == ["serve"]:
        from standin import process, server

        process.take_over("ollama")
        return server.serve(version, os.path.abspath(sys.argv[0]))
    if arguments in (["--version"], ["-v"]):
        wait(DELAY_FILE)
        return print_version(version)
    if arguments[:1] == ["runner"]:
        # The child before 0.30: Go reads no LLAMA_ARG_* variable, so none of them may act or hurt here.
        from standin import llama_server

        for variable in [key for key in os.environ if key.startswith("LLAMA_ARG_")]:
            del os.environ[variable]
        if llama_server.RUNNER_THREADS in os.environ:
            os.environ["LLAMA_ARG_THREADS"] = os.environ[llama_server.RUNNER_THREADS]
        return llama_server.main(arguments[1:], name="ollama")
    if arguments[:1] == ["install"]:
        from standin import install

        return install.main(sys.argv[0], arguments[1:])
    sys.stderr.write('Error: the stand-in knows "serve", "--version" and "install [RELEASE]"\n')
    return 1


if __name__ == "__main__":
    sys.exit(main())
