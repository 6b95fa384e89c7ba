# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``nvidia-smi -q -x``: the CUDA version and the memory of MIG instances, which the CSV query does not have.

It has no compute capability and no links, so it is the second source; what it shares with the CSV query
fills the gaps that an old driver leaves there. Elements as in NVIDIA's nvsmi_device_v10.dtd to
nvsmi_device_v13.dtd.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_values import (
    ADDRESS,
    UUID,
    VERSION,
    Values,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import gpu_entry, sysfs_address

if TYPE_CHECKING:
    import re


def parse_xml(text: str) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Entries in the order of nvidia-smi's index, ``{driver, cuda}``, and what went wrong in words.

    Sizes are whole MiB, in bytes. MIG instances have no name and no UUID here.
    """
    values = Values()
    # Old parsers expand entities of entities without an end; nvidia-smi declares no entity.
    if "<!ENTITY" in text:
        return [], {"driver": None, "cuda": None}, ["nvidia-smi -q -x: the XML cannot be read: it declares an entity"]
    try:
        log = ET.fromstring(text)  # noqa: S314 the host's own driver wrote the text
    # What a damaged declaration of the encoding raises.
    except (ET.ParseError, ValueError, LookupError) as error:
        return [], {"driver": None, "cuda": None}, [f"nvidia-smi -q -x: the XML cannot be read: {error}"]
    drivers = {
        "driver": values.text(log.findtext("driver_version"), "driver_version", VERSION),
        "cuda": values.text(log.findtext("cuda_version"), "cuda_version", VERSION),
    }
    gpus = [_entry(values, index, gpu) for index, gpu in enumerate(log.findall("gpu"))]
    return gpus, drivers, values.problems


def _entry(values: Values, index: int, gpu: ET.Element) -> dict[str, Any]:
    where = f"GPU {index}"

    def word(path: str, pattern: re.Pattern[str] | None = None) -> str | None:
        return values.text(gpu.findtext(path), f"{where} {path}", pattern)

    def size(path: str) -> int | None:
        return values.mebibytes(gpu.findtext(path), f"{where} {path}")

    def flag(path: str) -> bool | None:
        return values.flag(gpu.findtext(path), f"{where} {path}")

    architecture = word("product_architecture")
    return gpu_entry(
        "nvidia",
        index=index,
        name=word("product_name"),
        uuid=word("uuid", UUID),
        pci_bus_id=sysfs_address(word("pci/pci_bus_id", ADDRESS) or gpu.get("id")),
        memory_bytes=size("fb_memory_usage/total"),
        free_bytes=size("fb_memory_usage/free"),
        # "Ada Lovelace" is Ada everywhere else.
        architecture=None if architecture is None else architecture.split()[0],
        display_active=flag("display_active"),
        persistence_mode=flag("persistence_mode"),
        mig=_mig(values, where, gpu, enabled=flag("mig_mode/current_mig")),
    )


def _mig(values: Values, where: str, gpu: ET.Element, *, enabled: bool | None) -> dict[str, Any] | None:
    if enabled is None:
        return None
    return {
        "enabled": enabled,
        "instances": [
            {
                "name": None,
                "uuid": None,
                "memory_bytes": values.mebibytes(
                    instance.findtext("fb_memory_usage/total"), f"{where} MIG device {number} memory"
                ),
            }
            for number, instance in enumerate(gpu.findall("mig_devices/mig_device"))
        ],
    }
