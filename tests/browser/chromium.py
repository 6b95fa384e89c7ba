# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium without a window, driven by the DevTools protocol over a pipe: no port, no driver, no package."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import subprocess
import tempfile
import time
from pathlib import Path

# Chromium speaks QUIC, looks for updates and asks for its start page unless these options forbid it.
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_PATIENCE = 30


class Chromium:
    """One browser with one page. ``events`` holds the events of the page since it was last cleared."""

    def __init__(self, program="chromium"):
        self.profile = tempfile.TemporaryDirectory(prefix="inference-ollama-chromium-", ignore_cleanup_errors=True)
        # Chromium reads commands from descriptor 3 and answers on 4, so ours must be others.
        theirs, ours = zip(*(_above(pair) for pair in (os.pipe(), os.pipe()[::-1])))
        self.commands, self.answers = ours

        def place():
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        self.process = subprocess.Popen(
            [program, *_OPTIONS, f"--user-data-dir={self.profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=place,  # noqa: PLW1509 - nothing else runs in this process
        )
        for end in theirs:
            os.close(end)
        self.unread, self.number, self.session, self.events = b"", 0, None, []
        target = next(each for each in self.call("Target.getTargets")["targetInfos"] if each["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        """End the browser and remove its profile."""
        self.process.terminate()
        self.process.wait(_PATIENCE)
        for end in (self.commands, self.answers):
            os.close(end)
        self.profile.cleanup()

    def call(self, method, **parameters):
        """What the browser answers; events that come before it are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._message()
            if reply.get("id") == self.number:
                assert "error" not in reply, (method, reply["error"])
                return reply["result"]

    def open(self, path):
        """Show a file; returns when it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=Path(path).as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._message()

    def look(self, width, height, scheme):
        """Be a window of this size for a reader with this colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def ask(self, expression):
        """The value of an expression of JavaScript, which a page's own policy does not concern."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def press(self, key, text=""):
        """A key, pressed and released."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=13, text=text)

    def picture(self, path):
        """What is seen, as a PNG."""
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def _message(self):
        ends = time.monotonic() + _PATIENCE
        while b"\0" not in self.unread:
            left = max(0, ends - time.monotonic())
            assert select.select([self.answers], [], [], left)[0], f"Chromium said nothing for {_PATIENCE} seconds"
            read = os.read(self.answers, 1 << 20)
            assert read, "Chromium has ended"
            self.unread += read
        first, _end, self.unread = self.unread.partition(b"\0")
        message = json.loads(first)
        if "method" in message:
            self.events.append(message)
        return message


def _above(pair):
    """The same two descriptors with numbers that are not in the way."""
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in pair)
    for end in pair:
        os.close(end)
    return moved
