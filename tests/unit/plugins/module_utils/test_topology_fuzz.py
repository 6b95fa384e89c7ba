# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged machines: whatever stands in files and answers, there is a result of the same shape, and holes have reasons.

Each case harms one file or one answer, some harm many. The environment variable INFERENCE_OLLAMA_FUZZ_CASES sets how
many cases there are, INFERENCE_OLLAMA_FUZZ_SEED where they begin. A failure prints the seed of its case.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
from functools import cache
from typing import NamedTuple

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root, printable
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import gpu_entry
from ansible_collections.inference.ollama.tests.unit.support import tooled, trees
from ansible_collections.inference.ollama.tests.unit.support.damage import (
    MARKS,
    DamagedRoot,
    Machine,
    answer_damage,
    file_damage,
    leaves,
    read_files,
)

pytestmark = pytest.mark.untraced

# Few on the oldest Python of a target, where they show that its language is kept to.
CASES = int(os.environ.get("INFERENCE_OLLAMA_FUZZ_CASES", "2000" if sys.version_info >= (3, 10) else "400"))
SEED = int(os.environ.get("INFERENCE_OLLAMA_FUZZ_SEED", "0"))
BLOCKS = 16
ALL = set(SUBSETS)

OF_INSTANCES = ("instance_cpu_quota", "instance_memory_bytes")
KEYS = {
    "cpu": {
        *("architecture", "vendor", "model", "online", "offline", "isolated", "sockets", "packages", "cores"),
        *("threads", "threads_per_core", "smt_active", "siblings", "kinds", "llc", "governors", "frequency_driver"),
    },
    "memory": {"total_bytes", "host_bytes", "available_bytes", "swap_total_bytes", "swap_free_bytes"},
    "kernel": {
        "release",
        "transparent_hugepage",
        "transparent_hugepage_defrag",
        "numa_balancing",
        "cgroup_version",
        "cgroup_cpu",
        "sleep_states",
    },
    "virtualization": {"kind", "type"},
    "allowed": {"cpus", "cores", "mems", "cpu_quota", "memory_bytes", "system_slice", *OF_INSTANCES, "slices"},
    "drivers": {"nvidia", "amd"},
    "software": {"systemd", "numactl", "ollama"},
}
NODE = {"id", "cpus", "cores", "memory_bytes", "free_bytes", "hugepages", "distances", "gpu_memory"}
UNIT = {
    *("name", "path", "user", "group", "home", "home_unknown", "home_links", "slice", "wrapped_command", "dropins"),
    *("active", "environment_files"),
}

# Which facts a file has a say in: damage to it changes no other.
CPU = "/sys/devices/system/cpu"
SCOPES = [
    (f"{CPU}/cpu[0-9]+/cache", "cpu.llc"),
    (f"{CPU}/cpu[0-9]+/(cpu_capacity|cpufreq/(base|cpuinfo)_)", "cpu.kinds"),
    (f"{CPU}/cpu[0-9]+/cpufreq/", "cpu.(governors|frequency_driver)"),
    (f"{CPU}/isolated", "cpu.isolated"),
    (f"{CPU}/present", "cpu.offline"),
    # Every fact about CPUs depends on which of them are online.
    (f"{CPU}/", "cpu|numa|allowed.(cpus|cores)"),
    ("/sys/devices/cpu_", "cpu.kinds"),
    ("/sys/devices/system/node/", "numa|allowed.(mems|memory_bytes)|memory.host_bytes"),
    (
        "/sys/devices/system/clocksource|/sys/class/dmi|/sys/hypervisor|/run/|/proc/(sysinfo|device-tree|xen)",
        # The chip of a Tegra is in its device tree.
        "virtualization|gpus",
    ),
    ("/sys/kernel/mm/hugepages", "numa"),
    ("/sys/kernel/mm/transparent|/proc/sys/kernel/numa|/sys/power", "kernel"),
    ("/proc/sys/kernel/osrelease", "kernel.release|virtualization"),
    ("/proc/sys/kernel/arch", "cpu.architecture"),
    ("/proc/cpuinfo", "cpu.(architecture|vendor|model|kinds)|virtualization|memory.host_bytes|numa.*gpu_memory"),
    ("/proc/meminfo", r"memory|numa\[0\]|gpus.*(memory|shared)_bytes"),
    ("/proc/(self/|1/)|/dev/cpuset", "allowed"),
    ("/proc/mounts|/sys/fs/cgroup", "allowed|kernel.cgroup"),
    ("/proc/driver/nvidia", r"gpus|drivers.nvidia|numa.*gpu_memory|memory.host_bytes"),
    ("/sys/(class/(kfd|drm)|bus/pci|module)", "gpus|drivers|numa.*gpu_memory|memory.host_bytes"),
    ("/(etc|usr|run|lib)/", "software"),
]
# Texts of many lines or free words: a line that is harmed is a line less, which many hosts do not have either.
LOOSE = re.compile(
    r"/proc/(cpuinfo|mounts|self/|sysinfo|device-tree)|/uevent$|\.(conf|service)$|clocksource|/proc/driver/nvidia"
)
# Where another value is as valid: a number without its end is another device, -1 and max stand for "none".
VALID = re.compile(
    r"/(class|vendor|numa_node)$|/kfd/.*/properties$|/proc/driver/nvidia/|/(cpu|memory)\.max$|cfs_quota_us$"
)
# Files without which no Linux is: where one is gone, that is a problem.
NEEDED = re.compile(r"/proc/(cpuinfo|meminfo|sys/kernel/osrelease)$|/node[0-9]+/(meminfo|distance)$|kfd/.*/properties$")


class Known(NamedTuple):
    """A machine in memory: its files, its facts without damage, and the commands that were run."""

    host: tooled.Host
    machine: Machine
    files: dict
    facts: dict
    asked: list


@cache
def known(host):
    """Read once in a run, whatever number of cases harm it."""
    machine, run = Machine(host.folder), host.runner()
    files, facts = read_files(machine, lambda root: gather(root, run, ALL))
    calls = run.calls if run else []
    return Known(
        host, machine, files, facts, sorted(c for c in host.answers if any(call.startswith(c) for call in calls))
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The generated machines, while readers find the programs that these have."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Root, "program", lambda _root, name: tooled.find(name))
        yield [tooled.host(name, folder) for name in tooled.HOSTS]


def captured(block):
    """This block's share of the captured machines, so that no two processes unpack the same one."""
    mine = [tooled.Host(name, trees.tree(name)) for name in trees.names()[block::BLOCKS]]
    gpus = ["h200/x1", "h200/x2"][block : block + 1] if trees.captures() else []
    return mine + [tooled.Host(name, trees.unpack(f"{name}/tree.tar.xz")) for name in gpus]


def choose(chance, hosts):
    """A machine, the smaller the likelier."""
    some = [known(host) for host in hosts]
    return chance.choices(some, [1 / (60 + len(each.files)) for each in some])[0]


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_harmed_file_is_a_hole_with_a_reason(made, block):
    """Harm to one file changes only the facts that it is about, and what it leaves unknown is named with its path."""
    hosts = made + captured(block)
    for seed in range(SEED + block, SEED + CASES * 6 // 10, BLOCKS):
        chance = random.Random(seed)
        chosen = choose(chance, hosts)
        path = chance.choice(list(chosen.files))
        kind, data = file_damage(chance, chosen.files[path])
        harmed = gather(DamagedRoot(chosen.machine, {path: data}), chosen.host.runner(), ALL)
        case = f"seed {seed}: {chosen.host.name}: {path} {kind}: {data!r:.200}"
        check(harmed, case)
        explain_file(chosen.facts, harmed, path, kind, case)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_harmed_answer_is_a_hole_with_a_reason(made, block):
    """Harm to one program's answer changes only the facts of that program, and what it leaves unknown is named."""
    hosts = [host for host in made if host.answers]
    for seed in range(SEED + block, SEED + CASES * 3 // 10, BLOCKS):
        chance = random.Random(seed)
        chosen = choose(chance, hosts)
        command = chance.choice(chosen.asked)
        kind, outcome = answer_damage(chance, command, chosen.host.answers[command])
        harmed = gather(DamagedRoot(chosen.machine), chosen.host.runner({command: outcome}), ALL)
        case = f"seed {seed}: {chosen.host.name}: {command} {kind}: {outcome!r:.200}"
        check(harmed, case)
        explain_answer(chosen.facts, harmed, command, outcome, f"{case} ({kind})")


@pytest.mark.parametrize("block", range(BLOCKS))
def test_many_harms_at_once_are_survived(made, block):
    """Folders gone, and a share of all files and answers harmed: the shape stays, nothing contradicts itself."""
    hosts = made + captured(block)
    for seed in range(SEED + block, SEED + CASES // 10, BLOCKS):
        chance = random.Random(seed)
        chosen = choose(chance, hosts)
        rate = chance.choice([0.003, 0.03, 0.3])
        damage = {path: file_damage(chance, data)[1] for path, data in chosen.files.items() if chance.random() < rate}
        for path in chance.sample(list(chosen.files), min(2, len(chosen.files))):
            damage["/".join(path.split("/")[: chance.randint(3, max(3, path.count("/")))])] = None
        answers = {
            command: answer_damage(chance, command, output)[1]
            for command, output in chosen.host.answers.items()
            if chance.random() < rate * 2
        }
        harmed = gather(DamagedRoot(chosen.machine, damage), chosen.host.runner(answers), ALL)
        check(harmed, f"seed {seed}: {chosen.host.name}")


def explain_file(facts, harmed, path, kind, case):
    changed, new = compare(facts, harmed)
    named = any(path in problem for problem in new)
    scope = next(scope for start, scope in SCOPES if re.match(start, path))
    assert all(re.match(scope, fact) for fact in changed), f"{case}: changes {changed}"
    if kind == "unreadable":
        assert named, f"{case}: not named in {new}"
    elif kind == "gone":
        assert new or not NEEDED.search(path), f"{case}: needed, and not missed"
    elif kind == "marked" and not LOOSE.search(path):
        assert not changed or named, f"{case}: changes {changed}, not named in {new}"
    elif not LOOSE.search(path) and not VALID.search(path):
        assert not holes(facts, harmed) or new, f"{case}: leaves {holes(facts, harmed)} unknown without a word"


def explain_answer(facts, harmed, command, outcome, case):
    changed, new = compare(facts, harmed)
    scope = "software" if command.startswith(("systemctl", "/")) else "gpus|drivers"
    assert all(re.match(scope, fact) for fact in changed), f"{case}: changes {changed}"
    if outcome.problem is not None:
        words = one_line(outcome.problem)
        assert any(words in problem for problem in new), f"{case}: not named in {new}"
    elif any(mark in outcome.out for mark in MARKS):
        assert not changed or new, f"{case}: changes {changed} without a word"
    elif case.endswith("(garbage)"):
        assert not holes(facts, harmed) or new, f"{case}: leaves {holes(facts, harmed)} unknown without a word"


def compare(facts, harmed):
    """The paths of the facts that differ, and the new problems."""
    one, other = (leaves({key: value for key, value in each.items() if key != "problems"}) for each in (facts, harmed))
    nothing = object()
    changed = [fact for fact in {**one, **other} if one.get(fact, nothing) != other.get(fact, nothing)]
    return changed, [problem for problem in harmed["problems"] if problem not in facts["problems"]]


def holes(facts, harmed):
    """The facts that are unknown now and were known."""
    known = leaves(facts)
    return [
        fact
        for fact, value in leaves(harmed).items()
        if value is None
        and any(path == fact or path.startswith((f"{fact}.", f"{fact}[")) for path in known)
        and known.get(fact, fact) is not None
    ]


def check(facts, case):
    """The schema has all its keys, and known facts agree with each other."""
    assert set(facts) == {"schema", "numa", "gpus", "problems", *KEYS}, case
    for part, keys in KEYS.items():
        assert set(facts[part]) == keys, case
    assert all(set(node) == NODE for node in facts["numa"] or []), case
    assert all(set(gpu) == set(gpu_entry("any")) for gpu in facts["gpus"]), case
    ollama = facts["software"]["ollama"]
    assert ollama is None or (set(ollama) == {"binary", "version", "unit"} and set(ollama["unit"] or UNIT) == UNIT), (
        case
    )
    json.dumps(facts, allow_nan=False)
    assert all(printable(problem) or "\ufffd" in problem for problem in facts["problems"]), case
    assert len(set(facts["problems"])) == len(facts["problems"]), case
    agree(facts, case)


def agree(facts, case):
    cpu, allowed, memory = facts["cpu"], facts["allowed"], facts["memory"]
    assert (cpu["cores"] is None) == (cpu["siblings"] is None), case
    assert (cpu["sockets"] is None) == (cpu["packages"] is None), case
    for needed in (cpu["online"], cpu["siblings"], cpu["sockets"], memory["total_bytes"], facts["kernel"]["release"]):
        assert needed is not None or facts["problems"], case
    if cpu["siblings"] is not None:
        cores = [CpuSet.parse(core) for core in cpu["siblings"]]
        assert sum(len(core) for core in cores) == cpu["threads"], case
        assert CpuSet(each for core in cores for each in core) == CpuSet.parse(cpu["online"]), case
        assert 0 < (allowed["cores"] or cpu["cores"]) <= cpu["cores"] <= cpu["threads"], case
    for text in (cpu["online"], cpu["offline"], cpu["isolated"], allowed["cpus"], allowed["mems"]):
        assert text is None or str(CpuSet.parse(text)) == text, case
    numbers = [value for fact, value in leaves(facts).items() if re.search(r"bytes$|free$|cores$|hugepages", fact)]
    assert all(value in (None, {}) or value >= 0 for value in numbers), case
    assert (facts["virtualization"]["kind"] is None) == (facts["virtualization"]["type"] is None), case
    assert allowed["cpu_quota"] is None or allowed["cpu_quota"] > 0, case
