# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the models of a host are to move, because their folder becomes another one.

``found`` is what the module unit_files_info returned, ``read`` what store_info did. A step is ``{step, source, target,
user}`` with MOVE, FINISH or TAKE_BACK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._models.room import room_for
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._options import read as read_option
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.found import REPLACE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.named import without_models
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.service import MODELS
from ansible_collections.inference.ollama.plugins.plugin_utils._questions import (
    prefix_of,
    store_of,
    store_record,
    unit_of,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._refusals import plan_or_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._variables import read_kept

if TYPE_CHECKING:
    from collections.abc import Mapping

MOVE, FINISH, TAKE_BACK = "move", "finish", "take_back"
# What stays free beside the models that are copied.
_SPARE_BYTES = 1 << 30
_OPTION = "ollama_models_path_move"


class Decision(NamedTuple):
    """The step, None where nothing moves; why the host is refused; what the operator shall know.

    ``makes`` says whether the folder of the new store is made, which nobody can use before.
    """

    step: dict[str, Any] | None = None
    errors: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    makes: bool = False

    @property
    def models_in(self) -> str | None:
        """Where the models are that the host will serve; None where no move is ahead."""
        return self.step["source"] if self.step is not None and self.step["step"] == MOVE else None


def with_moves(found: Mapping[str, Any]) -> tuple[Decision, Mapping[str, Any]]:
    """Return what is decided on the store, and what was found without what the move does away with."""
    moves = found.get("moves") or Decision()
    # Nobody can use what is not made yet.
    made = moves.makes and moves.step is not None
    return moves, {**found, "store_problem": None} if made else found


def store_question(
    topology: Mapping[str, Any], options: Mapping[str, Any], found: Mapping[str, Any], *, preflight: bool = True
) -> dict[str, Any] | None:
    """Return what the module store_info is asked; None where the store stays where it is."""
    if not preflight or not unit_of(topology) or prefix_of(options) or options["topology_root"] != "/":
        return None
    pending = (found.get("digests") or {}).get(store_record(options)) is not None
    before = earlier_store(topology, found)
    unit = ((found.get("found_unit") or {}).get("variables") or {}).get(MODELS)
    if not pending and not options.get("models_path") and unit is None and before == _home(topology, found):
        return None
    plan, _errors = plan_or_errors(topology, without_models(options), found.get("found_unit"))
    wanted = store_of(plan, topology, options, found) if plan is not None else None
    if wanted is None or before is None or (wanted == before and not pending):
        return None
    return {
        "source": before,
        "target": wanted,
        "user": unit_of(topology).get("user") or "root",
        "state_folder": options["state_folder"],
        "command_timeout": options["command_timeout"],
    }


def earlier_store(topology: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """Return the store that the servers have used up to now, ``~USER`` for a home; None where no unit says."""
    kept = read_kept(found.get("variables"))
    earlier = kept.variables if kept is not None else {}
    if str(earlier.get("models_path") or "").startswith("/"):
        return str(earlier["models_path"])
    unit = ((found.get("found_unit") or {}).get("variables") or {}).get(MODELS) or {}
    if str(unit.get("value") or "").startswith("/") and earlier.get("adopt") != REPLACE:
        return str(unit["value"])
    return _home(topology, found)


def _home(topology: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    return store_of(None, topology, {}, found)


def store_move(
    options: Mapping[str, Any],
    found: Mapping[str, Any],
    asked: Mapping[str, Any] | None,
    read: Mapping[str, Any] | None,
) -> Decision:
    """Decide by what store_question() asked and what the module store_info answered."""
    if asked is None or read is None:
        return Decision()
    source, target, pending = read["source"], read["target"], read.get("pending")
    step = {"step": MOVE, "source": source["path"], "target": target["path"], "user": asked["user"]}
    makes = not target["there"] or target["link"] is not None
    if pending:
        return _resumed(step, pending)._replace(makes=makes)
    if read["same_place"]:
        # By the link that the move from there has left.
        ours = read.get("moved") and read["moved"]["source"] == target["path"] and target["link"]
        return Decision(step, makes=makes) if ours and _asked_for(options) is not False else Decision()
    if not source["files"]:
        return Decision()
    return _due(options, found, read, step)._replace(makes=makes)


def _asked_for(options: Mapping[str, Any]) -> bool | None:
    """What the operator wants; None for auto."""
    try:
        value = read_option(load().options["models_path_move"], options.get("models_path_move", "auto"))
    except ValueError:
        return None  # it is refused elsewhere
    return None if value is None else bool(value)


def _due(
    options: Mapping[str, Any], found: Mapping[str, Any], read: Mapping[str, Any], step: dict[str, Any]
) -> Decision:
    source, target, asked_for = read["source"], read["target"], _asked_for(options)
    what = f"{source['path']} has {_models(source)} ({gib(source['size_bytes'])})"
    if asked_for is False:
        return Decision(notices=(f"{what}, which stay there: {_OPTION} is false",))
    if asked_for is None and read_kept(found.get("variables")) is None:
        if target["models"] or not source["models"]:
            return Decision(notices=(f"{what}, which stay there; {_OPTION}: true moves them to {target['path']}",))
        refusal = (
            f"{_OPTION}: {what}, and {target['path']} has none. Allowed are true, which moves them there, and false,"
            " which leaves them and lets the servers begin without a model"
        )
        return Decision(errors=(refusal,))
    errors = tuple(_hindrances(read))
    return Decision(errors=errors) if errors else Decision(step)


def _models(store: Mapping[str, Any]) -> str:
    return f"{store['models']} model{'' if store['models'] == 1 else 's'}"


def _resumed(step: dict[str, Any], pending: Mapping[str, Any]) -> Decision:
    """What becomes of a move that another run has begun."""
    of_record = {**step, "source": pending["source"], "target": pending["target"]}
    if step["target"] == pending["target"]:
        switched = step["source"] == pending["target"] or pending["phase"] != "copying"
        return Decision({**of_record, "step": FINISH if switched else MOVE})
    if step["target"] == pending["source"] and pending["phase"] == "copying":
        return Decision({**of_record, "step": TAKE_BACK})
    refusal = (
        f"ollama_models_path: a move of the models from {pending['source']} to {pending['target']} is under way."
        f" Allowed is {pending['target']}, with which a run ends it; afterwards they can move on"
    )
    return Decision(errors=(refusal,))


def _hindrances(read: Mapping[str, Any]) -> list[str]:
    """Why the models cannot move."""
    source, target, found = read["source"]["path"], read["target"]["path"], []
    if f"{target}/".startswith(f"{source}/") or f"{source}/".startswith(f"{target}/"):
        found.append(f"ollama_models_path: {target} and {source} lie in each other; choose a folder beside the old one")
    if read["conflicts"]:
        found.append(
            f"ollama_models_path: {target} and {source} both have {', '.join(read['conflicts'])}, and they are not the"
            f" same; remove one of each two, or leave the old store where it is by {_OPTION}: false"
        )
    if read["closed"]:
        found.append(
            f"ollama_models_path: the service's user may not pass {', '.join(read['closed'])}, on the way to {target};"
            " give it the right to enter, as by chmod o+x, or choose another folder"
        )
    room = room_for(read["target"], read["needed_bytes"] + _SPARE_BYTES) if read["needed_bytes"] else None
    if room is not None:
        found.append(f"ollama_models_path: the models of {source} would be copied, but {room}")
    return [*found, *(f"ollama_models_path: {problem}" for problem in read["problems"])]
