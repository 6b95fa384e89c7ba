# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for the device files of cards before a server starts, and say which are not there.

A server that starts before them finds no card, runs on the CPUs, and stays there. NVIDIA's README, chapter "Frequently
Asked Questions", on the device files and nvidia-modprobe(1), which makes them; "The /proc interface" for the minor
number of a card. amdgpu makes /dev/kfd and /dev/dri/renderD*, which sysfs names below the card's device.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from typing import TYPE_CHECKING, Callable, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._readiness import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_PAUSE = 0.5
# nvidia-modprobe(1) is asked again this often: the module may be loaded only then.
_ASK_EVERY = 5
_CONTROL, _UVM = "/dev/nvidiactl", "/dev/nvidia-uvm"
_PROC = "/proc/driver/nvidia/gpus"
_MINOR = re.compile(r"^Device Minor:\s*([0-9]{1,3})\s*$", re.MULTILINE)
_NODE = re.compile(r"nvidia[0-9]{1,3}")
_MOST = 64


class System(NamedTuple):
    """What is looked at, what is asked, and the time: time.monotonic and time.sleep."""

    root: Callable[[], Root]
    run: Runner
    now: Callable[[], float]
    sleep: Callable[[float], None]


def missing(root: Root, cards: Sequence[str]) -> list[str]:
    """The device files that are not there, of cards as ``nvidia@ADDRESS`` and ``amd@ADDRESS``."""
    found: list[str] = []
    nvidia = [card.partition("@")[2] for card in cards if card.startswith("nvidia@")]
    if nvidia:
        found += [node for node in (_CONTROL, _UVM) if not root.exists(node)]
        found += _nvidia(root, nvidia)
    amd = [card.partition("@")[2] for card in cards if card.startswith("amd@")]
    if amd:
        found += [node for node in ("/dev/kfd",) if not root.exists(node)]
        for address in amd:
            names = [name for name in root.names(f"/sys/bus/pci/devices/{address}/drm") if name.startswith("renderD")]
            nodes = [f"/dev/dri/{name}" for name in names] or ["/dev/dri/renderD*"]
            found += [node for node in nodes if not root.exists(node)]
    return list(dict.fromkeys(found))[:_MOST]


def _nvidia(root: Root, addresses: Sequence[str]) -> list[str]:
    known = root.names(_PROC)
    if not known:
        # A container has the files alone: as many as cards.
        there = [name for name in root.names("/dev") if _NODE.fullmatch(name)]
        free = [f"/dev/nvidia{number}" for number in range(_MOST) if f"nvidia{number}" not in there]
        return free[: max(0, len(addresses) - len(there))]
    found = []
    for address in addresses:
        minor = _MINOR.search(root.text(f"{_PROC}/{address}/information") or "")
        # Without its number the driver has not taken the card yet.
        node = f"/dev/nvidia{minor[1]}" if minor else f"/dev/nvidia@{address}"
        found += [] if root.exists(node) else [node.replace("@", "-")]
    return found


def wait(system: System, cards: Sequence[str], seconds: float) -> tuple[list[str], float]:
    """Wait until all are there, for so long at most; the files that are not, and how long that took."""
    begun, asked = system.now(), None
    while True:
        left, spent = missing(system.root(), cards), system.now() - begun
        if not left or spent + _PAUSE > seconds:
            return left, spent
        if any("nvidia" in node for node in left) and (asked is None or spent - asked >= _ASK_EVERY):
            asked = spent
            # Where it is not installed udev or the persistence daemon makes them.
            for words in (["-u", "-c", "0"], *(["-c", str(number)] for number in range(1, len(cards)))):
                system.run(["nvidia-modprobe", *words])
        system.sleep(_PAUSE)


def main(arguments: Sequence[str], system: System | None = None) -> int:
    """``--unit UNIT --seconds N CARD…``: always 0, since a server without a card is better than none."""
    parser = argparse.ArgumentParser(prog="readiness wait")
    parser.add_argument("--unit", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("cards", nargs="+")
    asked = parser.parse_args(arguments)
    left, spent = wait(system or _system(), asked.cards, asked.seconds)
    said = ""
    if left:
        said = f"starts without {', '.join(left)}: not there after {spent:.0f} s; the server may not find its cards"
    elif spent >= 1:
        said = f"waited {spent:.0f} s for the device files of the cards"
    try:
        record.write(record.wait_file(asked.unit), {"waited_seconds": round(spent, 1), "missing": left})
    except OllamaError as error:
        said = f"{said}; {error}" if said else str(error)
    if said:
        sys.stdout.write(f"{asked.unit}: {said}\n")
    return 0


def _system() -> System:
    from ansible_collections.inference.ollama.plugins.module_utils._process import runner  # noqa: PLC0415 only here
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root as Files  # noqa: PLC0415 only here

    # A root keeps what it has read, and this is about what changes.
    return System(lambda: Files("/"), runner(10), time.monotonic, time.sleep)
