# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role under settings and keywords that plays of others have."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.tests.integration.example import Example, warnings_in


@pytest.fixture(scope="module", params=["2.19", "2.21"])
def done(request, tmp_path_factory):
    """The playbook of all circumstances, with the newest release and, for fewer hosts, with the oldest."""
    example = Example("circumstances", request.param, tmp_path_factory.mktemp("interop"))
    example.install()
    limit = ("--limit=free1,twice1",) if request.param == "2.19" else ()
    assert example.play("site.yml", *limit) == 0, example.output
    example.hosts = [path.parent.name for path in sorted(example.folder.glob("hosts/*/etc"))]
    return example


def test_nothing_is_warned_of(done):
    """Neither by the oldest ansible-core nor by the newest, and not with facts that are no variables."""
    assert warnings_in(done.output) == []


def test_every_host_is_tuned(done):
    """By what is planned for its machine, and with the variables that were merged."""
    assert {"free1", "twice1", "twice2"} <= set(done.hosts)
    for host in done.hosts:
        assert "LLAMA_ARG_THREADS=14" in done.read(host), host
        assert "OLLAMA_LOAD_TIMEOUT=7m" in done.read(host), host


def test_handlers_of_others_run_and_are_theirs(done):
    """Those with names that the role might have had, and with a topic."""
    for host in (host for host in done.hosts if host.startswith("free")):
        assert done.read(host, "reloaded-by") == "neighbour\n"
        assert done.read(host, "restarted-by") == "neighbour\n"


def test_a_host_at_its_own_pace_is_summed_up_alone(done):
    """The others are not where it is, so it has no line for them; each host has one summary."""
    said = [
        (each["host"], line.split(":")[0])
        for each in done.results()
        if each["task"].endswith("Summarize the run") and each["host"].startswith("free")
        for line in each["result"]["msg"]
        if not line.startswith(" ")
    ]
    free = [host for host in done.hosts if host.startswith("free")]
    assert sorted(said) == [(host, host) for host in free]
    assert {done.outcome(f"{host}/outcome.json") for host in free} == {"changed"}


def test_variables_of_a_play_and_of_a_role_are_merged_with_those_of_the_group(done):
    """As hash_behaviour says, and only where the play has them."""
    for host in (host for host in done.hosts if host.startswith("serial")):
        assert "OLLAMA_DEBUG=1" in done.read(host)
        assert "OLLAMA_KEEP_ALIVE=24h" in done.read(host)
    assert "OLLAMA_DEBUG" not in done.read("free1") + done.read("twice1")


def test_two_uses_in_a_play_know_nothing_of_each_other(done):
    """The variables of the first are not the second's, and each has its own outcome."""
    assert "--cpunodebind=0" in done.read("twice1")
    assert "OLLAMA_KEEP_ALIVE=24h" in done.read("twice1")
    assert "--cpunodebind=0" not in done.read("twice2")
    assert "OLLAMA_KEEP_ALIVE=24h" not in done.read("twice2")
    assert done.outcome("twice1/outcome.json") == "changed"


def test_a_delegated_role_acts_on_that_host_alone(done):
    """Both that read it and that write to it; nothing of the first use is delegated."""
    read = [each["acts_on"] for each in done.results() if each["host"] == "twice1" and "Read the host" in each["task"]]
    wrote = [each["acts_on"] for each in done.results() if each["host"] == "twice1" and "Write the" in each["task"]]
    assert (read, wrote) == (["", "twice2"], ["", "twice2"])


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A play that ends for all hosts where one fails, of which the second has a folder in the place of a file."""
    example = Example("circumstances", "2.21", tmp_path_factory.mktemp("interop"))
    example.install()
    (example.folder / "hosts/fatal2/etc/systemd/system/ollama.service.d/override.conf").mkdir(parents=True)
    assert example.play("fatal.yml") != 0, example.output
    return example


def test_a_host_that_did_not_fail_ends_what_it_has_begun(ended):
    """Where another one ends the play for all of them: none is left between old and new settings."""
    assert "is undefined" not in ended.output
    assert ended.outcome("fatal1.json") == "changed"
    assert ended.outcome("fatal2.json") == "failed"
    assert warnings_in(ended.output) == []


def test_the_play_ends_after_it(ended):
    """No host goes on, as its keyword says."""
    assert [path.name for path in ended.folder.glob("hosts/*.went-on")] == []
