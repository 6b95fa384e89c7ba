# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract has every environment variable that the newest known llama-server reads, and says what harms."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils import _contract, _lint
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import is_dangerous, lint
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._runner_values import stops, taken_as
from ansible_collections.inference.ollama.tests.unit.support import plans

ROOT = Path(__file__).resolve().parents[4]
TOOL = runpy.run_path(str(ROOT / "tests" / "tools" / "runner_names.py"))
LISTED = yaml.safe_load((ROOT / "plugins" / "plugin_utils" / "runner_names.yml").read_text(encoding="utf-8"))
NEW = parse_release("0.40.2")
HELP = """\
----- common params -----

-t,    --threads N                      number of CPU threads to use during generation (default: <num_cpus>)
                                        (env: LLAMA_ARG_THREADS)
-tb,   --threads-batch N                number of threads to use during batch and prompt processing
-kvo,  --kv-offload, -nkvo, --no-kv-offload
                                        whether to enable KV cache offloading (default: enabled)
                                        (env: LLAMA_ARG_KV_OFFLOAD)
--no-host                               bypass host buffer allowing extra buffers to be used
                                        (env: LLAMA_ARG_NO_HOST)
--tools TOOL1,TOOL2,...                 experimental: whether to enable built-in tools, see --no-such
                                        (env: LLAMA_ARG_TOOLS)
"""
# What a name gives to whoever reaches the port of a runner, or what it fetches or opens.
DANGEROUS = [
    "LLAMA_ARG_TOOLS", "LLAMA_ARG_AGENT", "LLAMA_ARG_TOOLS_RUNTIME", "LLAMA_ARG_MCP_SERVERS_CONFIG",
    "LLAMA_ARG_MCP_SERVERS_JSON", "LLAMA_ARG_UI_MCP_PROXY", "LLAMA_ARG_STATIC_PATH", "LLAMA_ARG_SLOT_SAVE_PATH",
    "LLAMA_ARG_VIDEO_FFMPEG_DIR",
    "LLAMA_ARG_MODELS_DIR", "LLAMA_ARG_MODELS_PRESET", "LLAMA_ARG_MODEL_URL", "LLAMA_ARG_HF_REPO", "LLAMA_ARG_HF_FILE",
    "LLAMA_ARG_DOCKER_REPO", "LLAMA_ARG_SPEC_DRAFT_HF_REPO", "LLAMA_ARG_MMPROJ_URL", "LLAMA_API_KEY",
    "LLAMA_ARG_CORS_ORIGINS", "LLAMA_ARG_CORS_METHODS", "LLAMA_ARG_CORS_HEADERS", "LLAMA_ARG_CORS_CREDENTIALS",
    "LLAMA_ARG_REUSE_PORT", "LLAMA_ARG_UI_CONFIG_FILE", "LLAMA_ARG_MMPROJ", "LLAMA_ARG_API_KEY_FILE",
]  # fmt: skip


@pytest.mark.parametrize("name", LISTED["names"])
def test_each_name_that_a_runner_reads_has_an_entry(name):
    """A name that the newest runner reads is in the contract, as one that is read."""
    setting = load().get(name)
    assert setting is not None
    assert setting.status in _contract.ACTING | {"overridden", "dangerous"}
    assert not {finding.code for finding in lint({name: "1"}, NEW)} & {"unknown", "never", "removed", "not-yet"}


def test_no_name_is_called_read_that_no_runner_reads_any_more():
    """A name that has disappeared from the newest runner says so."""
    contract = load()
    gone = [
        name
        for name, setting in contract.by_name.items()
        if name.startswith("LLAMA_ARG_") and not name.endswith("*") and setting.status in _contract.ACTING
        if contract.acts(name, contract.newest_known) and name not in LISTED["names"]
    ]
    assert gone == []


def test_a_name_with_no_is_known_where_the_runner_reads_it():
    """LLAMA_ARG_NO_X is read for options that have a --no-x, and for no others."""
    ours = {
        name
        for name, setting in load().by_name.items()
        if setting.type == "llama_boolean" and setting.negated and name in LISTED["names"]
    }
    assert ours == set(LISTED["negated"])


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_door_to_the_host_is_fatal(name):
    """What gives away files, a shell or a key is fatal in any release, and known to verification."""
    value = "not-a-word"
    assert "fatal" in {finding.severity for finding in lint({name: value}, NEW)}
    assert "fatal" in {finding.severity for finding in lint({name: value}, None)}
    assert is_dangerous(name, value)
    assert load().get(name).status == "dangerous"


def test_dangerous_names_are_refused_all_at_once():
    """The role's free environment takes none of them, and one message names them all."""
    with pytest.raises(PlanError) as refused:
        make_plan(plans.xeon(), {"environment": dict.fromkeys(DANGEROUS, "all")}, "0.40.2")
    assert [name for name in DANGEROUS if f"ollama_environment.{name}" not in str(refused.value)] == []


@pytest.mark.parametrize(
    ("name", "value", "severity"),
    [
        ("LLAMA_ARG_AGENT", "0", "inert"),
        ("LLAMA_ARG_AGENT", "off", "inert"),
        ("LLAMA_ARG_NO_AGENT", "1", "inert"),
        ("LLAMA_ARG_NO_UI_MCP_PROXY", "0", "inert"),
        ("LLAMA_ARG_NO_JINJA", "0", "fatal"),
        ("LLAMA_ARG_EMBEDDINGS", "0", "inert"),
        ("LLAMA_ARG_NO_FIT", "1", "inert"),
        ("LLAMA_ARG_NO_REPACK", "1", "advice"),
    ],
)
def test_a_value_that_leaves_it_off_does_no_harm(name, value, severity):
    """What is off by default is not dangerous where it is set to off."""
    assert [finding.severity for finding in lint({name: value}, NEW)] == [severity]
    assert is_dangerous(name, value) is (severity == "fatal")


@pytest.mark.parametrize("name", ["LLAMA_ARG_TOOLS", "HF_TOKEN"])
def test_an_empty_value_gives_nothing_away(name):
    """A list without tools gives nobody a tool, and an empty text is no key."""
    assert lint({name: ""}, NEW) == []
    assert not is_dangerous(name, "")


def test_names_and_negatives_are_read_off_the_help():
    """Names are in parentheses; an option with a positive and a negative name has both forms of its variable."""
    found = TOOL["names_of"](HELP)
    assert found.names == ["LLAMA_ARG_KV_OFFLOAD", "LLAMA_ARG_NO_HOST", "LLAMA_ARG_THREADS", "LLAMA_ARG_TOOLS"]
    assert found.negated == ["LLAMA_ARG_KV_OFFLOAD"]


def test_a_name_that_nobody_has_an_entry_for_is_found():
    """A newer runner with a new name makes the comparison fail, and names it."""
    found = TOOL["names_of"](HELP + "--new N     something\n            (env: LLAMA_ARG_BRAND_NEW)\n")
    assert TOOL["unknown"](found) == ["LLAMA_ARG_BRAND_NEW"]


def test_the_list_is_what_the_tool_writes():
    """The file is generated; a name that is added by hand shows."""
    found = TOOL["Names"](LISTED["names"], LISTED["negated"])
    text = (ROOT / "plugins" / "plugin_utils" / "runner_names.yml").read_text(encoding="utf-8")
    assert text == TOOL["listed"](LISTED["version"], found)


# Tried one by one on llama-server, build 11669.
@pytest.mark.parametrize(
    ("name", "value", "stopped", "number"),
    [
        ("LLAMA_ARG_THREADS", "0", False, 0),
        ("LLAMA_ARG_THREADS", "-1", False, -1),
        ("LLAMA_ARG_THREADS", "8abc", False, 8),
        ("LLAMA_ARG_THREADS", "1.5", False, 1),
        ("LLAMA_ARG_THREADS", "0x10", False, 0),
        ("LLAMA_ARG_THREADS", " 4", False, 4),
        ("LLAMA_ARG_THREADS", "+4", False, 4),
        ("LLAMA_ARG_THREADS", "abc", True, None),
        ("LLAMA_ARG_THREADS", "", True, None),
        ("LLAMA_ARG_THREADS", "'1'", True, None),
        ("LLAMA_ARG_THREADS", "99999999999", True, None),
        ("LLAMA_ARG_CACHE_RAM", "-1", False, -1),
        ("LLAMA_ARG_CACHE_RAM", "-2", False, -2),
        ("LLAMA_ARG_CTX_CHECKPOINTS", "-1", False, -1),
        ("LLAMA_ARG_N_CPU_MOE", "-1", True, -1),
        ("LLAMA_ARG_MOE_CACHE_MIB", "-1", True, -1),
        ("LLAMA_ARG_THINK_BUDGET", "-2", True, -2),
        ("LLAMA_ARG_N_PARALLEL", "0", True, 0),
        ("LLAMA_ARG_N_GPU_LAYERS", "all", False, None),
        ("LLAMA_ARG_N_GPU_LAYERS", "none", True, None),
        ("LLAMA_ARG_REPACK", "yes", True, None),
        ("LLAMA_ARG_REPACK", "True", True, None),
        ("LLAMA_ARG_SWA_FULL", "yes", False, None),
        ("LLAMA_ARG_FIT_TARGET", "1,2", False, None),
        ("LLAMA_ARG_FIT_TARGET", "1,", True, None),
        ("LLAMA_ARG_TEMPERATURE", "8abc", False, None),
        ("LLAMA_ARG_TEMPERATURE", "abc", True, None),
        ("LLAMA_ARG_TENSOR_SPLIT", "3,x", True, None),
        ("LLAMA_ARG_LAZY_MODE", "1", True, None),
        ("LLAMA_ARG_LOG_FILE", "x", False, None),
    ],
)
def test_what_the_runner_makes_of_a_wrong_value(name, value, stopped, number):
    """A finding says that the runner stops where it stops, and what it takes where it goes on."""
    setting = load().get(name)
    assert taken_as(setting, value) == number
    assert stops(setting, value) is stopped
    said = [finding for finding in lint({name: value}, NEW) if "llama-server stops" in finding.message]
    assert bool(said) is stopped


@pytest.mark.parametrize("value", ["0", "-1", "-2"])
def test_every_logical_cpu_is_advice(value):
    """A number of threads below 1 acts, on every logical CPU, and a plan's own variable does not take it."""
    (finding,) = lint({"LLAMA_ARG_THREADS": value}, NEW)
    assert (finding.severity, finding.code) == ("advice", "out-of-range")
    assert "every logical CPU" in finding.message


@pytest.mark.parametrize("name", sorted(set(_lint.load().by_name)))
def test_harmless_values_are_of_dangerous_settings(name):
    """The field means something for them alone."""
    setting = load().by_name[name]
    assert setting.status == "dangerous" or not setting.harmless
