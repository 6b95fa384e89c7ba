# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what the playbook benchmark measures on a host, and refuse what is wrong with its variables, all at once."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.bounds import (
    DEFAULTS,
    LONGEST,
    MOST_IN_FLIGHT,
)
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import EVERY_ADDRESS, listens
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.limits import KINDS, is_model, is_url
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.record import name_of, read_record
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.records import unlike
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import url_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PREFIX = "ollama_benchmark_"
ALL = "all"
HOST, CONTROLLER = "host", "controller"
# The option of the module whose variable has another name.
_VARIABLES = {"duration": "seconds"}
_PARALLEL = "OLLAMA_NUM_PARALLEL"
# What loading a model may take on top of the points.
_LOADING = 300


def benchmark_request(
    asked: Mapping[str, Any],
    plan: Mapping[str, Any] | None,
    models: Sequence[str] | None = None,
    baseline: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return ``{refusals, measurements, urls, from, would}``.

    ``asked`` has the playbook's variables without their prefix, and ``address``, by which the controller reaches the
    host, and ``local``, whether it is the controller; ``models`` are those of the store, where all are asked for;
    ``baseline`` is ``{path, text}``, without a text where it could not be read. ``measurements`` has the options of the
    module benchmark for each model; ``urls`` is empty where the requests go to the servers' own.
    """
    refusals: list[str] = []
    if not asked.get("measurable", True):
        refusals.append(
            "there is no ollama.service to measure: the host lacks Ollama, or ollama_topology_root is a capture"
        )
    options = _options(asked, plan, refusals)
    names = _models(asked, models, refusals)
    source = str(asked.get("from") or HOST)
    if source not in (HOST, CONTROLLER):
        refusals.append(_refusal("from", source, f"{HOST} or {CONTROLLER}"))
    urls = _urls(asked, plan, source, refusals)
    measurements = [{**options, "model": name} for name in names]
    refusals += _baseline(baseline, measurements)
    return {
        "refusals": list(dict.fromkeys(refusals)),
        "measurements": [] if refusals else measurements,
        "urls": urls,
        "from": source,
        "would": [] if refusals else [*_would(measurements, urls, source)],
    }


def _options(asked: Mapping[str, Any], plan: Mapping[str, Any] | None, refusals: list[str]) -> dict[str, Any]:
    """Return the options that are asked for, as the module takes them."""
    found: dict[str, Any] = {}
    for name, (kind, words) in KINDS.items():
        value = asked.get(_VARIABLES.get(name, name))
        if value not in (None, ""):
            try:
                found[name] = kind(value)
            except (TypeError, ValueError, OverflowError, RecursionError):
                refusals.append(_refusal(name, value, words))
    most = found.get("output_tokens", DEFAULTS["output_tokens"]) // 2
    if found.get("output_tokens_stdev", 0) > most:
        words = f"a whole number from 0 to {most}, half of {PREFIX}output_tokens"
        refusals.append(_refusal("output_tokens_stdev", found["output_tokens_stdev"], words))
    if "concurrency" not in found and not found.get("request_rate"):
        found["concurrency"] = streams(plan)
    points = len(found.get("concurrency", [])) + len(found.get("request_rate", []))
    # Warming up takes a point's duration at most.
    each = 2 * found.get("duration", DEFAULTS["duration"])
    found.setdefault("max_duration", min(float(LONGEST), float(_LOADING + points * each)))
    return found


def _would(measurements: Sequence[Mapping[str, Any]], urls: Sequence[str], source: str) -> Iterator[str]:
    """Yield what a run does, in sentences."""
    for each in measurements:
        asked = {**DEFAULTS, **each}
        loads = [f"{count} at a time" for count in asked.get("concurrency", [])]
        loads += [f"{rate:g} a second ({asked['arrival']})" for rate in asked.get("request_rate", [])]
        yield (
            f"would load {each['model']} where it is not in memory, and measure it from the {source}"
            f" at {', '.join(urls) or 'the addresses of all planned servers'}, for at most {asked['max_duration']:g} s"
        )
        yield (
            f"would send requests {', '.join(loads)}: prompts of {asked['prompt_tokens']} tokens (prompt cache:"
            f" {asked['prompt_cache']}), answers of {asked['output_tokens']}, {asked['duration']:g} s each"
        )
    yield "would leave in memory what was there before"


def streams(plan: Mapping[str, Any] | None) -> list[int]:
    """Return 1, 2, 4 and so on up to the planned slots of all servers, these themselves, and once twice that."""
    slots = 0
    for instance in (plan or {}).get("instances", []):
        values = [
            decision["value"]
            for decision in (plan or {})["decisions"]
            if decision["setting"] == _PARALLEL and decision["instance"] == instance["name"]
        ]
        known = str(values[0]) if values else ""
        slots += int(known) if known.isdecimal() and len(known) < 6 else 1
    slots = max(1, slots)
    powers = [1 << power for power in range(slots.bit_length()) if 1 << power < slots]
    return [each for each in (*powers, slots, 2 * slots) if each <= MOST_IN_FLIGHT]


def _models(asked: Mapping[str, Any], models: Sequence[str] | None, refusals: list[str]) -> list[str]:
    value = asked.get("models") or asked.get("model") or []
    if value == ALL:
        if not models:
            refusals.append(f"{PREFIX}models: it is {ALL}, and no model was found in the host's store")
        return sorted(models or [])
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        refusals.append(_refusal("models", value, f"a list of names, or {ALL}"))
        return []
    if not names:
        refusals.append(
            f"{PREFIX}model: it is empty, and so is {PREFIX}models; allowed is the name of a model that the servers"
            " have, such as llama3.2:3b"
        )
    names = list(dict.fromkeys(name.strip() for name in names))
    words = "the name of a model such as llama3.2:3b"
    refusals += [_refusal("models", name, words) for name in names if not is_model(name)]
    return names


def _urls(asked: Mapping[str, Any], plan: Mapping[str, Any] | None, source: str, refusals: list[str]) -> list[str]:
    """Return where the requests go; nothing where that is each server's own address."""
    given = asked.get("urls") or []
    if given:
        several = given.split(",") if isinstance(given, str) else given
        several = [str(each).rstrip("/") for each in several] if isinstance(several, (list, tuple)) else []
        if not several or len(set(several)) < len(several) or not all(map(is_url, several)):
            # Not quoted: a password may be in it.
            words = "a list of different addresses of servers such as http://192.0.2.7:11434, without a user"
            refusals.append(f"{PREFIX}urls: it is not allowed; allowed is {words}")
        return several
    if source != CONTROLLER or asked.get("local"):
        return []
    found = []
    for instance in (plan or {}).get("instances", []):
        address, port = listens(f"{instance['host']}:{instance['port']}")
        if address == EVERY_ADDRESS or _is(address, "is_unspecified"):
            address = str(asked.get("address") or "")
        elif _is(address, "is_loopback") or address == "localhost":
            refusals.append(
                f"{PREFIX}from: {CONTROLLER} cannot reach {instance['unit']}, which listens on {address} alone; allowed"
                f" is {HOST}, or {PREFIX}urls with addresses that lead to it"
            )
            continue
        found.append(url_of(address, port))
    return found


def _is(address: str, what: str) -> bool:
    try:
        return bool(getattr(ipaddress.ip_address(address), what))
    except ValueError:
        return False


def _baseline(baseline: Mapping[str, Any] | None, measurements: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield why what is asked for cannot be compared with the baseline."""
    if baseline is None:
        return
    what = f"baseline: {one_line(str(baseline['path']), 300)}"
    if not isinstance(baseline.get("text"), str):
        yield f"{what}: it cannot be read; expected is a file HOST.benchmark.json, or a folder of them"
        return
    try:
        found = read_record(baseline["text"], what)
    except OllamaError as error:
        yield str(error)
        return
    known = {name_of(result): result for result in found["benchmarks"]}
    for measurement in measurements:
        name = measurement["model"]
        if name not in known:
            yield f"{what}: it has no model {name}, but {', '.join(known) or 'none'}"
            continue
        workload = {**DEFAULTS, **measurement}
        yield from (f"{what}: {name}: {each}" for each in unlike(known[name], {"workload": workload}))


def _refusal(name: str, value: object, allowed: str) -> str:
    return f"{PREFIX}{_VARIABLES.get(name, name)}: {one_line(repr(value), 80)} is not allowed; allowed is {allowed}"
