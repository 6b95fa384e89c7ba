# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""QEMU's machine protocol: the few commands and the one event that the lab needs."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

# A machine that answers nothing for so long will not answer any more; a memory file of 2 GiB takes seconds.
PATIENCE = 120.0


class Monitor:
    """One connection to a running QEMU."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rw")
        self._events: list[dict[str, Any]] = []
        self._receive()  # the greeting
        self.command("qmp_capabilities")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._socket.close()

    def _receive(self) -> dict[str, Any]:
        line = self._file.readline()
        if not line:
            raise ConnectionError("QEMU has gone away")
        message: dict[str, Any] = json.loads(line)
        return message

    def command(self, name: str, **arguments: object) -> Any:
        """The result of one command; events that come in between are kept for those who wait for them."""
        self._file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self._file.flush()
        while True:
            message = self._receive()
            if "error" in message:
                raise RuntimeError(f"QEMU refused {name}: {message['error']['desc']}")
            if "return" in message:
                return message["return"]
            self._events.append(message)

    def allow_shared_memory(self) -> None:
        """Leave memory that lives in shared files out of the migration stream, and report its progress."""
        wanted = [{"capability": name, "state": True} for name in ("x-ignore-shared", "events")]
        self.command("migrate-set-capabilities", capabilities=wanted)
        self.command("migrate-set-parameters", **{"max-bandwidth": 1 << 34})

    def wait_for_migration(self) -> None:
        """Block until the migration that was started last is over."""
        while True:
            event = self._events.pop(0) if self._events else self._receive()
            status = event.get("data", {}).get("status") if event.get("event") == "MIGRATION" else None
            if status == "completed":
                return
            if status in ("failed", "cancelled"):
                raise RuntimeError(f"The machine's state could not be moved: {self.command('query-migrate')}")
