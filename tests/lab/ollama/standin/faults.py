# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings with which the stand-in fails as real servers do with settings that nobody foresaw.

A line of /run/ollama-standin-faults is ``NAME=VALUE FAULT``: with that variable in its environment the server does not
start ("refuse"), listens at another port ("elsewhere"), or ends at the first request for a model ("die"). A release
that is packed with a fault (packed.py) has it always.

An answer to the prompt "hold" goes on until /run/ollama-standin-release is there, so that a test knows a stream to be
under way for as long as what it looks at takes.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Iterator, Mapping, NoReturn

from standin import completion, packed
from standin.slots import GoneError

if TYPE_CHECKING:
    import socket

FILE = "/run/ollama-standin-faults"
HELD = "hold"
RELEASE = "/run/ollama-standin-release"
# Added to the port that was asked for.
ELSEWHERE = 1000


def asked(env: Mapping[str, str], path: str = FILE) -> set[str]:
    """The faults that the environment or the release asks for."""
    always = set(packed.words()[1:])
    try:
        with open(path) as file:
            lines = [line.split() for line in file]
    except FileNotFoundError:
        return always
    pairs = [words for words in lines if len(words) == 2]
    return always | {
        fault for setting, fault in pairs if env.get(setting.partition("=")[0]) == setting.partition("=")[2]
    }


def held(said: Iterator[Any], client: socket.socket, path: str = RELEASE) -> Iterator[Any]:
    """Pass pieces on, the last when the release is there; GoneError where the client hangs up before that."""
    last = next(said)
    for piece in said:
        yield last
        last = piece
    while not os.path.exists(path):
        if completion.hung_up(client):
            raise GoneError
        time.sleep(0.05)
    yield last


def die() -> NoReturn:
    """At once and without an answer, as a server that the kernel kills."""
    sys.stderr.write("fatal error: the lab's server ends at the first request\n")
    sys.stderr.flush()
    os._exit(2)
