# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator wants of the playbook tune: a sentence for each wrong variable, and what the steps need of it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._hardware import hardware
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import shortest
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.options import checked
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.records import measured_file

if TYPE_CHECKING:
    from collections.abc import Mapping

# Least and most of each number, and whether it has to be there.
_NUMBERS: Mapping[str, tuple[int, int, bool]] = {
    "points": (1, 200, True),
    "minutes": (1, 10080, True),
    "seconds": (2, 3600, True),
    "guard_seconds": (30, 86400, False),
}
# As the module measures where nothing is asked for, but not in step.
_ANSWERS = {"output_tokens": 128, "output_tokens_stdev": 32}
# Beside the measurement itself: what the requests that warm it up and the last ones take, in seconds.
_AROUND = 240
# What a step takes beside the longest waits that the operator allows.
_SPARE = 120
# Models in a sentence, and characters of a problem.
_SHOWN, _PROBLEM = 20, 300


def tuning_request(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{errors, options, budget, measure, guard_seconds}`` of the variables ``ollama_tune_*`` by their names.

    ``asked`` also has ``model``, the waits ``start_timeout`` and ``verify_timeout`` in seconds, and ``file_read``, what
    the module slurp says of the file. ``options`` are those of the filter tuning_space, ``measure`` what every
    measurement has in common.
    """
    errors = []
    numbers: dict[str, Any] = {}
    for name, (least, most, needed) in _NUMBERS.items():
        number = _whole(asked.get(name))
        if number is None and not needed and asked.get(name) in (None, ""):
            numbers[name] = None
        elif number is None or not least <= number <= most:
            errors.append(_wrong(name, asked.get(name), f"a whole number from {least} to {most}"))
        else:
            numbers[name] = number
    # From the command line and from templates a number comes as a text.
    given = {name: asked.get(name) for name in ("knobs", "kv_cache_types")}
    given["objective"] = str(asked.get("objective"))
    given.update({name: _number_or_same(asked.get(name)) for name in ("context_minimum", "concurrency")})
    options = {name: value for name, value in given.items() if value not in (None, "", [])}
    try:
        checked(options)
    except OllamaError as error:
        errors += [f"ollama_tune_{line}" for line in str(error).splitlines()]
    errors += _model_errors(asked.get("model"))
    for name in ("file", "before", "after"):
        path = asked.get(name)
        if path not in (None, "") and (not isinstance(path, str) or not posixpath.isabs(path)):
            errors.append(_wrong(name, path, "an absolute path on the controller, or nothing"))
    try:
        measured_file(asked.get("file_read"))
    except OllamaError as error:
        errors.append(f"ollama_tune_file: {asked.get('file')}: {error}")
    if errors:
        return {"errors": errors}
    most = numbers["seconds"] + _AROUND
    # A wait that is wrong is refused with the variables of the role.
    waits = [max(0, _whole(asked.get(name)) or 0) for name in ("start_timeout", "verify_timeout")]
    return {
        "errors": [],
        "options": options,
        "budget": {"points": numbers["points"], "minutes": numbers["minutes"]},
        "measure": {"model": asked["model"], "duration": numbers["seconds"], "max_duration": most, **_ANSWERS},
        # Between two signs of life are a change with what takes it back, or a measurement with the load of its model.
        "guard_seconds": numbers["guard_seconds"] or max(3 * waits[0] + waits[1], 2 * waits[1] + most) + _SPARE,
    }


def tuning_profile(
    topology: Mapping[str, Any],
    desired: Mapping[str, Any],
    asked: Mapping[str, Any],
    models: Mapping[str, Any],
    host: Mapping[str, Any],
) -> dict[str, Any]:
    """Return ``{errors, profile}``: what a record says of the host and the model, but for what was measured.

    ``desired`` is what the action desired_state decided, ``models`` what the module models_info read of its store,
    ``host`` has ``name`` and the date ``at``.
    """
    if not desired["live"]:
        return {"errors": [f"{host['name']}: there is no service of this host to measure, only files"]}
    if desired["pending"]:
        files = ", ".join(desired["changes"][:_SHOWN])
        differs = f"these files differ: {files}" if files else "services or the kernel differ"
        return {"errors": [f"{host['name']} is not as planned ({differs}), so run inference.ollama.site first"]}
    plan = desired["plan"]
    found = {_name(model): model for model in models.get("models") or []}
    model = found.get(_name({"name": asked["model"]}))
    if model is None:
        there = ", ".join(sorted(filter(None, found))[:_SHOWN]) or "none"
        missing = (
            f"ollama_benchmark_model: {asked['model']!r} is not in the store of {host['name']}; there are: {there}"
        )
        unread = "; ".join(one_line(str(problem), _PROBLEM) for problem in (models.get("problems") or [])[:_SHOWN])
        if unread:
            return {"errors": [f"{missing}, and not all was read: {unread}"]}
        return {"errors": [f"{missing}. Name one of them, or pull it: models are not downloaded unasked"]}
    if plan.get("release") is None:
        return {
            "errors": [
                f"{host['name']}: its release is not known, so what is measured holds for none; set ollama_version"
            ]
        }
    known = hardware(topology)
    digest = model.get("digest")
    return {
        "errors": [],
        "profile": {
            "hardware": known["key"],
            "machine": known["text"],
            "release": plan["release"],
            "model": asked["model"],
            "digest": digest if isinstance(digest, str) and digest else None,
            "objective": asked["objective"],
            "at": host["at"],
            "host": host["name"],
        },
    }


def _name(model: Mapping[str, Any]) -> str | None:
    try:
        return shortest(str(model.get("name")))
    except ValueError:
        return None


def _model_errors(model: object) -> list[str]:
    allowed = "a model's name, such as llama3.1:8b, that is in the store of the host"
    if not isinstance(model, str) or not model.strip():
        return [f"ollama_benchmark_model: no model is named to measure with; allowed is {allowed}"]
    try:
        shortest(model)
    except ValueError:
        return [f"ollama_benchmark_model: {model[:80]!r} is not allowed; allowed is {allowed}"]
    return []


def _number_or_same(value: object) -> object:
    number = _whole(value)
    return value if number is None else number


def _whole(value: object) -> int | None:
    """The number, which the command line and templates hand over as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = str(value) if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _wrong(name: str, value: object, allowed: str) -> str:
    shown = repr(value)
    return f"ollama_tune_{name}: {shown[:80]} is not allowed; allowed is {allowed}"
