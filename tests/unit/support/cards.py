# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards of all kinds for the facts of small machines, and what a plan makes of them."""

from __future__ import annotations

from ansible_collections.inference.ollama.tests.unit.support.plans import card, instances

GIB = 1 << 30


def amd(index=0, target="gfx1100", **facts):
    """An AMD card of 8 GiB with a driver and no screen, at an address of its own."""
    own = {
        "vendor": "amd",
        "compute_capability": None,
        "gfx_target": target,
        "uuid": f"GPU-00000000000000a{index}",
        "pci_bus_id": f"0000:1{index}:00.0",
        "answers": True,
        **facts,
    }
    return card(index, **own)


def lost(index=1, **facts):
    """An NVIDIA card that the driver does not list: the kernel alone knows its address."""
    unknown = dict.fromkeys(("index", "uuid", "memory_bytes", "compute_capability", "display_active", "integrated"))
    return {**card(index), **unknown, "answers": False, **facts}


def board(**facts):
    """An integrated NVIDIA GPU that shares all memory, as GB10 and Jetson have."""
    return card(0, **{"integrated": True, "memory_bytes": 16 * GIB, "shared_bytes": 16 * GIB, **facts})


def apu(target="gfx1103", **facts):
    """An integrated AMD GPU."""
    return amd(0, target, **{"integrated": True, "shared_bytes": 0, **facts})


def gpus(made):
    """The cards of each instance."""
    return [server["gpus"] for server in instances(made)]


def message(made, code):
    """What the one warning of a code says, with its remedy."""
    (found,) = [warning for warning in made["warnings"] if warning["code"] == code]
    return f"{found['message']}; {found['remedy']}"
