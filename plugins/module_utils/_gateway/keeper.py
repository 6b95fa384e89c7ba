# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the gateway: ``keep``, with which a reload begins, keeps which servers are drained; ``await`` waits
until the gateway runs by a configuration.

HAProxy takes the state of its servers from a file when it starts (management guide, 9.3, show servers state), and with
it their ports, even where the new configuration has others (server_state.c@2.6, srv_state_srv_update). So the ports
of the file are made those of the configuration.
"""

from __future__ import annotations

import os
import re
import sys
import time

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._gateway.runtime import asker

# Between two questions, in seconds.
_PAUSE = 0.1
_BACKEND = "servers"
_SERVER = re.compile(r"server (\S+) (?:\[[0-9A-Fa-f:.]+\]|[^\s:]+):([0-9]{1,5}) ")
# The columns of a line of the answer (form 1).
_NAME, _PORT, _COLUMNS = 3, 18, 19


def main(arguments: list[str]) -> int:
    """Run the part that the first argument names; 2 where it or what it needs is missing."""
    part, rest = (arguments[0] if arguments else ""), arguments[1:]
    if part == "keep" and len(rest) == 3:
        return _keep(*rest)
    if part == "await" and len(rest) == 3 and rest[2].isdecimal():
        return _await(rest[0], rest[1], int(rest[2]))
    sys.stderr.write("needed is keep SOCKET CONFIGURATION FILE, or await SOCKET DESCRIPTION SECONDS\n")
    return 2


def _keep(source: str, config: str, target: str) -> int:
    try:
        with open(config, encoding="utf-8") as file:
            text = with_ports(asker(source)(f"show servers state {_BACKEND}"), file.read())
        _write(target, text)
    except (OSError, UnicodeDecodeError, OllamaError) as error:
        sys.stderr.write(f"the state of the servers cannot be kept: {error}\n")
        return 1
    return 0


def _await(source: str, description: str, seconds: int) -> int:
    """Wait for the process that has replaced another one, which answers at the socket until then."""
    until, why = time.monotonic() + seconds, ""
    while True:
        try:
            found = re.search("^description: (.*)$", asker(source)("show info"), re.MULTILINE)
            if found is not None and found[1] == description:
                return 0
            why = "it runs by another configuration still"
        except OllamaError as error:
            why = str(error)
        if time.monotonic() >= until:
            sys.stderr.write(f"the gateway does not run by its configuration within {seconds} s: {why}\n")
            return 1
        time.sleep(_PAUSE)


def with_ports(state: str, config: str) -> str:
    """Return the state of servers with the ports that the configuration has; without those that it has no more."""
    section = re.search(rf"^backend {_BACKEND}$(.*?)(?=^\S|\Z)", config, re.MULTILINE | re.DOTALL)
    ports = dict(_SERVER.findall(section[1] if section else ""))
    lines = []
    for line in state.splitlines():
        fields = line.split(" ")
        if line.startswith("#") or len(fields) < _COLUMNS:
            lines += [line] if line else []
        elif fields[_NAME] in ports:
            fields[_PORT] = ports[fields[_NAME]]
            lines.append(" ".join(fields))
    if not lines or lines[0] != "1":
        raise OllamaError("HAProxy's answer is not a state of servers of form 1")
    return "\n".join(lines) + "\n"


def _write(path: str, text: str) -> None:
    """Replace the file as a whole, for root alone."""
    beside = f"{path}.new"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(beside, path)
