# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one server does: whether it answers, its release, its models and where they are, and who takes its CPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._metrics.exposition import Sample
from ansible_collections.inference.ollama.plugins.module_utils._service.placed import GPU, placed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, number, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Observation, Process

SLOTS = "OLLAMA_NUM_PARALLEL"
_DIGITS = 12
_MICROSECONDS = 1_000_000


def server_samples(
    plan: Mapping[str, Any], instance: Mapping[str, Any], seen: Observation, names: Mapping[str, str]
) -> Iterator[Sample]:
    """Yield the samples of one planned instance; what was not read has none.

    ``names`` are those of its models by their files.
    """
    server = {"server": instance["name"]}
    answers = seen.version is not None and seen.own is not False
    yield Sample("ollama_up", int(answers), server)
    yield Sample("ollama_problems", len(seen.problems), server)
    yield Sample("ollama_gpus_planned", len(instance.get("gpus") or ()), server)
    slots = str(views.environment(plan, instance["name"]).get(SLOTS) or "")
    if slots.isdecimal():
        yield Sample("ollama_slots_planned", int(slots), server)
    if answers:
        release = {"version": seen.version, "planned_version": plan["release"] or ""}
        yield Sample("ollama_build_info", 1, {**server, **release})
    if seen.active_state is not None:
        yield Sample("ollama_unit_active", int(seen.active_state == "active"), server)
    yield from _known("ollama_unit_restarts_total", seen.restarts, server)
    yield from _models(seen, server)
    yield from _runners(seen, server, names)
    yield from _quotas(seen, server)
    codes = [code for code, _line in seen.journal.warnings] if seen.journal else []
    for code in sorted({*codes}):
        yield Sample("ollama_log_warnings", codes.count(code), {**server, "code": code})


def _models(seen: Observation, server: Mapping[str, str]) -> Iterator[Sample]:
    if seen.models is not None:
        yield Sample("ollama_models_loaded", len(seen.models), server)
    for entry in seen.models or ():
        labels = {**server, "model": text(entry.get("name")) or ""}
        yield from _known("ollama_model_context_tokens", number(entry.get("context_length")), labels)


def _runners(seen: Observation, server: Mapping[str, str], names: Mapping[str, str]) -> Iterator[Sample]:
    """What the processes of models hold and use; several of one model are added."""
    sums: dict[tuple[str, str, str | None], float] = {}
    for runner in seen.runners:
        model = _name(runner, names)
        layers = number(mapping(seen.start_of(runner).get("offloaded")).get("layers"))
        where = placed(runner.pid, runner.gpu, layers).where
        if where is not None:
            # Of several the one on the CPU is the slow one.
            key = ("ollama_model_on_gpu", model, None)
            sums[key] = min(sums.get(key, 1), int(where == GPU))
        waited, ran = runner.wait or (None, None)
        for name, device, value in (
            ("ollama_model_memory_bytes", "cpu", runner.resident_bytes),
            ("ollama_model_memory_bytes", "gpu", number(runner.gpu.get("memory_bytes"))),
            ("ollama_runner_cpu_seconds_total", None, runner.cpu_seconds),
            ("ollama_runner_involuntary_context_switches_total", None, runner.switches),
            ("ollama_runner_worst_thread_wait_seconds_total", None, waited),
            ("ollama_runner_worst_thread_run_seconds_total", None, ran),
        ):
            if value is not None and value >= 0:
                sums[name, model, device] = sums.get((name, model, device), 0) + value
    for (name, model, device), value in sums.items():
        yield Sample(name, value, {**server, "model": model, "device": device})


def _name(runner: Process, names: Mapping[str, str]) -> str:
    """The name of a runner's model; the beginning of its digest where nothing names it."""
    file = runner.model or ""
    return names.get(file) or file.rpartition("/")[2].removeprefix("sha256-")[:_DIGITS]


def _quotas(seen: Observation, server: Mapping[str, str]) -> Iterator[Sample]:
    for quota in seen.quotas or ():
        labels = {**server, "group": quota.group}
        yield Sample("ollama_cpu_quota_cpus", quota.cpus, labels)
        yield Sample("ollama_cpu_quota_period_seconds", quota.period_usec / _MICROSECONDS, labels)
        yield Sample("ollama_cpu_quota_periods_total", quota.periods, labels)
        yield Sample("ollama_cpu_quota_throttled_periods_total", quota.throttled, labels)
        yield Sample("ollama_cpu_quota_throttled_seconds_total", quota.throttled_usec / _MICROSECONDS, labels)


def _known(name: str, value: int | None, labels: Mapping[str, Any]) -> Iterator[Sample]:
    if value is not None and value >= 0:
        yield Sample(name, value, labels)
