# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A driver of NVIDIA's that fails, as a whole or for one card, and cards that are not its own."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import read_gpus
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia import read_nvidia
from ansible_collections.inference.ollama.tests.unit.support import reported
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import ABSENT, FakeRunner, pci_card
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

FIRST, SECOND = "0000:03:00.0", "0000:0a:00.0"
ROW = "0, NVIDIA RTX A4000, GPU-0a, 00000000:03:00.0, 16376, 16000, 8.6, 570.195.03, Enabled, Disabled, [N/A]\n"
XML = "<nvidia_smi_log><driver_version>570.195.03</driver_version><cuda_version>12.8</cuda_version></nvidia_smi_log>"
TOPO = "\tGPU0\tCPU Affinity\nGPU0\t X \t0-15\n"
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch"
NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA "
    "driver is installed and running."
)


def host(folder, first="nvidia", second="nvidia", **more):
    """Two cards with the drivers that they are bound to; the module is loaded where one has it."""
    files = {
        **pci_card(FIRST, "0x10de", **({"uevent": f"DRIVER={first}"} if first else {})),
        **pci_card(SECOND, "0x10de", **({"uevent": f"DRIVER={second}"} if second else {})),
        "/dev/nvidiactl": "",
        "/proc/cpuinfo": "flags : fpu",
        **more,
    }
    if "nvidia" in (first, second):
        files["/sys/module/nvidia/version"] = "570.195.03"
    return Root(plant(folder, {path: text for path, text in files.items() if text is not None}))


def failed(said, status=9, argv="nvidia-smi --query-gpu"):
    return Outcome(None, f"{argv} failed with exit status {status} and said: {said}")


def smi(answer, nvml=ABSENT, **more):
    others = {"nvidia-smi -q -x": XML, "nvidia-smi topo -m": TOPO, "nvidia-smi -L": ""}
    return FakeRunner({"nvml": nvml, **others, "nvidia-smi --query-gpu": answer, **more})


def read(root, run):
    gpus, drivers = read_gpus(root, run)
    return {gpu["pci_bus_id"]: gpu["answers"] for gpu in gpus}, (drivers["nvidia"] or {}).get("error"), gpus


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (failed(f"{MISMATCH} … NVML library version: 570.195", 18), MISMATCH),
        (failed(f"{MISMATCH}\nNVML library version: 570.195\n", 18), MISMATCH),
        (failed(NO_DRIVER), NO_DRIVER),
        (failed("Failed to initialize NVML: Unknown Error", 255), "Failed to initialize NVML: Unknown Error"),
        (failed("Insufficient Permissions … bye", 4), "Insufficient Permissions"),
        (failed("\n"), "it said nothing"),
        (Outcome(None, "nvidia-smi did not answer within 5 s and was stopped"), None),
    ],
)
def test_a_driver_that_fails_says_why_and_its_cards_are_unknown(tmp_path, outcome, error):
    """The first line of the cause stands beside the driver, and no card is taken for lost."""
    root = host(tmp_path)
    assert read(root, smi(outcome))[:2] == ({FIRST: None, SECOND: None}, error or outcome.problem)
    assert any(line.startswith("nvidia-smi ") for line in root.problems)


@pytest.mark.parametrize("words", ["Driver/library version mismatch", "Driver Not Loaded", "Insufficient Permissions"])
def test_the_library_says_why_where_nvidia_smi_is_missing(tmp_path, words):
    """An error of NVML at its start is the cause of a host without nvidia-smi."""
    run = FakeRunner({"nvml": json.dumps({"failed": words})})
    root = host(tmp_path)
    assert read(root, run)[:2] == ({FIRST: None, SECOND: None}, words)
    assert f"NVML failed: {words}" in root.problems


def test_a_driver_that_nobody_can_ask_has_not_failed(tmp_path):
    """Without the library and without nvidia-smi nothing is known of the cards, and nothing has failed."""
    assert read(host(tmp_path), FakeRunner({"nvml": ABSENT}))[:2] == ({FIRST: None, SECOND: None}, None)


@pytest.mark.parametrize("driver", ["nouveau", "vfio-pci", None])
def test_cards_of_a_host_without_the_driver_compute_nothing(tmp_path, driver):
    """No module of NVIDIA's is loaded: its cards do not answer, and no driver has failed."""
    run = FakeRunner({"nvml": ABSENT})
    assert read(host(tmp_path, driver, driver), run)[:2] == ({FIRST: False, SECOND: False}, None)


@pytest.mark.parametrize("driver", ["nouveau", "vfio-pci"])
def test_cards_of_other_drivers_are_no_failure_of_nvidias(tmp_path, driver):
    """Tools of NVIDIA's that fail say nothing of cards that another driver has."""
    assert read(host(tmp_path, driver, driver), smi(failed(NO_DRIVER)))[:2] == ({FIRST: False, SECOND: False}, None)
    assert read(host(tmp_path, driver, "nvidia"), smi(failed(MISMATCH)))[:2] == ({FIRST: False, SECOND: None}, MISMATCH)


def test_a_module_that_is_not_loaded_beside_its_tools_has_failed(tmp_path):
    """A new kernel without the module leaves the cards to no driver, and nvidia-smi says so."""
    assert read(host(tmp_path, None, None), smi(failed(NO_DRIVER)))[:2] == ({FIRST: None, SECOND: None}, NO_DRIVER)


@pytest.mark.parametrize("run", [smi(failed(NO_DRIVER)), FakeRunner({"nvml": ABSENT})])
def test_a_container_without_devices_has_none_of_the_cards_that_it_sees(tmp_path, run):
    """sysfs shows a container the cards of its host, which is no failure of the driver."""
    root = host(tmp_path, **{"/dev/nvidiactl": None, "/run/host/container-manager": "lxc"})
    assert read(root, run)[:2] == ({FIRST: False, SECOND: False}, None)


@pytest.mark.parametrize("answer", ["No devices were found\n", failed("No devices were found", 6)])
def test_a_driver_that_finds_no_device_answers(tmp_path, answer):
    """Whatever the exit status, the driver works and lists no card."""
    answers, error, gpus = read(host(tmp_path), smi(answer))
    assert (answers, error) == ({FIRST: False, SECOND: False}, None)
    assert [gpu["index"] for gpu in gpus] == [None, None]


LOST = [
    "Unable to determine the device handle for GPU 0000:0A:00.0: Unknown Error",
    "Unable to determine the device handle for GPU0000:0A:00.0: Unknown Error",
    "Unable to determine the device handle for gpu 0000:0A:00.0: Unknown Error",
    "Unable to determine the device handle for GPU1: 0000:0A:00.0: Unknown Error … No devices were found",
    "Unable to determine the device handle for GPU 0000:0A:00.0: GPU is lost.  Reboot the system to recover this GPU",
]


@pytest.mark.parametrize("said", LOST)
def test_one_card_is_lost(tmp_path, said):
    """nvidia-smi fails for all, and the other card is read by itself."""
    root = host(tmp_path)
    run = smi(failed(said, 15))
    whole = run.__call__

    def answer(argv):
        asked = argv[-1] == f"--id={FIRST}" and argv[1].startswith("--query-gpu")
        return Outcome(ROW, None) if asked else whole(argv)

    answers, error, gpus = read(root, answer)
    assert (answers, error) == ({FIRST: True, SECOND: False}, None)
    assert (gpus[0]["memory_bytes"], gpus[0]["compute_capability"]) == (16376 << 20, "8.6")
    assert root.problems[0] == f"nvidia-smi: {said.partition(' … ')[0]}"
    assert root.problems[-1].startswith(f"{SECOND}: an NVIDIA GPU, bound to the driver nvidia, for which")


@pytest.mark.parametrize("said", LOST)
def test_every_card_is_lost(tmp_path, said):
    """Where none answers by itself either, none does; the driver has answered."""
    assert read(host(tmp_path), smi(failed(said, 15)))[:2] == ({FIRST: False, SECOND: False}, None)


@pytest.mark.parametrize("between", ["\n", " … "])
def test_a_card_with_a_corrupted_memory_of_facts_answers(tmp_path, between):
    """nvidia-smi warns of it and ends with a status, and has answered all the same."""
    second = ROW.replace("0, N", "1, N").replace("GPU-0a", "GPU-0b").replace(":03:", ":0A:")
    said = f"{second.strip()}{between}WARNING: infoROM is corrupted at gpu 0000:0A:00.0"
    root = host(tmp_path)
    whole = smi(failed(said, 14))

    def answer(argv):
        asked = argv[-1] == f"--id={FIRST}" and argv[1].startswith("--query-gpu")
        return Outcome(ROW, None) if asked else whole(argv)

    assert read(root, answer)[:2] == ({FIRST: True, SECOND: True}, None)
    assert "infoROM is corrupted at gpu 0000:0A:00.0" in root.problems[0]


def test_a_lost_card_in_a_list(tmp_path):
    """Some releases print the sentence among the rows and end well."""
    root = host(tmp_path)
    assert read(root, smi(f"{ROW}{LOST[0]}\n"))[:2] == ({FIRST: True, SECOND: False}, None)
    assert f"nvidia-smi: {LOST[0]}" in root.problems


@pytest.mark.parametrize("word", ["GPU is lost", "GPU requires reset", "Unknown Error", "ERR!"])
def test_a_row_of_a_card_that_is_lost(tmp_path, word):
    """A card that is listed with an error for its memory does not answer."""
    second = f"1, NVIDIA RTX A4000, GPU-0b, 00000000:0A:00.0, [{word}], [{word}]{ROW[ROW.index(', 8.6') :]}"
    assert read(host(tmp_path), smi(ROW + second))[:2] == ({FIRST: True, SECOND: False}, None)


def test_mig_without_instances_and_with_unknown_ones(tmp_path):
    """Partitioned without a partition is an empty list; where no answer lists partitions they are unknown."""
    row = ROW.replace("[N/A]", "Enabled")
    card = (
        '<nvidia_smi_log><gpu id="00000000:03:00.0"><mig_mode><current_mig>Enabled</current_mig></mig_mode>'
        "<mig_devices>None</mig_devices></gpu></nvidia_smi_log>"
    )
    bad = failed("no")
    for number, (xml, listed, instances) in enumerate(
        [
            (card, "GPU 0: A (UUID: GPU-0a)\n", []),
            (card, bad, []),
            (bad, "GPU 0: A (UUID: GPU-0a)\n", []),
            (bad, bad, None),
            (bad, "", None),
        ]
    ):
        run = smi(row, **{"nvidia-smi -q -x": xml, "nvidia-smi -L": listed})
        gpus = read(host(tmp_path / str(number)), run)[2]
        assert gpus[0]["mig"] == {"enabled": True, "instances": instances}


@reported.needs_reports
def test_reported_hosts_with_a_lost_card_and_with_a_mismatch(tmp_path):
    """A card that fell off the bus does not answer; after an upgrade the driver's first line says why."""
    lost = reported.read("08-card-lost-or-in-another-container", tmp_path)
    assert [gpu["answers"] for gpu in lost["gpus"]] == [True, False]
    assert lost["drivers"]["nvidia"]["error"] is None
    mismatch = reported.read("09-nvml-driver-mismatch", tmp_path)
    assert [gpu["answers"] for gpu in mismatch["gpus"]] == [None]
    assert mismatch["drivers"]["nvidia"]["error"] == MISMATCH
    empty = reported.read("10-mig-on-no-instances", tmp_path)
    assert empty["gpus"][0]["mig"] == {"enabled": True, "instances": []}


@pytest.mark.parametrize("said", ["", "\n", "0, NVIDIA GeForce RTX 3090, GPU-1"])
def test_an_answer_that_cannot_be_understood_is_named_on_every_host(tmp_path, said):
    """A host that shows no card (WSL2, a board) has a GPU for all that is known; a tool that fails there is usual."""
    answered = FakeRunner({"nvml": ABSENT, "nvidia-smi --query-gpu": said})
    root = Root(str(tmp_path))
    assert read_nvidia(root, answered, [])[0] == []
    assert {problem.partition(":")[0].split()[0] for problem in root.problems} == {"nvidia-smi"}
    silent = Root(str(tmp_path))
    failed = Outcome(None, "nvidia-smi failed with exit status 9 and said: no driver")
    assert read_nvidia(silent, FakeRunner({"nvml": ABSENT, "nvidia-smi": failed}), []) == ([], None)
    assert silent.problems == []
