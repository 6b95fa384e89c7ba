# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sorts of cores: fast and frugal ones on a hybrid CPU."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpu import read_processors
from ansible_collections.inference.ollama.plugins.module_utils._topology.kinds import read_kinds
from ansible_collections.inference.ollama.tests.unit.support.machine import CPU, Machine
from ansible_collections.inference.ollama.tests.unit.support.trees import plant


def kinds(folder, files=None):
    root = Root(plant(folder, files or {}))
    found = read_kinds(root, read_processors(root))
    return found and [(kind.kind, str(kind.cpus)) for kind in found], root.problems


def numbers(name, values):
    return {f"{CPU}/cpu{cpu}/{name}": str(value) for cpu, value in enumerate(values)}


def test_like_cores_are_uniform(tmp_path):
    """One entry with every online CPU."""
    Machine(cores=4, threads=2, offline="7").write(tmp_path)
    assert kinds(tmp_path) == ([("uniform", "0-6")], [])


def test_intel_names_its_kinds(tmp_path):
    """The performance counters of a hybrid Intel CPU list the CPUs of each kind."""
    Machine(cores=2, threads=2, efficiency_cores=4, offline="5").write(tmp_path)
    assert kinds(tmp_path) == ([("performance", "0-3"), ("efficiency", "4,6-7")], [])


def test_the_cores_of_the_soc_tile_are_a_kind_of_their_own(tmp_path):
    """They have no share in the last-level cache and are the slowest."""
    Machine(cores=2, threads=1, efficiency_cores=4).write(tmp_path)
    extra = {"/sys/devices/cpu_atom/cpus": "2-3", "/sys/devices/cpu_lowpower/cpus": "4-5"}
    assert kinds(tmp_path, extra)[0] == [("performance", "0-1"), ("efficiency", "2-3"), ("low_power", "4-5")]


def test_a_single_counter_is_no_hybrid(tmp_path):
    """One list alone says nothing of a second kind."""
    Machine(cores=4).write(tmp_path)
    assert kinds(tmp_path, {"/sys/devices/cpu_core/cpus": "0-3"})[0] == [("uniform", "0-3")]


def test_capacity_grades_arm_cores(tmp_path):
    """Three clusters: one fastest core, middle ones, frugal ones."""
    Machine(cores=6).write(tmp_path)
    found = kinds(tmp_path, numbers("cpu_capacity", [250, 250, 250, 800, 800, 1024]))
    assert found == ([("performance", "5"), ("middle", "3-4"), ("efficiency", "0-2")], [])


def test_favoured_cores_are_no_kind(tmp_path):
    """A few percent of capacity are the best cores of one kind, not another kind."""
    Machine(cores=4).write(tmp_path)
    assert kinds(tmp_path, numbers("cpu_capacity", [1024, 1017, 997, 1024]))[0] == [("uniform", "0-3")]


def test_capacity_of_some_cpus_alone_says_nothing(tmp_path):
    """Without a number for each CPU no CPU is graded."""
    Machine(cores=4).write(tmp_path)
    assert kinds(tmp_path, numbers("cpu_capacity", [1024, 512]))[0] == [("uniform", "0-3")]


def test_frequency_grades_cores_that_differ_in_threads(tmp_path):
    """An older kernel on a hybrid CPU: two threads beside one, and a rated frequency for each."""
    Machine(cores=2, threads=2, efficiency_cores=2).write(tmp_path)
    (tmp_path / "sys/devices/cpu_core/cpus").unlink()
    found = kinds(tmp_path, numbers("cpufreq/base_frequency", [1900000] * 4 + [1400000] * 2))
    assert found == ([("performance", "0-3"), ("efficiency", "4-5")], [])


def test_frequency_alone_is_no_kind(tmp_path):
    """Speed Select gives like cores of a server unlike base frequencies."""
    Machine(cores=4).write(tmp_path)
    assert kinds(tmp_path, numbers("cpufreq/base_frequency", [2700, 2700, 2100, 2100]))[0] == [("uniform", "0-3")]


@pytest.mark.parametrize(
    "files",
    [
        # Core i7-6950X: two favoured cores; a Xeon with Speed Select; Ryzen's ranks; a Xeon with both.
        {"cpufreq/cpuinfo_max_freq": [4000, 4000, 3500, 3500], "cpufreq/base_frequency": [3000] * 4},
        {"cpufreq/cpuinfo_max_freq": [3900] * 4, "cpufreq/base_frequency": [2700, 2700, 2100, 2100]},
        {"acpi_cppc/highest_perf": [231, 216, 196, 181], "acpi_cppc/nominal_perf": [124] * 4},
        {"acpi_cppc/highest_perf": [64, 64, 67, 67], "acpi_cppc/nominal_perf": [24, 24, 19, 19]},
        {"cpu_capacity": [1024] * 4, "cpufreq/cpuinfo_max_freq": [5000, 5000, 3800, 3800]},
        {"cpufreq/cpuinfo_max_freq": [5000, 5000]},
    ],
)
def test_cores_of_one_kind_with_unlike_clocks_are_uniform(tmp_path, files):
    """Favoured cores, Speed Select and ranks of the firmware make no kinds."""
    Machine(cores=4).write(tmp_path)
    made = {path: text for name, values in files.items() for path, text in numbers(name, values).items()}
    assert kinds(tmp_path, made) == ([("uniform", "0-3")], [])


@pytest.mark.parametrize(
    "files",
    [
        # A Core i9 without its counters; Zen 5 beside Zen 5c; a Core Ultra 5 225; the firmware's numbers alone.
        {"cpufreq/cpuinfo_max_freq": [5200, 5000, 3900, 3900], "cpufreq/base_frequency": [1900, 1900, 1400, 1400]},
        {"cpufreq/cpuinfo_max_freq": [5157, 5157, 3306, 3306], "cpufreq/base_frequency": [2000] * 4},
        {"cpufreq/cpuinfo_max_freq": [4900, 4900, 4400, 4400], "cpufreq/base_frequency": [3300, 3300, 2700, 2700]},
        {"cpufreq/cpuinfo_max_freq": [5000, 5000, 3800, 3800]},
        {"acpi_cppc/highest_perf": [67, 64, 39, 39], "acpi_cppc/nominal_perf": [24, 24, 19, 19]},
        {"acpi_cppc/highest_perf": [196, 196, 125, 125], "cpufreq/cpuinfo_max_freq": [2000] * 4},
        {"acpi_cppc/nominal_perf": [24, 24, 19, 19]},
    ],
)
def test_cores_that_only_clocks_tell_apart_are_unknown(tmp_path, files):
    """Neither uniform nor graded where clocks differ as they do between kinds, and the problem names the file."""
    Machine(cores=4).write(tmp_path)
    made = {path: text for name, values in files.items() for path, text in numbers(name, values).items()}
    found, problems = kinds(tmp_path, made)
    assert found is None
    assert len(problems) == 1
    assert any(f"cpu*/{name}:" in problems[0] for name in files)


def test_servers_of_several_sockets_are_not_asked_for_clocks(tmp_path):
    """No hybrid processor has a second socket beside it, and servers have hundreds of these files."""
    Machine(sockets=2, cores=2).write(tmp_path)
    files = numbers("cpufreq/cpuinfo_max_freq", [4000, 4000, 3000, 3000])
    assert kinds(tmp_path, files) == ([("uniform", "0-3")], [])


def test_cores_that_differ_without_a_word_why_are_unknown(tmp_path):
    """Neither uniform nor graded: unknown, and named."""
    Machine(cores=2, threads=2, efficiency_cores=2).write(tmp_path)
    (tmp_path / "sys/devices/cpu_core/cpus").unlink()
    found, problems = kinds(tmp_path)
    assert found is None
    assert len(problems) == 1


def test_arm_parts_prove_that_cores_differ(tmp_path):
    """Two part numbers are two sorts of cores, which the maximum frequency grades."""
    Machine(cores=2).write(tmp_path)
    cpuinfo = "\n".join(f"processor : {cpu}\nCPU implementer : 0x41\nCPU part : {part}\n" for cpu, part in
                        enumerate(("0xd46", "0xd4d")))  # fmt: skip
    files = {"/proc/cpuinfo": cpuinfo, **numbers("cpufreq/cpuinfo_max_freq", [1700000, 2900000])}
    assert kinds(tmp_path, files)[0] == [("performance", "1"), ("efficiency", "0")]


def test_no_cpus_no_kinds(tmp_path):
    """Unknown CPUs have unknown kinds."""
    assert kinds(tmp_path)[0] is None
