# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the timer: reads the host once, and leaves a file for the textfile collector of node_exporter.

Whatever happens there is a file that says so: a collection that fails or takes too long leaves its own metrics alone.
node_exporter reads ``*.prom`` in its folder at any moment, so that a file is made whole under another name first.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import posixpath
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Callable, Iterator, NamedTuple, Optional, Sequence

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._metrics.collect import Light, System, collect
from ansible_collections.inference.ollama.plugins.module_utils._metrics.exposition import Sample, exposition
from ansible_collections.inference.ollama.plugins.module_utils._places import METRICS_FILE
from ansible_collections.inference.ollama.plugins.module_utils._readiness.record import write_text

if TYPE_CHECKING:
    from types import FrameType

Decide = Callable[[Any], Sequence[Sample]]
# Of one program or one request.
_TIMEOUT = 5


class Clock(NamedTuple):
    """The time of day, a clock that only goes on, and the CPU time of this process and of those that it waited for."""

    today: Callable[[], float]
    now: Callable[[], float]
    used: Callable[[], float]


class Late(Exception):  # noqa: N818 - no error of the host
    """The collection has taken its time."""


def real() -> System:
    """The host that this runs on."""
    from ansible_collections.inference.ollama.plugins.module_utils._process import runner  # noqa: PLC0415 only here
    from ansible_collections.inference.ollama.plugins.module_utils._service.answers import whose_answer  # noqa: PLC0415
    from ansible_collections.inference.ollama.plugins.module_utils._service.api import fetcher  # noqa: PLC0415

    return System(lambda: Light("/"), runner(_TIMEOUT), fetcher(_TIMEOUT), whose_answer("/"))


def main(
    arguments: Sequence[str],
    decide: Decide,
    system: Optional[System] = None,
    clock: Clock = Clock(time.time, time.monotonic, lambda: sum(os.times()[:4])),  # noqa: B008 - it has no state
) -> int:
    """0, or 1 where the collection failed or its file cannot be written; the reason is one line for the journal."""
    parser = argparse.ArgumentParser(prog="metrics")
    parser.add_argument("--host", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--state-folder", required=True)
    parser.add_argument("--dropin-name", required=True)
    parser.add_argument("--interval", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--accept", action="append", default=[])
    asked = parser.parse_args(arguments)
    at, begun = clock.today(), clock.now()
    samples: list[Sample] = []
    failed = None
    try:
        with _at_most(asked.seconds):
            seen = collect(system or real(), asked.state_folder)
            samples = list(decide({**seen, "dropin_name": asked.dropin_name, "accepted": asked.accept}))
    except Late:
        failed = f"the collection took more than {asked.seconds:g} s"
    except Exception as error:  # noqa: BLE001 - a metric says that it failed, whatever it was
        failed = f"the collection failed: {type(error).__name__}: {error}"
    own = {
        "ollama_collector_success": int(failed is None),
        "ollama_collector_last_run_timestamp_seconds": at,
        "ollama_collector_interval_seconds": asked.interval,
        "ollama_collector_duration_seconds": clock.now() - begun,
        "ollama_collector_cpu_seconds": clock.used(),
    }
    text = exposition(asked.host, [*(Sample(name, value) for name, value in own.items()), *samples])
    try:
        write_text(posixpath.join(asked.folder, METRICS_FILE), text)
    except OllamaError as error:
        failed = f"{failed}; {error}" if failed else str(error)
    if failed:
        sys.stderr.write(f"{failed[:500]}\n")
    return 1 if failed else 0


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise Late in what is done after so many seconds. Each reader has a limit of its own; a host may have many."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
