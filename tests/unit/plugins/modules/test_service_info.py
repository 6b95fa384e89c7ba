# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module service_info: options, what it returns, and how it refuses."""

from __future__ import annotations

import json

import pytest
import yaml

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.modules import service_info
from ansible_collections.inference.ollama.tests.unit.support import processes as host
from ansible_collections.inference.ollama.tests.unit.support.trees import plant


@pytest.fixture
def machine(tmp_path):
    folder = plant(tmp_path, {path: text.encode() for path, text in host.files().items()})
    for path, target in host.links().items():
        (tmp_path / path.lstrip("/")).symlink_to(target)
    return folder


def test_a_captured_host(run, machine):
    """Files tell the unit and its processes; nothing is run or asked, and nothing changed."""
    code, result = run(root=machine)
    (found,) = result["service"]["instances"]
    assert (code, result["changed"]) == (0, False)
    assert [each["kind"] for each in found["processes"]] == ["server", "runner"]
    assert found["processes"][1]["exe"] == f"{host.LIBRARY}/llama-server"
    assert found["problems"] == []
    assert host.KEY not in json.dumps(result["service"])


def test_check_mode_reads_the_same(run, machine):
    """Reading changes nothing, so check mode tells everything."""
    assert run(root=machine, _ansible_check_mode=True) == run(root=machine)


def test_this_machine(run):
    """Whatever this machine runs, there is an answer, and what is missing has a reason."""
    code, result = run(api_timeout=0.5, units=[{"unit": "no-such.service", "url": "http://127.0.0.1:1"}])
    (found,) = result["service"]["instances"]
    assert code == 0
    assert found["api"] == dict.fromkeys(["version", "models", "own", "answered_by"]) | {"url": "http://127.0.0.1:1"}
    assert any("127.0.0.1:1/api/version" in problem for problem in found["problems"] + result["service"]["problems"])


def test_servers_are_waited_for_before_they_are_read(run, monkeypatch):
    """With their units and addresses, for as long as is asked for; without wait they are not."""
    waited = []
    monkeypatch.setattr(service_info, "wait", lambda units, seconds, *_how: waited.append((units, seconds)))
    asked = {"units": [{"unit": "no-such.service", "url": "http://127.0.0.1:1"}], "parts": ["api"]}
    run(**asked)
    assert waited == []
    code, _result = run(**asked, wait=0.5)
    assert (code, waited) == (0, [([("no-such.service", "http://127.0.0.1:1")], 0.5)])


def test_an_api_that_does_not_answer_fails_where_an_answer_is_required(run):
    """With the unit, the address and what was in the way; what was read is returned all the same."""
    asked = {"units": [{"unit": "no-such.service", "url": "http://127.0.0.1:1"}], "parts": ["api"]}
    assert run(**asked)[0] == 0
    code, result = run(**asked, require_answer=True)
    assert code == 1
    assert result["msg"].startswith("no-such.service () does not answer at http://127.0.0.1:1: ")
    assert result["service"]["instances"][0]["api"]["version"] is None


def test_a_captured_host_is_not_waited_for(run, machine, monkeypatch):
    """Its servers answer nobody any more."""
    monkeypatch.setattr(service_info, "wait", None)
    code, _result = run(root=machine, wait=600)
    assert code == 0


def test_several_units_with_an_address_each(run, machine):
    """They come in the order given; an address that is not given is the usual one."""
    _code, result = run(root=machine, units=[{"unit": "b@1.service", "url": "http://h:1"}, {"unit": "a.service"}])
    assert [(each["unit"], each["api"]["url"]) for each in result["service"]["instances"]] == [
        ("b@1.service", "http://h:1"),
        ("a.service", "http://127.0.0.1:11434"),
    ]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"units": [{"unit": "-x.service"}]}, "units: '-x.service' is not the name of a service"),
        ({"units": [{"unit": "ollama"}]}, "units: 'ollama' is not the name of a service"),
        ({"units": [{"unit": "../a.service"}]}, "is not the name of a service"),
        ({"units": [{"unit": "a.service", "url": "file:///etc/passwd"}]}, "is not the address of a server"),
        ({"parts": ["gpu"]}, "parts: 'gpu' is not one of unit, processes, api, journal"),
        ({"journal_lines": 0}, "journal_lines: 0 is not a number from 1"),
        ({"api_timeout": 0}, "api_timeout: 0 is not a number of seconds"),
        ({"wait": -1}, "wait: -1 is not a number of seconds from 0 to 3600"),
        ({"wait": 3601}, "wait: 3601 is not a number of seconds from 0 to 3600"),
        ({"command_timeout": -1}, "command_timeout: -1 is not a number of seconds"),
        ({"root": "/no/such"}, "root: '/no/such' is not a folder"),
    ],
)
def test_wrong_options_are_refused(run, args, words):
    """A sentence names the option, its value, and what is allowed."""
    code, result = run(**args)
    assert code == 1
    assert words in result["msg"]
    assert "Traceback" not in json.dumps(result)


def keys(value, described, where):
    """The paths of keys of a result that the documentation does not have, or has and the result lacks."""
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if not isinstance(entry, dict) or "contains" not in described:
            continue
        for name in {*entry} ^ {*described["contains"]}:
            yield f"{where}.{name}"
        for name in {*entry} & {*described["contains"]}:
            yield from keys(entry[name], described["contains"][name], f"{where}.{name}")


def test_every_key_is_documented():
    """What is returned and what is documented have the same keys, at every depth."""
    root = host.Planted(host.files(), host.links())
    asked = service_info.Host(root, host.Programs(), host.fetch(host.API))
    wanted = service_info.Wanted(service_info.PARTS, 100)
    result = service_info.observe(asked, [("ollama.service", service_info.URL)], wanted)
    assert list(keys(result, yaml.safe_load(service_info.RETURN)["service"], "service")) == []
