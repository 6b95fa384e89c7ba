# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan keeps of the settings that the unit's other files have (docs/policy.md, rules F1 to F4)."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_dropin
from ansible_collections.inference.ollama.tests.unit.support.found import DROPIN, FILE, UNIT, found_unit
from ansible_collections.inference.ollama.tests.unit.support.plans import card, instances, topology, workstation, xeon

GUIDE = {"OLLAMA_HOST": "0.0.0.0", "OLLAMA_MODELS": "/srv/models", "OLLAMA_KEEP_ALIVE": "24h"}
TWO = [{"name": "a"}, {"name": "b"}]


def plan(found, machine=None, **options):
    return make_plan(machine or xeon(), options, "0.34.1", found)


def refusals(found, **options):
    with pytest.raises(PlanError) as error:
        plan(found, **options)
    return error.value.lines


def decision(made, setting, instance="ollama"):
    return next(d for d in made["decisions"] if (d["instance"], d["setting"]) == (instance, setting))


def kept(made, setting, instance="ollama"):
    found = decision(made, setting, instance)
    return found["value"] if found["source"] == "found" else None


def test_the_override_of_the_guide_is_refused_in_one_sentence():
    """It says what was found, where, what the plan would set, and every way out."""
    (line,) = refusals(found_unit(GUIDE))
    assert line == (
        "ollama_adopt: auto changes neither the address nor the store that a server has; found was OLLAMA_HOST=0.0.0.0"
        f" ({DROPIN}:2; the plan would set 127.0.0.1:11434; kept, it needs ollama_exposure too) and"
        f" OLLAMA_MODELS=/srv/models ({DROPIN}:3; the plan would set none, which is ~/.ollama/models of"
        " the service's user). Set ollama_adopt: keep to keep what was found,"
        " ollama_adopt: replace to give it up, or say it in ollama_host and ollama_models_path"
    )


def test_keep_keeps_all_of_it_and_writes_none_of_it():
    """The decisions say where each stands; the file that has them goes on being read, so ours repeats nothing."""
    made = plan(found_unit(GUIDE), adopt="keep", exposure="gateway")
    assert {name: kept(made, name) for name in GUIDE} == GUIDE
    assert decision(made, "OLLAMA_KEEP_ALIVE")["reason"] == f"found in {DROPIN}:4; set ollama_keep_alive to change it"
    assert made["instances"][0]["url"] == "http://127.0.0.1:11434"
    assert made["instances"][0]["host"] == "0.0.0.0"
    assert decision(made, "exposure", None)["value"] == "gateway"
    text = render_dropin(made, "ollama")
    assert not any(word in text for word in (*GUIDE, "found", DROPIN))


def test_replace_plans_as_if_nothing_were_there():
    """The plan is that of a unit that sets nothing."""
    assert plan(found_unit(GUIDE, {"LimitNOFILE": "9"}), adopt="replace") == plan(None)


def test_variables_of_the_role_say_it_by_themselves():
    """What is set explicitly wins, each by itself; the rest is kept without a question."""
    made = plan(found_unit(GUIDE), host="10.0.0.1:11434", exposure="gateway", models_path="/big", keep_alive="1h")
    assert [decision(made, name)["source"] for name in GUIDE] == ["operator"] * 3
    assert refusals(found_unit(GUIDE), host="10.0.0.1:11434", exposure="gateway")[0].count("OLLAMA_HOST") == 0
    assert plan(found_unit(GUIDE), host="10.0.0.1:11434", exposure="gateway", environment={"OLLAMA_MODELS": "/big"})
    # The default itself, in other words.
    assert plan(found_unit({"OLLAMA_HOST": "0.0.0.0"}), host="127.0.0.1")["instances"][0]["host"] == "127.0.0.1"
    listed = [{"name": "a", "host": "127.0.0.1:1"}, {"name": "b", "host": "127.0.0.1:2"}]
    assert plan(found_unit({"OLLAMA_HOST": "0.0.0.0"}), instances=listed)


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "http://127.0.0.1:11434/", "127.0.0.1:11434", "http://127.0.0.1:11434", '"127.0.0.1"']
)
def test_an_address_that_means_the_same_is_kept_silently(text):
    """Whatever its form, nothing changes with it."""
    made = plan(found_unit({"OLLAMA_HOST": text}))
    assert (kept(made, "OLLAMA_HOST"), made["instances"][0]["port"]) == (text, 11434)


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("0.0.0.0", "0.0.0.0", 11434),
        ("0.0.0.0:11434", "0.0.0.0", 11434),
        ("http://10.0.0.1:80", "10.0.0.1", 80),
        (":8080", "0.0.0.0", 8080),
        ("[::]:11434", "::", 11434),
        ("http://0.0.0.0", "0.0.0.0", 80),
    ],
)
def test_another_address_or_port_is_asked_about_and_kept(text, address, port):
    """It is read as the server reads it."""
    assert text in refusals(found_unit({"OLLAMA_HOST": text}))[0]
    first = plan(found_unit({"OLLAMA_HOST": text}), adopt="keep", exposure="gateway")["instances"][0]
    assert (first["host"], first["port"]) == (address, port)


def test_the_store_of_the_unit_file_itself_does_not_change():
    """No rule sets a store and no file of ours takes the unit's place, so there is nothing to ask."""
    assert kept(plan(found_unit({"OLLAMA_MODELS": "/var/lib/ollama"}, file=UNIT)), "OLLAMA_MODELS") == "/var/lib/ollama"
    assert "OLLAMA_HOST" in refusals(found_unit({"OLLAMA_HOST": "0.0.0.0"}, file=UNIT))[0]


def test_variables_come_before_rules_named_or_free():
    """One with a variable of the role and one without, each as its file has it."""
    made = plan(found_unit({"OLLAMA_NUM_PARALLEL": "3", "HTTPS_PROXY": "http://proxy:3128", "LLAMA_ARG_THREADS": "5"}))
    assert kept(made, "OLLAMA_NUM_PARALLEL") == "3"
    assert kept(made, "HTTPS_PROXY") == "http://proxy:3128"
    assert decision(made, "HTTPS_PROXY")["reason"].endswith("set ollama_environment.HTTPS_PROXY to change it")
    assert (kept(made, "LLAMA_ARG_THREADS"), kept(made, "compute_threads")) == ("5", 5)


def test_the_decisions_of_others_follow_from_what_was_found():
    """Rules count with it as with a value of the operator's."""
    few, many = (plan(found_unit({"OLLAMA_NUM_PARALLEL": slots})) for slots in ("1", "8"))
    assert few["instances"][0]["budget"] != many["instances"][0]["budget"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("OLLAMA_MAX_QUEUE", "abc", "malformed"),
        ("OLLAMA_NO_SUCH", "1", "unknown"),
        ("HTTPS_PROXY", "http://a\n", "malformed"),
        ("OLLAMA_MAX_VRAM", "1", "removed"),
        ("LLAMA_ARG_THREADS", "500", "unusable"),
        ("OLLAMA_MAX_LOADED_MODELS", "0", "open"),
        ("CUDA_VISIBLE_DEVICES", "7", "unusable"),
    ],
)
def test_what_does_not_act_as_it_is_meant_is_a_warning(name, value, code):
    """It stays where it is, is named with file and line, and stops nothing."""
    made = plan(found_unit({name: value}), workstation(card()))
    (warning,) = [each for each in made["warnings"] if each["code"].startswith("found-")]
    assert warning["code"] == f"found-{code}"
    assert f"{name}, found in {DROPIN}:2: " in warning["message"]
    assert "found" not in [each["source"] for each in made["decisions"]]


def test_advice_on_what_is_kept_is_given():
    """It acts, and maybe not as somebody thinks; what ollama_environment says comes first."""
    made = plan(found_unit({"LLAMA_ARG_MLOCK": "1"}))
    assert kept(made, "LLAMA_ARG_MLOCK") == "1"
    assert "found-changed" in [warning["code"] for warning in made["warnings"]]
    said = plan(found_unit({"HTTPS_PROXY": "http://a:1"}), environment={"HTTPS_PROXY": "http://b:1"})
    assert decision(said, "HTTPS_PROXY")["source"] == "operator"


def test_what_the_plan_itself_gets_wrong_is_still_refused():
    """Leaving out what was found hides no mistake in a variable of the role."""
    lines = refusals(found_unit({"LLAMA_ARG_THREADS": "500"}), numa_node=9)
    assert [line.partition(":")[0] for line in lines] == ["ollama_numa_node"]


def test_names_of_others_and_secrets_are_in_no_plan():
    """PATH and HOME belong to their file, and a secret has no value that could be shown."""
    made = plan(found_unit({"PATH": "/bin", "OLLAMA_API_KEY": None, "HTTPS_PROXY": None}))
    assert made == plan(None)
    assert not {"PATH", "HOME"} & {each["setting"] for each in plan(found_unit({"HOME": "/x"}))["decisions"]}


def test_directives_of_drop_ins_come_before_rules():
    """Those of the unit file itself yield, and what the role's variables say comes first."""
    given = {"LimitNOFILE": "4096", "Restart": "on-failure", "OOMScoreAdjust": "100", "Slice": "llm.slice"}
    made = plan(found_unit({}, given))
    assert {name: kept(made, name) for name in given} == given
    text = render_dropin(made, "ollama")
    assert not any(f"{name}=" in text for name in given)
    assert decision(plan(found_unit({}, given), limit_nofile=9000), "LimitNOFILE")["source"] == "operator"
    assert decision(plan(found_unit({}, given, file=UNIT)), "LimitNOFILE")["source"] == "policy"
    assert kept(plan(found_unit({}, {"ProtectHostname": "no"}), hardening=False), "ProtectHostname") == "no"


def test_cpus_of_a_drop_in_are_the_servers():
    """Threads are counted for them and nothing else binds the server; a variable of the role says otherwise."""
    made = plan(found_unit({}, {"CPUAffinity": "0-3 28-31"}))
    assert (kept(made, "CPUAffinity"), kept(made, "cpus"), kept(made, "binding")) == (
        "0-3 28-31",
        "0-3,28-31",
        "affinity",
    )
    assert decision(made, "compute_threads")["value"] == 4
    assert decision(made, "ExecStart")["value"] is None
    assert "CPUAffinity" not in render_dropin(made, "ollama")
    bound = plan(found_unit({}, {"CPUAffinity": "0-3"}), numa_node=1, bind_method="affinity")
    assert "\nCPUAffinity=\nCPUAffinity=14-27,42-55\n" in render_dropin(bound, "ollama")
    assert kept(plan(found_unit({}, {"CPUAffinity": "numa"})), "binding") is None


def test_cpus_of_the_unit_file_itself_stay_too():
    """Nothing would take them back where no rule binds the service."""
    made = plan(found_unit({}, {"CPUAffinity": "0-3"}, UNIT))
    assert kept(made, "cpus") == "0-3"
    (server,) = instances(made)
    assert (server["compute_threads"], server["binding"]) == (4, "affinity")


def test_of_found_cpus_those_count_that_the_service_may_use():
    """The kernel takes the others away, offline ones as those that a limit forbids."""
    machine = topology(cores=8, cpuset="0-3")
    (server,) = instances(make_plan(machine, {}, "0.34.1", found_unit({}, {"CPUAffinity": "2-7"})))
    assert (server["cpus"], server["compute_threads"]) == ("2-3", 2)
    (server,) = instances(make_plan(machine, {}, "0.34.1", found_unit({}, {"CPUAffinity": "6-7"})))
    assert (server["cpus"], server["compute_threads"]) == ("0-3", 4)


def test_several_servers_get_what_was_found():
    """Their units do not read the drop-ins of ollama.service, so that it is written: ports counted up, store to all."""
    found = found_unit({**GUIDE, "HTTPS_PROXY": "http://proxy:3128"}, {"LimitNOFILE": "4096", "CPUAffinity": "0-3"})
    made = plan(found, adopt="keep", instances=TWO, exposure="gateway")
    assert [(each["host"], each["port"]) for each in made["instances"]] == [("0.0.0.0", 11434), ("0.0.0.0", 11435)]
    for name in ("a", "b"):
        text = render_dropin(made, name)
        for line in ("OLLAMA_MODELS=/srv/models", "OLLAMA_KEEP_ALIVE=24h", "HTTPS_PROXY=http://proxy:3128"):
            assert f'Environment="{line}"' in text
        assert "LimitNOFILE=4096" in text
        assert "# found: found in" in text
        assert "found (another file of the unit)" in text
    own = plan(
        found,
        adopt="keep",
        exposure="gateway",
        instances=[{"name": "a", "environment": {"HTTPS_PROXY": "http://b:1"}}, TWO[1]],
    )
    assert decision(own, "HTTPS_PROXY", "a")["source"] == "operator"
    assert kept(own, "HTTPS_PROXY", "b") == "http://proxy:3128"


def wins(made):
    return [warning["message"] for warning in made["warnings"] if warning["code"] == "found-wins"]


def test_a_file_that_would_win_is_named():
    """A drop-in cannot win over an environment file; the same value, and one that is kept, are in nobody's way."""
    found = found_unit({"OLLAMA_KEEP_ALIVE": "24h"}, file=FILE)
    (line,) = wins(plan(found, keep_alive="1h"))
    assert line == (
        f"ollama_keep_alive: the plan sets OLLAMA_KEEP_ALIVE to 1h, and {FILE}:2 sets it to 24h, which wins over the"
        " role's drop-in; take it out there, or give the role the same value"
    )
    assert wins(plan(found, keep_alive="24h")) == []
    assert (wins(plan(found)), kept(plan(found), "OLLAMA_KEEP_ALIVE")) == ([], "24h")
    assert "OLLAMA_HOST" in wins(plan(found_unit({"OLLAMA_HOST": "0.0.0.0"}, file=FILE), adopt="replace"))[0]
    hidden = found_unit({"HTTPS_PROXY": None}, file=FILE)
    assert "not shown" in wins(plan(hidden, environment={"HTTPS_PROXY": "http://proxy:1"}))[0]


def test_a_drop_in_of_a_later_name_wins_too():
    """Over the only server's; several have drop-ins of their own."""
    later = DROPIN.replace("override", "zz")
    found = {**found_unit({"OLLAMA_KEEP_ALIVE": "24h"}, {"LimitNOFILE": "9"}, file=later), "dropins": [later]}
    options = {"keep_alive": "1h", "limit_nofile": 4096}
    assert [line.partition(":")[0] for line in wins(plan(found, **options))] == [
        "ollama_keep_alive",
        "ollama_limit_nofile",
    ]
    assert wins(plan(found, **options, instances=TWO)) == []
    assert wins(plan(found, **options, dropin_name="zzz.conf")) == []


def test_an_address_that_nobody_can_listen_on_is_refused():
    """Keeping it is not possible, so the sentence names the other ways."""
    (line,) = refusals(found_unit({"OLLAMA_HOST": "http://a_b:1"}), adopt="keep")
    assert line.startswith(f"ollama_host: OLLAMA_HOST=http://a_b:1, found in {DROPIN}:2, cannot be kept")


def test_files_that_cannot_be_read_are_warned_of():
    """Whoever is not root sees what is missing, three of them at most."""
    found = {**found_unit({}), "problems": [f"/etc/{name}: it cannot be read" for name in "abcd"]}
    (warning,) = [each for each in plan(found)["warnings"] if each["code"] == "found-incomplete"]
    assert "/etc/c: it cannot be read; …" in warning["message"]
    assert "/etc/d" not in warning["message"]


@given(
    variables=st.dictionaries(
        st.sampled_from(["OLLAMA_HOST", "OLLAMA_MODELS", "OLLAMA_KEEP_ALIVE", "LLAMA_ARG_NUMA", "OLLAMA_X", "GGML_A"])
        | st.text(max_size=8),
        st.none() | st.text(max_size=12),
        max_size=4,
    ),
    directives=st.dictionaries(st.sampled_from(["CPUAffinity", "LimitNOFILE", "Slice", "Nice"]), st.text(max_size=9)),
    adopt=st.sampled_from(["auto", "keep", "replace"]),
)
def test_whatever_was_found_gives_a_plan_or_sentences(variables, directives, adopt):
    """No value of a file ends in anything but a plan that JSON carries, or refusals."""
    for options in ({}, {"instances": TWO}):
        with contextlib.suppress(PlanError):
            made = plan(found_unit(variables, directives), adopt=adopt, **options)
            assert json.dumps(made)
            assert all(render_dropin(made, each["name"]) for each in made["instances"])


@pytest.mark.parametrize(
    ("directive", "value"),
    [
        ("CPUAffinity", "0-7;16-23"),
        ("LimitMEMLOCK", "unlimited"),
        ("Restart", "Always"),
        ("OOMScoreAdjust", "-2000"),
        ("Enviroment", "A=1"),
    ],
)
def test_a_line_that_systemd_passes_over_is_not_kept(directive, value):
    """It has no effect, so the plan does not count on it, and says so with the file and its line."""
    made = plan(found_unit({}, {directive: value}))
    assert directive not in {each["setting"] for each in made["decisions"] if each["source"] == "found"}
    (warning,) = [each for each in made["warnings"] if each["code"] == "found-unread"]
    assert warning["message"].startswith(f"{directive}, found in {DROPIN}:2: systemd passes over the value {value}")
