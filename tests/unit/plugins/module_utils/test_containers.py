# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which containers of a host run Ollama: answers of engines, files of Quadlet, and what is hostile in both."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._containers import engines, form
from ansible_collections.inference.ollama.plugins.module_utils._containers.gather import containers
from ansible_collections.inference.ollama.plugins.module_utils._containers.inspected import container
from ansible_collections.inference.ollama.plugins.module_utils._containers.quadlet import read_files
from ansible_collections.inference.ollama.plugins.module_utils._preflight.engines import may_have_some
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import Tree

ID, OTHER, DIGEST = "0c8edffc986f", "1" * 64, f"sha256:{'a' * 64}"
# As Docker 20.10 answers, without what is not read.
INSPECTED = {
    "Id": ID,
    "State": {"Status": "running", "Pid": 13153},
    "Image": f"sha256:{'2' * 64}",
    "Name": "/ollama",
    "HostConfig": {
        "NetworkMode": "bridge",
        "PortBindings": {"11434/tcp": [{"HostIp": "", "HostPort": "11434"}], "53/udp": [{"HostPort": "53"}]},
        "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
        "CpusetCpus": "0-1",
        "CpusetMems": "",
        "NanoCpus": 1500000000,
        "CpuQuota": 0,
        "Memory": 0,
        "OomScoreAdj": 0,
        "Ulimits": [{"Name": "nofile", "Hard": 1024, "Soft": 1024}, {"Name": "memlock", "Hard": -1, "Soft": -1}],
        "DeviceRequests": [{"Driver": "", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]]}],
        "Devices": None,
        "Runtime": "runc",
    },
    "Mounts": [
        {
            "Type": "volume",
            "Name": "ollama",
            "Source": "/var/lib/docker/volumes/ollama/_data",
            "Destination": "/root/.ollama",
            "Mode": "z",
            "RW": True,
        }
    ],
    "Config": {
        "Env": ["OLLAMA_HOST=0.0.0.0:11434", "OLLAMA_API_KEY=secretsecret123", "OLLAMA_NUM_THREADS=8"],
        "Entrypoint": ["/bin/ollama"],
        "Cmd": ["serve"],
        "Image": "ollama/ollama",
        "Labels": {
            "com.docker.compose.project": "ai",
            "com.docker.compose.service": "ollama",
            "com.docker.compose.project.working_dir": "/srv/ai",
            "com.docker.compose.project.config_files": "compose.yml,/srv/extra.yml",
        },
    },
}
BRIEF = [ID, "ollama/ollama", ["/bin/ollama"], ["serve"], 13153, "/bin/ollama", ["serve"]]
QUADLET = """\
[Container]
Image=ollama.image
Environment=OLLAMA_HOST=0.0.0.0:11434 "OLLAMA_KEEP_ALIVE=24h" broken
EnvironmentFile=-secrets.env
EnvironmentFile=/etc/none.env
Volume=ollama.volume:/root/.ollama:Z
Volume=./here:/there:ro
Volume=relative
Mount=type=bind,source=/srv/x,target=/x,readonly,relabel=shared
Mount=type=tmpfs,target=/tmp
PublishPort=127.0.0.1:11435:11434
PublishPort=53:53/udp
AddDevice=nvidia.com/gpu=0
AddDevice=-/dev/kfd
Ulimit=memlock=-1:-1
Ulimit=core=0
Memory=8g
PodmanArgs=--cpuset-mems 0 --gpus=all --oom-score-adj=-500

[Service]
AllowedCPUs=0-3
CPUQuota=250%
Restart=always
OOMScoreAdjust=100
"""


def put(root, path, text=""):
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def engine(answers):
    """A runner that answers by the words of a command that stand before the first option or number."""
    asked = []

    def run(argv):
        asked.append(argv)
        key = " ".join(argv[2 if argv[0] == "podman" else 3 :][:2])
        said = answers[key]
        return said if isinstance(said, Outcome) else Outcome(said, None)

    run.asked = asked
    return run


class Host(Proc):
    """A tree that counts as the running host."""

    live = True

    def exists(self, path):
        return os.path.exists(self.path + path)


def host(tmp_path, *paths):
    for path in paths or ("/run/docker.sock",):
        put(tmp_path, path)
    return Host(str(tmp_path))


def answers(**more):
    return {
        "ps --all": f"{ID}\n",
        "container inspect": json.dumps(BRIEF),
        "image inspect": json.dumps([INSPECTED["Image"], [f"ollama/ollama@{DIGEST}"], ["OLLAMA_HOST=0.0.0.0:11434"]]),
        **more,
    }


def whole(tmp_path, given, *paths):
    """What the module returns, with an answer for a container as a whole."""

    def run(argv):
        if "{{json .}}" in argv:
            return given["whole"] if isinstance(given.get("whole"), Outcome) else Outcome(given["whole"], None)
        return engine(given)(argv)

    return containers(host(tmp_path, *paths), 5, run)


@pytest.mark.parametrize(
    ("image", "command", "expected"),
    [
        ("ollama/ollama", [], True),
        ("docker.io/ollama/ollama:rocm", [], True),
        (f"registry.example:5000/mirror/ollama:0.34.1@{DIGEST}", [], True),
        ("alpine/ollama-rocm", [], True),
        ("ghcr.io/open-webui/open-webui:ollama", ["bash", "start.sh"], False),
        ("example/ollama-exporter", [], False),
        ("debian", ["/bin/sh", "-c", "ollama serve & exec other"], True),
        ("debian", ["/usr/bin/ollama", "serve"], True),
        ("debian", ["ollama", "run", "x"], False),
        (None, [], False),
    ],
)
def test_a_server_is_known_by_its_image_or_its_command(image, command, expected):
    """Programs beside a server, which have its name in theirs, are other programs."""
    assert form.is_ollama(image, command) is expected


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (form.ports, "11434:11434", [{"address": "", "port": 11434, "container_port": 11434}]),
        (form.ports, "[::1]:1:2/tcp", [{"address": "::1", "port": 1, "container_port": 2}]),
        (form.ports, "11434", [{"address": "", "port": None, "container_port": 11434}]),
        (form.ports, "127.0.0.1::11434", [{"address": "127.0.0.1", "port": None, "container_port": 11434}]),
        (form.ports, "1:2/udp", []),
        (form.ports, "x", None),
        (form.ports, "1:2/http", None),
        (form.ports, "1-3:7-8", None),
        (form.ports, "8000-8009:80", [{"address": "", "port": None, "container_port": 80}]),
        (form.ports, "7-8:1-2", [{"address": "", "port": a, "container_port": b} for a, b in ((7, 1), (8, 2))]),
        (form.size, "512m", 1 << 29),
        (form.size, "8GiB", 1 << 33),
        (form.size, "0", None),
        (form.size, "much", None),
        (form.quota, "1.5", 1.5),
        (form.quota, "0", None),
        (form.quota, ".", None),
        (form.limit, "memlock=unlimited", ("memlock", "infinity")),
        (form.limit, "nofile=1024:2048", ("nofile", 1024)),
        (form.limit, "cpu=1", None),
        (form.digest_of, f"a/b:c@{DIGEST}", DIGEST),
        (form.digest_of, "a/b@sha256:00", None),
    ],
)
def test_words_of_options_are_read_as_engines_read_them(read, text, expected):
    """What has another form is nothing."""
    assert read(text) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--gpus", "all"], {"nvidia": "all", "amd": False}),
        (["--gpus=device=0,GPU-1"], {"nvidia": ["0", "GPU-1"], "amd": False}),
        (["--gpus", "2"], {"nvidia": ["0", "1"], "amd": False}),
        (["--gpus", "none"], {"nvidia": [], "amd": False}),
        (["--device", "nvidia.com/gpu=all", "--device", "nvidia.com/gpu=0"], {"nvidia": "all", "amd": False}),
        (["--device", "/dev/nvidia3", "--device=/dev/dri:/dev/dri"], {"nvidia": ["3"], "amd": True}),
        (["--device", "amd.com/gpu=0", "--device", "/dev/null"], {"nvidia": [], "amd": True}),
    ],
)
def test_cards_are_read_from_every_option_that_gives_some(words, expected):
    """By number, UUID, or all of them."""
    found = form.empty()
    form.apply_options(found, words)
    assert found["devices"] == expected


def test_an_answer_of_docker_is_read(tmp_path):
    """In the form of every container, with digest, the image's own variables, and no secret."""
    read = whole(tmp_path, answers(whole=json.dumps(INSPECTED)))
    assert (read["engines"], read["problems"]) == ({"podman": None, "docker": True}, [])
    found = read["containers"][0]
    assert "secretsecret123" not in json.dumps(read)
    expected = {
        "name": "ollama",
        "manager": "compose",
        "project": "ai",
        "files": ["/srv/ai/compose.yml", "/srv/extra.yml"],
        "main_pid": 13153,
        "image_digest": DIGEST,
        "image_environment": ["OLLAMA_HOST"],
        "secrets": ["OLLAMA_API_KEY"],
        "command": ["/bin/ollama", "serve"],
        "cpus": "0-1",
        "memory_nodes": None,
        "cpu_quota": 1.5,
        "limits": {"memlock": "infinity", "nofile": 1024},
        "devices": {"nvidia": "all", "amd": False},
        "ports": [{"address": "", "port": 11434, "container_port": 11434}],
    }
    assert {name: found[name] for name in expected} == expected
    assert found["mounts"][0]["label"] == "shared"
    assert found["environment"]["OLLAMA_API_KEY"] is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Runtime": "nvidia", "DeviceRequests": []}, {"nvidia": ["0", "1"], "amd": False}),
        ({"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=1"]}]}, {"nvidia": ["1"], "amd": False}),
        ({"DeviceRequests": [{"Count": 2}]}, {"nvidia": ["0", "1"], "amd": False}),
        ({"DeviceRequests": [{"Count": "x"}], "Privileged": True}, {"nvidia": [], "amd": True}),
        ({"DeviceRequests": None, "Devices": [{"PathOnHost": "/dev/kfd"}]}, {"nvidia": [], "amd": True}),
    ],
)
def test_cards_of_an_answer_are_read(change, expected):
    """By requests, by CDI, by the runtime of NVIDIA and by device files."""
    config = {**INSPECTED["Config"], "Env": ["NVIDIA_VISIBLE_DEVICES=0,1"]}
    answer = {**INSPECTED, "Config": config, "HostConfig": {**INSPECTED["HostConfig"], **change}}
    assert container(answer, "docker")["devices"] == expected


@pytest.mark.parametrize(
    ("bindings", "expected"),
    [
        ({"11434/tcp": [{"HostIp": "", "HostPort": ""}]}, ("0.0.0.0", 32768)),
        ({"11434/tcp": [{"HostIp": "", "HostPort": "32760-32769"}]}, ("0.0.0.0", 32768)),
        ({}, ("0.0.0.0", 32768)),
        (None, ("0.0.0.0", 32768)),
        ({"11434/tcp": [{"HostIp": "127.0.0.1", "HostPort": "80"}]}, ("127.0.0.1", 80)),
    ],
)
def test_a_port_that_the_engine_has_taken_is_known(bindings, expected):
    """Asked for as any, as one of a range, or with every port of the image; both families of addresses are one."""
    rows = [{"HostIp": "0.0.0.0", "HostPort": "32768"}, {"HostIp": "::", "HostPort": "32768"}]
    answer = {
        "HostConfig": {"PortBindings": bindings},
        "NetworkSettings": {"Ports": {"11434/tcp": rows, "53/udp": rows, "80/tcp": None}},
    }
    address, port = expected
    assert container(answer, "docker")["ports"] == [{"address": address, "port": port, "container_port": 11434}]


def test_an_option_with_its_value_takes_no_word_after_it():
    """What was asked of cards brings no mount a second time."""
    config = {"CreateCommand": ["podman", "run", "--gpus=all", "--volume=/srv:/root/.ollama"]}
    assert container({"Config": config}, "podman")["mounts"] == []


def test_a_container_in_a_pod_has_the_ports_and_the_network_of_the_pod(tmp_path):
    """An engine says of it that it has the network of another container, and publishes nothing."""
    folder = "/etc/containers/systemd"
    put(tmp_path, f"{folder}/ollama.container", "[Container]\nImage=ollama/ollama\nPod=llm.pod\n")
    put(tmp_path, f"{folder}/llm.pod", "[Pod]\nPublishPort=8080:11434\nNetwork=own.network\n")
    answer = {"Id": ID, "Name": "systemd-ollama", "HostConfig": {"NetworkMode": f"container:{OTHER}"}}
    (found,) = whole(tmp_path, answers(whole=json.dumps(answer)), "/run/libpod")["containers"]
    assert found["ports"] == [{"address": "", "port": 8080, "container_port": 11434}]
    assert found["network"] == "own.network"


def test_an_answer_of_podman_is_read(tmp_path):
    """With the file of Quadlet that describes it, CDI as it was asked for, and limits by the kernel's names."""
    put(
        tmp_path,
        "/etc/containers/systemd/ollama.container",
        "[Container]\nImage=ollama/ollama\n[Service]\nAllowedCPUs=2\n",
    )
    host_config = {
        "Ulimits": [{"Name": "RLIMIT_NOFILE", "Soft": 2048, "Hard": 1 << 70}],
        "CpuQuota": 50000,
        "NetworkMode": "host",
    }
    config = {
        "Entrypoint": "/bin/ollama",
        "Cmd": ["serve"],
        "CreateCommand": ["podman", "run", "--device", "nvidia.com/gpu=all", "-e", "TOKEN=x"],
        "Labels": {"PODMAN_SYSTEMD_UNIT": "ollama.service"},
    }
    answer = {
        "Id": ID,
        "Name": "systemd-ollama",
        "ImageName": "docker.io/ollama/ollama:latest",
        "ImageDigest": DIGEST,
        "State": {"Pid": 7, "Status": "running"},
        "HostConfig": host_config,
        "Config": config,
    }
    read = whole(tmp_path, answers(whole=json.dumps(answer)), "/run/libpod")
    found = read["containers"][0]
    assert (len(read["containers"]), read["problems"]) == (1, [])
    assert (found["manager"], found["unit"], found["engine"]) == ("quadlet", "ollama.service", "podman")
    assert found["path"].endswith("/etc/containers/systemd/ollama.container")
    assert (found["devices"]["nvidia"], found["limits"]["nofile"], found["cpu_quota"]) == ("all", 2048, 0.5)
    assert (found["image_digest"], found["cpus"], found["command"]) == (DIGEST, "2", ["/bin/ollama", "serve"])


def test_a_file_of_quadlet_is_read(tmp_path):
    """Each line that says what a container may use, with files beside it and drop-ins."""
    folder = "/etc/containers/systemd"
    put(tmp_path, f"{folder}/ai/ollama.container", QUADLET)
    put(tmp_path, f"{folder}/ai/ollama.image", "[Image]\nImage=quay.io/x/ollama:0.34.1\n")
    put(tmp_path, f"{folder}/ai/secrets.env", "# keys\nOLLAMA_API_KEY=secretsecret123\n\nX\n")
    put(tmp_path, f"{folder}/ai/ollama.container.d/10.conf", "[Container]\nContainerName=llm\n[Service]\nRestart=no\n")
    put(tmp_path, f"{folder}/web.container", "[Container]\nImage=nginx\n")
    put(tmp_path, "/run/containers/systemd/again.container", "[Container]\nImage=ollama\nExec=serve\n")
    put(tmp_path, f"{folder}/again.container", "[Container]\nImage=ollama:hidden\n")
    put(tmp_path, "/home/anna/.config/containers/systemd/mine.container", "[Container]\nImage=ollama/ollama\n")
    put(tmp_path, f"{folder}/users/all.container", "[Container]\nImage=ollama/ollama\n")
    read = containers(Proc(str(tmp_path)), 5)
    assert read["engines"] == {"podman": None, "docker": None}
    again, found, everybody, mine = read["containers"]
    assert (again["image"], again["name"]) == ("ollama", "systemd-again")
    assert (everybody["user"], mine["user"]) == ("every user", "anna")
    expected = {
        "name": "llm",
        "unit": "ollama.service",
        "image": "quay.io/x/ollama:0.34.1",
        "environment": {"OLLAMA_API_KEY": None, "OLLAMA_HOST": "0.0.0.0:11434", "OLLAMA_KEEP_ALIVE": "24h"},
        "secrets": ["OLLAMA_API_KEY"],
        "cpus": "0-3",
        "memory_nodes": "0",
        "cpu_quota": 2.5,
        "limits": {"memlock": "infinity", "nofile": None},
        "memory_max_bytes": 8 << 30,
        "oom_score_adjust": -500,
        "restart": "no",
        "devices": {"nvidia": "all", "amd": True},
        "ports": [{"address": "127.0.0.1", "port": 11435, "container_port": 11434}],
        "state": "absent",
    }
    assert {name: found[name] for name in expected} == expected
    targets = [(each["target"], each["volume"], each["read_only"], each["label"]) for each in found["mounts"]]
    assert targets == [
        ("/root/.ollama", "systemd-ollama", False, "private"),
        ("/there", None, True, None),
        ("/x", None, True, "shared"),
    ]
    assert any("anna, who was not asked" in problem for problem in read["problems"])


def test_what_cannot_be_read_of_quadlet_is_named(tmp_path):
    """A folder in the place of a file, an image unit or a file of variables takes nothing else away."""
    folder = "etc/containers/systemd"
    put(tmp_path, f"{folder}/b.container", "[Container]\nImage=b.image\nExec=ollama serve\nEnvironmentFile=f\n")
    for name in ("a.container", "b.image", "f"):
        (tmp_path / folder / name).mkdir()
    problems = []
    found = read_files(Tree(str(tmp_path)), problems)
    assert [each["name"] for each in found] == ["systemd-b"]
    assert found[0]["image"] is None
    assert [problem.rpartition("/")[2] for problem in problems] == [
        f"{name}: it is not a regular file" for name in ("a.container", "b.image", "f")
    ]


def test_what_stands_beside_a_file_of_quadlet_is_read(tmp_path):
    """Options for Podman, a pod and drop-ins of other folders and names all make the container what it is."""
    shipped, own = "/usr/share/containers/systemd", "/etc/containers/systemd"
    put(
        tmp_path,
        f"{shipped}/llm-ollama.container",
        "[Container]\nImage=docker.io/ollama/ollama\nPod=llm.pod\nEnvironment=OLLAMA_KEEP_ALIVE=5m\n"
        "PodmanArgs=-e OLLAMA_NUM_PARALLEL=2 --env=OLLAMA_MAX_QUEUE=64 --env-file /etc/more.env \\\n"
        "  -v/srv/models:/root/.ollama -m8g --env OLLAMA_DEBUG\n",
    )
    put(tmp_path, f"{shipped}/llm.pod", "[Pod]\nPublishPort=127.0.0.1:8080:11434\nNetwork=own.network\n")
    put(tmp_path, "/etc/more.env", "OLLAMA_CONTEXT_LENGTH=8192\n")
    put(tmp_path, f"{own}/llm-ollama.container.d/10.conf", "[Container]\nEnvironment=OLLAMA_KEEP_ALIVE=24h\n")
    put(tmp_path, f"{own}/container.d/10.conf", "[Container]\nEnvironment=OLLAMA_KEEP_ALIVE=1s\n")
    put(tmp_path, f"{own}/llm-.container.d/05.conf", "[Container]\nEnvironment=OLLAMA_KEEP_ALIVE=2s\n")
    put(tmp_path, f"{own}/container.d/20.conf", "[Service]\nAllowedCPUs=0-3\n")
    problems: list[str] = []
    (found,) = read_files(Tree(str(tmp_path)), problems)
    assert found["environment"] == {
        "OLLAMA_CONTEXT_LENGTH": "8192",
        "OLLAMA_KEEP_ALIVE": "24h",
        "OLLAMA_MAX_QUEUE": "64",
        "OLLAMA_NUM_PARALLEL": "2",
    }
    assert found["environment_files"] == [f"{tmp_path}/etc/more.env"]
    assert found["ports"] == [{"address": "127.0.0.1", "port": 8080, "container_port": 11434}]
    assert (found["network"], found["memory_max_bytes"], found["cpus"]) == ("own.network", 8 << 30, "0-3")
    assert [each["source"] for each in found["mounts"]] == ["/srv/models"]
    assert problems == []


def test_a_pod_that_is_not_there_and_a_port_that_is_none_are_named(tmp_path):
    """Where a server listens is not guessed: what could not be read of it is a problem."""
    text = "[Container]\nImage=ollama/ollama\nPod=gone.pod\nPublishPort=9-1:9-1\nPublishPort=5353:53/udp\n"
    put(tmp_path, "/etc/containers/systemd/ollama.container", text)
    problems: list[str] = []
    (found,) = read_files(Tree(str(tmp_path)), problems)
    assert found["ports"] == []
    assert [each.replace(str(tmp_path), "") for each in problems] == [
        "/etc/containers/systemd/ollama.container: PublishPort='9-1:9-1' is no port or range of ports that is read",
        "/etc/containers/systemd/gone.pod: it is not there, so the ports of the pod are not known",
    ]


def test_an_engine_that_was_never_used_is_not_asked(tmp_path):
    """Asking would make its folders, or start it; where it has containers and does not run, that is a problem."""
    asked = engine({})
    read = containers(host(tmp_path, "/etc/hostname"), 5, asked)
    assert (read["engines"], read["problems"], asked.asked) == ({"podman": None, "docker": None}, [], [])
    read = containers(host(tmp_path, "/var/lib/docker/containers/x"), 5, asked)
    assert read["engines"]["docker"] is False
    assert "Docker does not run" in read["problems"][0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ps --all": Outcome(None, "docker did not answer within 5 s and was stopped")}, "did not answer within 5 s"),
        ({"ps --all": f"{ID}\nnonsense\n"}, "1 of the containers that it lists have no number"),
        ({"ps --all": "a" * 12 + "\n" + f"{ID}\n" * 501}, "it has 502 containers"),
        ({"container inspect": "[" * 100_000}, "is no list in JSON"),
        ({"container inspect": "{}"}, "is no list in JSON"),
        ({"container inspect": "x" * (1 << 21)}, "said more than"),
        ({"container inspect": "\n".join([json.dumps(BRIEF)] * 21)}, "has 21 containers of Ollama"),
        ({"whole": "null"}, "is no dict in JSON"),
        ({"whole": Outcome(None, "docker failed with exit status 1 and said: No such container")}, "No such container"),
        ({"image inspect": "{}\x1b[2J"}, "is no list in JSON"),
    ],
)
def test_a_hostile_answer_is_a_problem(tmp_path, given, said):
    """A program that hangs, fails, or says what nobody asked takes nothing else away, and moves no cursor."""
    read = whole(tmp_path, answers(**{"whole": json.dumps(INSPECTED), **given}))
    assert any(said in problem for problem in read["problems"])
    assert all(problem.startswith("docker: ") and problem.isprintable() for problem in read["problems"])
    assert read["engines"]["docker"] is False


def test_a_server_below_another_program_is_known_by_its_process(tmp_path):
    """As in an image that starts a user interface beside the server."""
    put(tmp_path, "/proc/9/cgroup", "0::/system.slice/docker-1.scope\n")
    put(tmp_path, "/sys/fs/cgroup/system.slice/docker-1.scope/cgroup.procs", "9\n10\n")
    put(tmp_path, "/proc/9/comm", "bash\n")
    put(tmp_path, "/proc/10/comm", "ollama\n")
    put(tmp_path, "/proc/10/cmdline", "ollama\0serve\0")
    put(tmp_path, "/proc/11/cgroup", "0::/\n")
    put(tmp_path, "/proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")
    rows = [[ID, "open-webui:ollama", None, ["bash", "start.sh"], pid, "bash", ["start.sh"]] for pid in (9, 11, 0)]
    brief = "\n".join(json.dumps(row) for row in rows)
    read = whole(tmp_path, answers(whole=json.dumps(INSPECTED), **{"container inspect": brief}))
    assert len(read["containers"]) == 1


def test_one_program_under_two_names_counts_once(tmp_path):
    """Packages give Podman the name of Docker."""
    given = answers(whole=json.dumps(INSPECTED))
    read = whole(tmp_path, given, "/run/docker.sock", "/run/libpod")
    assert (len(read["containers"]), read["engines"]) == (1, {"podman": True, "docker": True})


def test_a_container_that_ends_between_two_questions_is_asked_again(tmp_path):
    """The second time the list is another one."""
    lists = [f"{ID}\n{OTHER}\n", f"{ID}\n"]

    def run(argv):
        if "ps" in argv:
            return Outcome(lists.pop(0), None)
        if OTHER in argv:
            return Outcome(None, "docker failed with exit status 1 and said: No such container")
        if "{{json .}}" in argv:
            return Outcome(json.dumps(INSPECTED), None)
        return Outcome(json.dumps(BRIEF) if "container" in argv else "[1]", None)

    found, wrong = engines._Asked(engines.ENGINES[1], run, host(tmp_path)).containers()
    assert ([each["name"] for each in found], wrong) == (["ollama"], [])


def test_a_host_says_whether_it_may_have_containers(tmp_path):
    """Without starting a program."""
    assert may_have_some(str(tmp_path)) is False
    put(tmp_path, "/run/docker.sock")
    assert may_have_some(str(tmp_path)) is True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Id", "Name", "State", "Pid", "HostConfig", "Ulimits", "Config", "Env", "Mounts", "Devices"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(list(INSPECTED)), JSON, max_size=6))
def test_no_answer_ends_in_a_traceback(answer):
    """Whatever the types, the form has the same keys."""
    assert set(container({**INSPECTED, **answer}, "docker")) == set(form.empty()) | {"image_id"}


@given(st.text(max_size=200))
def test_no_file_of_quadlet_ends_in_a_traceback(text):
    """Nor words of options."""
    found = form.empty()
    form.apply_options(found, [f"{name}={text}" for name in ("-v", "-p", "--gpus", "--cpus", "--mount", "--ulimit")])
    assert set(found) == set(form.empty())
