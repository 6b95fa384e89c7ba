# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host shows to Prometheus: the verdicts of a verification, and what each server does.

It is packed with what it imports into the program of the timer, which runs it on the host: the verdicts are those of
the playbook ``verify``, by the same functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._metrics.exposition import Sample
from ansible_collections.inference.ollama.plugins.module_utils._secrets import mentions_secret
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.plugin_utils._drift import HIDDEN, digest_drift
from ansible_collections.inference.ollama.plugins.plugin_utils._metrics.servers import server_samples
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import SECRET, decisions_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.failed import failed_checks
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.host import STALE
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import nothing, observations
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import CONFIGURED, PASS, VERDICTS
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import amount, rows, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def decide(seen: Mapping[str, Any]) -> list[Sample]:
    """Return the samples of what collect() has read; without a plan, that there is none.

    Raises OllamaError for a plan of another schema than this collection makes.
    """
    plan, confirmed = seen["plan"], amount(seen["confirmed_at"])
    samples = [Sample("ollama_plan_known", int(plan is not None))]
    samples += [Sample("ollama_change_pending", int(bool(seen["pending"])))]
    service = seen["service"]
    common = [*texts(service.get("problems")), *texts(seen["problems"])]
    samples += [Sample("ollama_problems", len(common))]
    samples += [] if confirmed is None else [Sample("ollama_plan_confirmed_timestamp_seconds", confirmed)]
    for card in rows(seen["cards"]):
        labels = {"card": card["card"]}
        samples.append(Sample("ollama_gpu_memory_total_bytes", card["total_bytes"], labels))
        samples.append(Sample("ollama_gpu_memory_free_bytes", card["free_bytes"], labels))
    if plan is None:
        return samples
    try:
        return [*samples, *_of_plan(plan, seen)]
    except (AttributeError, KeyError, TypeError) as error:
        raise OllamaError(f"the plan is damaged ({type(error).__name__}: {error})") from None


def _of_plan(plan: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Sample]:
    service, made = seen["service"], seen["made"]
    drift = None if made is None else digest_drift(plan, seen["dropin_name"], made, seen["found"])
    found = rows(verify(plan, service, drift, seen["kernel"], seen["dropin_name"])["checks"])
    # What earlier plans have left is not looked for here.
    checks = [check for check in found if check["setting"] != STALE]
    names = [instance["name"] for instance in plan["instances"]]
    known = observations(service)
    for instance in plan["instances"]:
        models = seen["models"].get(instance["unit"]) or {}
        yield from server_samples(plan, instance, known.get(instance["unit"]) or nothing(service), models)
    for name in [*names, None]:
        own = [check for check in checks if check["instance"] == name]
        for verdict in VERDICTS if own else ():
            number = sum(check["verdict"] == verdict for check in own)
            yield Sample("ollama_verification_checks", number, {"server": name, "verdict": verdict})
        yield Sample("ollama_checks_failed", len(failed_checks({"checks": own}, seen["accepted"])), {"server": name})
        for check in own:
            labels = {"server": name, "setting": check["setting"], "verdict": check["verdict"]}
            yield Sample("ollama_setting_verdict", 1, labels)
        yield from _settings(plan, name, own)
    for row in [] if drift is None else drift["differences"]:
        yield Sample("ollama_file_drift", 1, {"server": row["instance"], "path": row["path"], "kind": row["kind"]})


def _settings(plan: Mapping[str, Any], name: str | None, checks: list[Mapping[str, Any]]) -> Iterator[Sample]:
    """Each setting that the plan writes, with what acts; of a secret only whether it is set."""
    secrets = {decision["setting"] for decision in decisions_of(plan, name) if decision["kind"] == SECRET}
    planned = {decision["setting"] for decision in decisions_of(plan, name)}
    for check in checks:
        setting = check["setting"]
        if setting in planned:
            # What is in place and contradicted by nothing acts as far as is known.
            in_place = check["verdict"] in (PASS, CONFIGURED)
            acting = check["planned"] if in_place and check["seen"] is None else check["seen"]
            values = {"planned": check["planned"], "acting": acting}
            shown = {label: HIDDEN if setting in secrets else _shown(value) for label, value in values.items()}
            yield Sample("ollama_setting_info", 1, {"server": name, "setting": setting, **shown})


def _shown(value: object) -> str:
    """A value for everybody to read: one that looks like a secret is hidden, as everywhere."""
    text = "" if value is None else str(value)
    return HIDDEN if mentions_secret(text) or Redactor().text(text) != text else text
