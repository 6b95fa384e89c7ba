# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command and kill it and all its children as soon as it prints certain words: killed.py WORDS COMMAND…

Ends with 0 where it was killed, with 1 where it ended before it had printed them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def main(words: str, command: list[str]) -> int:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return 0
    sys.stderr.writelines(said)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
