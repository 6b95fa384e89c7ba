# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host differs from its plan, setting by setting (_drift.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.plugin_utils._drift import file_drift

PATH = "/etc/systemd/system/ollama@a.service.d/override.conf"
FILE = {"path": PATH, "unit": "ollama@a.service", "instance": "a"}
PLANNED = f"""{HEADER} …
[Service]
# policy: a reason
Environment="OLLAMA_KEEP_ALIVE=-1"
Environment="OLLAMA_NUM_PARALLEL=2"
ExecStart=
ExecStart=/usr/bin/numactl --cpunodebind=1 /usr/local/bin/ollama serve
LimitNOFILE=65535
"""


def drift(on_host, stale=()):
    desired = {"unit_files": [{**FILE, "content": PLANNED}], "stale": list(stale)}
    return file_drift(desired, {} if on_host is None else {PATH: on_host})["differences"]


def only(on_host):
    (found,) = drift(on_host)
    assert found["path"] == PATH
    return found["kind"], found["setting"], found["on_host"], found["planned"]


def test_the_same_text_is_no_difference():
    """A host just tuned is as planned."""
    assert drift(PLANNED) == []


@pytest.mark.parametrize(
    ("on_host", "difference"),
    [
        (None, ("file-missing", None, None, None)),
        ("[Service]\nNice=5\n", ("not-ours", None, None, None)),
        (PLANNED.replace("ALIVE=-1", "ALIVE=5m"), ("differs", "OLLAMA_KEEP_ALIVE", "5m", "-1")),
        (PLANNED.replace('Environment="OLLAMA_NUM_PARALLEL=2"\n', ""), ("missing", "OLLAMA_NUM_PARALLEL", None, "2")),
        (PLANNED + "Nice=5\n", ("extra", "Nice", "5", None)),
        (PLANNED + "[Unit]\nAfter=x.service\n", ("extra", "[Unit]After", "x.service", None)),
        (PLANNED.replace("a reason", "another reason"), ("text", None, None, None)),
        (PLANNED.replace('"\nEnvironment="', '" "'), ("text", None, None, None)),
        (
            PLANNED.replace("bind=1", "bind=0"),
            (
                "differs",
                "ExecStart",
                "/usr/bin/numactl --cpunodebind=0 /usr/local/bin/ollama serve",
                "/usr/bin/numactl --cpunodebind=1 /usr/local/bin/ollama serve",
            ),
        ),
    ],
)
def test_a_difference_is_reported_by_setting(on_host, difference):
    """An operator sees what somebody changed by hand, and what it was."""
    assert only(on_host) == difference


def test_the_comparison_has_all_differences_in_the_order_of_the_plan():
    """What is on the host alone comes last."""
    text = PLANNED.replace("ALIVE=-1", "ALIVE=5m").replace("65535", "1024") + 'Environment="OLLAMA_DEBUG=1"\n'
    assert [row["setting"] for row in drift(text)] == ["OLLAMA_KEEP_ALIVE", "LimitNOFILE", "OLLAMA_DEBUG"]


def test_a_file_of_another_plan_is_a_difference():
    """It would be removed."""
    (found,) = drift(PLANNED, stale=["/etc/systemd/system/ollama@b.service.d/override.conf"])
    assert (found["kind"], found["unit"]) == ("stale", None)


@pytest.mark.parametrize(
    "line",
    [
        'Environment="OLLAMA_API_KEY=hidden-77"',
        "ExecStartPre=/bin/x --token=hidden-77",
        'Environment="DB_PASS=hidden-77"',
        "ExecStartPre=/bin/x --header 'Authorization: Bearer hidden-77'",
        'Environment="A=hf_hidden-77abcdef"',
        'Environment="HTTPS_PROXY=http://someone:hidden-77@proxy.example.org:3128"',
        "ExecStartPre=/bin/x http://plain.example.org --proxy=http://someone:hidden-77@proxy.example.org:3128",
    ],
)
def test_a_secret_is_never_shown(line):
    """Somebody may have written a key into the file; the report has its name alone."""
    rows = drift(f"{PLANNED}{line}\n")
    assert [row["on_host"] for row in rows] == ["(not shown)"]
    assert "hidden-77" not in str(rows)


def test_a_file_that_cannot_be_read_is_no_missing_file():
    """Nobody knows what is in it."""
    with pytest.raises(OllamaError, match="cannot be compared with the plan, since it cannot be read"):
        file_drift({"unit_files": [{**FILE, "content": PLANNED}], "stale": []}, {PATH: None})


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_whatever_is_on_the_host_only_the_planned_text_is_no_difference(text):
    """No text hides a difference, and none breaks the comparison."""
    differs = f"{HEADER}\n{text}" != PLANNED
    assert bool(drift(f"{HEADER}\n{text}")) == differs


def test_variables_of_a_container_are_compared_one_by_one():
    """As those of a drop-in, under their own names and without the marks of the file."""
    planned = f'{HEADER} …\n[Container]\nImage=a\nEnvironment="A=1$$"\nEnvironment="B=x y"\n'
    place = {"path": "/etc/containers/systemd/ollama.container", "unit": "ollama.service", "instance": "ollama"}
    on_host = planned.replace("A=1", "A=2").replace("Image=a", "Image=b")
    desired = {"unit_files": [{**place, "content": planned}], "stale": []}
    found = file_drift(desired, {place["path"]: on_host})["differences"]
    assert [(row["setting"], row["on_host"], row["planned"]) for row in found] == [
        ("A", "2$", "1$"),
        ("[Container]Image", "b", "a"),
    ]
