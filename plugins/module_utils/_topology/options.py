# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that reads a machine."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome, runner
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

OPTIONS: dict[str, dict[str, Any]] = {
    "root": {"type": "path", "default": "/"},
    "command_timeout": {"type": "float", "default": 5},
}

_LONGEST = 3600
# The output of nvidia_ml_child.py without nvidia-ml-py.
_ABSENT = '{"absent": "No module named \'pynvml\'"}\n'


def check_timeout(seconds: float) -> None:
    """Raise OllamaError unless the timeout is valid."""
    if not 0 < seconds <= _LONGEST:
        raise OllamaError(f"command_timeout: {seconds:g} is not a number of seconds above 0 and up to {_LONGEST}")


def machine_of(params: dict[str, Any]) -> tuple[Root, Runner | None]:
    """The root and a runner; no runner for another root than ``/``, whose programs cannot be run.

    Raises OllamaError for an invalid timeout and for a root that is not a folder.
    """
    path, timeout = params["root"], params["command_timeout"]
    check_timeout(timeout)
    if not os.path.isdir(path):
        raise OllamaError(f"root: {path!r} is not a folder")
    root = Root(path)
    return root, _sparing(runner(timeout)) if root.live else None


def _sparing(run: Runner) -> Runner:
    """The same, without starting a second Python only to find that nvidia-ml-py is not installed."""

    def ask(argv: list[str]) -> Outcome:
        if argv[0] == sys.executable and find_spec("pynvml") is None:
            return Outcome(_ABSENT, None)
        return run(argv)

    return ask
