# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What firewall-cmd says of zones, and the record of rules that an earlier run has added (_firewalld.py)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._firewalld import firewalld, recorded, zones
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import UnreadableError

RULE = 'rule family="ipv4" source address="10.0.0.0/8" port port="11434" protocol="tcp" accept'
OTHER = 'rule family="ipv4" source address="192.0.2.9" reject'
# firewalld ends such lines with it.
SPACE = " "
# As firewalld 2.1 prints them.
ZONES = f"""docker (active)
  target: ACCEPT
  ingress-priority: 0
  icmp-block-inversion: no
  interfaces: docker0
  rich rules:{SPACE}

public (default, active)
  target: default
  interfaces: eth0
  forward: yes
  icmp-blocks:{SPACE}
  rich rules:{SPACE}
\t{RULE}
\t{OTHER}

work
  target: default
  rich rules:{SPACE}
"""


def commands(**answers):
    """A runner for firewall-cmd, by the last word of the command."""
    said = {"state": "running\n", "get-default-zone": "public\n", "list-all-zones": ZONES, **answers}

    def run(argv):
        assert argv[0] == "firewall-cmd"
        answer = said["permanent" if argv[1] == "--permanent" and "permanent" in said else argv[-1].strip("-")]
        return answer if isinstance(answer, Outcome) else Outcome(answer, None)

    return run


def test_zones_are_read_with_the_rules_of_now_and_of_the_next_start(tmp_path):
    """Those of now may have been added without --permanent, and the other way round."""
    found = firewalld(commands(permanent=ZONES.replace(f"\t{RULE}\n", "")), str(tmp_path / "none.json"))
    assert (found["running"], found["recorded"], found["problems"]) == (True, [], [])
    docker, public, work = found["zones"]
    assert (docker["target"], docker["active"], docker["default"]) == ("ACCEPT", True, False)
    assert (public["default"], public["rules"], public["permanent_rules"]) == (True, [RULE, OTHER], [OTHER])
    assert (work["active"], work["rules"]) == (False, [])


@pytest.mark.parametrize(
    "problem",
    ["firewall-cmd is not installed", "firewall-cmd --state failed with exit status 252 and said: not running"],
)
def test_a_host_without_a_firewalld_that_runs_is_no_problem(tmp_path, problem):
    """Nothing else is asked there."""
    found = firewalld(commands(state=Outcome(None, problem)), str(tmp_path / "none.json"))
    assert (found["running"], found["zones"], found["problems"]) == (False, [], [])


@pytest.mark.parametrize(
    ("answers", "running", "says"),
    [
        ({"state": Outcome(None, "firewall-cmd --state did not answer within 10 s")}, None, "did not answer"),
        ({"state": "failed\n"}, None, "firewall-cmd --state said 'failed'"),
        ({"list-all-zones": Outcome(None, "firewall-cmd: no")}, True, "firewall-cmd: no"),
        ({"list-all-zones": "x" * (2 << 20)}, True, "said more than"),
    ],
)
def test_what_does_not_answer_is_named(tmp_path, answers, running, says):
    """It is no firewalld that does not run, and no zone without rules."""
    found = firewalld(commands(**answers), str(tmp_path / "none.json"))
    assert (found["running"], found["zones"]) == (running, [])
    assert says in found["problems"][0]


def test_the_record_is_read_and_one_that_is_none_is_named(tmp_path):
    """Whatever it has, no rule is taken away that this collection does not write."""
    path = tmp_path / "firewalld.json"
    path.write_text(json.dumps({"rules": [{"zone": "public", "rule": RULE}]}), encoding="utf-8")
    assert firewalld(commands(), str(path))["recorded"] == [{"zone": "public", "rule": RULE}]
    path.write_text(json.dumps({"rules": [{"zone": "public", "rule": OTHER}]}), encoding="utf-8")
    found = firewalld(commands(), str(path))
    assert found["recorded"] is None
    assert "it is no list of rules" in found["problems"][0]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"rules": 3}', '{"rules": [{"zone": 1, "rule": 2}]}', '{"rules": [1]}']
)
def test_a_damaged_record_is_no_empty_one(text):
    """What it had would stay for ever."""
    with pytest.raises(UnreadableError, match="restore it, or remove it"):
        recorded(text)


@given(st.text())
def test_no_output_breaks_the_reader(text):
    """Whatever stands there, each zone has its three parts."""
    assert all(set(zone) == {"active", "target", "rules"} for zone in zones(text).values())
