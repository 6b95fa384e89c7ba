# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of all scenarios share: where a test runs, one look at each host, and what the playbooks recorded.

pytest-testinfra gives the fixture ``host`` for each host of the inventory's group ``ollama``, and for those of the
group ``bare`` in tests that name their job, and for those of other groups in tests that name the group. A test that not
every host can pass names its hosts::

    @pytest.mark.on(position=[0, -1])           # the first and the last one
    @pytest.mark.on(job="faults")               # those with this job in their variable lab_jobs
    @pytest.mark.on(variable="ollama_api_key")  # those that have the variable
    @pytest.mark.on(group="ollama_gateways")    # those of another group
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from testinfra.utils.ansible_runner import itergroup

ROOT = Path(__file__).resolve().parents[1]
# Some tests compare what the product reads with what the host says.
sys.path.append(str(ROOT / "build/collections"))

DROP_IN = "/etc/systemd/system/ollama.service.d/override.conf"
PROBE = (ROOT / "tests/lab/probe.py").read_text()
# The inventory of somebody's own machines need not have a host for every test.
OWN_MACHINES = bool(os.environ.get("OLLAMA_TEST_INVENTORY"))


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "on(position, job, variable, group): the hosts of the group that the test is for"
    )
    # A worker of pytest-xdist sees but its share.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(EveryTestRan(), "every-test-ran")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    kept = [item for item in items if all(is_for(item, **mark) for mark in marks(item))]
    lost = {function(item) for item in items} - {function(item) for item in kept}
    if lost and not OWN_MACHINES:
        raise pytest.UsageError(f"The scenario has no host for these tests: {', '.join(sorted(lost))}")
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
    for item in kept:
        # For --dist=loadgroup: hosts side by side, each asked by one process alone.
        item.add_marker(pytest.mark.xdist_group(item.callspec.params["_testinfra_host"].backend.host))


def function(item):
    return f"{item.path.name}::{item.originalname}"


def marks(item):
    """What is asked of the host; one without any Ollama is only for tests that name its job or its group."""
    asked = [mark.kwargs for mark in item.iter_markers("on")]
    return asked if any(mark.keys() & {"job", "group"} for mark in asked) else [*asked, {"group": "ollama"}]


def is_for(item, position=None, job=None, variable=None, group=None):
    backend = item.callspec.params["_testinfra_host"].backend
    variables = backend.get_variables()
    inventory = backend.ansible_runner.inventory
    return (
        (position is None or backend.host in [list(itergroup(inventory, "ollama"))[number] for number in position])
        and (job is None or job in variables.get("lab_jobs", []))
        and (variable is None or variable in variables)
        and (group is None or backend.host in itergroup(inventory, group))
    )


class EveryTestRan:
    """Fail a run in which a test passed on no host: pytest itself is content when everything was skipped."""

    def __init__(self):
        self.skipped, self.passed = set(), set()

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.partition("[")[0]
        if report.skipped:
            self.skipped.add(name)
        elif report.passed and report.when == "call":
            self.passed.add(name)

    def pytest_sessionfinish(self, session):
        never = self.skipped - self.passed
        if session.exitstatus == pytest.ExitCode.OK and (not self.passed or (never and not OWN_MACHINES)):
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def pytest_terminal_summary(self, terminalreporter):
        for name in sorted(self.skipped - self.passed):
            terminalreporter.write_line(f"ERROR {name} - skipped on every host")


@pytest.fixture(scope="module")
def host(_testinfra_host):
    """The host as root sees it, whoever logs in."""
    if _testinfra_host.check_output("id -u") == "0":
        yield _testinfra_host
    else:
        with _testinfra_host.sudo():
            yield _testinfra_host


@pytest.fixture(scope="module")
def variables(host):
    """What the inventory says of the host."""
    return host.ansible.get_variables()


@pytest.fixture(scope="module")
def recorded(host):
    """What a playbook recorded of this host, by its name: an observation or an operator's run."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "recorded", host.backend.host)
    return lambda name: json.loads((folder / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def last_lines(recorded):
    """The end of a run's output as one line, since Ansible breaks long ones."""
    return lambda name: " ".join(line.strip() for line in recorded(name)["output"].splitlines()[-100:])


def look(host, *question):
    """Ask probe.py on the host: one run costs less than the dozen commands that it stands for."""
    return json.loads(host.check_output("python3 -c %s" + " %s" * len(question), PROBE, *question))


@pytest.fixture(scope="module")
def state(host):
    """Files and server process as they are now."""
    return look(host, "state")


@pytest.fixture(scope="module")
def services(host):
    """Every service of Ollama and its files as they are now."""
    return look(host, "services")


@pytest.fixture(scope="module")
def slices(host):
    """The control group of the server and its slice as they are now."""
    return look(host, "slices")


_seen = {}


@pytest.fixture(scope="module")
def observed(host, variables):
    """The host with a model loaded, from one look in the whole run; kept in a file for the reader of a failure."""
    name = host.backend.host
    if name not in _seen:
        _seen[name] = look(host, "server", variables.get("lab_model", "standin"))
        file = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], f"{name}.probe.json")
        file.touch(0o600)
        file.write_text(json.dumps(_seen[name], indent=2))
    assert "server" in _seen[name], f"ollama.service has no process: {_seen[name]['journal']}"
    return _seen[name]


@pytest.fixture(scope="module")
def server(observed):
    """The process of ollama.service."""
    return observed["server"]


@pytest.fixture(scope="module")
def runner(observed):
    """The process that has loaded the model: the server's only child."""
    (process,) = observed["runners"]
    return process


@pytest.fixture(scope="module")
def has_llama_server(observed):
    """Whether the release is one that gives a model to llama-server, which reads LLAMA_ARG_*."""
    return tuple(map(int, re.findall(r"\d+", observed["version"]["version"])[:2])) >= (0, 30)


@pytest.fixture(scope="module")
def drop_in(host):
    """The drop-in that the role writes for a single server."""
    return host.file(DROP_IN)


@pytest.fixture(scope="module")
def planned_environment(drop_in):
    """The variables of the drop-in's Environment= lines."""
    pairs = re.findall(r'(?m)^Environment="(.*?)=(.*)"$', drop_in.content_string)
    assert pairs, f"{drop_in.path} sets no variable"
    return dict(pairs)
