# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much context each slot of a server may have, as the plan counts its memory.

Another choice of flash attention, cache type or servers has a table of its own, since buffers and memory differ.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import TOKEN_STEP
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import same
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.options import (
    CONTEXT,
    FLASH,
    INSTANCES,
    KV_TYPE,
    PLAIN_TYPE,
    SLOTS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import Fit

CHOICES = (INSTANCES, FLASH, KV_TYPE)
# How the models fit each server with these settings.
Fits = Callable[[Mapping[str, Any]], "Sequence[Fit]"]
# {settings, contexts}: the choices, and the context with one slot, with two, and so on, to the last that is possible.
Table = List[Dict[str, Any]]


def table(fits: Fits, knobs: Mapping[str, Sequence[Any]], planned: tuple[int, int], floor: int, most: int) -> Table:
    """Return the contexts of every combination of the choices that are searched, the planned ones first.

    ``knobs`` has the values of each choice, ``planned`` slots and context, ``floor`` the least context of a slot.
    """
    slots, context = planned
    found: Table = []
    for choices in _combinations(knobs):
        contexts = _contexts(fits(choices), context, floor, most)
        if not found:
            # What is planned is possible, whatever the plan warns of.
            contexts = [context] * slots + contexts[slots:]
        found.append({"settings": choices, "contexts": contexts})
    return found


def fitted(settings: Mapping[str, Any], space: Mapping[str, Any], *, fewer: bool = False) -> dict[str, Any]:
    """Return the settings with the context that memory leaves for so many slots; with ``fewer`` slots if need be.

    Where no context is possible it is the least, and the plan says why the settings do not fit.
    """
    result = dict(settings)
    each = next((one for one in space.get("held") or () if _is_of(one["settings"], result)), None)
    if each is None or SLOTS not in result:
        return result
    contexts = each["contexts"]
    if fewer and contexts:
        result[SLOTS] = min(int(result[SLOTS]), len(contexts))
    follows = next((knob for knob in space["knobs"] if knob["name"] == CONTEXT), None)
    if follows is not None:
        held = contexts[int(result[SLOTS]) - 1] if 0 < int(result[SLOTS]) <= len(contexts) else follows["low"]
        result[CONTEXT] = held
    return result


def _is_of(choices: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    return all(same(settings.get(name), value) for name, value in choices.items())


def _contexts(fits: Sequence[Fit], context: int, floor: int, most: int) -> list[int]:
    """The most context of a slot, from the planned one down to the floor, with one slot, two and so on."""
    last = min((_largest(fit, "parallel", 1, floor, most) for fit in fits), default=0)
    found: list[int] = []
    for slots in _some(last):
        context = min(max(floor, _largest(fit, "context", slots, context, context)) for fit in fits)
        # As many as a few slots more have.
        found += [context] * (slots - len(found))
    return found


def _largest(fit: Fit, field: str, slots: int, context: int, most: int) -> int:
    wanted = fit.chosen._replace(parallel=slots, context=context)
    if fit.budget.holds(wanted._replace(**{field: most})):
        return most
    return fit.budget.largest(wanted, field, 1 if field == "parallel" else TOKEN_STEP, most) or 0


def _some(last: int) -> list[int]:
    """Numbers up to the last, all up to 16, then eight until each is doubled: each takes many steps to reckon."""
    return sorted(
        {last, *(number for number in range(1, last) if number % (1 << max(0, number.bit_length() - 4)) == 0)} - {0}
    )


def _combinations(knobs: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*knobs.values()):
        choices = dict(zip(knobs, values))
        # The other ones come with flash attention.
        if choices.get(FLASH) is not False or choices.get(KV_TYPE, PLAIN_TYPE) == PLAIN_TYPE:
            yield choices
