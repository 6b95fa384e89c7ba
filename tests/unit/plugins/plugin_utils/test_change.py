# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has changed, why it was taken back, and what must hold then: as data and in a few lines."""

from __future__ import annotations

import copy
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._change import (
    change_report,
    change_sentence,
    change_table,
    failure_reason,
    restore_report,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._variables import kept_text
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.failed import failed_checks
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    SAME,
    many,
    plans,
    running,
    verdicts,
)
from ansible_collections.inference.ollama.tests.unit.support.checks import verification
from ansible_collections.inference.ollama.tests.unit.support.plans import instances, plan, xeon

FILES = [{"path": "/etc/systemd/system/ollama.service.d/override.conf", "change": "created"}]
STATE = {"id": "20261122T081202Z", "saved_at": "2026-11-22T08:12:02Z", "reason": "", "changes": FILES}
WRITTEN = {"changes": FILES, "state": STATE["id"], "unfinished": False, "changed": True}
SINGLE = plan(xeon(), numa_node="none")
SEVERAL = plan(xeon(), instances="per_numa_node")


GOOD = verification(("threads", "pass"), ("binding", "pass"))
BAD = verification(("unit", "pass"), ("LimitMEMLOCK", "fail"), ("threads", "fail"), ("numa_node", "unknown"))


def _plan_of(restored):
    return restore_report(restored)["plan"]


def _lines_of(restored, host, after=None):
    return restore_report(restored, host, after)["lines"]


def settings_of(checks):
    return [check["setting"] for check in checks]


# Which checks fail a host.


def test_what_fails_a_host():
    """What fails, in its order; with strict what is unknown too; what is accepted never."""
    assert failed_checks(GOOD) == failed_checks(GOOD, strict=True) == []
    assert settings_of(failed_checks(BAD)) == ["LimitMEMLOCK", "threads"]
    assert settings_of(failed_checks(BAD, strict=True)) == ["LimitMEMLOCK", "threads", "numa_node"]
    assert settings_of(failed_checks(BAD, ["LimitMEMLOCK"])) == ["threads"]
    assert settings_of(failed_checks(BAD, iter(["LimitMEMLOCK", "numa_node", "x"]), strict=True)) == ["threads"]
    assert failed_checks(BAD, ["LimitMEMLOCK", "threads"]) == []


# What must hold where a host went back.


def restored(start, plan=None):
    return {"services": {"stop": [], "start": start}, "plan": plan, "changes": [], "states": [], "problems": []}


def hosts(made):
    """The services of a plan with their OLLAMA_HOST."""
    return {each["unit"]: each["environment"]["OLLAMA_HOST"] for each in instances(made)}


@pytest.mark.parametrize("made", [SINGLE, SEVERAL])
def test_the_plan_that_was_confirmed_then_holds(made):
    """It is of the services that ran, whatever address they had."""
    assert _plan_of(restored(hosts(made), made)) == made


@pytest.mark.parametrize(
    "known",
    [None, {}, {**SINGLE, "schema": 1}, {**SINGLE, "schema": None}, SEVERAL, {**SINGLE, "instances": []}],
)
def test_without_the_plan_of_these_services_they_shall_run_and_answer(known):
    """One that was never confirmed, of another release of the collection, or of other services is none of them."""
    made = _plan_of(restored({"ollama.service": "0.0.0.0:11435"}, known))
    (instance,) = instances(made)
    assert (instance["name"], instance["unit"], instance["url"]) == (
        "ollama",
        "ollama.service",
        "http://127.0.0.1:11435",
    )
    assert (made["schema"], made["release"], made["decisions"]) == (2, None, [])


def test_a_timer_that_ran_is_not_asked_for_an_api():
    """It is started again, and nothing more has to hold of it."""
    start = {"inference-ollama-gpu-watch.timer": "", "ollama.service": ":1"}
    assert [each["unit"] for each in restore_report(restored(start))["units"]] == ["ollama.service"]


def test_a_restore_report_names_the_services_to_read():
    """With the addresses of the plan of then; nothing where no snapshot was restored."""
    assert restore_report(restored({"ollama.service": ":1"}))["units"] == [
        {"unit": "ollama.service", "url": "http://127.0.0.1:1"}
    ]
    nothing = {"services": None, "plan": None, "changes": [], "states": [], "problems": []}
    assert (restore_report(nothing)["plan"], restore_report(nothing)["units"]) == (None, [])


def test_instances_have_their_own_names():
    """As in a plan of several servers, in the order of their names."""
    made = _plan_of(restored({"ollama@b.service": ":2", "ollama@a.service": ":1"}))
    assert [(each["name"], each["url"]) for each in instances(made)] == [
        ("a", "http://127.0.0.1:1"),
        ("b", "http://127.0.0.1:2"),
    ]
    assert _plan_of(restored({}))["instances"] == []


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("127.0.0.1:11435", "http://127.0.0.1:11435"),
        (":11435", "http://127.0.0.1:11435"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("[::]:11435", "http://[::1]:11435"),
        ("[::1]", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("::", "http://[::1]:11434"),
        ("gpu.example.org", "http://gpu.example.org:11434"),
        ("http://0.0.0.0:11435", "http://127.0.0.1:11435"),
        ("http://0.0.0.0:11435/", "http://127.0.0.1:11435"),
        ("http://127.0.0.1", "http://127.0.0.1:80"),
        ("http://gpu.example.org/", "http://gpu.example.org:80"),
        ("https://127.0.0.1", "http://127.0.0.1:443"),
        ("http://", "http://127.0.0.1:80"),
        (' "0.0.0.0:11435" ', "http://127.0.0.1:11435"),
        ("'127.0.0.1:11435'", "http://127.0.0.1:11435"),
        ("0.0.0.0:99999", "http://127.0.0.1:11434"),
        ("a b", "http://127.0.0.1:11434"),
        (":8200", "http://127.0.0.1:8200"),
        ("[fe80::1%eth0]:8080", "http://[fe80::1%25eth0]:8080"),
    ],
)
def test_where_a_server_listens(host, url):
    """OLLAMA_HOST as the server itself reads it, whatever somebody had written there before the role came."""
    (instance,) = _plan_of(restored({"ollama.service": host}))["instances"]
    assert instance["url"] == url


@given(st.text(max_size=30))
def test_any_address_is_read(host):
    """What stands in an environment is anybody's."""
    (instance,) = _plan_of(restored({"ollama.service": host}))["instances"]
    assert instance["url"].startswith("http://")


@many
@given(plans())
def test_the_bare_plan_fails_no_healthy_host(made):
    """Whatever a host was set to before, it passes where it runs as systemd has loaded it, and answers."""
    bare = _plan_of(restored(hosts(made)))
    service = running(made)
    for each in service["instances"]:
        for process in each["processes"]:
            process["environment"]["OLLAMA_NOPRUNE"] = "1"
    for drift in (None, SAME):
        found = verify(bare, service, drift)
        assert verdicts(found, "fail") == []
        assert {"unit", "api", "unit_reloaded", "processes_current"} <= set(verdicts(found, "pass"))
        assert set(verdicts(found, "unknown")) <= {"unit_files", "release"}


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"active_state": "failed", "sub_state": "failed", "processes": []}, "unit"),
        ({"need_daemon_reload": True}, "unit_reloaded"),
        ({"api": {"version": None}, "problems": ["http://127.0.0.1:11434/api/version: refused"]}, "api"),
    ],
)
def test_the_bare_plan_fails_a_host_that_does_not_run(changes, setting):
    """Not started, not reloaded, not answering."""
    service = copy.deepcopy(running(SINGLE))
    service["instances"][0].update(changes)
    found = verify(_plan_of(restored({"ollama.service": "127.0.0.1:11434"})), service)
    assert setting in verdicts(found, "fail")


# Why a task failed.


@pytest.mark.parametrize(
    ("result", "task", "words"),
    [
        ({"msg": "no room"}, "", "no room"),
        ({"msg": "no room."}, "Write the files", "Write the files: no room"),
        ({"msg": "one\n  two \n"}, "T", "T: one two"),
        ({"msg": ["not so", "nor so"], "assertion": "a == b"}, "T", "not so nor so"),
        ({"msg": "Not as planned...", "assertion": "a == b"}, "T", "Not as planned"),
        ({"msg": 5}, "T", "T: 5"),
        ({}, "T", "T: it did not say why"),
        ({"msg": ""}, "", "it did not say why"),
        ({"results": [], "msg": "All items completed"}, "T", "T: All items completed"),
        (
            {
                "msg": "One or more items failed",
                "results": [{"msg": "ok"}, {"failed": True, "msg": "a"}, {"failed": True}],
            },
            "T",
            "T: a",
        ),
        (
            {"msg": "One or more items failed", "results": [{"failed": True, "msg": "Not so.", "assertion": "x"}]},
            "T",
            "Not so",
        ),
        ({"msg": "a: 0 is not allowed", "refusals": ["a: 0 is not allowed"]}, "T", "a: 0 is not allowed"),
        (
            {
                "msg": "x",
                "results": [{"failed": True, "msg": "a."}, {"failed": True, "msg": "b"}, {"failed": True, "msg": "a"}],
            },
            "T",
            "T: a; b",
        ),
        ({"msg": "some items failed", "results": [{"failed": False, "msg": "b"}]}, "T", "T: some items failed"),
    ],
)
def test_why_a_task_failed(result, task, words):
    """One line without a full stop; an assertion is a sentence of its own; each item of a loop that failed counts."""
    assert failure_reason(result, task) == words


def test_a_long_complaint_is_cut():
    """A traceback of a page helps nobody in a last line."""
    assert len(failure_reason({"msg": "x" * 5000})) == 2000


# The report.


def test_a_run_that_changed_nothing():
    """Every key is there all the same."""
    report = change_report({"changes": [], "state": None})
    assert report == {
        "schema": 1,
        "outcome": "unchanged",
        "reason": None,
        "files": [],
        "restarted": [],
        "stopped": [],
        "state": None,
        "restored": None,
        "proven": None,
        "problem": None,
        "verification": None,
        "checks": [],
        "gate": None,
        "answers": None,
        "models": None,
    }
    assert change_report({}) == change_report({"skipped": True, "changed": False}) == report


@pytest.mark.parametrize(
    "arguments",
    [(WRITTEN,), ({}, ["ollama.service"]), ({}, [], ["ollama.service"]), (WRITTEN, iter(["a"]), iter(["b"]))],
)
def test_a_run_that_changed_something(arguments):
    """A file, or a service that was restarted or stopped."""
    report = change_report(*arguments)
    assert report["outcome"] == "changed"
    assert json.loads(json.dumps(report)) == report


def failure(**said):
    return {"reason": "it did not run as planned", "restored": {}, "problem": None, "verification": None, **said}


def test_a_change_that_failed_and_was_taken_back():
    """Why, what state is back, and how it was verified while it was there."""
    report = change_report(
        WRITTEN,
        ["ollama.service"],
        [],
        failure(restored={"restored": STATE, "changed": True}, verification=BAD, checks=failed_checks(BAD)),
    )
    assert (report["outcome"], report["reason"]) == ("restored", "it did not run as planned")
    assert (report["restored"], report["verification"], report["files"]) == (STATE, BAD, FILES)
    assert settings_of(report["checks"]) == ["LimitMEMLOCK", "threads"]


@pytest.mark.parametrize("back", [None, {}, {"restored": None}])
def test_a_run_that_failed_with_nothing_to_take_back(back):
    """It failed, whatever it had changed."""
    report = change_report(WRITTEN, [], [], failure(restored=back, problem="no snapshot"))
    assert (report["outcome"], report["restored"], report["problem"]) == ("failed", None, "no snapshot")
    assert change_report({}, failure={"reason": "x"})["outcome"] == "failed"


# The last words of a run that failed.


def report(**said):
    """Of a run that failed; restored where a state is back."""
    return change_report(WRITTEN, [], [], failure(**said))


BACK = {"restored": STATE}


def test_the_sentence_of_a_change_that_was_taken_back():
    """Why with the first check, the moment that is back, and that it runs as then."""
    change = report(restored=BACK, verification=BAD, checks=failed_checks(BAD, ["LimitMEMLOCK"]))
    assert change_sentence(change, "gpu1", GOOD) == (
        "gpu1: it did not run as planned: threads: 28, planned 14 (/proc/812/environ). "
        "Files and services are back as they were at 2026-11-22T08:12:02Z, and run: 2 checks passed."
    )


def test_the_sentence_where_what_is_back_does_not_run_as_then():
    """Each setting once, but for those that are accepted."""
    after = verification(("threads", "fail"), ("binding", "fail"), ("threads", "fail"), ("LimitMEMLOCK", "fail"))
    said = change_sentence(report(restored=BACK), "gpu1", after, ["LimitMEMLOCK"])
    assert said.endswith("at 2026-11-22T08:12:02Z, but do not run as then: binding, threads")
    assert change_sentence(report(restored=BACK), "gpu1", after, iter([])).endswith("LimitMEMLOCK, binding, threads")


@pytest.mark.parametrize(("problem", "words"), [(None, "none ran then"), ("a unit is masked", "a unit is masked")])
def test_the_sentence_where_nobody_looked_at_what_is_back(problem, words):
    """None ran then, or something was in the way."""
    said = change_sentence(report(restored=BACK, problem=problem), "gpu1")
    assert said == (
        "gpu1: it did not run as planned. Files and services are back as they were at 2026-11-22T08:12:02Z; "
        f"whether they run as then is not verified: {words}"
    )


def test_the_sentence_where_nothing_is_back():
    """Nothing was to be taken back, or that failed too."""
    untouched = {**report(), "files": []}
    assert change_sentence(untouched, "gpu1") == "gpu1: it did not run as planned. No file on the host was changed."
    lost = {**report(), "files": [{"path": "/x", "change": "created"}]}
    assert change_sentence(lost, "gpu1").endswith("planned. There was no state to go back to.")
    assert change_sentence(report(problem="Going back failed"), "gpu1").endswith("planned. Going back failed")


def test_the_last_sentence_names_every_check_that_failed():
    """The first ones with what was seen, all others by name."""
    many_of_them = verification(*((name, "fail") for name in "abcdef"))
    said = change_sentence(report(restored=BACK, verification=many_of_them, checks=failed_checks(many_of_them)), "gpu1")
    assert "a: 28, planned 14 (/proc/812/environ); b: 28, planned 14" in said
    assert "d: 28, planned 14 (/proc/812/environ); and e, f. Files" in said


def test_what_is_not_proven_is_counted_after_going_back():
    """The last words count what passed, what is configured and what is unknown apart."""
    after = verification(("a", "pass"), ("b", "configured"), ("c", "unknown"))
    assert change_sentence(report(restored=BACK), "gpu1", after).endswith(
        "run: 1 checks passed, 1 configured, 1 unknown."
    )


def test_the_table_of_a_change_that_was_taken_back():
    """What was not as planned, and what is not again; nothing of what is as it should be."""
    change = report(restored=BACK, verification=BAD, checks=failed_checks(BAD))
    changed = change_table(change, GOOD)
    assert changed[0] == "As changed, it was: fail: 1 proven, 0 configured, 2 not as planned, 1"
    assert not any("As it is again" in line for line in changed)
    both = change_table(change, BAD)
    assert both[: len(changed) + 1] == [*changed, ""]
    assert both[len(changed) + 1].startswith("As it is again: fail: ")
    assert change_table(report(restored=BACK, verification=GOOD), GOOD) == []
    assert change_table(report(restored=BACK), None) == change_table(report(), None) == []


def test_the_table_without_what_is_accepted():
    """A check that fails nobody makes no table by itself."""
    after = verification(("LimitMEMLOCK", "fail"))
    assert change_table(report(restored=BACK), after, ["LimitMEMLOCK"]) == []
    assert change_table(report(restored=BACK), after, iter([]))[0].startswith("As it is again: fail")


# A rollback that somebody asked for.


def test_the_table_of_a_rollback():
    """It shows what was done, how the service runs, and which snapshots can be restored."""
    older = {**STATE, "id": "20261121T081202Z", "reason": "change 4711", "changes": FILES * 2}
    done = {"restored": STATE, "changes": FILES, "states": [STATE, older], "problems": ["x.json: it is no JSON"]}
    assert _lines_of(done, "gpu1", GOOD) == [
        "gpu1: back at 2026-11-22T08:12:02Z, state 20261122T081202Z",
        "    before a change of 1 file",
        "  created /etc/systemd/system/ollama.service.d/override.conf",
        "",
        "It runs: pass: 2 proven, 0 configured, 0 not as planned, 0 unknown",
        "",
        "States that are kept:",
        "  2026-11-22T08:12:02Z, state 20261122T081202Z",
        "    before a change of 1 file",
        "  2026-11-22T08:12:02Z, state 20261121T081202Z",
        "    before a change of 2 files: change 4711",
        "  x.json: it is no JSON",
    ]


@pytest.mark.parametrize(("check_mode", "said"), [(True, "would be "), (False, "")])
def test_a_rollback_says_what_it_stops_and_restarts(check_mode, said):
    """A preview says all that the real run does, as what would be; where nothing changes nothing is touched."""
    services = {"stop": ["ollama@b.service"], "start": {"ollama.service": ":1"}}
    done = {"restored": STATE, "changes": FILES, "states": [], "problems": [], "services": services, "plan": None}
    lines = restore_report({**done, "changed": True}, "gpu1", check_mode=check_mode)["lines"]
    assert lines[0].startswith("gpu1: would go back to 2026" if check_mode else "gpu1: back at 2026")
    assert lines[2:5] == [
        f"  {said}created /etc/systemd/system/ollama.service.d/override.conf",
        f"  {said}stopped ollama@b.service",
        f"  {said}restarted ollama.service",
    ]
    steady = restore_report({**done, "changed": False, "changes": []}, "gpu1", check_mode=check_mode)["lines"]
    assert steady[2:] == ["", "No state is kept."]


DROPIN = "/etc/systemd/system/ollama.service.d/override.conf"
SLICE_DROPIN = "/etc/systemd/system/ollama.slice.d/override.conf"


def _drift_of(contents, made, plan=SINGLE):
    digests = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in made.items()}
    back = restored(hosts(SINGLE), plan)
    return restore_report(back, contents=contents, variables=kept_text({}, digests))["drift"]


def test_files_of_then_prove_the_plan_of_then():
    """Where each is as the plan wrote it; one that was edited before it was saved is back so, and proves nothing."""
    made = {DROPIN: "[Service]\n", SLICE_DROPIN: "[Slice]\n"}
    assert _drift_of(made, made) == {"schema": 1, "differences": []}
    assert _drift_of({**made, DROPIN: "[Service]\nNice=1\n"}, made) is None
    assert _drift_of({**made, DROPIN: None}, made) is None
    assert _drift_of({DROPIN: "[Service]\n"}, made) is None
    assert _drift_of({**made, "/etc/other": "x"}, made) == {"schema": 1, "differences": []}
    assert _drift_of(made, {}) is None
    assert _drift_of(made, made, plan=None) is None
    assert restore_report(restored(hosts(SINGLE), SINGLE), contents=made)["drift"] is None


def test_the_table_where_there_is_nothing_to_restore():
    """It reports that, and that no snapshot is kept."""
    done = {"restored": None, "changes": [], "states": [], "problems": []}
    assert _lines_of(done, "gpu1") == ["gpu1: nothing to go back to", "", "No state is kept."]


@pytest.mark.parametrize(
    ("failure", "proven"),
    [
        ({"restored": {"restored": {"id": "1"}}, "after": GOOD}, True),
        ({"restored": {"restored": {"id": "1"}}, "after": BAD}, False),
        ({"restored": {"restored": {"id": "1"}}, "after": BAD, "accepted": ["LimitMEMLOCK", "threads"]}, True),
        ({"restored": {"restored": {"id": "1"}}}, False),
        ({"restored": {}, "touched": False}, True),
        ({"restored": {}, "touched": True}, False),
        ({"restored": {}}, False),
        ({"restored": {}, "touched": False, "problem": "could not go back"}, False),
    ],
)
def test_what_is_proven_after_a_change_that_failed(failure, proven):
    """What is back and runs as then, and what nobody has touched: requests may come to it again."""
    assert change_report({}, failure={"reason": "why", **failure})["proven"] is proven


def test_a_restore_report_names_containers_that_end_go_and_come():
    """Those whose file is gone are stopped, whichever engine has them; Docker's go, or are made."""
    paths = ["/etc/containers/systemd/ollama@a.container", "/etc/inference.ollama/containers/ollama@b.service.json"]
    back = {**restored({}), "changes": [{"path": path, "change": "removed"} for path in paths]}
    report = restore_report(back)
    assert report["ended"] == ["ollama@a.service", "ollama@b.service"]
    assert [command[-1] for command in report["containers"]["gone"]] == ["ollama-b"]
    text = '{"unit": "ollama@c.service", "secrets": [], "container": {"name": "ollama-c", "env": {}}}'
    made = restore_report(back, contents={"/etc/inference.ollama/containers/ollama@c.service.json": text})
    assert [each["unit"] for each in made["containers"]["made"]] == ["ollama@c.service"]
