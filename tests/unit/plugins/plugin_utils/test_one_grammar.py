# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan, lint and the role's argument_specs judge every text alike, and no plan writes what the lint refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import DEFAULT_HOST
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import ACTING, load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._values import check_value
from ansible_collections.inference.ollama.tests.unit.support import plans
from ansible_collections.inference.ollama.tests.unit.support.examples import examples

ROOT = Path(__file__).resolve().parents[4]
# An option is a variable of one role.
OPTIONS = {
    name: option
    for role in ("ollama", "ollama_install")
    for name, option in yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text("utf-8"))[
        "argument_specs"
    ]["main"]["options"].items()
}
NEW = parse_release("0.40.2")
NAMED = sorted(load().named.items())
IN_BYTES = ["cache_ram_bytes", "gpu_reserve_bytes"]
WRITABLE = sorted(name for name, setting in load().by_name.items() if setting.status in ACTING)
SCALARS = sorted(
    name
    for name, option in load().options.items()
    if option.type not in ("environment", "instances", "measured", "models", "names")
)

# Texts of the forms that settings take, each with what makes it almost right.
numbers = st.integers(-(2**70), 2**70).map(str) | st.integers(-2, 1100).map(str)
durations = st.from_regex(r"[-+]?([0-9]{0,22}(\.[0-9]{0,3})?(ns|us|µs|ms|s|m|h|d| )){1,3}", fullmatch=True)
hosts = st.from_regex(
    r"(http://|https://)?([-a-zA-Z0-9_]{0,3}(\.[a-z0-9-]{1,3}){0,2}|[0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9a-f:%]{2,6}\])(:[0-9]{0,6})?/?",
    fullmatch=True,
)
paths = st.from_regex(r"[~ ]?(/{1,2}([a-z .\"']{0,4}|\.\.|\.)){0,4}/?", fullmatch=True)
devices = st.lists(
    st.from_regex(r" ?(-1|0?[0-9]{1,5}|GPU-[0-9a-f-]{1,9}|MIG-[0-9A-Za-z/-]{1,9}|none)", fullmatch=True), max_size=3
).map(",".join)
words = st.sampled_from(
    [
        "on", "off", "yes", "no", "true", "false", "True", "FALSE", "t", "F", "1", "0", "enabled", "disabled",
        "none", "None", "Auto", "all", "numactl", "always", "table", "json",
    ]
)  # fmt: skip
texts = st.one_of(numbers, durations, hosts, paths, devices, words, st.text(max_size=8))
BY_TYPE = {
    "bytes": numbers,
    "devices": devices,
    "duration": durations,
    "host": hosts,
    "integer": numbers,
    "path": paths,
}
BY_TYPE |= {"unsigned": numbers, "ollama_boolean": words, "llama_boolean": words, "boolean": words}
# Each was judged in two ways once.
SAMPLES = [
    "+5m",
    ".5h",
    "300000000000000000000h",
    "1d",
    "-x-:1",
    "http://0.0.0.0:80",
    '/srv/models"',
    "/srv/models ",
    "/a/../b",
]
SAMPLES += ["00", "0,GPU-8932f937", "0, 1", "on", "off", "yes", "1025", "16777217", "0", "-1", "007", " 5"]


def near(rule):
    """Texts that the rule of a setting or an option takes, or nearly takes."""
    fitting = BY_TYPE.get(rule.type, st.sampled_from(rule.values or ("",)))
    return st.one_of(fitting, fitting, texts)


def refused_by_the_spec(name, value):
    """Whether Ansible refuses the role's variable before the role's first task."""
    spec = {key: field for key, field in OPTIONS[f"ollama_{name}"].items() if key not in ("description", "no_log")}
    return bool(ArgumentSpecValidator({"value": spec}).validate({"value": value}).error_messages)


def means_auto(option, text):
    """Whether the text is one of the role's own words and no value of the server's."""
    return text.lower() in ("auto", "") or text in option.words


def judge(variable, name, text):
    """Whether the text is refused; a failure where plan, lint and role differ."""
    option, setting = load().options[name], load().get(variable)
    if means_auto(option, text):
        return False
    refused = bool(option_errors({name: text}))
    assert refused == (check_value(setting, text, NEW) is not None)
    assert refused or not refused_by_the_spec(name, text)
    codes = {finding.code for finding in lint({variable: text}, NEW)}
    assert refused == bool(codes & {"malformed", "fatal-value", "out-of-range"})
    return refused


@pytest.mark.parametrize(("variable", "name"), NAMED)
def test_plan_lint_and_role_judge_the_samples_alike(variable, name):
    """A value that one of them takes and another refuses would surprise an operator either way."""
    assert {judge(variable, name, text) for text in SAMPLES} <= {True, False}


@settings(max_examples=examples(500))
@given(st.data())
def test_plan_lint_and_role_judge_any_text_alike(data):
    """The same for texts that nobody thought of."""
    variable, name = data.draw(st.sampled_from(NAMED))
    judge(variable, name, data.draw(near(load().options[name])))


@settings(max_examples=examples(500))
@given(st.data())
def test_what_the_decider_takes_the_spec_takes(data):
    """Ansible's own check comes first in a run: it must not refuse what the plan calls right."""
    name = data.draw(st.sampled_from(SCALARS))
    value = data.draw(
        near(load().options[name]) | st.booleans() | st.integers(-2, 2**40) | st.sampled_from(["", "auto"])
    )
    if not option_errors({name: value}):
        assert not refused_by_the_spec(name, value)


def planned(machine, values, release):
    """The plan, or the lines that refuse it."""
    try:
        return make_plan(machine, values, release), []
    except PlanError as error:
        return None, error.lines


@settings(max_examples=examples(200), deadline=None)
@given(
    st.data(), st.sampled_from(["0.5.13", "0.12.4", "0.24.0", "0.30.0", "0.34.1", "0.40.2", None]), st.integers(0, 2)
)
def test_nothing_that_the_lint_calls_fatal_is_written(data, release, gpus):
    """Whatever an operator says, a plan either refuses it or writes only what the server reads as it is meant."""
    contract = load()
    names = data.draw(
        st.lists(st.sampled_from([name for _variable, name in NAMED] + IN_BYTES), max_size=2, unique=True)
    )
    free = data.draw(st.lists(st.sampled_from(WRITABLE), max_size=2, unique=True))
    values = {name: data.draw(near(contract.options[name])) for name in names}
    values["environment"] = {name: data.draw(near(contract.get(name))) for name in free}
    machine = plans.workstation(*map(plans.card, range(gpus)))
    machine["software"]["ollama"]["version"] = release
    made, lines = planned(machine, values, release)
    assert all(line.startswith(("ollama_", "OLLAMA_", "LLAMA_ARG_")) for line in lines)
    for instance in plans.instances(made) if made else ():
        found = lint(instance["environment"], parse_release(release) if release else None)
        assert not [finding for finding in found if finding.severity == "fatal" or finding.code == "malformed"]
        for variable, value in instance["environment"].items():
            if getattr(contract.get(variable), "type", "") in ("ollama_boolean", "llama_boolean"):
                assert value in ("0", "1")


def test_the_default_address_is_stated_alike():
    """The contract, the role's default and the parser name one address."""
    contract = load()
    assert contract.get("OLLAMA_HOST").default == contract.options["host"].default == DEFAULT_HOST
