# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An end to waiting for a peer that sends nothing, or a byte at a time, which passes every timeout of a socket."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Watch:
    """Calls ``end`` in another thread at a time that can be put off; ``late`` afterwards."""

    def __init__(self, seconds: float, end: Callable[[], None]) -> None:
        self.late, self._end, self._over = False, end, threading.Event()
        self._at = time.monotonic() + seconds
        threading.Thread(target=self._wait, daemon=True).start()

    def put_off(self, seconds: float) -> None:
        """Wait for so many seconds from now."""
        self._at = time.monotonic() + seconds

    def stop(self) -> None:
        """Call nothing any more."""
        self._over.set()

    def _wait(self) -> None:
        while not self._over.wait(max(0.0, self._at - time.monotonic())):
            if time.monotonic() >= self._at:
                self.late = True
                self._end()
                return


def shut(sockets: Iterable[Any]) -> None:
    """Shut sockets that another thread may be reading; None, and one that is closed already, are passed over."""
    for each in sockets:
        with contextlib.suppress(AttributeError, OSError, TypeError, ValueError):
            # Of the socket below TLS: that of a TLS connection would wait for the peer.
            socket.socket.shutdown(each, socket.SHUT_RDWR)
