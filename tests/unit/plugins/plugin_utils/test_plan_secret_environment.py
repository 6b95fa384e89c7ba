# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of the server: which are right, how they get to it, and that no refusal or plan holds a value."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_dropin, render_secrets
from ansible_collections.inference.ollama.plugins.plugin_utils._secret_environment import (
    secret_errors,
    secret_names,
    secrets_of,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

VALUE = "sUperS3cretZq77"
PROXY = f"http://me:{VALUE}@proxy.example.org:3128"


def host(systemd, *, container=False):
    """A host with this version of systemd."""
    made = json.loads(json.dumps(xeon()))
    made["software"]["systemd"] = systemd
    if container:
        made["virtualization"] = {"name": "lxc", "type": "container"}
    return made


def lines(made):
    """The settings of the drop-in."""
    return [line for line in render_dropin(made, "ollama").splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("values", [{"HTTPS_PROXY": PROXY, "HOUSE_WORD": VALUE, "PIN": 0, "HTTP_PROXY": "http://h:1"}])
def test_right_secrets_pass(values):
    """Texts and numbers; the names alone go into the plan."""
    assert list(secret_errors(values)) == []
    assert secret_names(values) == sorted(values)
    assert VALUE not in json.dumps(plan(host(257), secret_environment=values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([f"A={VALUE}"], "the value, a list of 1 entries, is not allowed; allowed is a mapping of environment names"),
        (VALUE, "the value, a text, is not allowed"),
        ({f"A-{VALUE}": "x"}, "'A…' is no name of a variable"),
        ({f"Authorization=Bearer {VALUE}": "x"}, "'…' is no name of a variable"),
        ({"A": [VALUE]}, "ollama_secret_environment.A: the value, which is not shown, is a list of 1 entries"),
        ({"A": True}, "is a truth value"),
        ({"A": f"{VALUE}\nB=1"}, "holds a line break or another control character"),
        ({"HTTPS_PROXY": f"ftp {VALUE}"}, "is not one that HTTPS_PROXY takes; allowed is an address such as"),
    ],
)
def test_wrong_secrets_are_named_unseen(values, words):
    """Each is refused by its name, with what is allowed, and the value in none of it."""
    (sentence,) = secret_errors(values)
    assert words in sentence
    assert VALUE not in sentence


def test_an_empty_secret_is_none():
    """So that a variable that only some hosts have may stay empty."""
    assert secrets_of({"A": "", "B": None, "C": VALUE}) == {"C": VALUE}
    assert list(secret_errors({"A": "", "B": None})) == list(secret_errors(None)) == []
    assert render_secrets({"A": ""}, "") == render_secrets(None) == render_secrets(VALUE) == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"secret_environment": ["OLLAMA_HOST"]}, "ollama_secret_environment.OLLAMA_HOST: ollama_host decides it"),
        ({"secret_environment": ["HOME_TOKEN"], "environment": {"HOME_TOKEN": "0"}}, "ollama_environment sets it too"),
        ({"secret_environment": ["OLLAMA_API_KEY"], "api_key": True}, "ollama_api_key sets it too"),
        ({"secret_environment": ["LLAMA_ARG_TOOLS"]}, "ollama_secret_environment.LLAMA_ARG_TOOLS: it is dangerous"),
        ({"secret_environment": ["OLLAMA_NO_SUCH"], "lint_level": "inert"}, "no known release reads this name"),
    ],
)
def test_a_name_that_breaks_is_refused(options, words):
    """What is no secret's, is set twice or would win over the plan."""
    with pytest.raises(PlanError) as error:
        plan(host(257), **options)
    assert words in str(error.value)


def test_a_name_that_does_nothing_is_warned_of():
    """As in ollama_environment; it stays, since nobody else is harmed by it."""
    made = plan(host(257), secret_environment=["OLLAMA_NO_SUCH"])
    assert "secret-environment-unknown" in [warning["code"] for warning in made["warnings"]]


@pytest.mark.parametrize(
    ("systemd", "container", "method", "why"),
    [
        (257, False, "credentials", "systemd 257 is 252 or later"),
        (252, False, "credentials", "systemd 252 is 252 or later"),
        (251, False, "file", "systemd 251 is older than 252"),
        (None, False, "file", "the version of systemd is not known"),
        (257, True, "file", "a container may keep its mount from the service"),
    ],
)
def test_auto_takes_credentials_where_they_reach_the_server(systemd, container, method, why):
    """The way is a decision with a reason."""
    made = plan(host(systemd, container=container), secret_environment=["HOUSE_WORD"])
    (decision,) = [each for each in made["decisions"] if each["setting"] == "EnvironmentFile"]
    assert decision["value"].startswith("-/run/credentials/ollama.service/") is (method == "credentials")
    assert any(why in each["reason"] for each in made["decisions"])
    assert "holds HOUSE_WORD" in decision["reason"] or method == "credentials"


def test_the_drop_in_of_credentials():
    """systemd reads the file, and the command before the server has the credential in place when variables are read."""
    made = plan(host(257), secret_environment=["HOUSE_WORD"], secrets_method="credentials")
    given = "/run/credentials/ollama.service/ollama.env"
    expected = [
        "LoadCredential=ollama.env:/etc/ollama/secrets.env",
        f"ExecStartPre=/usr/bin/test -r {given}",
        f"EnvironmentFile=-{given}",
    ]
    assert [line for line in lines(made) if line in expected] == expected
    assert not [line for line in lines(made) if "HOUSE_WORD" in line]


def test_each_server_has_a_credential_of_its_own():
    """The folder of a service's credentials has the unit's name."""
    made = plan(host(257), secret_environment=["A_TOKEN"], instances=[{"name": "a"}, {"name": "b"}])
    found = [each["value"] for each in made["decisions"] if each["setting"] == "EnvironmentFile"]
    assert found == [f"-/run/credentials/ollama@{name}.service/ollama.env" for name in "ab"]


def test_credentials_of_an_older_systemd_are_refused():
    """Its command before the server has none, and the server would start without its secrets."""
    with pytest.raises(PlanError, match="ollama_secrets_method: systemd 251 gives a credential to the server alone"):
        plan(host(251), secret_environment=["A_TOKEN"], secrets_method="credentials")


@pytest.mark.parametrize(("systemd", "filtered"), [(252, False), (253, True), (None, False)])
def test_a_proxy_stays_out_of_the_log_where_journald_can(systemd, filtered):
    """The server logs the addresses of its proxies at every start."""
    made = plan(host(systemd), secret_environment=["HTTPS_PROXY"])
    patterns = [each["value"] for each in made["decisions"] if each["setting"] == "LogFilterPatterns"]
    assert patterns == (["~server config.*(PROXY|proxy):[^ ]*@"] if filtered else [])
    assert ("proxy-in-the-log" in [warning["code"] for warning in made["warnings"]]) is not filtered


def test_no_secrets_need_nothing():
    """No file, no credential, no command."""
    assert not [line for line in lines(plan(host(257))) if "EnvironmentFile" in line or "Credential" in line]


def test_a_wrong_form_is_refused_unseen_without_the_action_too():
    """Whoever calls the filter tuning_plan with values sees none of them again."""
    (sentence,) = option_errors({"secret_environment": VALUE})
    assert sentence.startswith("ollama_secret_environment: the value, a text, is not allowed; allowed is a mapping")
    assert VALUE not in sentence
