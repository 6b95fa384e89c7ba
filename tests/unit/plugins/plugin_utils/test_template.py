# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several instances take over of the installed unit (_template.py), as systemd reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._systemd.found import find_unit
from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_template_unit
from ansible_collections.inference.ollama.plugins.plugin_utils._template import inherited
from ansible_collections.inference.ollama.tests.unit.support.trees import plant
from ansible_collections.inference.ollama.tests.unit.support.units import verdict

UNIT = "/etc/systemd/system/ollama.service"
DYNAMIC = """\
[Unit]
Description=Server for local large language models
After=network.target
RequiresMountsFor=/srv

[Service]
Environment="HOME=/var/lib/ollama" "OLLAMA_MODELS=/var/lib/ollama/models" "LD_LIBRARY_PATH=/run/opengl-driver/lib"
Environment=OLLAMA_HOST=0.0.0.0:11434 "HTTPS_PROXY=http://proxy.example.org:3128" A=50%% "B=%h x"
EnvironmentFile=-/etc/ollama/more.env
Type=exec
DynamicUser=yes
ExecStart=/usr/local/bin/ollama serve
ExecStartPre=-/bin/mkdir -p /var/lib/ollama/models
WorkingDirectory=/var/lib/ollama
StateDirectory=ollama
RuntimeDirectory=ollama
SupplementaryGroups=render
ProtectHome=yes
UMask=0027
TimeoutStartSec=90
CPUAffinity=0
Restart=always

[Install]
WantedBy=multi-user.target
"""


def taken(tmp_path, unit, dropin=None, *, replace=False):
    """The text of the template unit, and the problems."""
    files = {UNIT: unit, **({f"{UNIT}.d/10-own.conf": dropin} if dropin else {})}
    root = plant(tmp_path, files)
    found = find_unit(str(root), "ollama.service", "ollama@.service", HEADER)
    sections, problems = inherited(found, "/opt/o serve", replace=replace)
    text = render_template_unit({"template": {"sections": sections}})
    return text, [problem.replace(str(tmp_path), "") for problem in problems]


def environment(text):
    return {name: each.value for name, each in read_service([("x", text)]).environment.items()}


def test_who_it_runs_as_where_it_lives_and_what_it_is_given_stay(tmp_path):
    """Every line of the unit and of others' drop-ins is there, as it was written, but what is each instance's own."""
    text, problems = taken(tmp_path, DYNAMIC, "[Service]\nUMask=0077\nLimitNOFILE=9\n[Unit]\nWants=a.service\n")
    assert problems == []
    lines = text.splitlines()
    for line in (
        *("After=network.target", "RequiresMountsFor=/srv", "EnvironmentFile=-/etc/ollama/more.env", "Type=exec"),
        *("DynamicUser=yes", "ExecStart=/usr/local/bin/ollama serve", "WorkingDirectory=/var/lib/ollama"),
        *("ExecStartPre=-/bin/mkdir -p /var/lib/ollama/models", "StateDirectory=ollama", "SupplementaryGroups=render"),
        *("ProtectHome=yes", "TimeoutStartSec=90", "UMask=0077", "LimitNOFILE=9", "Wants=a.service"),
        *(
            "User=ollama",
            "RuntimeDirectoryPreserve=yes",
            "WantedBy=multi-user.target",
            "Description=Ollama, instance %i",
        ),
    ):
        assert lines.count(line) == 1, line
    assert not [line for line in lines if line.startswith(("CPUAffinity", "UMask=0027", "Description=Server"))]
    assert environment(text) == {
        "HOME": "/var/lib/ollama",
        "OLLAMA_MODELS": "/var/lib/ollama/models",
        "A": "50%",
        "B": "/root x",
        "LD_LIBRARY_PATH": "/run/opengl-driver/lib",
        "HTTPS_PROXY": "http://proxy.example.org:3128",
    }
    assert lines[0].startswith(HEADER)


def test_systemd_reads_what_is_taken_over(tmp_path):
    """systemd itself finds no fault in it."""
    text, _problems = taken(tmp_path / "host", DYNAMIC)
    files = {"ollama@.service": text, "ollama@a.service.d/override.conf": "[Service]\nCPUAffinity=0\n"}
    assert verdict(tmp_path / "units", "ollama@a.service", files) == (0, "")


def test_a_unit_that_names_no_user_is_root_s_as_before(tmp_path):
    """That is what systemd makes of it, and no account is invented."""
    text, problems = taken(tmp_path, "[Service]\nExecStart=/usr/bin/ollama serve\n")
    assert problems == []
    assert "User=" not in text
    assert "WantedBy=multi-user.target" in text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("BusName=org.example", "BusName="),
        ("PIDFile=/run/o.pid", "PIDFile="),
        ("Sockets=o.socket", "Sockets="),
        ("Type=dbus", "Type="),
        ("NUMAPolicy=bind", "NUMAPolicy="),
        ("AllowedCPUs=0-3", "AllowedCPUs="),
        ("RuntimeDirectory=%n", "%n"),
        ("Environment=LOG=/var/log/%N.log", "%N"),
        ("ExecStop=/bin/systemctl kill ollama.service", "ollama.service itself"),
        ("ExecStartPost=/usr/bin/curl http://127.0.0.1:11500/", "port 11500"),
        ("ExecStartPre=/bin/sh -c 'OLLAMA_HOST=0.0.0.0 exec ollama list'", "OLLAMA_HOST"),
        ("Environment=OLLAMA_API_KEY=abcdefghij12345678", "OLLAMA_API_KEY"),
        ("Environment=HTTPS_PROXY=http://me:secretword@p:1", "HTTPS_PROXY"),
        ("[Install]\nAlias=llm.service", "Alias="),
        ("[Unit]\nPartOf=ollama.service", "PartOf="),
    ],
)
def test_what_holds_for_one_service_alone_is_refused_by_its_line(tmp_path, line, said):
    """By directive or variable, file and line, with what to do; no secret is shown."""
    unit = f"[Service]\nExecStart=/usr/bin/ollama serve\nEnvironment=OLLAMA_HOST=:11500\n{line}\n"
    _text, (problem,) = taken(tmp_path, unit)
    number = 4 + line.count("\n")
    assert problem.startswith(f"ollama_instances: {UNIT}:{number}: ")
    assert said in problem
    assert problem.endswith("or set ollama_instances to single")
    assert "abcdefghij" not in problem
    assert "secretword" not in problem


def test_an_address_in_an_environment_file_is_refused(tmp_path):
    """It wins over what each instance is given, and all would listen on one port."""
    root = plant(
        tmp_path, {UNIT: "[Service]\nExecStart=/o serve\nEnvironmentFile=/etc/o.env\n", "/etc/o.env": "OLLAMA_HOST=:1"}
    )
    _sections, (problem,) = inherited(
        find_unit(str(root), "ollama.service", "ollama@.service", HEADER), "/opt/o serve", replace=False
    )
    assert "/etc/o.env:1: OLLAMA_HOST of an environment file wins" in problem


def test_a_unit_that_cannot_be_read_is_refused(tmp_path):
    """Who it runs as is not known then, and root is not guessed."""
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / UNIT[1:]).symlink_to("ollama.service")
    _sections, problems = inherited(
        find_unit(str(tmp_path), "ollama.service", "ollama@.service", HEADER), "/opt/o serve", replace=False
    )
    assert problems


def test_a_named_program_replaces_the_unit_s(tmp_path):
    """Without the wrapper's lines, since there is none where that is allowed."""
    text, _problems = taken(tmp_path, "[Service]\nExecStart=/usr/bin/ollama serve\n", replace=True)
    assert "ExecStart=/opt/o serve" in text.splitlines()


def test_a_unit_without_a_command_gets_the_plan_s(tmp_path):
    """Of a unit that sets a user alone, the rest is still what the plan knows."""
    text, _problems = taken(tmp_path, "[Service]\nUser=llm\n")
    assert {"User=llm", "ExecStart=/opt/o serve"} <= set(text.splitlines())


def test_a_dropin_for_all_services_is_not_taken_over_twice(tmp_path):
    """systemd gives it to each instance by itself."""
    files = {
        UNIT: "[Service]\nExecStart=/o serve\n",
        "/etc/systemd/system/service.d/a.conf": "[Service]\nExecStartPre=/x\n",
    }
    sections, _problems = inherited(
        find_unit(str(plant(tmp_path, files)), "ollama.service", "ollama@.service", HEADER),
        "/opt/o serve",
        replace=False,
    )
    assert "ExecStartPre" not in str(sections)


WORD = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(st.dictionaries(st.from_regex(r"[A-Z]{1,4}", fullmatch=True), WORD, max_size=4))
def test_variables_beside_the_address_are_read_back_as_they_were(variables):
    """A line that loses OLLAMA_HOST keeps the rest, whatever signs are in it."""
    words = ['OLLAMA_HOST=":1"', *(f'"{n}={v}"' for n, v in variables.items() if not set(v) & set('\\"%'))]
    value = " ".join(words)
    setting = {
        "section": "Service",
        "directive": "Environment",
        "value": value,
        "secret": False,
        "file": "/u",
        "line": 1,
    }
    found = {"path": "/u", "dropins": [], "masked": False, "settings": [setting], "variables": {}, "problems": []}
    sections, problems = inherited({**found, "environment_files": []}, "/opt/o serve", replace=False)
    lines = [line for entry in sections["Service"] for line in entry["lines"]]
    before = read_service([("u", f"[Service]\nEnvironment={value}")]).environment
    after = read_service([("u", "\n".join(["[Service]", *lines]))]).environment
    if not problems:
        assert {n: e.value for n, e in after.items()} == {n: e.value for n, e in before.items() if n != "OLLAMA_HOST"}
