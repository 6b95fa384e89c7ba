# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of one request: when its tokens came, how it ended, and what the server says of it."""

from __future__ import annotations

from array import array

SUCCESSFUL, ERRORED, REFUSED, INCOMPLETE = "successful", "errored", "refused", "incomplete"


class Record:
    """A request. Times are seconds of one steady clock; None is what has not happened or what the server does not say.

    ``start`` is when it was sent, or should have been sent where requests come at a rate. ``arrivals`` are the times of
    the parts of the answer that have text. It is ``incomplete`` until it has ended in another way.
    """

    __slots__ = (
        "arrivals",
        "end",
        "error",
        "load_seconds",
        "output_tokens",
        "prompt_seconds",
        "prompt_tokens",
        "start",
        "status",
    )

    def __init__(self, start: float) -> None:
        self.start = start
        self.end: float | None = None
        self.arrivals = array("d")
        self.status = INCOMPLETE
        self.error = ""
        self.output_tokens: int | None = None
        self.prompt_tokens: int | None = None
        self.prompt_seconds: float | None = None
        self.load_seconds: float | None = None

    def fail(self, now: float, error: str, status: str = ERRORED) -> None:
        """Note why it failed, unless it has ended already."""
        if self.end is None:
            self.end, self.error, self.status = now, error, status

    @property
    def tokens(self) -> int:
        """The tokens of the answer: as the server counts them, or the parts with text where it does not."""
        return len(self.arrivals) if self.output_tokens is None else self.output_tokens

    @property
    def time_to_first_token(self) -> float | None:
        return self.arrivals[0] - self.start if self.arrivals else None

    @property
    def latency(self) -> float | None:
        return None if self.end is None else self.end - self.start

    @property
    def inter_token_latency(self) -> float | None:
        """The time of a token after the first; None with fewer than two."""
        if len(self.arrivals) < 2 or self.tokens < 2:
            return None
        return (self.arrivals[-1] - self.arrivals[0]) / (self.tokens - 1)

    @property
    def prompt_rate(self) -> float | None:
        """Tokens of the prompt per second that the server computed them."""
        if not self.prompt_tokens or not self.prompt_seconds:
            return None
        return self.prompt_tokens / self.prompt_seconds
