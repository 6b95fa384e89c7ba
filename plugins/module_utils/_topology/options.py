# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that reads a machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.vendors import NVML

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome, Runner

OPTIONS: dict[str, dict[str, Any]] = {
    "root": {"type": "path", "default": "/"},
    "command_timeout": {"type": "float", "default": 5},
}

_LONGEST = 3600


def check_timeout(seconds: float) -> None:
    """Raise OllamaError unless the timeout is valid."""
    if not 0 < seconds <= _LONGEST:
        raise OllamaError(f"command_timeout: {seconds:g} is not a number of seconds above 0 and up to {_LONGEST}")


def machine_of(params: dict[str, Any], *, captures: bool = False) -> tuple[Root, Runner | None]:
    """The root and a runner; no runner for another root than ``/``, whose programs cannot be run.

    With ``captures`` a file of topology_capture is a machine too, whose programs answer as they did there. Raises
    OllamaError for an invalid timeout and for a root that is neither.
    """
    path, timeout = params["root"], params["command_timeout"]
    check_timeout(timeout)
    if not os.path.isdir(path):
        if not os.path.exists(path):
            raise OllamaError(f"root: {path!r} is not a folder")
        if not captures:
            raise OllamaError(f"root: {path!r} is not a folder; of a capture topology_facts alone reads")
        from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_replay import (  # noqa: PLC0415 compiled only where needed
            replayed,
        )

        return replayed(path)
    root = Root(path)
    return root, _with_nvml(runner(timeout), timeout) if root.live else None


def _with_nvml(run: Runner, timeout: float) -> Runner:
    """The same, asking NVIDIA's library in a fork of this process in place of a program."""

    def ask(argv: list[str], *account: str | None) -> Outcome:
        if argv != [NVML]:
            return run(argv, *account)
        from ansible_collections.inference.ollama.plugins.module_utils._fork import (  # noqa: PLC0415 compiled only where needed
            call,
        )
        from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml_reader import (  # noqa: PLC0415 compiled only where needed
            answer,
        )

        return call(answer, timeout)

    return ask
