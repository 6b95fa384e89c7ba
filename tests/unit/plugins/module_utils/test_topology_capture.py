# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures: what is read is written down, replays to the same topology, and names nobody."""

from __future__ import annotations

import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology import (
    capture_record,
    capture_replay,
    nvidia_ml,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture import Capture, dump, new
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_parse import parse
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_record import (
    RecordingRoot,
    capture_of,
    record,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_replay import replayed, replaying
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_scrub import Scrubber
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.tests.unit.support import tooled, trees
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import ABSENT, FakeRunner, pci_card
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.replay import plant, planted, replay

UUID = "8f6b5a52-5c8e-4f0e-9f0e-2d0f6a4c1b7d"
OTHER = "6A5F1F0C-0F5E-5D0B-8A43-4A6F4F7F5D21"
CONTAINER = "3f2b" * 12 + "0123456789abcdef"
CARD = "/sys/bus/pci/devices/0000:03:00.0"
SHAPES = [
    Machine(),
    Machine(sockets=2, cores=14, threads=2, nodes=2, memory_gib=128),
    Machine(sockets=2, cores=4, threads=2, nodes=4, numbering="adjacent", offline="3,9", isolated="4-5"),
    Machine(cores=6, threads=2, efficiency_cores=8, memory_only_nodes=[64], cpu_max="400000 100000", cpuset="0-11"),
    Machine(sockets=4, cores=2, nodes=4, memory_gib=[16, 0, 0, 16], lists=False, numbering="alternating"),
]
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))
CONTENT = st.one_of(st.binary(max_size=40), st.text(alphabet="\n |\\x20\tü#", max_size=20).map(str.encode))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ERRORS = st.sampled_from(["EACCES", "EIO"])
SENTENCE = TEXT.map(lambda text: f"It said {text.strip()}.")


def written(topology):
    return json.dumps(topology, indent=1)


def captured(**parts):
    """A capture whose files are not folders too."""
    lists = {f"/d{path}": tuple(sorted(names)) for path, names in parts["lists"].items()}
    present = {f"/p{path}" for path in parts["present"]}
    links, unreadable = ({f"/o{path}": value for path, value in parts[key].items()} for key in ("links", "unreadable"))
    return Capture(**{**parts, "lists": lists, "present": present, "links": links, "unreadable": unreadable})


def refusal(text):
    """The sentence with which a text is refused; None for a capture."""
    try:
        parse(text)
    except OllamaError as error:
        return str(error)
    return None


@given(
    st.builds(
        captured,
        files=st.dictionaries(NAMES.map("/f/{}".format), CONTENT, max_size=6),
        links=st.dictionaries(PATHS, NAMES, max_size=3),
        lists=st.dictionaries(PATHS, st.lists(NAMES, unique=True, max_size=30), max_size=2),
        present=st.sets(PATHS, max_size=3),
        unreadable=st.dictionaries(PATHS, ERRORS, max_size=2),
        programs=st.dictionaries(NAMES, PATHS, max_size=2),
        runs=st.dictionaries(
            st.lists(NAMES, min_size=1, max_size=4).map(tuple),
            st.one_of(TEXT.map(lambda out: Outcome(out, None)), SENTENCE.map(lambda problem: Outcome(None, problem))),
            max_size=3,
        ),
    )
)
def test_every_capture_survives_its_text(capture):
    """Whatever bytes stand in files, names and answers, the text gives them back, in printable lines."""
    text = dump(capture)
    assert parse(text) == capture
    assert all(line.isprintable() and line == line.rstrip() for line in text.split("\n"))
    assert parse(text.replace("\n", "\r\n")) == capture


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
def test_a_generated_machine_replays(shape, tmp_path):
    """The capture of a machine gives its topology byte for byte, also to a reader that knows nothing of captures."""
    folder = shape.write(tmp_path / "machine")
    topology = written(gather(Root(folder), None, set(SUBSETS)))
    text = capture_of(folder, None)
    assert written(replay(text, tmp_path / "replayed")) == topology
    plant(parse(text), tmp_path / "planted")
    assert written(gather(Root(str(tmp_path / "planted")), None, set(SUBSETS))) == topology
    # A capture of a planted capture is that capture: nothing was lost on the way.
    assert capture_of(str(tmp_path / "planted"), None) == text


BOARDS = {
    "screens": tooled.kfd(),
    "jetson": tooled.jetson(),
    "jetson without tools": {"/sys/module/nvgpu/initstate": "live", "/proc/device-tree/compatible": "nvidia,tegra194"},
    "windows": {"/dev/dxg": "", "/usr/lib/wsl/lib/libcuda.so.1": ""},
    "container": {"/run/host/container-manager": "lxc", **pci_card("0000:03:00.0", "0x10de", uevent="DRIVER=nvidia")},
}


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("run", [None, FakeRunner({"nvml": ABSENT})])
def test_gpus_of_every_kind_replay(name, run, tmp_path):
    """Whatever tells of a GPU (connectors, a device tree, devices) is in the capture, with and without programs."""
    folder = trees.plant(Machine(cores=2).write(tmp_path / "machine"), BOARDS[name])
    topology = gather(Root(folder), run, set(SUBSETS))
    again = replay(capture_of(folder, run), tmp_path / "replayed")
    assert topology["gpus"]
    scrubber = Scrubber()
    for key in ("gpus", "drivers"):
        assert written(again[key]) == scrubber.text(written(topology[key]))


@trees.needs_captures
@pytest.mark.parametrize("name", trees.names())
def test_every_captured_tree_replays(name, tmp_path):
    """Real machines with all their quirks give the same topology from their text, UUIDs apart."""
    folder = trees.tree(name)
    scrubber = Scrubber()
    text = dump(scrubber.capture(record(folder, None)))
    topology = written(gather(Root(folder), None, set(SUBSETS)))
    assert written(replay(text, tmp_path / "replayed")) == scrubber.text(topology)


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A machine with a GPU, a unit, links, an old kernel's NUL bytes, a file that cannot be read, and programs."""
    folder = Machine(sockets=2, cores=2, threads=2, nodes=2).write(tmp_path / "machine")
    trees.plant(
        folder,
        {
            **pci_card("0000:03:00.0", "0x10de"),
            "/sys/devices/system/cpu/isolated": b"\0\n",
            "/proc/driver/nvidia/gpus/0000:03:00.0/information": f"Model: Card\nGPU UUID: GPU-{UUID}\nIRQ: 24",
            "/etc/systemd/system/ollama.service": "[Service]\nExecStart=/home/jane/ollama serve\nUser=jane",
            "/etc/systemd/system/ollama.service.d/key.conf": "[Service]\n# Ask Jane.\nEnvironment=A=1 \\\n  KEY=s3cret",
            "/srv/10.conf": "[Service]\nGroup=ollama",
            "/opt/rocm/bin/rocm-smi": "",
        },
    )
    os.symlink("../../../../bus/pci/drivers/nvidia", f"{folder}{CARD}/driver")
    os.symlink("/dev/null", f"{folder}/etc/systemd/system/ollama.service.d/00.conf")
    os.symlink("../../../../srv/10.conf", f"{folder}/etc/systemd/system/ollama.service.d/10.conf")
    os.mkdir(f"{folder}/sys/fs/cgroup/cpuset.cpus.effective")
    programs = {"numactl": "/opt/bin/numactl", "systemctl": "/bin/systemctl"}
    monkeypatch.setattr(Root, "program", lambda _root, name: programs.get(name))
    return folder


SMI = {
    "nvml": ABSENT,
    "nvidia-smi --query-gpu": f"0, Card, GPU-{UUID}, 00000000:03:00.0, 8192, 8000, 8.6, 580.1, Enabled, Disabled, "
    "Disabled\n",
    "nvidia-smi -q -x": f"<l><cuda_version>13.0</cuda_version><gpu id='00000000:03:00.0'><uuid>GPU-{UUID}</uuid>"
    "<serial>1652921012345</serial><processes><process_info><process_name>/home/jane/train</process_name>"
    "</process_info></processes></gpu></l>\n",
    "nvidia-smi topo -m": Outcome(None, "nvidia-smi topo -m failed on rack7.example.com"),
    "systemctl show": Outcome(None, "systemctl failed and said: System has not been booted with systemd"),
    "/home/jane/ollama": "ollama version is 0.34.1\n",
}


def test_programs_replay(host, tmp_path):
    """Outputs, paths and failures of programs give the same topology, names and UUIDs apart."""
    scrubber = Scrubber("rack7")
    text = dump(scrubber.capture(record(host, FakeRunner(SMI))))
    topology = gather(Root(host), FakeRunner(SMI), set(SUBSETS))
    expected = scrubber.text(written(topology)).replace("rack7.example.com", "host").replace('"jane"', '"user1"')
    assert topology["software"]["numactl"] == "/opt/bin/numactl"
    assert topology["gpus"][0]["compute_capability"] == "8.6"
    assert written(replay(text, tmp_path / "replayed")) == expected


def test_files_of_a_capture_with_programs_replay_without_them(host, tmp_path):
    """Files that a program made needless are captured too, since a planted machine has nothing else."""
    scrubber = Scrubber("rack7")
    text = dump(scrubber.capture(record(host, FakeRunner(SMI))))
    plant(parse(text), str(tmp_path / "planted"))
    topology = gather(Root(host), None, set(SUBSETS))
    expected = scrubber.text(written(topology)).replace('"jane"', '"user1"')
    assert topology["software"]["ollama"]["unit"]["group"] == "ollama"
    assert topology["gpus"][0]["uuid"] == f"GPU-{UUID}"
    assert written(gather(Root(str(tmp_path / "planted")), None, set(SUBSETS))) == expected


def test_nothing_personal_stays(host):
    """UUIDs, serial numbers, users, the host, comments, environment and processes are nowhere in the text."""
    text = dump(Scrubber("rack7.example.com").capture(record(host, FakeRunner(SMI))))
    for word in (UUID, "1652921012345", "jane", "Jane", "rack7", "example.com", "s3cret", "train", "A=1"):
        assert word not in text, word
    # One GPU is still one GPU, in files and in what programs say.
    assert text.count("GPU-00000000-0000-4000-8000-000000000001") == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"GPU-{UUID} MIG-{OTHER}",
            "GPU-00000000-0000-4000-8000-000000000001 MIG-00000000-0000-4000-8000-000000000002",
        ),
        (f"MIG-GPU-{UUID}/7/0", "MIG-GPU-00000000-0000-4000-8000-000000000001/7/0"),
        (
            f"{OTHER} {OTHER.lower()}",
            "00000000-0000-4000-8000-000000000001 00000000-0000-4000-8000-000000000001",
        ),
        (f"/kubepods-pod{UUID.replace('-', '_')}.slice", "/kubepods-pod00000000_0000_4000_8000_000000000001.slice"),
        (f"/docker/{CONTAINER}", f"/docker/{1:064d}"),
        ("f" * 32 + "," + "0" * 64, "f" * 32 + "," + "0" * 64),
        ("link 0c:42:a1:00:12:ff up", "link 02:00:00:00:00:01 up"),
        ("0000:03:00.0 00000000:3B:00.0", "0000:03:00.0 00000000:3B:00.0"),
        ("unique_id 12345\nhive_id 0\n", "unique_id 1\nhive_id 0\n"),
        ('"Unique ID": "0x3039", "GPU-0000000000003039"', '"Unique ID": "0x0001", "GPU-0000000000000001"'),
        ("<serial>N/A</serial><b_serial_c>77</b_serial_c>", "<serial>N/A</serial><b_serial_c>serial-1</b_serial_c>"),
        ("Serial\t\t: 10000000abcdef01\nflags\t: serialize", "Serial\t\t: serial-1\nflags\t: serialize"),
        ("580.1  Release Build  (root@rack7)  GCC (GCC)", "580.1  Release Build  (user@host)  GCC (GCC)"),
        ("/home/ollama/x /home/jane/x", "/home/ollama/x /home/user1/x"),
    ],
)
def test_the_same_secret_has_the_same_replacement(before, after):
    """Identifiers become numbers of the same form, and what only looks like one stays."""
    assert Scrubber().text(before) == after


def test_a_name_of_the_host_that_is_a_word_of_the_kernel_breaks_nothing():
    """A host may be called ollama, gpu or node1."""
    capture = new()
    capture.files["/sys/devices/system/node/node1/cpulist"] = b"0-3\n"
    capture.runs[("systemctl", "show")] = Outcome("FragmentPath=/etc/systemd/system/ollama.service on ollama\n", None)
    capture.runs[("nvidia-smi", "-q", "-x")] = Outcome("<gpu></gpu>", None)
    for name in ("node1", "gpu"):
        assert Scrubber(name).capture(capture) == capture
    shown = Scrubber("ollama").capture(capture).runs["systemctl", "show"].out
    assert shown == "FragmentPath=/etc/systemd/system/ollama.service on host\n"


def test_of_long_files_only_what_tells_something_stays():
    """Other mounts name people and servers, a status names a program; /proc/cpuinfo repeats itself for each CPU."""
    capture = new()
    groups = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
    capture.files["/proc/mounts"] = f"//nas/jane /mnt cifs rw 0 0\n{groups}".encode()
    blocks = [f"processor\t: {cpu}\ncpu MHz\t: 24{cpu}0.123\nCPU part\t: 0xd0{5 + cpu // 2}\n" for cpu in range(4)]
    capture.files["/proc/cpuinfo"] = "\n".join(blocks).encode()
    capture.files["/proc/1/status"] = b"Name:\tshell\nCpus_allowed_list:\t0-3\n"
    left = Scrubber().capture(capture).files
    assert left["/proc/1/status"] == b"Cpus_allowed_list:\t0-3\n"
    assert left["/proc/mounts"].decode() == groups
    assert left["/proc/cpuinfo"].decode() == "\n".join([blocks[0], blocks[2]])


def test_of_an_environment_only_what_was_asked_is_captured(tmp_path):
    """The environment of process 1 holds secrets."""
    folder = trees.plant(tmp_path, {"/proc/1/environ": b"TOKEN=x\0container=lxc\0"})
    capture = new()
    root = RecordingRoot(folder, capture)
    assert root.variable("/proc/1/environ", "container") == "lxc"
    assert root.variable("/proc/1/environ", "nothing") is None
    assert capture.files == {"/proc/1/environ": b"container=lxc\0"}


def test_an_environment_that_cannot_be_read_is_one_again(tmp_path):
    """Who is not root gets the same problem from the capture."""
    capture = new()
    folder = trees.plant(tmp_path / "machine", {"/proc/1/x": ""})
    os.mkdir(f"{folder}/proc/1/environ")
    assert RecordingRoot(folder, capture).variable("/proc/1/environ", "container") is None
    _capture, root = planted(dump(capture), tmp_path / "replayed")
    assert root.variable("/proc/1/environ", "container") is None
    assert root.problems == ["/proc/1/environ: cannot be read (Permission denied)"]


def test_every_program_that_readers_look_for_is_captured(host):
    """All readers ask the root for programs, so that a capture has those that are there."""
    trees.plant(host, pci_card("0000:04:00.0", "0x1002"))
    assert record(host, FakeRunner(SMI)).programs == {"numactl": "/opt/bin/numactl", "systemctl": "/bin/systemctl"}
    folder = trees.Path(capture_record.__file__).parents[1]
    looks = re.compile(r"_process import [^\n]*\bfind\b|shutil")
    users = {path.stem for path in folder.glob("**/*.py") if looks.search(path.read_text(encoding="utf-8"))}
    # The timer of the guard, what unpacks and removes releases, and the program that keeps its bytecode are no readers:
    # what they run or remove is on the host, never in a capture.
    assert users == {"_process", "_program", "_sysfs", "timer", "unpack", "remove"}


def test_an_old_kernel_has_its_architecture_in_the_capture(tmp_path, monkeypatch):
    """Before Linux 6.1 only uname says it, which a capture cannot ask."""
    monkeypatch.setattr(RecordingRoot, "live", True)
    capture = new()
    assert RecordingRoot(trees.plant(tmp_path, {"/x": ""}), capture).text("/proc/sys/kernel/arch") == os.uname().machine
    assert capture.files == {"/proc/sys/kernel/arch": f"{os.uname().machine}\n".encode()}


def test_the_question_to_nvml_has_the_name_of_earlier_captures():
    """Machines that were captured when NVML was asked by a program of Python's replay, and new captures are alike."""
    capture = new()
    run = FakeRunner({"nvml": Outcome(None, "its process did not answer")})
    capture_record.recording(run, capture)(["nvml"])
    assert list(capture.runs) == [("python3", "-c", "(nvidia-ml-py)")]
    assert nvidia_ml.read_nvml(replaying(parse(dump(capture)))) == (None, "NVML: its process did not answer")


def test_a_program_that_was_not_run_says_so():
    """A newer reader may ask more than an old capture knows."""
    assert replaying(new())(["lspci", "-k"]) == Outcome(None, "lspci -k was not run when this machine was captured")


HEAD = "inference.ollama capture 1\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "capture: the first line is '', expected 'inference.ollama capture 1'"),
        ("inference.ollama capture 2\nend\n", "capture: the first line is 'inference.ollama capture 2', expected"),
        (HEAD, "capture: the last line is 'inference.ollama capture 1', expected 'end': the text was cut short"),
        (f"{HEAD}file /a b\nfile /c", "capture: the last line is 'file /c', expected 'end'"),
        (f"{HEAD}| a\nend", "capture: line 2 belongs to nothing"),
        (f"{HEAD}remove /a\nend", "capture, line 2: read 'remove /a': expected one of exists, failed, file,"),
        (f"{HEAD}\nend", "capture, line 2: read ' ': expected one of"),
        (f"{HEAD}file /../etc/passwd x\nend", "'/../etc/passwd' is not an absolute path without '.', '..' and '//'"),
        (f"{HEAD}file /a/..\\x2f..\\x2fb x\nend", "'/a/../../b' is not an absolute path"),
        (f"{HEAD}file etc/passwd x\nend", "'etc/passwd' is not an absolute path"),
        (f"{HEAD}file //etc x\nend", "'//etc' is not an absolute path"),
        (f"{HEAD}file / x\nend", "'/' is not an absolute path"),
        (f"{HEAD}file /a\\x00b x\nend", "is not an absolute path"),
        (f"{HEAD}exists /a/./b\nend", "'/a/./b' is not an absolute path"),
        (f"{HEAD}exists /a /b\nend", "expected 1 words"),
        (f"{HEAD}exists /a\n| b\nend", "expected nothing below this line"),
        (f"{HEAD}list /a\n| b ..\nend", "'..' is not a name in a folder"),
        (f"{HEAD}list /a\n| b\\x2f..\\x2fc\nend", "'b/../c' is not a name in a folder"),
        (f"{HEAD}list /a\n|b\nend", "expected lines of names below"),
        (f"{HEAD}link /a b\\x00\nend", "a link cannot have that target"),
        (f"{HEAD}link /a\nend", "expected 2 words"),
        (f"{HEAD}link /a  b\nend", "expected words with a single blank between them"),
        (f"{HEAD}unreadable /a EVIL\nend", "'EVIL' is not the name of an error such as EACCES"),
        (f"{HEAD}program a ../b\nend", "'../b' is not an absolute path"),
        (f"{HEAD}file /a \\y\nend", "is not an escape"),
        (f"{HEAD}file /a b\n| c\nend", "expected content either on this line or below it"),
        (f"{HEAD}file /a\n\\\nend", "expected lines of content below"),
        (f"{HEAD}file /a b\nfile /a c\nend", "capture, line 3: read 'file /a c': this record is a repetition"),
        (f"{HEAD}file /a b\nfile /a/c d\nend", "capture: /a is a file with content and a folder too"),
        (f"{HEAD}file /a \ud800\nend", "capture, line 2"),
    ],
)
def test_a_hostile_capture_is_refused(text, sentence):
    """Each refusal is a sentence that names the line and what is wrong with it."""
    assert sentence in refusal(text)


@given(st.integers(0, 400), st.sampled_from(["", "x", "\n", "|", "\\", " ", "/..", "\0"]))
def test_a_damaged_capture_is_read_or_refused(at, put):
    """No damage to a text ends in anything but a capture or a sentence."""
    text = dump(
        Capture(
            {"/a/b": b"1\n", "/a/c": b"x\ny"},
            {"/l": "../b"},
            {"/a": ("b", "c")},
            {"/p"},
            {"/u": "EACCES"},
            {"n": "/n"},
            {("r", "-v"): Outcome("1\n", None), ("s",): Outcome(None, "No.")},
        )
    )
    for damaged in (text[:at] + put + text[at + 1 :], text[:at] + put):
        assert (refusal(damaged) or "capture").startswith("capture")


@pytest.mark.parametrize("target", ["/etc", "../../../../../../../../etc", "a/../../../../etc", "..", "/", "."])
def test_no_link_leads_out_of_the_folder(tmp_path, target):
    """A capture from somebody else writes nothing outside the folder that it is planted in."""
    folder = tmp_path / "in"
    capture = new()
    capture.links["/x/link"] = target
    capture.files["/x/link/etc-passwd"] = b"evil\n"
    try:
        plant(capture, str(folder))
    except OllamaError:
        return
    assert [path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("etc-passwd")] == ["in"] * len(
        list(tmp_path.rglob("etc-passwd"))
    )
    assert os.path.realpath(folder / "x/link").startswith(str(folder))
    assert not os.path.exists("/etc/etc-passwd")


def test_links_that_chase_each_other_are_refused(tmp_path):
    """A ring of links has no place for content."""
    capture = new()
    capture.links.update({"/a": "b", "/b": "a"})
    capture.files["/a"] = b"x"
    with pytest.raises(OllamaError, match="the capture cannot be written there"):
        plant(capture, str(tmp_path / "new"))


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    """A link that is there already could lead anywhere, and files could be lost."""
    (tmp_path / "mine").write_text("", encoding="utf-8")
    with pytest.raises(OllamaError, match="the folder is not empty"):
        plant(new(), str(tmp_path))


def test_lines_of_a_unit_are_recorded_and_no_others(tmp_path):
    """What a reader did not ask for in a file with secrets is in no capture; a text read whole stays whole."""
    capture = new()
    root = RecordingRoot(
        trees.plant(tmp_path, {"/a": "Slice=a.slice\nEnvironment=KEY=s3cret", "/b": "Slice=b\nx"}), capture
    )
    form = re.compile("Slice=.*")
    assert root.lines("/a", form) == ["Slice=a.slice"]
    assert root.text("/b")
    assert root.lines("/b", form) == ["Slice=b"]
    assert root.lines("/", form) is None
    assert (capture.files["/a"], capture.files["/b"]) == (b"Slice=a.slice\n", b"Slice=b\nx\n")
    assert capture.unreadable == {"/": "EACCES"}


def replayed_text(folder, text):
    """The root of a capture, and its runner."""
    path = folder / "capture.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return replayed(str(path))


def test_links_are_followed_in_memory(tmp_path):
    """Behind other links, by absolute targets and above the root, as on the machine; what leads nowhere is absent."""
    text = f"{HEAD}link /class/card /bus/../../../devices/one\nlink /class/card/driver ../drivers/x\n"
    text += "file /class/card/size 5\nlist /class\n| card other\nexists /devices/drivers/x/y\n"
    text += "link /a b\nlink /b a\nend\n"
    root, run = replayed_text(tmp_path, text)
    assert (run, root.live, root.asks_servers) == (None, False, False)
    assert (root.text("/devices/one/size"), root.integer("/class//card/./size")) == ("5", 5)
    assert (root.target("/class/card/driver"), root.link("/devices/one/driver")) == ("../drivers/x", "x")
    assert root.exists("/class/card/driver/y")
    assert root.is_same_file("/class/card", "/devices/one")
    assert (root.names("/class"), root.names("/class/card"), root.names("/")) == (
        ["card", "other"],
        ["driver", "size"],
        ["a", "b", "class", "devices"],
    )
    assert (root.text("/class/card/driver/y"), root.text("/nothing"), root.names("/nothing")) == ("", None, [])
    assert root.problems == []
    assert not root.exists("/a")
    assert (root.text("/a"), root.text("/class/other"), root.names("/class/card/size")) == (None, None, [])
    assert [problem.split(":")[0] for problem in root.problems] == ["/a", "/class/other", "/class/card/size"]


def test_what_could_not_be_read_cannot_be_replayed(tmp_path):
    """With the error of the machine; of an environment and a unit as of any other file."""
    text = f"{HEAD}unreadable /e EACCES\nfile /v\n| A=1\\x00B=2\\x00\n| \nfile /u\n| A=1\n| B=2\nend\n"
    root, _run = replayed_text(tmp_path, text.replace("| \n", "\\\n"))
    assert (root.text("/e"), root.variable("/e", "A"), root.lines("/e", re.compile(".*"))) == (None, None, None)
    assert root.problems == ["/e: cannot be read (Permission denied)"]
    assert (root.variable("/v", "B"), root.lines("/u", re.compile("A=.*"))) == ("2", ["A=1"])
    assert (root.variable("/none", "B"), root.lines("/none", re.compile("A=.*"))) == (None, None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"\xff\xfe", "is no capture: byte 0 is not UTF-8"),
        (b"\x7fELF\0", "is no text of topology_capture: capture: the first line is"),
        (HEAD + "x" * (1 << 23), "is neither a folder nor a capture that can be read: it has more than 8388608 bytes"),
        (HEAD + "exists /a\n" * 50_001 + "end", "it has more than 50000 records"),
        (HEAD + "file /a\n" + "|\n" * 200_001 + "end", "a record has more than 200000 lines"),
        (f"{HEAD}file /{'a/' * 80}b x\nend", "expected a path of at most 4096 characters and 63 parts"),
        (f"{HEAD}file /{'a' * 5000} x\nend", "expected a path of at most 4096 characters and 63 parts"),
        (f"{HEAD}link /a {'../' * 80}b\nend", "a link cannot have that target"),
    ],
    ids=range(8),
)
def test_a_file_that_is_no_capture_is_refused(tmp_path, text, sentence):
    """By a short sentence that names the file, however large it is and whatever is in it."""
    with pytest.raises(OllamaError, match="root: ") as caught:
        replayed_text(tmp_path, text)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_what_is_no_file_is_refused(tmp_path):
    """A pipe is not waited for, and a device not read."""
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero", str(tmp_path / "nothing"), "/a\0b"):
        with pytest.raises(OllamaError, match="is neither a folder nor a capture that can be read"):
            replayed(path)


def test_links_without_an_end_take_no_hours(tmp_path, monkeypatch):
    """A chain of links that is followed by every record ends in a sentence."""
    monkeypatch.setattr(capture_replay, "_MOST_STEPS", 1000)
    chain = "".join(f"link /l{number} {'x/../' * 25}l{number + 1}\n" for number in range(39))
    text = f"{HEAD}{chain}{''.join(f'exists /l0/{number}' + chr(10) for number in range(20))}end"
    with pytest.raises(OllamaError, match="lead too far to be followed"):
        replayed_text(tmp_path, text)
