# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cards the stand-in finds: those of nvidia-smi whose device files are there, as a driver's library has it."""

from __future__ import annotations

import os
import subprocess

_ASK = ["nvidia-smi", "--query-gpu=uuid,name,pci.bus_id,memory.total", "--format=csv,noheader"]
# Of the stand-in's model.
LAYERS = 33


def fields(dev: str = "/dev") -> list[str]:
    """The fields of a line "inference compute" for each card; none where its files are missing or hidden."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "-1" or not os.path.exists(f"{dev}/nvidia-uvm"):
        return []
    try:
        said = subprocess.run(_ASK, stdout=subprocess.PIPE, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [line.split(", ") for line in said.splitlines() if line.count(", ") == 3]
    return [
        f'id={number} filter_id={number} library=CUDA compute=6.1 name=CUDA{number} description="{name}" libdirs=ollama'
        f' driver=13.0 pci_id={address.lower()[4:]} type=discrete total="{int(size.split()[0]) / 1024:.1f} GiB"'
        for number, (_uuid, name, address, size) in enumerate(rows)
        if os.path.exists(f"{dev}/nvidia{number}")
    ]


def offloaded(dev: str = "/dev") -> str:
    """What a runner logs of its layers; nothing on a host that has no driver at all."""
    if not os.path.exists(f"{dev}/nvidiactl"):
        return ""
    return f"load_tensors: offloaded {LAYERS if fields(dev) else 0}/{LAYERS} layers to GPU"
