# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a runner has of cards, by its maps and by the driver's own list."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._service.cards import add_memory, read_use
from ansible_collections.inference.ollama.tests.unit.support.processes import Planted

MAPS = """7f00-7f01 r-xp 00000000 08:01 7 /usr/local/lib/ollama/cuda_v13/libggml-cuda.so
7f02-7f03 r-xp 00000000 08:01 8 /usr/lib/x86_64-linux-gnu/libcuda.so.580.65.06
7f04-7f05 r-xp 00000000 08:01 9 /usr/lib/libcudadebugger.so.1
7f06-7f07 rw-s 00000000 00:06 5 /dev/nvidia0
7f08-7f09 rw-s 00000000 00:06 6 /dev/nvidiactl
"""
AMD = "7f00-7f01 r-xp 0 08:01 7 /opt/rocm/lib/libamdhip64.so.6.4.1\n7f06-7f07 rw-s 0 00:06 5 /dev/kfd\n"


def runner(maps, files=None):
    root = Planted({"/proc/111/maps": maps, **(files or {})})
    return root, {"kind": "runner", "pid": 111, "gpu": read_use(root, "/proc/111")}


def test_maps_name_libraries_and_files_of_cards():
    """Other libraries with such names, and the file that every client of the driver opens, are none."""
    use = runner(MAPS)[1]["gpu"]
    assert use == {"libraries": ["libcuda", "libggml-cuda"], "devices": ["/dev/nvidia0"], "memory_bytes": None}
    assert read_use(Planted({}), "/proc/1") == {"libraries": None, "devices": None, "memory_bytes": None}


@pytest.mark.parametrize(
    ("said", "maps", "expected"),
    [
        ("111, 4769\n7, 1\n", MAPS, 4769 << 20),
        ("111, 4769\n111, 1\n", MAPS, 4770 << 20),
        ("111, [N/A]\n", MAPS, 1),
        # A container's driver lists nobody: a card that is open may be in use.
        ("", MAPS, None),
        ("", MAPS.replace("/dev/nvidia0", "/dev/zero"), 0),
        ("No devices were found\n", MAPS.replace("/dev/nvidia0", "/dev/zero"), 0),
        (None, MAPS, None),
        ("111, 4769\n", "7f00-7f01 r-xp 0 08:01 7 /usr/lib/libc.so.6\n", None),
    ],
)
def test_the_drivers_list_says_how_much(said, maps, expected):
    """Every card's part counts; a process without a library of the driver is not asked about."""
    root, row = runner(maps)
    outcome = Outcome(None, "nvidia-smi failed") if said is None else Outcome(said, None)
    add_memory(root, lambda _argv: outcome, [{"kind": "server", "pid": 1, "gpu": None}, row])
    assert row["gpu"]["memory_bytes"] == expected


def test_amd_kernel_driver_says_how_much():
    """Its list is in sysfs, and no program is asked; a process without a queue there is not known."""
    root, row = runner(AMD, {"/sys/class/kfd/kfd/proc/111/vram_8": "4096", "/sys/class/kfd/kfd/proc/111/vram_9": "1"})
    add_memory(root, None, [row])
    assert row["gpu"] == {"libraries": ["libamdhip64"], "devices": ["/dev/kfd"], "memory_bytes": 4097}
    root, row = runner(AMD)
    add_memory(root, None, [row])
    assert row["gpu"]["memory_bytes"] is None
