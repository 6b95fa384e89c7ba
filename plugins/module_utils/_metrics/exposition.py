# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which metrics there are, and how Prometheus reads them.

Prometheus, "Exposition formats", text format 0.0.4, and "Metric and label naming". The names ``ollama_build_info`` and
``ollama_models_loaded`` are those that Ollama's own endpoint is to have (ollama/ollama, pull request 16998).
"""

from __future__ import annotations

import math
from typing import Any, Iterable, Mapping, NamedTuple, Union

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

GAUGE, COUNTER = "gauge", "counter"
# Every metric in the order of the file: its type and its help. docs/metrics.md has their labels.
METRICS: Mapping[str, tuple[str, str]] = {
    "ollama_collector_success": (GAUGE, "Whether the last collection went to its end."),
    "ollama_collector_last_run_timestamp_seconds": (GAUGE, "When the last collection began."),
    "ollama_collector_interval_seconds": (GAUGE, "Seconds between two collections."),
    "ollama_collector_duration_seconds": (GAUGE, "How long the last collection took."),
    "ollama_collector_cpu_seconds": (GAUGE, "CPU time of the last collection, with the programs that it asked."),
    "ollama_collector_left_out": (GAUGE, "Samples that were left out since there were too many."),
    "ollama_plan_known": (GAUGE, "Whether the host has a plan that was confirmed."),
    "ollama_plan_confirmed_timestamp_seconds": (GAUGE, "When a run last proved and confirmed the plan."),
    "ollama_change_pending": (GAUGE, "Whether a run has begun a change that is not confirmed yet."),
    "ollama_problems": (GAUGE, "How many things could not be read of a server, or of the host as a whole."),
    "ollama_up": (GAUGE, "Whether the server itself answers at its planned address."),
    "ollama_unit_active": (GAUGE, "Whether systemd has the unit as active."),
    "ollama_unit_restarts_total": (COUNTER, "How often systemd has restarted the unit because it ended."),
    "ollama_build_info": (GAUGE, "The release that answers, and the planned one."),
    "ollama_gpus_planned": (GAUGE, "On how many cards the plan has the server."),
    "ollama_slots_planned": (GAUGE, "Requests that the plan lets one model answer at the same time."),
    "ollama_setting_info": (GAUGE, "Each planned setting, with its planned and its acting value."),
    "ollama_setting_verdict": (GAUGE, "The verdict on each planned setting and on each check beside them."),
    "ollama_verification_checks": (GAUGE, "How many checks have each verdict."),
    "ollama_checks_failed": (GAUGE, "Checks that make a host fail: without those that the operator accepts."),
    "ollama_file_drift": (GAUGE, "Unit files that differ from those that the role has written."),
    "ollama_models_loaded": (GAUGE, "Models in memory, as the server reports them."),
    "ollama_model_memory_bytes": (
        GAUGE,
        "Memory of a model's process, by device: cpu (resident) or gpu (driver).",
    ),
    "ollama_model_on_gpu": (GAUGE, "Whether a model runs on a card, by what process, driver and log show."),
    "ollama_model_context_tokens": (GAUGE, "The context that a model was loaded with."),
    "ollama_gpu_memory_total_bytes": (GAUGE, "Memory of a card."),
    "ollama_gpu_memory_free_bytes": (GAUGE, "Free memory of a card."),
    "ollama_runner_cpu_seconds_total": (COUNTER, "CPU time of the threads of a model's process."),
    "ollama_runner_involuntary_context_switches_total": (
        COUNTER,
        "How often its threads had to leave their CPU for others.",
    ),
    "ollama_runner_worst_thread_wait_seconds_total": (COUNTER, "How long its worst thread was ready without a CPU."),
    "ollama_runner_worst_thread_run_seconds_total": (COUNTER, "How long the same thread ran."),
    "ollama_cpu_quota_cpus": (GAUGE, "CPUs that the quota of a control group of the service allows."),
    "ollama_cpu_quota_period_seconds": (GAUGE, "The period of that quota."),
    "ollama_cpu_quota_periods_total": (COUNTER, "Periods of that quota in which the group ran."),
    "ollama_cpu_quota_throttled_periods_total": (COUNTER, "Periods in which that quota was used up."),
    "ollama_cpu_quota_throttled_seconds_total": (COUNTER, "How long that quota has stopped the group."),
    "ollama_log_warnings": (GAUGE, "Different warnings and errors since the last start of the unit, by kind."),
}
_MOST, _LONGEST = 5000, 200
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Sample(NamedTuple):
    """One value of a metric. A label whose value is None is left out."""

    name: str
    value: Union[int, float]
    labels: Mapping[str, Any] = {}


def exposition(host: str, samples: Iterable[Sample]) -> str:
    """The samples as text, each with the label ``host``, in the order of ``METRICS``.

    The first of two with the same labels counts, and the first 5,000 of all.
    """
    found: dict[str, dict[str, str]] = {}
    kept = left = 0
    for name, value, labels in samples:
        key = _labels({"host": host, **labels})
        rows = found.setdefault(name, {})
        if key in rows:
            continue
        if kept == _MOST:
            left += 1
            continue
        kept += 1
        rows[key] = _number(value)
    found["ollama_collector_left_out"] = {_labels({"host": host}): str(left)}
    lines = []
    for name, (kind, about) in METRICS.items():
        if name in found:
            lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{{{labels}}} {value}" for labels, value in found[name].items()]
    return "\n".join([*lines, ""])


def _labels(labels: Mapping[str, Any]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items() if value is not None)


def _escaped(value: object) -> str:
    return one_line(str(value), _LONGEST).translate(_ESCAPED)


def _number(value: float) -> str:
    if isinstance(value, (bool, int)):
        return str(int(value))
    return repr(round(value, 3)) if math.isfinite(value) else "+Inf" if value > 0 else "-Inf" if value < 0 else "NaN"
