# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print a tar of this host's CPU and NUMA description (sysfs and /proc/cpuinfo), for box.sh.

ssh HOST python3 - < capture-topology.py > tree.tar

tar itself cannot do it: sysfs files claim 4096 bytes, whatever they hold.
"""

import io
import os
import sys
import tarfile

TREES = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/kernel/mm/transparent_hugepage")
FILES = ("/proc/cpuinfo",)


def add(tar: tarfile.TarFile, path: str) -> None:
    info = tarfile.TarInfo(path.lstrip("/"))
    if os.path.islink(path):
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
        tar.addfile(info)
    elif os.path.isdir(path):
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
    else:
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            data = b""  # write-only, or not readable on this machine
        info.size, info.mode = len(data), 0o644
        tar.addfile(info, io.BytesIO(data))


def main() -> None:
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
        for tree in TREES:
            for top, folders, files in os.walk(tree):
                add(tar, top)
                links = [name for name in folders if os.path.islink(os.path.join(top, name))]
                for name in sorted(files) + links:
                    add(tar, os.path.join(top, name))
        for path in FILES:
            add(tar, path)


if __name__ == "__main__":
    main()
