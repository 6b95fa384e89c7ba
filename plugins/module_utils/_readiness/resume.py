# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a suspend: restart the servers on a driver whose module was loaded again, and prove that models are back.

systemd.special(7): a unit that suspend.target wants, ordered after it, starts once the host is awake again.
"""

from __future__ import annotations

import argparse
import sys
from typing import Sequence

from ansible_collections.inference.ollama.plugins.module_utils._readiness import nodes, record
from ansible_collections.inference.ollama.plugins.module_utils._readiness.judge import DOWN
from ansible_collections.inference.ollama.plugins.module_utils._readiness.repair import (
    System,
    look,
    real,
    repair,
    server_of,
)

FILE = f"{record.FOLDER}/gpu-resume.json"


def main(arguments: Sequence[str], system: System | None = None, path: str = FILE) -> int:
    """``--seconds N --server UNIT URL CARDS …``: 1 where a model runs on the CPU that was planned for a card."""
    parser = argparse.ArgumentParser(prog="readiness resume")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--server", nargs=3, action="append", required=True)
    asked = parser.parse_args(arguments)
    host = system or real()
    servers = [server_of(words) for words in asked.server]
    cards = [card for server in servers for card in server.cards]
    left, _spent = nodes.wait(nodes.System(host.root, host.run, *host.clock), cards, asked.seconds)
    # A server that somebody has stopped stays stopped.
    before = [(server, look(host, server)[0]) for server in servers]
    due = [(server, finding) for server, finding in before if finding.state != DOWN]
    rows, failed = [], False
    for (server, _finding), (after, done) in zip(due, repair(host, due)):
        failed = failed or after.fallen or after.state == DOWN
        rows.append({"unit": server.unit, "state": after.state, "reason": after.reason, "done": done})
        sys.stdout.write(f"{server.unit}: {'; '.join([f'{after.state}: {after.reason}', *done])}\n")
    record.write(path, {"resumed_at": int(host.today()), "missing": left, "servers": rows})
    return int(failed)
