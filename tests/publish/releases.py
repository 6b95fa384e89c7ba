# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that the tests of a release run, and a release built by them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".venv" / "bin"
EPOCH = 1_790_000_000


def run(*command, code=0, **more):
    """The output of a program, both streams, which has to end with this status."""
    more.setdefault("cwd", ROOT)
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", **more.pop("env", {})}
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        **more,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def build(folder, home=None, **environment):
    """What ``make dist`` makes, in a folder: each file by its suffix."""
    environment = {"SOURCE_DATE_EPOCH": str(EPOCH), **environment}
    if home:
        environment |= {"GNUPGHOME": str(home), "SIGN_KEY": "release@example.org"}
    run("tests/tools/dist.sh", folder, env=environment)
    return {path.suffix: path for path in folder.iterdir()}
