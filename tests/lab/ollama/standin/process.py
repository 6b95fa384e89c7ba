# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look like a program, not like a script that Python runs."""

from __future__ import annotations

import os


def take_over(name: str) -> None:
    """Set the process's short name, and drop the interpreter from its command line.

    Tools that look for Ollama go by both: comm ``llama-server`` and a first argument of that name. The link
    /proc/PID/exe still leads to Python; only a compiled program could change that.
    """
    with open("/proc/self/comm", "w") as comm:
        comm.write(name)
    with open("/proc/self/cmdline", "rb") as file:
        command = file.read()
    interpreter, _nul, rest = command.partition(b"\0")
    if not os.path.basename(interpreter).startswith(b"python"):
        return
    import ctypes

    with open("/proc/self/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    start = int(fields[45])  # arg_start, field 48 of proc(5); the name in front of ")" took two
    ctypes.memmove(start, rest + b"\0" * (len(command) - len(rest)), len(command))
