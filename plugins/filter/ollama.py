# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every filter of the collection; each is documented in the file NAME.yml beside this one."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ansible.errors import AnsibleError, AnsibleFilterError

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils import _change, _drift, _remove, _summary, _table
from ansible_collections.inference.ollama.plugins.plugin_utils._answers import answers_verdict
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.outcome import outcome
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.record import record_of
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.records import compare_records
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.request import benchmark_request
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.table import benchmark_table
from ansible_collections.inference.ollama.plugins.plugin_utils._container.adoption import container_variables
from ansible_collections.inference.ollama.plugins.plugin_utils._container.found_lint import lint_containers
from ansible_collections.inference.ollama.plugins.plugin_utils._firewalld import restored
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.member import fleet_host
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.result import fleet_placement
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.table import fleet_table
from ansible_collections.inference.ollama.plugins.plugin_utils._gate_steps import gate_step, gate_turn, gate_verdict
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.make import gateway_files, gateway_keys
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._models.fits import model_fit
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement import place
from ansible_collections.inference.ollama.plugins.plugin_utils._options import form_of
from ansible_collections.inference.ollama.plugins.plugin_utils._outcomes import run_outcomes
from ansible_collections.inference.ollama.plugins.plugin_utils._picture import draw
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.curves import benchmark_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.fits import fit_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import make
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import servers
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_secrets
from ansible_collections.inference.ollama.plugins.plugin_utils._report import fleet, page
from ansible_collections.inference.ollama.plugins.plugin_utils._retune.decide import (
    retune_decision,
    retune_request,
    retune_table,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._rollout import gateway_report, gateway_turns
from ansible_collections.inference.ollama.plugins.plugin_utils._served.memory import model_loads
from ansible_collections.inference.ollama.plugins.plugin_utils._served.report import models_report
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.progress import tuning_progress
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.records import measured_file, trial_variables
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.request import tuning_profile, tuning_request
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.result import tuning_result
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.search import tuning_step
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.space import tuning_space
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.table import tuning_table
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.trial import tuning_trial
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_file import file_texts
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_lint import around, lint_unit, worst_first
from ansible_collections.inference.ollama.plugins.plugin_utils._upgrade import upgrade_request
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import decide, failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Service
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

Result = TypeVar("Result")


def _in_words(name: str, function: Callable[..., Result]) -> Callable[..., Result]:
    """Hand the collection's own errors on as Ansible's, and name damaged input as what it is."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Result:  # noqa: ANN401 - whatever the filter takes
        try:
            return function(*args, **kwargs)
        except OllamaError as error:
            raise AnsibleFilterError(str(error)) from error
        except AnsibleError:
            raise
        except Exception as error:  # noqa: BLE001 - JSON that somebody has edited can be damaged in any way
            # Not chained: what Python says of a value quotes it.
            raise AnsibleFilterError(_damaged(name, args, error)) from None

    return wrapper


def _damaged(name: str, args: tuple[Any, ...], error: Exception) -> str:
    """What is wrong with a filter's input, as far as it can be said without showing any of it."""
    if type(error).__name__ == "MarkerError":
        # What Ansible says of it shows the lines around it, and with them other secrets.
        return (
            f"{name}: a value in its input is not available: a variable that is not defined, or a vault whose password"
            " this run does not have"
        )
    given = ", ".join(map(form_of, args))
    key = str(error.args[0]) if isinstance(error, KeyError) and error.args else ""
    lacks = f", without {key!r}" if re.fullmatch("[a-z_]{1,40}", key) else ""
    return (
        f"{name}: its input is damaged or of another form than it takes{lacks} ({type(error).__name__}); given was"
        f" {given or 'nothing'}, and what is right is in ansible-doc -t filter inference.ollama.{name}"
    )


def _tuning_plan(
    topology: Mapping[str, Any],
    policy: Mapping[str, Any],
    release: str | None = None,
    found: Mapping[str, Any] | None = None,
    models: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return make.make_plan(topology, policy, release, found, models)


def _topology_svg(topology: Mapping[str, Any], host: str, plan: Mapping[str, Any] | None = None) -> str:
    return draw.topology_svg(topology, host, None if plan is None else servers(plan))


def _setting_lint(environment: Mapping[str, Any], release: str | None = None) -> list[dict[str, str]]:
    if not isinstance(environment, Mapping):
        raise OllamaError("the environment is not a dictionary of names and values")
    for name, value in environment.items():
        if not isinstance(value, (str, int, float)):
            raise OllamaError(f"the value of {name} is neither a text nor a number")
    # The unit gets what a template makes of a value.
    texts = {str(name): str(value) for name, value in environment.items()}
    return [finding._asdict() for finding in lint(texts, _release(release))]


def _unit_lint(
    files: object,
    release: str | None = None,
    environment_files: object = (),
    missing: Sequence[str] = (),
    found: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    installed = _release(release)
    absent = dict.fromkeys(missing, "the file is not there, or cannot be read")
    findings = lint_unit(_service(files, environment_files), installed, absent)
    for path, text in file_texts((found or {}).get("files", ()), "found.files"):
        findings += lint_unit(read_service([(path, text)]), installed)
    if found:
        findings += around(found["other_managers"], found["not_folders"], found["listeners"])
    return [finding._asdict() for finding in worst_first(findings)]


def _container_lint(found: Mapping[str, Any], release: str | None = None) -> list[dict[str, Any]]:
    return [finding._asdict() for finding in worst_first(lint_containers(found, _release(release)))]


def _container_variables(found: Mapping[str, Any], release: str | None = None) -> list[dict[str, Any]]:
    others = (each for each in found["containers"] if not each["ours"])
    return [container_variables(each, _release(release)) for each in others]


def _unit_settings(files: object, environment_files: object = ()) -> dict[str, Any]:
    service = _service(files, environment_files)
    return {
        "settings": [setting._asdict() for setting in service.settings],
        "environment": {
            name: {**variable._asdict(), "overrides": [override._asdict() for override in variable.overrides]}
            for name, variable in service.environment.items()
        },
        "ignored": [line._asdict() for line in service.ignored],
    }


def _service(files: object, environment_files: object) -> Service:
    return read_service(file_texts(files, "files"), file_texts(environment_files, "environment_files"))


def _release(release: object) -> Release | None:
    if release is not None and not isinstance(release, str):
        raise OllamaError(f"release {release!r} is not a text such as '0.34.1'; quote it")
    return parse_release(release) if release else None


def _fleet_report(
    records: Mapping[str, Any], moment: str, *, text: bool = False, baseline: Mapping[str, Any] | str | None = None
) -> dict[str, Any] | str:
    report = fleet.fleet_report(records, moment, baseline)
    return fleet.report_text(report) if text else report


FILTERS: dict[str, Callable[..., Any]] = {
    "answers_verdict": answers_verdict,
    "benchmark_comparison": compare_records,
    "benchmark_outcome": outcome,
    "benchmark_record": record_of,
    "benchmark_request": benchmark_request,
    "benchmark_svg": benchmark_svg,
    "benchmark_table": benchmark_table,
    "change_report": _change.change_report,
    "drift_table": _table.drift_table,
    "failed_checks": failed.failed_checks,
    "removal": _remove.removal,
    "failure_reason": _change.failure_reason,
    "file_drift": _drift.file_drift,
    "fit_svg": fit_svg,
    "fit_table": _table.fit_table,
    "fleet_host": fleet_host,
    "fleet_placement": fleet_placement,
    "fleet_report": _fleet_report,
    "fleet_table": fleet_table,
    "gate_step": gate_step,
    "gate_turn": gate_turn,
    "gate_verdict": gate_verdict,
    "gateway_files": gateway_files,
    "gateway_keys": gateway_keys,
    "container_lint": _container_lint,
    "container_table": _table.container_table,
    "container_variables": _container_variables,
    "lint_table": _table.lint_table,
    "measured_file": measured_file,
    "model_placement": place,
    "model_fit": model_fit,
    "model_loads": model_loads,
    "models_report": models_report,
    "plan_table": _table.plan_table,
    "report_page": page.report_page,
    "restore_report": _change.restore_report,
    "retune_decision": retune_decision,
    "retune_request": retune_request,
    "retune_table": retune_table,
    "gateway_report": gateway_report,
    "gateway_turns": gateway_turns,
    "run_outcomes": run_outcomes,
    "run_summary": _summary.run_summary,
    "secrets_file": render_secrets,
    "setting_lint": _setting_lint,
    "topology_svg": _topology_svg,
    "trial_variables": trial_variables,
    "tuning_plan": _tuning_plan,
    "tuning_result": tuning_result,
    "tuning_space": tuning_space,
    "tuning_step": tuning_step,
    "tuning_table": tuning_table,
    "tuning_trial": tuning_trial,
    "tuning_profile": tuning_profile,
    "tuning_progress": tuning_progress,
    "tuning_request": tuning_request,
    "unit_lint": _unit_lint,
    "unit_settings": _unit_settings,
    "upgrade_request": upgrade_request,
    "verification": decide.verify,
    "verify_table": _table.verify_table,
    "zone_rules": restored,
}


class FilterModule:
    """The filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {name: _in_words(name, function) for name, function in FILTERS.items()}
