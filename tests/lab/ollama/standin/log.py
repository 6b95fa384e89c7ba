# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines as Ollama writes them since 0.7.0, to standard error."""

from __future__ import annotations

import datetime as dt
import sys


def quote(value: object) -> str:
    words = str(value)
    return '"' + words.replace('"', '\\"') + '"' if not words or any(c in words for c in ' "=') else words


def line(source: str, message: str, fields: str = "", level: str = "INFO", **values: object) -> None:
    now = dt.datetime.now().astimezone().isoformat(timespec="milliseconds")
    parts = [f"time={now} level={level} source={source} msg={quote(message)}", fields]
    parts += [f"{name}={quote(value)}" for name, value in values.items()]
    sys.stderr.write(" ".join(filter(None, parts)) + "\n")
    sys.stderr.flush()
