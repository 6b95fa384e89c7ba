# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed on each host and in the fleet since an earlier report."""

from __future__ import annotations

import json
from typing import Any, Iterable, Iterator, Mapping

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.metrics import METRICS, load_text
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.records import compare_records
from ansible_collections.inference.ollama.plugins.plugin_utils._models.remedies import where
from ansible_collections.inference.ollama.plugins.plugin_utils._report.clean import cleaned
from ansible_collections.inference.ollama.plugins.plugin_utils._report.host import VERDICTS, counted
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, rows

# What a host may be since an earlier report, in words of a sentence with the number of such hosts.
ADDED, WORSE, BETTER, SLOWER, FASTER = "added", "worse", "better", "slower", "faster"
RELEASE, HARDWARE, SETTING, CHECK, MODEL = "release", "hardware", "setting", "check", "model"
KINDS = {
    ADDED: "added",
    WORSE: "worse",
    BETTER: "better",
    RELEASE: "with another release",
    HARDWARE: "with other hardware",
    SETTING: "with other settings",
    CHECK: "with other results of checks",
    MODEL: "with other models, or models in another place",
    SLOWER: "slower",
    FASTER: "faster",
}
_GONE = "no longer in the report"
_WORDS = {metric.name: metric.words for metric in METRICS}
# What damaged parts of a report may raise.
_DAMAGED = (OllamaError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def earlier_hosts(baseline: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the hosts of a report by name; entries without a name are left out."""
    return {host["name"]: host for host in rows(baseline["hosts"]) if isinstance(host.get("name"), str)}


def host_since(host: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return ``{kinds, changes, measurements, not_compared}`` of a host; ``earlier`` is null where it was not there.

    ``kinds`` are words of KINDS. ``changes`` are ``{kind, instance, name, before, after}``, where name is that of a
    setting, a check or a model. ``measurements`` are metrics that are faster or slower as compare_records() judges it:
    by 3 % or more, with an interval that leaves 1 out. ``not_compared`` has a sentence for what cannot be compared.
    """
    if earlier is None:
        return {"kinds": [ADDED], "changes": [], "measurements": [], "not_compared": []}
    changes = [*_words(host, earlier), *_settings(host, earlier), *_checks(host, earlier), *_models(host, earlier)]
    measurements, not_compared = _measurements(host, earlier)
    moved = _moved(changes[0]) if changes and changes[0]["kind"] == "verdict" else None
    found = {moved, *(row["kind"] for row in changes), *(row["verdict"] for row in measurements)}
    return {
        "kinds": [kind for kind in KINDS if kind in found],
        # An earlier release may have kept what this one hides.
        **cleaned({"changes": changes, "measurements": measurements, "not_compared": not_compared}),
    }


def fleet_since(hosts: Iterable[Mapping[str, Any]], baseline: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{moment, sentence, kinds, gone, changes}`` of hosts that have host_since() as ``since``.

    ``kinds`` has the names of hosts by word; ``gone`` are ``{name, verdict, release, hardware}`` of hosts that are in
    the baseline alone; ``changes`` are ``{kind, name, before, after, hosts}``, those on most hosts first.
    """
    known = {host["name"]: mapping(host["since"]) for host in hosts}
    kinds = {kind: [name for name in known if kind in known[name]["kinds"]] for kind in KINDS}
    gone = [
        cleaned({key: each.get(key) for key in ("name", "verdict", "release", "hardware")})
        for name, each in earlier_hosts(baseline).items()
        if name not in known
    ]
    words = [f"{len(names)} {KINDS[kind]}" for kind, names in kinds.items() if names]
    words += [f"{len(gone)} {_GONE}"] if gone else []
    words[:1] = [_with_hosts(words[0])] if words else ["nothing changed"]
    return {
        "moment": cleaned(str(baseline.get("moment"))),
        "sentence": ", ".join(words),
        "kinds": kinds,
        "gone": gone,
        "changes": _grouped(known),
    }


def _with_hosts(words: str) -> str:
    """``2 hosts added`` of ``2 added``."""
    number, _space, rest = words.partition(" ")
    return f"{counted(int(number), 'host')} {rest}"


def _grouped(known: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the changes that are the same on several hosts once, with these hosts."""
    found: dict[str, dict[str, Any]] = {}
    for name, since in known.items():
        for row in since["changes"]:
            change = {key: row[key] for key in ("kind", "name", "before", "after")}
            names = found.setdefault(json.dumps(change, sort_keys=True), {**change, "hosts": []})["hosts"]
            # A host with several servers has a change once.
            names += [name] if name not in names[-1:] else []
    order = ("verdict", *KINDS)
    return sorted(found.values(), key=lambda row: (order.index(row["kind"]), -len(row["hosts"]), str(row["name"])))


def _words(host: Mapping[str, Any], earlier: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield another verdict, release and hardware; where one side is not known nothing has changed."""
    for key in ("verdict", RELEASE, HARDWARE):
        before, after = earlier.get(key), host[key]
        if isinstance(before, str) and after is not None and before != after:
            yield _row(key, (None, None), before, after)


def _moved(change: Mapping[str, Any]) -> str | None:
    if change["before"] not in VERDICTS:
        return None
    return WORSE if VERDICTS.index(change["after"]) < VERDICTS.index(change["before"]) else BETTER


def _settings(host: Mapping[str, Any], earlier: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each setting to which the plans give another value, null where one of them does not have it."""
    old, new = (
        {_key(row): row.get("value") for row in rows(mapping(each.get("plan")).get("decisions"))}
        for each in (earlier, host)
    )
    for row in _different(SETTING, old, new) if old and new else ():
        # A secret that an earlier release has shown is hidden by the name of its setting.
        sides = {side: cleaned({"setting": row["name"], "value": row[side]})["value"] for side in ("before", "after")}
        if sides["before"] != sides["after"]:
            yield {**row, **sides}


def _checks(host: Mapping[str, Any], earlier: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each check that both have with another verdict."""
    old, new = (_verdicts(each.get("verification")) for each in (earlier, host))
    both = old.keys() & new.keys()
    yield from _different(CHECK, *({key: side[key] for key in side if key in both} for side in (old, new)))


def _verdicts(verification: object) -> dict[tuple[str | None, str | None], str]:
    """Return the worst verdict of each check."""
    found: dict[tuple[str | None, str | None], str] = {}
    for check in rows(mapping(verification).get("checks")):
        verdict = check.get("verdict")
        if verdict in VERDICTS:
            found[_key(check)] = min(str(verdict), found.get(_key(check), str(verdict)), key=VERDICTS.index)
    return found


def _models(host: Mapping[str, Any], earlier: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each model that came, went or fits elsewhere, where the stores of both were read."""
    try:
        old, new = (
            {
                (str(server["name"]), str(model["name"])): where(model)
                for server in each["fit"]["servers"]
                for model in server["models"]
            }
            for each in (earlier, host)
        )
    except _DAMAGED:
        return
    yield from _different(MODEL, old, new)


def _different(kind: str, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[dict[str, Any]]:
    for key in dict.fromkeys([*new, *old]):
        if old.get(key) != new.get(key):
            yield _row(kind, key, old.get(key), new.get(key))


def _row(kind: str, key: tuple[str | None, str | None], before: object, after: object) -> dict[str, Any]:
    return {"kind": kind, "instance": key[0], "name": key[1], "before": before, "after": after}


def _key(row: Mapping[str, Any]) -> tuple[str | None, str | None]:
    instance, setting = row.get("instance"), row.get("setting")
    return (instance if isinstance(instance, str) else None), (setting if isinstance(setting, str) else None)


def _measurements(host: Mapping[str, Any], earlier: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the metrics that moved beyond their spread, and why others are not compared."""
    new, old = mapping(host["measurement"]), mapping(earlier.get("measurement"))
    if not new or not old or new == old:
        return [], []
    try:
        found = compare_records(new, old)
    except _DAMAGED as error:
        return [], [f"the measurements are damaged: {type(error).__name__}"]
    moved = [
        {
            "model": model["model"],
            "load": load_text(point["point"]),
            "words": _WORDS[metric["metric"]],
            **{key: metric[key] for key in _COMPARED},
        }
        for model in found["models"]
        for point in model["points"]
        for metric in point["metrics"]
        if metric["verdict"] in (FASTER, SLOWER)
    ]
    return moved, [*found["refused"], *(found["differences"] if moved else [])]


_COMPARED = ("metric", "unit", "before", "after", "ratio", "low", "high", "verdict")
