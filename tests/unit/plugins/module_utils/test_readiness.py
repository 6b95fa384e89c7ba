# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that stays on a host: it waits for device files, finds servers that fell to the CPU, and repairs them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _program
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._readiness import (
    nodes,
    program,
    record,
    repair,
    resume,
    watch,
)
from ansible_collections.inference.ollama.plugins.module_utils._readiness.judge import Finding, Repairs, decide, judge
from ansible_collections.inference.ollama.plugins.module_utils._service.answers import Answer
from ansible_collections.inference.ollama.plugins.module_utils._service.wait import Clock
from ansible_collections.inference.ollama.tests.unit.support import processes as host

CARD = "0000:01:00.0"
NVIDIA = {"/dev/nvidiactl": "", "/dev/nvidia-uvm": "", "/dev/nvidia0": ""}
INFORMATION = f"/proc/driver/nvidia/gpus/{CARD}/information"
SERVER = repair.Server("ollama.service", "http://127.0.0.1:11434", (f"nvidia@{CARD}",))
FELL = [line.replace("offloaded 30/37", "offloaded 0/37") for line in host.LOG]


@pytest.mark.parametrize(
    ("files", "cards", "missing"),
    [
        (NVIDIA, [f"nvidia@{CARD}"], []),
        ({"/dev/nvidiactl": "", "/dev/nvidia0": ""}, [f"nvidia@{CARD}"], ["/dev/nvidia-uvm"]),
        (NVIDIA, [f"nvidia@{CARD}", "nvidia@0000:02:00.0"], ["/dev/nvidia1"]),
        ({**NVIDIA, INFORMATION: "Model: \t A\nDevice Minor: \t 3\n"}, [f"nvidia@{CARD}"], ["/dev/nvidia3"]),
        ({**NVIDIA, INFORMATION: "Model: \t A\n"}, [f"nvidia@{CARD}"], [f"/dev/nvidia-{CARD}"]),
        ({"/dev/kfd": ""}, ["amd@0000:03:00.0"], ["/dev/dri/renderD*"]),
        (
            {"/dev/kfd": "", "/sys/bus/pci/devices/0000:03:00.0/drm/renderD129/dev": "226:129"},
            ["amd@0000:03:00.0"],
            ["/dev/dri/renderD129"],
        ),
    ],
)
def test_device_files_that_are_not_there_are_named(files, cards, missing):
    """Each card has its own; the number of NVIDIA's is the driver's, and in a container there are as many as cards."""
    assert nodes.missing(host.Planted(files), cards) == missing


class Host:
    """A host whose files, programs and time are planted; ``acts`` is what it was changed by."""

    def __init__(self, files=None, log=host.LOG, smi="GPU 0: A\n", links=None):
        self.files = {**NVIDIA, **(host.files() if files is None else files)}
        self.log, self.smi, self.links, self.acts, self.now = log, smi, links or host.links(), [], 1000.0
        self.appears = {}

    def root(self):
        return host.Planted(self.files, self.links)

    def run(self, argv, _user=None):
        if argv[0] == "nvidia-smi":
            return (
                Outcome(self.smi, None)
                if self.smi is not None and argv[1] == "-L"
                else Outcome(None, "nvidia-smi failed")
            )
        if argv[0] == "nvidia-modprobe":
            self.acts.append(" ".join(argv))
            return Outcome("", None)
        return host.Programs(log=host.journal(self.log))(argv)

    def act(self, argv):
        self.acts.append(" ".join(argv))
        self.files.update(self.appears.get(" ".join(argv), {}))
        return Outcome("", None)

    def sleep(self, seconds):
        self.now += seconds
        self.files.update(self.appears.get(int(self.now), {}))

    def system(self):
        clock = Clock(lambda: self.now, self.sleep)
        fetch = host.fetch(host.API)

        def own(*_asked):
            return Answer(own=True, by=None, reason=None)

        return repair.System(self.root, self.run, self.act, fetch, fetch, own, clock, lambda: self.now)


def test_a_start_waits_no_longer_than_it_has_to(tmp_path, monkeypatch, capsys):
    """It goes on once the files are there, asks nvidia-modprobe to make them, and leaves a record for everybody."""
    monkeypatch.setattr(record, "FOLDER", str(tmp_path / "run"))
    machine = Host()
    del machine.files["/dev/nvidia-uvm"]
    machine.appears[1003] = {"/dev/nvidia-uvm": ""}
    system = nodes.System(machine.root, machine.run, lambda: machine.now, machine.sleep)
    assert nodes.main(["--unit", "ollama.service", "--seconds", "30", f"nvidia@{CARD}"], system) == 0
    assert (machine.now, machine.acts) == (1003.0, ["nvidia-modprobe -u -c 0"])
    assert "waited 3 s" in capsys.readouterr().out
    path = record.wait_file("ollama.service")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    with open(path, encoding="utf-8") as file:
        read = record.read_wait(host.Planted({path: file.read()}), "ollama.service")
    assert read == {"waited_seconds": 3.0, "missing": []}


def test_a_start_without_a_card_says_so_and_goes_on(tmp_path, monkeypatch, capsys):
    """After the bound the server starts anyway, and what is missing is named."""
    monkeypatch.setattr(record, "FOLDER", str(tmp_path))
    machine = Host()
    del machine.files["/dev/nvidia0"]
    system = nodes.System(machine.root, machine.run, lambda: machine.now, machine.sleep)
    assert nodes.main(["--unit", "ollama.service", "--seconds", "4", f"nvidia@{CARD}"], system) == 0
    assert machine.now <= 1004
    assert "starts without /dev/nvidia0" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"schema": 1, "missing": ["x y"], "waited_seconds": 1}', '{"schema": 9}']
)
def test_a_damaged_record_says_nothing(text):
    """What is not as the program writes it counts as not there."""
    assert record.read_wait(host.Planted({record.wait_file("u"): text}), "u") is None


@pytest.mark.parametrize(
    ("log", "wanted", "state"),
    [
        (host.LOG, 1, "gpu"),
        (FELL, 1, "cpu"),
        (host.LOG, 2, "partly"),
        ([line.replace("library=CUDA", "library=cpu") for line in host.LOG], 1, "cpu"),
        ([line for line in host.LOG if "offloaded" not in line], 1, "unknown"),
        (
            [line.replace("compute=8.9", "driver=12.8").replace("library=CUDA", "library=cuda") for line in host.LOG],
            1,
            "gpu",
        ),
    ],
)
def test_a_server_is_judged_by_its_log(log, wanted, state):
    """What it found at its start and how many layers each runner has on a card; never by size_vram."""
    machine = Host(log=log)
    server = SERVER._replace(cards=tuple(f"nvidia@0000:0{number}:00.0" for number in range(wanted)))
    finding, _seen = repair.look(machine.system(), server)
    assert (finding.state, [model["name"] for model in finding.models]) == (state, ["qwen3:8b"])


def test_without_a_line_the_maps_of_a_process_count():
    """A runner of which no line tells is on the CPU where it has neither library nor device of a card."""
    machine = Host({**host.files(), "/proc/111/maps": "55d0-55d1 r-xp 00000000 00:1 7 /usr/lib/libc.so.6\n"})
    machine.log = [line for line in host.LOG if "offloaded" not in line]
    assert repair.look(machine.system(), SERVER)[0].state == "cpu"


def test_a_server_without_models_or_that_is_down_is_not_repaired():
    """Nothing is in memory, or nothing runs: there is nothing that fell."""
    observed = {"unit": "u", "active_state": "active", "journal": {"devices": [{"library": "CUDA"}]}, "processes": []}
    assert judge(observed, 1).state == "idle"
    assert judge({**observed, "journal": None}, 1).state == "unknown"
    assert judge({**observed, "active_state": "failed"}, 1).state == "down"
    assert not decide(judge(observed, 1), Repairs([], 2), 0, None, busy=False).act


CPU, PARTLY = (Finding("u", state, "it fell") for state in ("cpu", "partly"))
MADE = [{"unit": "u", "at": 900, "helped": False}, {"unit": "u", "at": 100, "helped": False}, {"unit": "v", "at": 999}]


@pytest.mark.parametrize(
    ("finding", "repairs", "circumstances", "words"),
    [
        (CPU, Repairs([], 1), (1000, None, True), None),
        (CPU, Repairs(MADE, 3), (1000, None, False), None),
        (CPU, Repairs(MADE, 2), (1000, None, False), "2 repairs in the last hour"),
        (CPU, Repairs(MADE, 2), (3800, None, False), None),
        (CPU, Repairs([], 0), (1000, None, False), "0 repairs"),
        (CPU, Repairs([], 1), (1000, "no driver", False), "no driver"),
        (PARTLY, Repairs([], 1), (1000, None, True), "requests run"),
        (PARTLY, Repairs([], 1), (1000, None, False), None),
    ],
)
def test_repairs_are_bounded(finding, repairs, circumstances, words):
    """At most so many an hour, not while requests run on a card, not where a restart would not help."""
    now, obstacle, busy = circumstances
    decision = decide(finding, repairs, now, obstacle, busy=busy)
    assert decision.act == (words is None)
    assert words is None or words in decision.why


def test_the_watch_repairs_what_fell_and_no_more_often_than_it_may(tmp_path, capsys):
    """It restarts the unit, loads an unused module again, and stops after as many repairs as are allowed an hour."""
    machine, path = Host(log=FELL), str(tmp_path / "gpu-watch.json")
    machine.files["/proc/modules"] = "nvidia_uvm 1540096 0 - Live 0x0\nnvidia 1 1 nvidia_uvm, Live 0x0\n"
    arguments = ["--repairs", "2", "--server", SERVER.unit, SERVER.url, ",".join(SERVER.cards)]
    for number in range(3):
        assert watch.main(arguments, machine.system(), path) == 0
        with open(path, encoding="utf-8") as file:
            made = json.load(file)
        assert [row["repaired"] for row in made["servers"]] == [number < 2]
        machine.files[path] = json.dumps(made)
        machine.now += 300
    once = ["systemctl stop ollama.service", "modprobe -r nvidia_uvm", "modprobe nvidia_uvm"]
    assert machine.acts == [*once, "nvidia-modprobe -u -c 0", "systemctl start ollama.service"] * 2
    said = capsys.readouterr().out
    assert "which did not help" in said
    assert "not repaired: 2 repairs in the last hour" in said


def test_a_repair_that_helps_is_logged_as_one(tmp_path, capsys):
    """The state afterwards is looked at, not supposed."""
    machine = Host(log=FELL)
    machine.act = lambda _argv: setattr(machine, "log", host.LOG) or Outcome("", None)
    arguments = ["--repairs", "2", "--server", SERVER.unit, SERVER.url, ",".join(SERVER.cards)]
    assert watch.main(arguments, machine.system(), str(tmp_path / "w.json")) == 0
    assert "it runs on its cards again" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda machine: machine.files.pop("/dev/nvidia0"), "/dev/nvidia0 is not there"),
        (lambda machine: setattr(machine, "smi", None), "nvidia-smi failed"),
        (lambda machine: setattr(machine, "smi", "No devices found.\n"), "lists no card"),
    ],
)
def test_a_hidden_card_is_found_and_nothing_is_restarted(tmp_path, capsys, change, words):
    """While the card does not answer, a restart would cost the models and bring nothing."""
    machine = Host(log=FELL)
    change(machine)
    arguments = ["--repairs", "2", "--server", SERVER.unit, SERVER.url, ",".join(SERVER.cards)]
    assert watch.main(arguments, machine.system(), str(tmp_path / "w.json")) == 0
    said = capsys.readouterr().out
    assert (machine.acts, words in said) == ([], True)


def test_a_module_that_somebody_uses_stays():
    """Another program's memory is not taken away for a server's sake."""
    machine = Host(files={"/proc/modules": "nvidia_uvm 1540096 4 - Live 0x0\n"})
    assert repair.reload_uvm(machine.system()) == "nvidia_uvm was not loaded again, since 4 use it"
    machine.files = {"/proc/modules": "amdgpu 1540096 0 - Live 0x0\n"}
    assert (repair.reload_uvm(machine.system()), machine.acts) == (None, [])


@pytest.mark.parametrize(("line", "busy"), [("01", True), ("06", False)])
def test_an_open_connection_is_a_request(line, busy):
    """A connection that is over does not count."""
    text = f"  sl  local_address\n   0: 0100007F:2CAA 0100007F:D431 {line} 00000000:00000000 00:0 0 0 1\n"
    assert watch.is_busy(host.Planted({"/proc/net/tcp": text}), SERVER.url) is busy


@pytest.mark.parametrize(("log", "code"), [(host.LOG, 0), (FELL, 1)])
def test_after_a_suspend_servers_are_restarted_and_looked_at(tmp_path, capsys, log, code):
    """Its status says whether models are on the cards again."""
    machine, path = Host(log=log), str(tmp_path / "r.json")
    arguments = ["--seconds", "5", "--server", SERVER.unit, SERVER.url, ",".join(SERVER.cards)]
    assert resume.main(arguments, machine.system(), path) == code
    assert machine.acts == ["systemctl stop ollama.service", "systemctl start ollama.service"]
    with open(path, encoding="utf-8") as file:
        assert json.load(file)["servers"][0]["state"] == ("cpu" if code else "gpu")
    assert capsys.readouterr().out.startswith("ollama.service: ")


def test_the_program_runs_from_its_archive_alone(tmp_path):
    """It needs Python and nothing else, and names a part that it has not."""
    path = tmp_path / "readiness.zip"
    path.write_bytes(_program.archive(program.__name__))
    for words, code, said in ((["nothing"], 2, "not wait, watch or resume"), (["watch", "--repairs", "x"], 2, "usage")):
        done = subprocess.run(
            [sys.executable, "-I", "-B", str(path), *words], stderr=subprocess.PIPE, text=True, check=False
        )
        assert (done.returncode, said in done.stderr) == (code, True)
    assert path.stat().st_size < 1 << 19
    with pytest.raises(OllamaError, match="is not the address"):
        repair.server_of(["u", "ftp://x", ""])
    assert program.main(["watch", "--repairs", "1", "--server", "u", "ftp://x", ""]) == 1


@pytest.mark.parametrize(("part", "module"), [("wait", nodes), ("watch", watch), ("resume", resume)])
def test_each_part_gets_the_words_after_its_name(monkeypatch, part, module):
    """Its exit status is the program's."""
    monkeypatch.setattr(module, "main", len)
    assert program.main([part, "a", "b"]) == 2


@pytest.mark.parametrize("words", [[], ["", "wait"], ["sleep"]])
def test_a_part_that_there_is_not_is_named(capsys, words):
    """With the parts that there are."""
    assert program.main(words) == 2
    assert capsys.readouterr().err.endswith(" is not wait, watch or resume\n")
