# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nvidia-smi for hosts without a GPU: a workstation with a Quadro P4000 and a GTX 1060 with a display.

Answers ``--query-gpu=… --format=csv[,noheader][,nounits]``, ``-q -x``, ``topo -m``, ``-L`` and the plain table
as the driver's own does. Installed as /usr/bin/nvidia-smi behind a line that names Python; Python 3.9.
"""

from __future__ import annotations

import os
import sys

DRIVER, CUDA = "580.65.06", "13.0"
SHARED = {
    "compute_cap": "6.1",
    "driver_version": DRIVER,
    "persistence_mode": "Disabled",
    "mig.mode.current": "[N/A]",
    "compute_mode": "Default",
    "architecture": "Pascal",
}
GPUS = (
    {
        **SHARED,
        "index": "0",
        "name": "Quadro P4000",
        "uuid": "GPU-00000000-0000-4000-8000-000000004000",
        "pci.bus_id": "00000000:03:00.0",
        "memory.total": "8192 MiB",
        "memory.free": "8110 MiB",
        "memory.used": "2 MiB",
        "display_active": "Disabled",
    },
    {
        **SHARED,
        "index": "1",
        "name": "NVIDIA GeForce GTX 1060 6GB",
        "uuid": "GPU-00000000-0000-4000-8000-000000001060",
        "pci.bus_id": "00000000:04:00.0",
        "memory.total": "6144 MiB",
        "memory.free": "5386 MiB",
        "memory.used": "671 MiB",
        "display_active": "Enabled",
    },
)
FIELDS = tuple(field for field in GPUS[0] if field != "architecture")
SIZES = tuple(field for field in FIELDS if field.startswith("memory."))


def query(fields: list[str], options: list[str]) -> tuple[str, int]:
    """CSV; a field that the driver does not know ends in its words and status 2."""
    for field in fields:
        if field not in FIELDS:
            return f'Field "{field}" is not a valid field to query.\n\n', 2
    rows = []
    if "noheader" not in options:
        plain = "nounits" in options
        rows.append([f"{field} [MiB]" if field in SIZES and not plain else field for field in fields])
    for gpu in GPUS:
        row = [gpu[field] for field in fields]
        rows.append([cell.removesuffix(" MiB") for cell in row] if "nounits" in options else row)
    return "".join(", ".join(row) + "\n" for row in rows), 0


def xml() -> str:
    gpus = "".join(
        f"""\t<gpu id="{gpu["pci.bus_id"]}">
\t\t<product_name>{gpu["name"]}</product_name>
\t\t<product_architecture>{gpu["architecture"]}</product_architecture>
\t\t<display_active>{gpu["display_active"]}</display_active>
\t\t<persistence_mode>{gpu["persistence_mode"]}</persistence_mode>
\t\t<mig_mode>
\t\t\t<current_mig>N/A</current_mig>
\t\t</mig_mode>
\t\t<uuid>{gpu["uuid"]}</uuid>
\t\t<pci>
\t\t\t<pci_bus_id>{gpu["pci.bus_id"]}</pci_bus_id>
\t\t</pci>
\t\t<fb_memory_usage>
\t\t\t<total>{gpu["memory.total"]}</total>
\t\t\t<used>{gpu["memory.used"]}</used>
\t\t\t<free>{gpu["memory.free"]}</free>
\t\t</fb_memory_usage>
\t</gpu>
"""
        for gpu in GPUS
    )
    return f"""<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">
<nvidia_smi_log>
\t<driver_version>{DRIVER}</driver_version>
\t<cuda_version>{CUDA}</cuda_version>
\t<attached_gpus>{len(GPUS)}</attached_gpus>
{gpus}</nvidia_smi_log>
"""


def topology() -> str:
    """Two slots under one host bridge, and every CPU of the host next to both."""
    cpus = f"0-{(os.cpu_count() or 1) - 1}"
    rows = ["\t\x1b[4mGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\x1b[0m"]
    for index in range(len(GPUS)):
        cells = [" X " if other == index else "PHB" for other in range(len(GPUS))]
        rows.append("\t".join([f"GPU{index}", *cells, cpus, "0\t\tN/A"]))
    bridge = "Connection traversing PCIe as well as a PCIe Host Bridge (typically the CPU)"
    rows += ["", "Legend:", "", "  X    = Self", f"  PHB  = {bridge}", ""]
    return "\n".join(rows)


def table() -> str:
    lines = [
        "+-----------------------------------------------------------------------------------------+",
        f"| NVIDIA-SMI {DRIVER:<22} Driver Version: {DRIVER:<14} CUDA Version: {CUDA:<8} |",
        "+-----------------------------------------+------------------------+----------------------+",
    ]
    for gpu in GPUS:
        memory = f"{gpu['memory.used']} / {gpu['memory.total']}".replace(" MiB", "MiB")
        display = "On " if gpu["display_active"] == "Enabled" else "Off"
        card = f"{gpu['index']:>3}  {gpu['name']:<28}  Off"
        lines.append(f"| {card} | {gpu['pci.bus_id']} {display} | {memory:<20} |")
    return "\n".join(lines) + "\n"


def answer(argv: list[str]) -> tuple[str, int]:
    if not argv:
        return table(), 0
    if argv == ["-L"]:
        return "".join(f"GPU {gpu['index']}: {gpu['name']} (UUID: {gpu['uuid']})\n" for gpu in GPUS), 0
    if argv == ["topo", "-m"]:
        return topology(), 0
    if sorted(argv) == ["-q", "-x"]:
        return xml(), 0
    given = dict(argument.partition("=")[::2] for argument in argv)
    if set(given) == {"--query-gpu", "--format"}:
        return query(given["--query-gpu"].split(","), given["--format"].split(","))
    return f"Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n\n{argv}\n", 1


if __name__ == "__main__":
    text, status = answer(sys.argv[1:])
    sys.stdout.write(text)
    sys.exit(status)
