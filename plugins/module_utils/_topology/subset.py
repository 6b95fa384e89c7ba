# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts that ``gather_subset`` selects, by the rules of ansible.builtin.setup.

Core's own function for it lives in a package whose import loads every collector of facts, which takes twice as
long as reading a host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet


def wanted(known: AbstractSet[str], minimal: AbstractSet[str], words: Iterable[str]) -> set[str]:
    """Some of the ``known`` names: ``minimal`` always, then what the words add, less what they leave out.

    A word is a known name, ``all`` or ``min``, or one of them with ``!`` in front. ``!min`` leaves out what is
    always read, ``!all`` everything else; a name that is listed itself stays whatever leaves it out.
    No words mean ``all``.
    """
    added = set(minimal)
    left_out: set[str] = set()
    named: set[str] = set()
    for word in tuple(words) or ("all",):
        if word == "all":
            added |= known
        elif word == "!all":
            left_out |= known - minimal
        elif word == "!min":
            left_out |= minimal
        elif word.startswith("!"):
            left_out.add(word[1:])
        elif word != "min":
            named.add(word)
    return (added | named) - (left_out - named)
