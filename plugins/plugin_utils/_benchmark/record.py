# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a host's measurements: what was measured, on which machine, release and settings, and when.

docs/benchmark.schema.json describes it field by field.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._hardware import hardware
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.failed import failed_checks
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCHEMA = 1
_EXPECTED = "a file HOST.benchmark.json of the playbook inference.ollama.benchmark"


def make_record(
    results: Iterable[Mapping[str, Any]],
    host: str,
    profile: Mapping[str, Any],
    at: str,
    source: str = "host",
) -> dict[str, Any]:
    """Return ``{schema, host, at, from, profile, benchmarks, failed}``.

    ``results`` are ``{model, benchmark}`` in the order of measuring, where benchmark is what the module returned or
    ``{error}``; ``profile`` is what machine_profile() returned; ``at`` is the time in UTC as text; ``source`` is where
    the requests came from, ``host`` or ``controller``.
    """
    benchmarks, failed = [], []
    for result in results:
        found = mapping(result["benchmark"])
        if "error" in found or "points" not in found:
            failed.append({"model": str(result["model"]), "error": str(found.get("error") or "it was not measured")})
        else:
            benchmarks.append(dict(found))
    return {
        "schema": SCHEMA,
        "host": str(host),
        "at": str(at),
        "from": str(source),
        "profile": dict(profile),
        "benchmarks": benchmarks,
        "failed": failed,
    }


def record_of(results: Iterable[Mapping[str, Any]], host: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of make_record(); ``about`` is ``{topology, plan, verification, accepted, at, from}``."""
    profile = machine_profile(
        about["topology"], about["plan"], about.get("verification"), list(about.get("accepted") or ())
    )
    return make_record(results, host, profile, about["at"], about.get("from") or "host")


def machine_profile(
    topology: Mapping[str, Any],
    plan: Mapping[str, Any],
    verification: Mapping[str, Any] | None = None,
    accepted: Sequence[str] = (),
) -> dict[str, Any]:
    """Return ``{hardware, topology, release, settings, as_planned}``: on what a measurement was made.

    ``verification`` is what the filter of that name returned before measuring; ``accepted`` names settings that may
    fail. ``as_planned`` is null where the host was not verified.
    """
    return {
        "hardware": hardware(topology),
        "topology": _topology(topology),
        "release": plan["release"],
        "settings": [
            {key: decision[key] for key in ("instance", "setting", "value", "source")}
            for decision in plan["decisions"]
            if decision["value"] is not None
        ],
        "as_planned": None if verification is None else _as_planned(verification, accepted),
    }


def read_record(given: object, what: str) -> Mapping[str, Any]:
    """Return a record, or the one in a text of JSON; OllamaError that begins with ``what`` for anything else.

    Of a record everything else may be missing or of another type; that what it is, who has it and its measurements
    are there is certain.
    """
    found = _parsed(given, what) if isinstance(given, str) else given
    if not isinstance(found, dict) or "benchmarks" not in found:
        raise OllamaError(
            f"{what}: it is no measurement; expected is a file HOST.benchmark.json of the playbook benchmark"
        )
    if found.get("schema") != SCHEMA:
        raise OllamaError(f"{what}: its schema is {one_line(repr(found.get('schema')), 40)}; expected {SCHEMA}")
    whole = rows(found["benchmarks"])
    known = {key: found.get(key) if isinstance(found.get(key), str) else None for key in ("host", "at", "from")}
    return {
        **found,
        **known,
        "profile": mapping(found.get("profile")),
        "benchmarks": [result for result in whole if isinstance(result.get("points"), list)],
        "failed": rows(found.get("failed")),
    }


def name_of(result: Mapping[str, Any]) -> str:
    """Return the name of the model that was measured."""
    return str(mapping(result.get("model")).get("name") or "(model unknown)")


def digest_of(result: Mapping[str, Any]) -> str | None:
    """Return the digest of the model that was measured, without what it is a digest by."""
    digest = mapping(result.get("model")).get("digest")
    return digest.removeprefix("sha256:") if isinstance(digest, str) and digest else None


def _parsed(text: str, what: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise OllamaError(f"{what}: it is not JSON; expected is {_EXPECTED}") from None


def _topology(topology: Mapping[str, Any]) -> dict[str, Any]:
    cpu, memory = mapping(topology["cpu"]), mapping(topology["memory"])
    nodes, cards = topology.get("numa"), topology.get("gpus")
    return {
        **{key: cpu.get(key) for key in ("architecture", "model", "sockets", "cores", "threads")},
        "numa_nodes": len(nodes) if isinstance(nodes, list) else None,
        "memory_bytes": memory.get("host_bytes") or memory.get("total_bytes"),
        "gpus": [{"name": card.get("name"), "memory_bytes": card.get("memory_bytes")} for card in rows(cards)]
        if isinstance(cards, list)
        else None,
        "virtualization": mapping(topology.get("virtualization")).get("type"),
        "kernel": mapping(topology.get("kernel")).get("release"),
    }


def _as_planned(verification: Mapping[str, Any], accepted: Sequence[str]) -> dict[str, Any]:
    names = dict.fromkeys(str(check["setting"]) for check in failed_checks(verification, accepted))
    return {"verdict": verification["verdict"], "failed": list(names)}
