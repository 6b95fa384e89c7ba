# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of all hosts, and the fleet's models, as a placement takes them; everything that is wrong in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line, visible
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.file import placement_of
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.member import SCHEMA
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.memory import Rule
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.placement import Before, Member
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import parse_fleet, parse_placement
from ansible_collections.inference.ollama.plugins.plugin_utils._models.fits import is_model, numbers_record
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import FleetModel

_NEEDED = ("size_bytes", "layers")
# Characters of a reason that a host gave.
_LONGEST = 400


class Fleet(NamedTuple):
    """What a placement is made of. ``hosts`` were asked; ``members`` are those that models may be placed on."""

    models: Sequence[FleetModel]
    hosts: Sequence[str]
    members: Mapping[str, Member]
    rule: Rule
    before: Before
    problems: Sequence[str]


def read_fleet(
    records: Mapping[str, Any], fleet_models: object, placement: object, options: Mapping[str, Any]
) -> Fleet:
    """The fleet, by the arguments of fleet_placement(). Raises OllamaError with a line for each that is wrong."""
    errors: list[str] = []
    text = options.get("text")
    if isinstance(text, str) and text.strip():
        try:
            placement = placement_of(text)
        except ValueError as error:
            errors.append(f"ollama_fleet_placement_path: {error}")
    wanted, placed, wrong = _parsed(fleet_models, placement)
    errors += wrong
    without = options.get("without") or []
    if not isinstance(without, (list, tuple)):
        errors.append("ollama_fleet_without: allowed is a list of inventory names")
    if errors:
        raise OllamaError("\n".join(errors))
    hosts = {str(name): _read(str(name), record) for name, record in records.items()}
    known = {name: record for name, record in hosts.items() if record}
    if len({record["fleet"] for record in known.values()}) > 1:
        raise OllamaError(
            f"ollama_fleet_models: it is another list on {_odd(known)} than on the others; set it once, in group_vars"
            " of the group of all servers"
        )
    rule, members = _members(wanted, known, list(options.get("files") or ()))
    reasons = {
        str(name): one_line(str(why), _LONGEST) for name, why in dict(options.get("reasons") or {}).items() if why
    }
    said = {
        **{name: record["problems"] for name, record in known.items()},
        **{name: [reasons[name]] for name in reasons},
    }
    problems = [f"{name}: {sentence}" for name in sorted(said) for sentence in said[name]]
    before = _before(hosts, placed, without, options.get("hosts") or ())
    return Fleet(wanted, list(hosts), members, rule, before, problems)


def _parsed(
    fleet_models: object, placement: object
) -> tuple[Sequence[FleetModel], dict[str, tuple[str, ...]], list[str]]:
    """The models and the placement before, and all that is wrong in them."""
    wanted: Sequence[FleetModel] = ()
    placed: dict[str, tuple[str, ...]] = {}
    errors = []
    try:
        wanted = parse_fleet(fleet_models)
    except ValueError as error:
        errors.append(f"ollama_fleet_models: allowed is {error}")
    try:
        placed = parse_placement(placement or {})
    except ValueError as error:
        errors.append(f"ollama_fleet_placement: allowed is {error}")
    return wanted, placed, errors


def _read(name: str, record: object) -> Mapping[str, Any] | None:
    if not record:
        return None
    try:
        found = json.loads(record) if isinstance(record, str) else record
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, Mapping) or found.get("schema") != SCHEMA:
        raise OllamaError(f"records: that of {visible(name)} is not what fleet_host returns, with schema {SCHEMA}")
    return found


def _odd(known: Mapping[str, Mapping[str, Any]]) -> str:
    """The hosts whose list is the rarer one."""
    by_list: dict[str, list[str]] = {}
    for name, record in sorted(known.items()):
        by_list.setdefault(record["fleet"], []).append(name)
    return listed(min(by_list.values(), key=lambda names: (len(names), names)))


def _before(
    hosts: Mapping[str, object],
    placed: Mapping[str, Sequence[str]],
    without: Iterable[object],
    all_hosts: Iterable[str],
) -> Before:
    left = dict.fromkeys(map(str, without), "ollama_fleet_without names the host")
    unread = {name for name in (*hosts, *map(str, all_hosts)) if not hosts.get(name)}
    return Before(placed, frozenset(unread), left)


def _members(
    wanted: Sequence[FleetModel], known: Mapping[str, Mapping[str, Any]], files: Sequence[Any]
) -> tuple[Rule, dict[str, Member]]:
    """Which models fit which kinds of host, and the hosts. A model is as large as the largest of its name."""
    found: dict[str, Mapping[str, Any]] = {}
    kept: dict[str, Mapping[str, Any]] = {}
    for _name, record in sorted(known.items()):
        for models, of in ((record["models"], found), (record["kept"], kept)):
            for model in models:
                _largest(of, model)
    sizes = {model.key: size for model in wanted if (size := _needs(model, found, files)) is not None}
    rule = Rule({**{key: model for key, model in kept.items() if _is_known(model)}, **sizes})
    members = {}
    for name, record in known.items():
        if not record["servers"]:
            continue
        rule.learn(record["kind"], record["servers"], record["release"])
        own = [key_of(str(model["name"])) for model in record["kept"]]
        members[name] = Member(
            name,
            record["kind"],
            record["domains"],
            frozenset(record["loaded"]),
            frozenset(record["stored"]),
            tuple(key for key in own if rule.knows(key)),
        )
    return rule, members


def _largest(found: dict[str, Mapping[str, Any]], model: Mapping[str, Any]) -> None:
    key = key_of(str(model["name"]))
    if key not in found or _size(model) > _size(found[key]):
        found[key] = model


def _size(model: Mapping[str, Any]) -> tuple[int, str]:
    return int(model.get("size_bytes") or 0), json.dumps(model, sort_keys=True, default=str)


def _is_known(model: Mapping[str, Any]) -> bool:
    return all(model.get(key) for key in _NEEDED)


def _needs(model: FleetModel, found: Mapping[str, Any], files: Iterable[Any]) -> Mapping[str, Any] | None:
    """The record by which a model is placed: that of a store, of its base or source, of its file, or its numbers."""
    served = model.served
    record = next(
        (found[key] for key in map(key_of, filter(None, (served.name, served.base, served.source))) if key in found),
        None,
    )
    if record is None and served.file:
        record = next((each for each in files if is_model(each, served.file)), None)
    if record is None and model.needs is not None:
        record = numbers_record(model.needs)
    return {**record, "name": model.name} if record is not None and _is_known(record) else None
