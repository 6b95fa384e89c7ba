# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans, verifications, findings and differences as lines for a terminal of 80 columns (_table.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._table import (
    WIDTH,
    drift_table,
    lint_table,
    plan_table,
    table,
    verify_table,
    wrapped,
)
from ansible_collections.inference.ollama.tests.unit.support.checks import verification
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, topology, xeon

LONG = "/mnt/a/rather/long/path/of/models/that/goes/on"
TEXT = st.text(max_size=90)


def words(lines):
    """The lines as one text without what wrapping adds."""
    return " ".join(line.strip() for line in lines)


def test_columns_are_as_wide_as_they_need_and_the_last_ones_give_way():
    """A cell that does not fit is cut in its column and whole beneath, before the notes of its row."""
    rows = [(("a", None, "x" * 70), [("-> ", "do something")]), (("bcd", 1, ""), [])]
    assert table(("ONE", "TWO", "LAST"), rows) == [
        "ONE  TWO  LAST",
        f"a    -    {'x' * 58}…",
        f"    last: {'x' * 59}",
        f"          {'x' * 11}",
        "    -> do something",
        "bcd  1    -",
    ]


@given(st.lists(st.tuples(st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT), st.lists(st.tuples(st.just("by: "), TEXT)))))
def test_no_line_is_too_long_and_none_moves_the_cursor(rows):
    """Whatever stands in a cell or a note."""
    lines = table(("A", "B", "C", "D", "E"), rows)
    assert all(len(line) <= WIDTH and line.isprintable() for line in lines)


@given(st.lists(st.text("abc/-", min_size=1, max_size=50), min_size=1))
def test_wrapping_loses_nothing_and_breaks_no_word_that_fits(parts):
    """Paths and names can be copied from the terminal."""
    assert words(wrapped(" ".join(parts), "    -> ")).split() == ["->", *parts]


def test_the_plan_has_a_row_for_every_decision_and_every_warning():
    """What is in the plan is on the screen, in lines that fit, with long values whole."""
    made = plan(xeon(), numa_node=1, host="0.0.0.0", exposure="trusted_network", models_path=LONG)
    lines = plan_table(made, "xeon")
    assert lines[0] == "xeon: Ollama 0.34.1"
    assert "  ollama (ollama.service) at http://127.0.0.1:11434: 14 threads on" in lines
    assert max(map(len, lines)) <= WIDTH
    text = words(lines)
    assert all(f"{entry['setting']} " in text for entry in made["decisions"])
    assert all(
        f"WARNING {entry['code']}: {entry['message']} -> {entry['remedy']}" in text for entry in made["warnings"]
    )
    assert f"    value: {LONG}" in lines
    reasons = [entry["reason"] for entry in made["decisions"] if LONG not in entry["reason"]]
    assert all(reason in text for reason in reasons)


def test_the_plan_says_what_is_unknown():
    """Neither a release nor CPUs are made up."""
    machine = xeon(cpu=None, allowed=None, numa=None, software=None)
    text = words(plan_table(plan(machine, None), "host"))
    assert "(release unknown)" in text
    assert "threads on CPUs ?, not bound" in text


def test_the_plan_names_the_nodes_of_a_socket():
    """One node by its number, those of a socket by their list."""
    text = words(plan_table(plan(topology(sockets=2, cores=8, threads=2, nodes=4)), "epyc"))
    assert "8 threads on CPUs 0-7,16-23, bound to nodes 0-1 by affinity" in text
    assert "bound to node 0 by numactl" in words(plan_table(plan(xeon()), "xeon"))


def test_the_plan_names_the_servers_for_a_proxy():
    """Whoever sets up a proxy in front of several servers needs their ports and shares."""
    assert "for a proxy" not in words(plan_table(plan(xeon()), "xeon"))
    text = words(plan_table(plan(xeon(), instances="per_numa_node"), "xeon"))
    assert "for a proxy in front of them: 127.0.0.1:11434 weight 14 slots 2, 127.0.0.1:11435 weight 14 slots 2" in text


def test_the_plan_has_decisions_on_the_host_as_a_whole():
    """What belongs to no instance has a part of its own."""
    made = plan(xeon())
    made["decisions"].append(
        {"instance": None, "setting": "some_page", "value": None, "source": "policy", "reason": "left alone"}
    )
    assert words(plan_table(made, "xeon")).partition("the host itself")[2].count("some_page") == 1


def test_one_line_where_all_is_as_planned():
    """What passes is counted."""
    passed = verification(("threads", "pass", "14", "/proc/1"))
    assert verify_table(passed, "a") == ["a: pass: 1 proven, 0 configured, 0 not as planned, 0 unknown"]


def test_the_verification_shows_failures_first_and_each_cause_once():
    """What is unknown comes after them, what passes not at all."""
    found = verification(
        ("a", "unknown", None, "/proc/1"),
        ("b", "pass", "14", "/proc/2"),
        ("c", "fail", "x" * 40, "/proc/3"),
        ("d", "fail", "28", "/proc/3"),
    )
    lines = verify_table(found, "host")
    assert lines[0] == "host: fail: 1 proven, 0 configured, 2 not as planned, 1 unknown"
    assert [line.split()[2] for line in lines if line.startswith(("fail", "unknown"))] == ["c", "d", "a"]
    assert lines.count("    by: /proc/3") == lines.count("    -> mend by /proc/3") == 1
    assert "x" * 40 in "".join(lines)
    assert "/proc/2" not in "".join(lines)


def test_what_is_configured_is_named_apart():
    """It is no row among the failures, and one remedy stands for all."""
    found = verification(
        ("a", "configured", "1", "/proc/1"), ("b", "configured", "1", "/proc/1"), ("c", "pass", "1", "/proc/2")
    )
    assert verify_table(found, "host") == [
        "host: configured: 1 proven, 2 configured, 0 not as planned, 0 unknown",
        "",
        "configured, not proven: a, b",
        "    -> mend by /proc/1",
    ]


def test_findings_have_place_and_remedy():
    """Severity and name in one line; the place, what is wrong and what to do beneath."""
    finding = {
        "severity": "inert",
        "file": "/etc/systemd/system/ollama.service.d/override.conf",
        "line": 2,
        "name": "OLLAMA_NUM_THREADS",
        "message": "it has no effect: no release reads it",
        "remedy": "use ollama_num_threads, which sets LLAMA_ARG_THREADS",
    }
    assert lint_table(iter([finding]), "node1", "0.34.1") == [
        "node1: Ollama 0.34.1: 0 fatal, 1 inert, 0 advice",
        "",
        "inert: OLLAMA_NUM_THREADS",
        "    /etc/systemd/system/ollama.service.d/override.conf:2",
        "    it has no effect: no release reads it",
        "    -> use ollama_num_threads, which sets LLAMA_ARG_THREADS",
    ]
    assert lint_table([], "node1") == ["node1: Ollama (release unknown): nothing is wrong"]


def test_differences_name_unit_setting_and_both_values():
    """A row each, and the file where the whole of it differs."""
    path = "/etc/systemd/system/ollama@.service"
    row = {"unit": "ollama@a.service", "setting": "OLLAMA_KEEP_ALIVE", "kind": "differs", "path": "/x"}
    file = {"unit": None, "setting": None, "kind": "stale", "path": path, "on_host": None, "planned": None}
    lines = drift_table({"differences": [{**row, "on_host": "5m", "planned": "-1"}, file]}, "xeon")
    assert lines[0].startswith("xeon: 2 difference(s)")
    assert [line.split() for line in lines[-4:]] == [
        ["UNIT", "SETTING", "KIND", "ON", "HOST", "PLANNED"],
        ["ollama@a.service", "OLLAMA_KEEP_ALIVE", "differs", "5m", "-1"],
        ["-", "-", "stale", "-", "-"],
        ["file:", path],
    ]
    assert drift_table({"differences": []}, "xeon") == ["xeon: the unit files on the host are those of the plan"]


@pytest.mark.parametrize("host", ["h" * 300, "a\x1b[2Jb"])
def test_headings_fit_whatever_the_host_is_called(host):
    """A name comes from an inventory that anybody may write."""
    found = verification(("threads", "pass", "14", "/proc/1"))
    made = plan(xeon(), instances="per_numa_node")
    tables = [verify_table(found, host), plan_table(made, host), lint_table([], host)]
    for lines in [*tables, drift_table({"differences": []}, host)]:
        assert all(len(line) <= WIDTH and line.isprintable() for line in lines)
