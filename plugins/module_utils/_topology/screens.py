# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a GPU drives a screen, for those whose driver does not say so: the connectors under /sys/class/drm.

Source: drivers/gpu/drm/drm_sysfs.c and drm_connector.c of the Linux kernel. ``status`` is connected, disconnected or
unknown. ``enabled`` is enabled where the connector has an encoder, that is where a picture is set up for it; a screen
that sleeps keeps it. A connector is named card, type and number (card0-DP-1); those of type Writeback lead to memory.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import DEVICES, DRM, sysfs_address

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import PciDevice

_CARD = re.compile(r"card[0-9]{1,6}")
_CONNECTOR = re.compile(r"(card[0-9]{1,6})-(?!Writeback-)\S+")
_SLOT = re.compile(r"^PCI_SLOT_NAME=(\S+)$", re.MULTILINE)
_WORDS = {"status": ("connected", "disconnected", "unknown"), "enabled": ("enabled", "disabled")}


def add_screens(root: Root, gpus: list[dict[str, Any]], cards: list[PciDevice]) -> None:
    """Fill ``display_active`` where it is None and the connectors tell; ``cards`` are all on PCI, consoles too.

    False is a card whose connectors are all free, or that has none; a screen that is plugged in and shows nothing may
    be switched on at any time, so there it stays None.
    """
    drawn = _drawn(root)
    places = _places(root, set(drawn), [card.address for card in cards])
    # Connectors whose card no file names can only be those of a host's only card.
    if len(cards) == 1 and None in places.values() and cards[0].address not in places.values():
        places = {name: place or cards[0].address for name, place in places.items()}
    for gpu in gpus:
        address = gpu["pci_bus_id"]
        own = [drawn[name] for name, place in places.items() if (place == address if address else not place)]
        states = [state for states in own for state in states]
        # The display of a board is another device than its GPU; without one nothing is known.
        if gpu["display_active"] is None and (states or (own and address)):
            gpu["display_active"] = _verdict(states)


def _verdict(states: list[bool | None]) -> bool | None:
    if True in states:
        return True
    return None if None in states else False


def _drawn(root: Root) -> dict[str, list[bool | None]]:
    """By card what each of its connectors does: True drives a screen, False has none, None is not known."""
    drawn: dict[str, list[bool | None]] = {}
    for name in root.names(DRM):
        connector = _CONNECTOR.fullmatch(name)
        if connector is not None:
            drawn.setdefault(connector[1], []).append(_drives(root, f"{DRM}/{name}"))
        elif _CARD.fullmatch(name):
            drawn.setdefault(name, [])
    return drawn


def _drives(root: Root, folder: str) -> bool | None:
    status, enabled = _word(root, folder, "status"), _word(root, folder, "enabled")
    if status == "connected":
        return True if enabled == "enabled" else None
    if status == "disconnected" or (status == "unknown" and enabled == "disabled"):
        return False
    return None


def _word(root: Root, folder: str, name: str) -> str | None:
    text = root.text(f"{folder}/{name}")
    if text is None or text in _WORDS[name]:
        return text
    root.problem(f"{folder}/{name}: read {text[:80]!r}, expected one of {', '.join(_WORDS[name])}")
    return None


def _places(root: Root, names: set[str], addresses: list[str]) -> dict[str, str | None]:
    """The PCI address of each card of /sys/class/drm; empty for one that is on no PCI bus, None where nothing tells."""
    below = {name: address for address in addresses for name in root.names(f"{DEVICES}/{address}/drm") if name in names}
    return {name: below.get(name) or _place(root, f"{DRM}/{name}/device") for name in sorted(names)}


def _place(root: Root, device: str) -> str | None:
    target = root.link(device)
    # The uevent file travels in captures that leave symbolic links out.
    named = _SLOT.search(root.text(f"{device}/uevent") or "")
    place = sysfs_address(target) or sysfs_address(named[1] if named else None)
    return place or (None if target is None else "")
