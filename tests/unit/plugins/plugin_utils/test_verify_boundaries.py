# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a verdict turns from one into the other (_verify)."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    BOUND,
    GPU,
    MODEL,
    OURS,
    UNBOUND,
    api,
    changed,
    check,
    journal,
    running,
    seen_on,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, topology


@pytest.mark.parametrize(
    ("on_node", "verdict"), [(99, "pass"), (90, "pass"), (89, "unknown"), (50, "unknown"), (49, "fail"), (1, "fail")]
)
def test_nine_tenths_on_the_node_pass_and_less_than_half_fails(on_node, verdict):
    """Buffers and libraries may lie elsewhere, half of a model may not."""
    memory = {"1": on_node, "0": 100 - on_node}
    row = check(changed(runner={"memory_by_node": memory}), "numa_node")
    assert (row["verdict"], row["seen"]) == (verdict, f"{100 - on_node} % on node 0, {on_node} % on node 1")


SOCKET = plan(topology(sockets=2, cores=4, nodes=8))


@pytest.mark.parametrize(
    ("memory", "mems", "verdict"),
    [
        ({"0": 25, "1": 25, "2": 25, "3": 25}, "0-7", "pass"),
        ({"0": 95, "7": 5}, "0-7", "pass"),
        ({"0": 30, "3": 30, "4": 40}, "0-7", "unknown"),
        ({"0": 10, "4": 30, "5": 30, "6": 30}, "0-7", "fail"),
        ({"0": 50, "1": 50}, "0-1,4-7", "pass"),
        ({"4": 100}, "4-7", "fail"),
    ],
)
def test_memory_of_a_server_on_a_socket_may_lie_on_each_of_its_nodes(memory, mems, verdict):
    """What is on the other socket counts against it."""
    row = check(changed(SOCKET, runner={"memory_by_node": memory, "mems_allowed": mems}), "numa_node")
    assert (row["planned"], row["verdict"]) == ("0-3", verdict)


def test_a_server_on_a_socket_runs_on_all_of_its_cpus_alone():
    """The binding is compared as that of a node is."""
    assert check(changed(SOCKET), "binding")["verdict"] == "pass"
    assert check(changed(SOCKET, server={"cpus_allowed": "0-7"}), "binding")["verdict"] == "fail"


@pytest.mark.parametrize("order", [1, -1])
def test_the_runner_with_the_least_memory_on_the_node_counts(order):
    """One model in the wrong place is enough, whichever runner comes first."""
    server, runner = copy.deepcopy(running(BOUND)["instances"][0]["processes"])
    runners = [{**runner, "pid": 900}, {**runner, "pid": 901, "memory_by_node": {"0": 60, "1": 40}}]
    row = check(seen_on(processes=[server, *runners[::order]]), "numa_node")
    assert row["verdict"] == "fail"
    assert "/proc/901/" in row["evidence"]


@pytest.mark.parametrize(
    ("cpus", "verdict"), [("14-27,42-55", "pass"), ("14-27,42-54", "fail"), ("13-27,42-55", "fail")]
)
@pytest.mark.parametrize("process", ["server", "runner"])
def test_a_binding_is_exact(process, cpus, verdict):
    """A CPU too few and one too many are both another binding, in the server and in its runners."""
    assert check(changed(**{process: {"cpus_allowed": cpus}}), "binding")["verdict"] == verdict


@pytest.mark.parametrize(("cpus", "verdict"), [("0-55", "pass"), ("0-127", "pass"), ("0-54", "fail"), ("1-55", "fail")])
def test_a_server_that_is_not_bound_needs_all_cpus_that_were_counted(cpus, verdict):
    """More CPUs than the plan knows harm nobody; a missing one means that something else binds the server."""
    assert check(changed(UNBOUND, server={"cpus_allowed": cpus}), "binding")["verdict"] == verdict


@pytest.mark.parametrize(("age", "verdict"), [(3601.0, "pass"), (3602.0, "pass"), (3602.5, "fail")])
def test_a_runner_may_be_counted_two_seconds_before_its_server(age, verdict):
    """The two ages are read one after the other; a runner of an earlier server is older by more than that."""
    assert check(changed(runner={"started_seconds": age}), "processes_current")["verdict"] == verdict


@pytest.mark.parametrize(
    ("vram", "shown", "verdict"), [(0, 0, "fail"), (1, 1, "pass"), (99, 99, "pass"), (120, 100, "pass")]
)
def test_a_model_is_on_the_gpu_by_any_part_of_it(vram, shown, verdict):
    """A model that is larger than the card is shared with the CPU; one without any part on it fails."""
    models = [{"name": "a", "size_bytes": 100, "size_vram_bytes": vram}]
    row = check(seen_on(GPU, api=api(GPU, models=models)), "gpu_in_use")
    assert row["verdict"] == verdict
    assert row["seen"].split(", ")[0] == f"a {shown} %"


def test_one_model_whose_size_is_unknown_leaves_the_cards_unknown():
    """The others do not speak for it."""
    models = [{"name": "a", "size_bytes": 100, "size_vram_bytes": 100}, {"name": "b"}]
    assert check(seen_on(GPU, api=api(GPU, models=models)), "gpu_in_use")["verdict"] == "unknown"


@pytest.mark.parametrize("address", ["0000:03:00.0", "00000000:03:00.0", "0000:03:00.0".upper()])
def test_the_address_of_a_card_is_the_same_in_every_spelling(address):
    """Some tools write eight digits of the domain, some write capitals."""
    first, second = journal(GPU)["devices"]
    found = seen_on(GPU, journal=journal(GPU, devices=[{**first, "pci_id": address}, second]))
    assert check(found, "gpus_found")["verdict"] == "pass"


def test_a_card_beside_the_planned_ones_harms_nobody():
    """The plan needs its own cards; what else the server finds is not missing."""
    devices = journal(GPU)["devices"]
    more = [*devices, {**devices[0], "id": "2", "pci_id": "0000:0a:00.0"}]
    assert check(seen_on(GPU, journal=journal(GPU, devices=more)), "gpus_found")["verdict"] == "pass"


@pytest.mark.parametrize("soft", [1024, 10**6])
def test_the_hard_limit_is_the_one_of_the_unit(soft):
    """A program may move its soft limit, as Go does with files."""
    server = running(BOUND)["instances"][0]["processes"][0]
    limits = {**server["limits"], "nofile": {**server["limits"]["nofile"], "soft": soft}}
    assert check(changed(server={"limits": limits}), "LimitNOFILE")["verdict"] == "pass"


def test_a_file_of_an_earlier_plan_counts_for_the_host_alone():
    """No server's own files differ because another file was left."""
    stale = {"schema": 1, "differences": [{"unit": None, "instance": None, "kind": "stale", "path": "/etc/x"}]}
    found = seen_on(drift=stale)
    assert check(found, "stale_files")["verdict"] == "fail"
    assert check(found, "unit_files")["verdict"] == "pass"


def test_a_difference_of_another_unit_is_not_this_one_s():
    """Each server answers for its own files and for the template."""
    row = {"unit": "ollama@b.service", "instance": "b", "kind": "differs", "setting": "Nice", "path": OURS}
    assert check(seen_on(drift={"schema": 1, "differences": [row]}), "unit_files")["verdict"] == "pass"


@pytest.mark.parametrize(("slots", "seen", "verdict"), [("2", "32768", "pass"), ("4", "16384", "unknown")])
def test_the_context_of_one_slot_is_compared(slots, seen, verdict):
    """The runner's option holds the context of all slots; a model may have been trained for less."""
    argv = ["llama-server", "--model", MODEL, "-c", "65536", "--parallel", slots]
    row = check(changed(runner={"command_line": argv}, api=None, journal=None), "OLLAMA_CONTEXT_LENGTH")
    assert (row["verdict"], row["seen"]) == (verdict, seen)


def test_a_command_line_without_slots_shows_no_context():
    """Nothing is divided by zero, and the next proof is asked."""
    argv = ["llama-server", "--model", MODEL, "-c", "65536", "--parallel", "0"]
    row = check(changed(runner={"command_line": argv}, api=None, journal=None), "OLLAMA_CONTEXT_LENGTH")
    assert "cmdline" not in row["evidence"]
