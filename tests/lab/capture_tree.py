# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what a text by the playbook capture says of CPUs and NUMA nodes as a tar, for box.sh.

    capture_tree.py CAPTURE.txt TREE.tar

A box with it plans for CPUs and nodes that this machine may lack, and runs on those that it has.
"""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / "collections"))

from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_parse import parse

# What box.sh puts in place of the machine's own.
SHOWN = (
    "/sys/devices/system/cpu/",
    "/sys/devices/system/node/",
    "/sys/kernel/mm/transparent_hugepage/",
    "/proc/cpuinfo",
)


def main(capture: str, tree: str) -> int:
    """Write the tar."""
    found = parse(Path(capture).read_text(encoding="utf-8"))
    with tarfile.open(tree, "w") as tar:
        for path, content in sorted(found.files.items()):
            if path.startswith(SHOWN):
                data = content if isinstance(content, bytes) else str(content).encode()
                info = tarfile.TarInfo(path.lstrip("/"))
                info.size, info.mode = len(data), 0o644
                tar.addfile(info, io.BytesIO(data))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
