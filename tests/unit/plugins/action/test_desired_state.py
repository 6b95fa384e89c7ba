# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action desired_state: what it asks of the host, what it returns, and what it keeps to itself."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.action import firewalld_info
from ansible_collections.inference.ollama.plugins.action.desired_state import ActionModule
from ansible_collections.inference.ollama.plugins.modules import desired_state
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_desired import (
    DEFAULTS,
    SECRETS,
    found,
)
from ansible_collections.inference.ollama.tests.unit.support.cases import LLAMA_8B
from ansible_collections.inference.ollama.tests.unit.support.found import found_unit
from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Writer, llama
from ansible_collections.inference.ollama.tests.unit.support.measured import DIGEST, record_of
from ansible_collections.inference.ollama.tests.unit.support.models import GEMMA, LLAMA, STORE, read
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

KEY = "sk-a-key-that-nobody-shall-see"


class Templar:
    """Values as they are."""

    @staticmethod
    def template(value):
        return value


@pytest.fixture
def act(monkeypatch, tmp_path):
    """Run the action with variables of the role; its result, and what it asked of the host."""
    folder = tmp_path

    def act(args=None, answers=None, answering=dict, strategy="linear", keywords=None, **variables):
        task = SimpleNamespace(
            args=args or {},
            **{"check_mode": False, "delegate_to": None, "delegate_facts": None, **(keywords or {})},
            async_val=0,
            action="inference.ollama.desired_state",
            get_play=lambda: SimpleNamespace(strategy=strategy),
        )
        action = ActionModule.__new__(ActionModule)
        action._task, action._templar = task, Templar
        action._loader = SimpleNamespace(path_dwim=lambda path: str(folder / path))
        asked = []
        replies = answering(
            {
                "topology": xeon(),
                "unit_files_info": {**found(), "invocation": {"module_args": {"secrets": "VALUE_SPECIFIED"}}},
                "store_info": {},
                **(answers or {}),
            }
        )

        def execute(module_name, module_args, task_vars):
            assert task_vars["inventory_hostname"] == "gpu1"
            name = module_name.removeprefix("inference.ollama.")
            asked.append((name, module_args))
            reply = replies[name]
            return {"topology": replies["topology"], "captured": False, **reply} if "topology" in module_args else reply

        monkeypatch.setattr(action, "_execute_module", execute, raising=False)
        monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_arguments: {})
        known = {f"ollama_{name}": value for name, value in DEFAULTS.items()}
        return action.run(task_vars={**known, "inventory_hostname": "gpu1", **variables}), asked

    return act


def test_one_module_is_asked_and_the_plan_is_returned(act):
    """With the facts of the first; nothing of how the modules were called."""
    result, asked = act()
    assert [name for name, _args in asked] == ["unit_files_info"]
    assert asked[0][1]["topology"] == {"root": "/", "command_timeout": 5}
    assert (result["changed"], result["pending"], result["plan"]["release"]) == (False, True, "0.34.1")
    assert result["ansible_facts"]["ollama_topology"]["schema"] == 1
    assert "invocation" not in result


def test_the_key_is_compared_on_the_host_and_returned_nowhere(act):
    """Only that there is one shows, in the plan's drop-in."""
    result, asked = act({"secrets": {SECRETS: f"KEY={KEY}"}}, ollama_api_key=KEY)
    assert asked[0][1]["secrets"] == {SECRETS: f"KEY={KEY}"}
    assert KEY not in json.dumps(result)
    assert SECRETS in json.dumps(result["plan"])
    assert SECRETS not in result["absent"]


def test_everything_that_is_wrong_is_one_message(act):
    """A line each, with what is wrong with the key, which is not shown."""
    result, _asked = act(ollama_states_kept=0, ollama_num_threads=-4, ollama_api_key=f"{KEY}\n")
    assert result["failed"] is True
    assert result["msg"].splitlines() == result["refusals"]
    assert [line.partition(":")[0] for line in result["refusals"]] == [
        "ollama_num_threads",
        "ollama_states_kept",
        "ollama_api_key",
    ]
    assert KEY not in json.dumps(result)
    assert "plan" not in result


def test_of_secrets_names_alone_are_returned(act):
    """The values go to the module that compares them, in the file's text, and no further."""
    result, _asked = act(ollama_secret_environment={"HOUSE_WORD": KEY, "PIN": 1234})
    assert result["refusals"] == []
    assert KEY not in json.dumps(result)
    assert "1234" not in json.dumps(result["plan"])
    assert "HOUSE_WORD" in json.dumps(result["plan"])


def test_wrong_secrets_are_refused_with_all_else(act):
    """By their names, in the one message."""
    result, _asked = act(ollama_secret_environment={"A": [KEY], "OLLAMA_HOST": KEY}, ollama_states_kept=0)
    names = [line.partition(":")[0] for line in result["refusals"]]
    assert "ollama_secret_environment.A" in names
    assert "ollama_secret_environment.OLLAMA_HOST" in names
    assert "ollama_states_kept" in names
    assert KEY not in json.dumps(result)


@pytest.mark.parametrize("key", [774411998822, 0, 1.5, "0"])
def test_a_number_is_a_key(act, key):
    """A key of digits alone is a number in YAML, and is a text all the same, as is 0."""
    result, _asked = act(ollama_api_key=key)
    assert result["refusals"] == []
    assert SECRETS in json.dumps(result["plan"])
    assert SECRETS not in result["absent"]


@pytest.mark.parametrize("key", ["", None])
def test_nothing_is_no_key(act, key):
    """An empty text and null take the file of the key away."""
    assert SECRETS in act(ollama_api_key=key)[0]["absent"]


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ([KEY], "a list of 1 entries"),
        ({"a": KEY}, "a mapping of 1 names"),
        (True, "a truth value"),
        (False, "a truth value"),
    ],
)
def test_a_key_of_another_form_is_refused_unseen(act, key, form):
    """A list, a mapping and a truth value would be written in the form that Python gives them."""
    result, _asked = act(ollama_api_key=key)
    assert result["refusals"] == [
        f"ollama_api_key: the value is {form}; allowed is one line of text without control characters, or nothing"
    ]
    assert KEY not in json.dumps(result)


def test_without_preflight_what_cannot_be_planned_is_returned(act):
    """With the facts, so that a report on the host has its hardware."""
    result, _asked = act({"preflight": False}, ollama_num_threads=-4)
    assert result["refusals"][0].startswith("ollama_num_threads: -4")
    assert "failed" not in result
    assert result["ansible_facts"]["ollama_topology"]["schema"] == 1


def test_a_module_that_fails_ends_it(act):
    """With the module's own words and not below all facts; nothing is decided by half of them."""
    result, _asked = act(answers={"unit_files_info": {"failed": True, "msg": "no interpreter"}})
    assert (result["failed"], result["msg"]) == (True, "no interpreter")
    assert "plan" not in result
    assert "ansible_facts" not in result


def test_a_topology_of_another_schema_is_a_sentence(act):
    """Not a traceback."""
    result, _asked = act(answers={"topology": {}})
    assert result["failed"] is True
    assert "schema" in result["msg"]


@pytest.mark.parametrize(
    "answers",
    [
        {"topology": None},
        {"topology": {**xeon(), "software": [1]}},
        {"topology": {**xeon(), "cpu": "x", "numa": 5}},
        {"unit_files_info": {}},
        {"unit_files_info": {**found(), "files": None, "headed": 7}},
    ],
)
def test_a_damaged_answer_of_a_host_is_a_sentence(act, answers):
    """A host may answer anything, and no traceback comes of it."""
    result, _asked = act(answers=answers)
    assert result["failed"] is True
    assert "Traceback" not in result["msg"]


def test_without_preflight_the_snapshots_are_not_read(act):
    """Only root may, and the playbooks plan and verify work for others too."""
    assert act()[1][0][1]["state_folder"] == DEFAULTS["state_folder"]
    assert act({"preflight": False})[1][0][1]["state_folder"] is None


def test_without_preflight_a_host_without_ollama_has_a_plan(act):
    """The playbook plan shows it."""
    bare = {"topology": {**xeon(), "software": None}}
    assert act(answers=bare)[0]["failed"] is True
    assert act({"preflight": False}, bare)[0]["installed"] is False


def test_a_host_that_is_not_as_was_asked_for_first_is_asked_again(act):
    """By its topology, which is known then: here one without a unit."""
    _result, asked = act(answers={"topology": {**xeon(), "software": None}})
    assert [name for name, _args in asked] == ["unit_files_info", "unit_files_info"]
    assert "topology" not in asked[1][1]
    assert asked[1][1]["services"] is False


def test_what_it_takes_and_returns_is_documented(act):
    """Ansible looks for an action's documentation in a module of its name: each option and each result is there."""
    result, _asked = act()
    assert set(yaml.safe_load(desired_state.DOCUMENTATION)["options"]) == set(ActionModule._VALID_ARGS)
    assert set(yaml.safe_load(desired_state.RETURN)) == set(result) - {"changed"}


def test_what_the_host_cannot_be_read_with_is_refused_first(act):
    """With everything else that is wrong, and without asking the host by it."""
    result, asked = act(ollama_command_timeout="abc", ollama_start_timeout=0)
    assert result["failed"] is True
    assert [line.partition(":")[0] for line in result["refusals"]] == ["ollama_command_timeout", "ollama_start_timeout"]
    assert asked == []


def test_an_address_that_would_change_is_refused_by_what_the_host_has(act):
    """What the module found of the unit's other files decides, and the variable of the role says which one."""
    answers = {"unit_files_info": found(found_unit=found_unit({"OLLAMA_HOST": "0.0.0.0"}))}
    result, _asked = act(answers=answers)
    assert (result["failed"], len(result["refusals"])) == (True, 1)
    assert "OLLAMA_HOST=0.0.0.0" in result["msg"]
    kept, _asked = act(answers=answers, ollama_adopt="keep", ollama_exposure="gateway")
    assert kept["plan"]["instances"][0]["host"] == "0.0.0.0"


def test_with_a_folder_to_render_into_the_unit_below_it_counts(act):
    """As for every file there."""
    _result, asked = act(ollama_staging_root="/root/staging/")
    assert asked[0][1]["folder"] == "/root/staging/etc/systemd/system"


@pytest.mark.parametrize("args", [{}, {"preflight": False}])
@pytest.mark.parametrize("value", ["auto", ["llama3.1"]])
def test_models_of_the_store_are_read_where_they_are_asked_for(act, args, value):
    """In the store that the server uses, and not from the drop-in of the role itself."""
    answers = {"models_info": {**read({**LLAMA, "name": "llama3.1:latest"}), "invocation": {}}}
    result, asked = act(args, answers, ollama_reference_models=value, ollama_models_path="/srv/models")
    assert asked[-1] == ("models_info", {"stores": ["/srv/models"]})
    assert result["refusals"] == []
    assert result["plan"]["instances"][0]["budget"]["models"] == ["llama3.1:latest"]


def test_a_model_that_the_store_lacks_is_refused(act):
    """With the other refusals, in one message."""
    result, _asked = act(answers={"models_info": read(LLAMA)}, ollama_reference_models=["qwen3"], ollama_states_kept=0)
    assert (result["failed"], len(result["refusals"])) == (True, 2)
    assert f"'qwen3' is not in the store {STORE}, which has llama3.1:8b; pull it" in result["msg"]


def test_room_for_what_a_release_converts_is_a_notice(act):
    """The run goes on, since the release leaves a model as it is that finds no room."""
    gemma = {**GEMMA, "size_bytes": 16 << 30}
    result, asked = act(answers={"models_info": read(gemma, free_bytes=1 << 30)}, ollama_version="0.40.1")
    assert [name for name, _args in asked] == ["unit_files_info", "models_info"]
    (notice,) = result["notices"]
    assert "gemma3:4b may take up to 16.0 GiB more" in notice


def test_a_reader_of_models_that_fails_ends_it(act):
    """As every other module that fails."""
    result, _asked = act(answers={"models_info": {"failed": True, "msg": "no"}}, ollama_reference_models="auto")
    assert (result["failed"], result["msg"]) == (True, "no")


@pytest.mark.parametrize(
    "answer", [{}, {"models": None, "stores": 7}, {"models": [5], "stores": [5]}, {"models": [{}], "stores": [{}]}, [1]]
)
def test_a_damaged_answer_on_models_is_no_traceback(act, answer):
    """It is a sentence, or nothing was read."""
    answer = answer if isinstance(answer, dict) else {"models": answer}
    for value in ("auto", ["llama3.1"]):
        result, _asked = act(answers={"models_info": answer}, ollama_reference_models=value, ollama_version="0.40.1")
        assert "Traceback" not in str(result.get("msg", ""))


def test_the_digest_of_a_model_that_was_measured_is_read(act):
    """Of the named models alone, and only where a record is of the host's hardware; all that is read may be damaged."""
    record = record_of(xeon(), {"num_parallel": 3})
    elsewhere = {**record, "hardware": "0" * 16}
    store = read({**LLAMA, "digest": DIGEST})
    result, asked = act(answers={"models_info": store}, ollama_measured=[record], ollama_models_path="/srv/models")
    assert asked[-1] == ("models_info", {"stores": ["/srv/models"], "names": ["llama3.1:8b"]})
    assert result["plan"]["measured"]["settings"] == {"num_parallel": 3}
    assert "measured-not-compared" not in [warning["code"] for warning in result["plan"]["warnings"]]
    assert [name for name, _args in act(ollama_measured=[elsewhere])[1]] == ["unit_files_info"]
    _result, asked = act(answers={"models_info": store}, ollama_measured=[record], ollama_version="0.40.1")
    assert "names" not in asked[1][1]
    for damaged in ({"models": [{"name": None, "digest": 5}]}, {"models": [7], "stores": [{"readable": False}]}):
        assert act(answers={"models_info": damaged}, ollama_measured=[record])[0]["refusals"] == []


def test_files_are_read_on_the_controller(act, tmp_path):
    """From the playbook's folder on, without asking the host; what is wrong is a sentence."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.gguf").write_bytes(Writer().file(*llama(layers=3)))
    (tmp_path / "b.gguf").write_bytes(b"GGUF")
    result, asked = act(ollama_reference_models=["models/a.gguf", LLAMA_8B])
    assert [name for name, _args in asked] == ["unit_files_info"]
    assert result["plan"]["instances"][0]["budget"]["models"] == ["a.gguf", "llama3.1:8b"]
    result, _asked = act(ollama_reference_models=["b.gguf", "c.gguf"])
    assert [line.partition(" is no ")[0] for line in result["refusals"]] == [
        "ollama_reference_models: 'b.gguf'",
        "ollama_reference_models: 'c.gguf'",
    ]
    assert str(tmp_path / "b.gguf") in result["refusals"][0]
    assert "No such file" in result["refusals"][1]


def test_a_captured_machine_has_no_store_to_read(act):
    """Which auto takes as a bare host, and a name cannot."""
    elsewhere = {"ollama_topology_root": "/srv/captures/a", "ollama_staging_root": "/srv/staging"}
    result, asked = act(ollama_reference_models="auto", **elsewhere)
    assert [name for name, _args in asked] == ["unit_files_info"]
    assert result["plan"]["warnings"][0]["code"] == "models-unread"
    result, _asked = act(ollama_reference_models=["llama3.1"], **elsewhere)
    assert "'llama3.1' is a name, and no store of models was read" in result["msg"]


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only where the action sleeps; what it prints."""
    now, printed = [1000.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr("ansible.utils.display.Display.display", lambda _self, line: printed.append(line))
    return printed


def held(left=500.0):
    """A host that a run of another controller changes."""
    holder = {"run": "other", "controller": "deploy9", "pid": "7", "user": "kim", "since": "2026-11-26T08:00:00Z"}
    return {**found(), "holder": {**holder, "reason": "to 11m", "lease_left_s": left}}


def test_a_host_that_another_run_changes_is_waited_for(act, clock):
    """It says so at once and then now and again, and refuses in one sentence who has the host and what to do."""
    result, asked = act(answers={"unit_files_info": held()}, ollama_lock_timeout=40)
    assert result["failed"] is True
    assert result["msg"].startswith("gpu1: another run changes this host: process 7 of user kim on deploy9, since 2026")
    assert "wait for its end and run again" in result["msg"]
    assert [line.rpartition("; ")[2] for line in clock] == [
        "waiting, 0 of 40 s",
        "waiting, 15 of 40 s",
        "waiting, 30 of 40 s",
    ]
    assert len(asked) > 10


def test_what_the_other_run_leaves_is_what_is_decided_by(act, clock):
    """The host is read again once it has ended."""
    replies = iter([held(), held(), {**found(), "generation": 9, "holder": None}])

    class Answers(dict):
        def __getitem__(self, name):
            return next(replies) if name == "unit_files_info" else super().__getitem__(name)

    result, asked = act(answers={"unit_files_info": None}, ollama_lock_timeout=40, answering=Answers)
    assert (result["generation"], [name for name, _args in asked].count("unit_files_info")) == (9, 3)
    assert len(clock) == 1


@pytest.mark.parametrize("other", [{"left": 0.0}, {}])
def test_nothing_is_waited_for_without_need(act, clock, other):
    """Where the lease is over, and where nothing is to be changed."""
    args = {} if other else {"preflight": False}
    result, _asked = act(args, answers={"unit_files_info": held(**other)}, ollama_lock_timeout=40)
    assert (result["refusals"], clock) == ([], [])


def test_the_models_of_a_store_that_is_to_move_are_read_where_they_are(act):
    """Both stores are compared first; what is wrong with the new folder is not, since it is made."""
    stored = {
        "source": {"path": "/srv/old", "there": True, "link": None, "models": 1, "files": 3, "size_bytes": 9},
        "target": {"path": "/srv/models", "there": False, "link": None, "models": 0, "files": 0, "free_bytes": 1 << 40},
        "same_place": False,
        "needed_bytes": 9,
        "conflicts": [],
        "closed": [],
        "problems": [],
        "pending": None,
    }
    answers = {
        "store_info": {"store": stored},
        "models_info": read({**LLAMA, "name": "llama3.1:latest"}),
        "unit_files_info": {**found(), "store_problem": "it is not there"},
    }
    given = {"ollama_models_path": "/srv/models", "ollama_models_path_move": True, "ollama_reference_models": "auto"}
    result, asked = act({}, answers, **given)
    assert [name for name, _args in asked] == ["unit_files_info", "store_info", "models_info"]
    assert asked[-1][1] == {"stores": ["/srv/old"]}
    assert result["store_move"] == {"step": "move", "source": "/srv/old", "target": "/srv/models", "user": "root"}
    failed, _asked = act({}, {**answers, "store_info": {"failed": True, "msg": "no"}}, **given)
    assert failed["msg"] == "no"


def test_models_to_serve_are_compared_with_the_store(act, tmp_path):
    """With files of the controller as the playbook sees them, and with what is in memory where a model is to stay."""
    data = Writer().file(*llama())
    (tmp_path / "tiny.gguf").write_bytes(data)
    wanted = [{"name": "tiny", "file": "tiny.gguf"}, {"name": "gone.gguf:1", "file": "gone.gguf"}]
    result, asked = act(answers={"models_info": read()}, ollama_models=wanted)
    assert [name for name, _args in asked] == ["unit_files_info", "models_info"]
    assert asked[1][1] == {"stores": ["~root/.ollama/models"]}
    (refusal,) = result["refusals"]
    assert f"{tmp_path}/gone.gguf: cannot be read" in refusal
    memory = {"service": {"instances": [{"unit": "ollama.service", "api": {"models": []}}]}}
    answers = {"models_info": read({**LLAMA, "name": "tiny:latest"}), "service_info": memory}
    result, asked = act(answers=answers, ollama_models=[{**wanted[0], "keep": True}])
    units = [{"unit": "ollama.service", "url": "http://127.0.0.1:11434"}]
    assert asked[2] == ("service_info", {"units": units, "parts": ["api"], "command_timeout": 5})
    assert result["served"]["steps"][0]["file"] == str(tmp_path / "tiny.gguf")
    assert [load["name"] for load in result["served"]["loads"]] == ["tiny:latest"]
    tried, _asked = act({"instead": {"num_parallel": 2}}, answers=answers, ollama_models=wanted[:1])
    assert tried["served"] is None


def test_firewalld_is_asked_where_rules_are_wanted_and_needs_the_collection_that_sets_them(act, monkeypatch):
    """Before anything changes; other hosts are not asked."""
    zone = {"name": "public", "default": True, "active": True, "target": "default", "rules": [], "permanent_rules": []}
    read = {"running": True, "zones": [zone], "recorded": [], "problems": []}
    given = {"host": "0.0.0.0", "exposure": "firewall", "exposure_networks": ["10.0.0.0/8"]}
    given = {f"ollama_{name}": value for name, value in given.items()}
    for there in (False, True):
        finds = SimpleNamespace(find_plugin_with_context=lambda _name, there=there: SimpleNamespace(resolved=there))
        monkeypatch.setattr(firewalld_info, "import_module", str)
        monkeypatch.setattr(firewalld_info, "module_loader", finds)
        result, asked = act({}, {"firewalld_info": {"firewalld": read}}, **given)
        assert "firewalld_info" in [name for name, _args in asked]
        if there:
            assert [row["zone"] for row in result["zones"]["opened"]] == ["public"]
        else:
            assert "ansible-galaxy collection install ansible.posix" in result["msg"]
    failed, _asked = act({}, {"firewalld_info": {"failed": True, "msg": "no"}}, **given)
    assert (failed["failed"], failed["msg"]) == (True, "no")
    assert "firewalld_info" not in [name for name, _args in act()[1]]


def test_a_host_gets_the_models_that_are_placed_on_it(act):
    """As if its own variables named them; what does not go together is refused with the rest."""
    fleet = {"ollama_fleet_models": ["a:1b", "b:1b"], "groups": {"all": ["gpu1", "gpu2"]}}
    here = {"a:1b": ["gpu1"], "b:1b": ["gpu2"]}
    answers = {"models_info": read()}
    result, _asked = act(answers=answers, ollama_fleet_placement=here, **fleet)
    assert [step["name"] for step in result["served"]["steps"]] == ["a:1b"]
    wrong, _asked = act(answers=answers, ollama_fleet_placement={"a:1b": ["gpu3"]}, ollama_states_kept=0, **fleet)
    assert [line.partition(":")[0] for line in wrong["refusals"]] == [
        "ollama_states_kept",
        "ollama_fleet_models",
        "ollama_fleet_placement",
    ]
    planned, _asked = act({"preflight": False}, answers, ollama_fleet_placement={}, **fleet)
    assert planned["refusals"] == []


@pytest.mark.parametrize(
    ("keywords", "run", "said"),
    [
        ({"check_mode": True}, False, "check_mode is true for the role in a run without --check"),
        ({"check_mode": False}, True, "check_mode is false for the role in a run with --check"),
        ({"delegate_to": "gpu2", "delegate_facts": True}, False, "what it finds out would be lost to gpu2"),
    ],
)
def test_keywords_that_would_leave_a_host_between_two_states_are_refused(act, keywords, run, said):
    """With what to do in their place; a plan alone is made whatever they say."""
    result, _asked = act(keywords=keywords, ansible_check_mode=run)
    assert result["failed"] is True
    assert [said in line for line in result["refusals"]] == [True]
    plan, _asked = act({"preflight": False}, keywords=keywords, ansible_check_mode=run)
    assert plan["refusals"] == []


@pytest.mark.parametrize(
    ("strategy", "lockstep"), [("linear", True), ("ansible.builtin.free", False), ("host_pinned", False)]
)
def test_where_and_at_which_pace_the_role_runs_is_known_to_its_tasks(act, strategy, lockstep):
    """Their handlers act on the same host, and they speak of other hosts only where these are at the same task."""
    result, _asked = act(strategy=strategy, keywords={"delegate_to": "gpu2"})
    assert (result["lockstep"], result["delegated_to"]) == (lockstep, "gpu2")
    assert act()[0]["delegated_to"] is None


def test_what_runs_containers_is_asked_where_servers_run_in_some(act):
    """Before anything changes, and of a host without a unit again what concerns the one to come."""
    image = f"docker.io/ollama/ollama:0.34.1@sha256:{'0' * 64}"
    given = {"ollama_deployment": "podman", "ollama_image": image}
    engine = {
        **dict.fromkeys(("program", "generator"), "/usr/bin/podman"),
        "version": "5.4.2",
        "image_there": True,
        "cgroup_version": 2,
        "controllers": ["cpuset"],
        "cdi": {},
    }
    result, asked = act({}, {"engine_info": {"containers": engine}}, **given)
    assert [name for name, _args in asked] == ["unit_files_info", "engine_info"]
    assert asked[1][1] == {"engine": "podman", "image": image.replace(":0.34.1", ""), "command_timeout": 5}
    assert (result["engine"], result["plan"]["deployment"]) == (None, "podman")
    bare = xeon(software={"systemd": 257, "numactl": None, "ollama": None})
    result, asked = act({}, {"engine_info": {"containers": engine}, "topology": bare}, **given)
    assert [name for name, _args in asked] == ["unit_files_info", "unit_files_info", "engine_info"]
    assert (asked[1][1]["services"], result["installed"]) == (True, True)
    failed, _asked = act({}, {"engine_info": {"failed": True, "msg": "no"}}, **given)
    assert (failed["failed"], failed["msg"]) == (True, "no")
    staged, asked = act({}, ollama_staging_root="/tmp/staged", **given)
    assert ("engine_info" in [name for name, _args in asked], staged["refusals"]) == (False, [])
