# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed: systemd, numactl and Ollama with its unit."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome, runner
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._systemd.files import read_unit
from ansible_collections.inference.ollama.plugins.module_utils._topology.software import read_software
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import FakeRunner
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

SYSTEMD_252 = "systemd 252 (252.38-1~deb12u1)\n+PAM +AUDIT +SELINUX\n"

# systemctl show of systemd 252 for a unit of install.sh with two drop-ins, the second with numactl.
SHOW_252 = """\
LoadState=loaded
ActiveState=active
FragmentPath=/etc/systemd/system/ollama.service
DropInPaths=/etc/systemd/system/ollama.service.d/10-env.conf /etc/systemd/system/ollama.service.d/override.conf
User=ollama
Group=ollama
ExecStart={ path=/usr/bin/numactl ; argv[]=/usr/bin/numactl --cpunodebind=0 -- /opt/ollama/bin/ollama serve ; \
ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
EnvironmentFiles=/etc/ollama/secrets.env (ignore_errors=no)
EnvironmentFiles=/etc/default/ollama (ignore_errors=yes)
"""
ABSENT_252 = "LoadState=not-found\nActiveState=inactive\n"

UNIT = """\
[Unit]
Description=Ollama
User=nobody

[Service]
# ExecStart=/bin/false
ExecStart=@/usr/local/bin/ollama \\
    serve
User=ollama
Group=ollama
EnvironmentFile=-/etc/default/ollama
"""


@pytest.fixture
def booted(tmp_path):
    """The root of a host whose process 1 is systemd."""
    return Root(plant(tmp_path, {"/run/systemd/system/.keep": ""}))


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """The programs on PATH: systemctl and numactl, and what a test adds."""
    programs = {"systemctl": "/usr/bin/systemctl", "numactl": "/usr/bin/numactl"}
    monkeypatch.setattr(Root, "program", lambda _root, name: programs.get(name))
    return programs


def host(show=SHOW_252, output="ollama version is 0.34.1\n", **more):
    """A host with systemd 252 and an Ollama."""
    answers = {"systemctl --version": SYSTEMD_252, "systemctl show ollama.service": show}
    return FakeRunner({**answers, "/opt/ollama/bin/ollama --version": output, **more})


def test_live_host(booted):
    """One question to systemd gives the unit, the binary behind numactl, and from that the version."""
    root, run = booted, host()
    assert read_software(root, run) == {
        "systemd": 252,
        "numactl": "/usr/bin/numactl",
        "ollama": {
            "binary": "/opt/ollama/bin/ollama",
            "version": "0.34.1",
            "unit": {
                "name": "ollama.service",
                "path": "/etc/systemd/system/ollama.service",
                "user": "ollama",
                "group": "ollama",
                "home": None,
                "home_unknown": "the accounts of a captured machine are not read",
                "home_links": [],
                "slice": None,
                "wrapped_command": "/usr/bin/numactl --cpunodebind=0 -- /opt/ollama/bin/ollama serve",
                "dropins": [
                    "/etc/systemd/system/ollama.service.d/10-env.conf",
                    "/etc/systemd/system/ollama.service.d/override.conf",
                ],
                "active": True,
                "environment_files": ["/etc/ollama/secrets.env", "/etc/default/ollama"],
            },
        },
    }
    assert sum("show" in call for call in run.calls) == 1
    assert root.problems == []


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("ollama version is 0.34.1\n", "0.34.1"),
        ("ollama version is 0.33.0-rc2\n", "0.33.0-rc2"),
        ("ollama version is 0.12.3\nWarning: client version is 0.34.1\n", "0.34.1"),
        (
            "Warning: could not connect to a running Ollama instance\nWarning: client version is 0.33.0-rc2\n",
            "0.33.0-rc2",
        ),
    ],
)
def test_version_is_that_of_the_binary(tmp_path, output, version):
    """The version is the client's, which a restart runs, and not that of a server that still runs."""
    assert read_software(Root(str(tmp_path)), host(output=output))["ollama"]["version"] == version


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (
            Outcome(None, "ollama did not answer within 10 s and was stopped"),
            "ollama did not answer within 10 s",
        ),
        (
            "flag provided but not defined",
            "/opt/ollama/bin/ollama --version: read 'flag provided but not defined'",
        ),
    ],
)
def test_version_unknown(tmp_path, output, problem):
    """A binary that does not tell its version has none, and a problem."""
    root = Root(str(tmp_path))
    assert read_software(root, host(output=output))["ollama"]["version"] is None
    assert root.problems[0].startswith(problem)


def test_no_ollama(booted, installed):
    """Without unit and binary there is no Ollama, and without numactl no path; neither is a problem."""
    del installed["numactl"]
    root = booted
    assert read_software(root, host(show=ABSENT_252)) == {"systemd": 252, "numactl": None, "ollama": None}
    assert root.problems == []


def test_binary_without_unit(tmp_path, installed):
    """A binary on PATH that no unit starts is an Ollama without a unit."""
    installed["ollama"] = "/opt/ollama/bin/ollama"
    found = read_software(Root(str(tmp_path)), host(show=ABSENT_252))["ollama"]
    assert found == {"binary": "/opt/ollama/bin/ollama", "version": "0.34.1", "unit": None}


def test_unit_of_root_without_command(tmp_path):
    """A masked unit has no user, no command and thus no binary, and says that it does not run."""
    show = "LoadState=masked\nActiveState=inactive\nFragmentPath=/dev/null\nUser=\n"
    found = read_software(Root(str(tmp_path)), host(show=show))["ollama"]
    assert (found["binary"], found["version"]) == (None, None)
    assert (found["unit"]["user"], found["unit"]["active"], found["unit"]["dropins"]) == (None, False, [])


@pytest.mark.parametrize(
    "problem",
    [
        "systemctl failed with exit status 1 and said: Failed to connect to bus: Host is down",
        "systemctl failed with exit status 1 and said: System has not been booted with systemd as init system (PID 1).",
    ],
)
def test_systemd_that_does_not_run(tmp_path, problem):
    """In a container systemd is None without a problem, and the unit is read from its files."""
    root = Root(plant(tmp_path, {"/etc/systemd/system/ollama.service": UNIT}))
    run = FakeRunner(
        {"systemctl show": Outcome(None, problem), "/usr/local/bin/ollama --version": "ollama version is 1.0"}
    )
    found = read_software(root, run)
    assert found["systemd"] is None
    assert (found["ollama"]["version"], found["ollama"]["unit"]["active"]) == ("1.0", None)
    assert root.problems == []


def test_systemctl_missing(tmp_path, installed):
    """A host without systemctl has no systemd and no problem."""
    installed.clear()
    root = Root(str(tmp_path))
    assert read_software(root, FakeRunner({})) == {"systemd": None, "numactl": None, "ollama": None}
    assert root.problems == []


def test_systemctl_hangs(tmp_path):
    """A systemctl that fails in another way is a problem."""
    hung = Outcome(None, "systemctl show did not answer within 10 s and was stopped")
    root = Root(str(tmp_path))
    assert read_software(root, FakeRunner({"systemctl": hung}))["systemd"] is None
    assert root.problems == [hung.problem]


def test_systemd_version_unreadable(booted):
    """A version line of another kind is a problem, and the unit is still known."""
    root = booted
    found = read_software(root, host(**{"systemctl --version": "elogind 255"}))
    assert (found["systemd"], found["ollama"]["unit"]["active"]) == (None, True)
    assert root.problems == ["systemctl --version: read 'elogind 255', expected a number"]


def test_captured_tree(tmp_path):
    """Another root is read from its files alone: unit, drop-ins and binary, and no version."""
    files = {
        "/usr/lib/systemd/system/ollama.service": UNIT,
        "/usr/lib/systemd/system/ollama.service.d/10-vendor.conf": "[Service]\nUser=vendor",
        "/etc/systemd/system/ollama.service.d/10-vendor.conf": "[Service]\nGroup=llm",
        "/etc/systemd/system/ollama.service.d/override.conf": (
            "[Service]\nExecStart=\nExecStart=/usr/bin/numactl -N 0 /opt/bin/ollama serve\n"
            "EnvironmentFile=\nEnvironmentFile=/etc/ollama.env\n; User=x"
        ),
        "/etc/systemd/system/ollama.service.d/notes.txt": "[Service]\nUser=wrong",
        "/usr/bin/numactl": "",
    }
    root = Root(plant(tmp_path, files))
    assert read_software(root, None) == {
        "systemd": None,
        "numactl": "/usr/bin/numactl",
        "ollama": {
            "binary": "/opt/bin/ollama",
            "version": None,
            "unit": {
                "name": "ollama.service",
                "path": "/usr/lib/systemd/system/ollama.service",
                "user": "ollama",
                "group": "llm",
                "home": None,
                "home_unknown": "the accounts of a captured machine are not read",
                "home_links": [],
                "slice": None,
                "wrapped_command": "/usr/bin/numactl -N 0 /opt/bin/ollama serve",
                "dropins": [
                    "/etc/systemd/system/ollama.service.d/10-vendor.conf",
                    "/etc/systemd/system/ollama.service.d/override.conf",
                ],
                "active": None,
                "environment_files": ["/etc/ollama.env"],
            },
        },
    }
    assert root.problems == []


def test_captured_tree_with_binary_alone(tmp_path):
    """A tree with a binary and no unit has an Ollama; an empty tree has none."""
    assert read_software(Root(str(tmp_path)), None)["ollama"] is None
    root = Root(plant(tmp_path, {"/usr/local/bin/ollama": ""}))
    assert read_software(root, None)["ollama"] == {
        "binary": "/usr/local/bin/ollama",
        "version": None,
        "unit": None,
    }


def test_masked_dropin(tmp_path):
    """A drop-in that is a link to /dev/null takes the vendor's of the same name out."""
    path = plant(
        tmp_path,
        {
            "/etc/systemd/system/ollama.service": UNIT,
            "/usr/lib/systemd/system/ollama.service.d/a.conf": "[Service]\nUser=vendor",
        },
    )
    folder = tmp_path / "etc/systemd/system/ollama.service.d"
    folder.mkdir()
    (folder / "a.conf").symlink_to("/dev/null")
    unit = read_unit(Root(path), "ollama.service")
    assert (unit.dropins, unit.user) == ((), "ollama")


@pytest.mark.parametrize(
    ("line", "file", "binary"),
    [
        ('ExecStart="/opt/ollama" "serve"', None, "/opt/ollama"),
        ("ExecStart=/usr/bin/numactl \\\n# --membind=0\n  /opt/ollama serve", None, "/opt/ollama"),
        ("ExecStart=-@/opt/ollama serve \\$x\\q", None, "/opt/ollama"),
        ("ExecStart=/opt/ollama serve\nEnvironmentFile=-%E/a%%b.env", "/etc/a%b.env", "/opt/ollama"),
        ("ExecStart=/opt/ollama serve\nEnvironmentFile=/a\nEnvironmentFile=", None, "/opt/ollama"),
        ("ExecStart=", None, None),
    ],
)
def test_a_unit_in_files_means_what_systemd_takes_it_for(tmp_path, line, file, binary):
    """Quotes, comments between continued lines and specifiers, as systemctl would show them."""
    files = {"/etc/systemd/system/ollama.service": f"[Service]\n{line}"}
    found = read_software(Root(plant(tmp_path, files)), None)["ollama"]
    assert (found["binary"], found["unit"]["environment_files"]) == (binary, [file] if file else [])


def test_command_of_another_kind(tmp_path):
    """A unit whose command is no "ollama serve" names no binary."""
    files = {"/etc/systemd/system/ollama.service": "[Service]\nExecStart=/usr/bin/podman start ollama"}
    assert read_software(Root(plant(tmp_path, files)), None)["ollama"]["binary"] is None


def test_home_without_home(tmp_path, monkeypatch):
    """A program that needs HOME finds one where the environment has none."""
    program = tmp_path / "homely"
    program.write_text('#!/bin/sh\necho "$HOME"\n')
    program.chmod(0o755)
    monkeypatch.delenv("HOME", raising=False)
    assert runner(10)([str(program)]).out.strip()


@pytest.mark.parametrize("part", ["systemd", "numactl", "ollama"])
def test_one_part_alone(booted, part):
    """Each part is read without the others, with the answer it has among them and no question for them."""
    whole, run = read_software(booted, host()), host()
    assert read_software(booted, run, frozenset({part})) == {**dict.fromkeys(whole), part: whole[part]}
    assert any("--version" in call for call in run.calls) is (part != "numactl")
    assert any("show" in call for call in run.calls) is (part == "ollama")


def test_old_systemd_names_environment_files_otherwise(tmp_path):
    """systemd 245 and older print EnvironmentFile= for each file."""
    run = host(show=SHOW_252.replace("EnvironmentFiles=", "EnvironmentFile="))
    unit = read_software(Root(str(tmp_path)), run)["ollama"]["unit"]
    assert unit["environment_files"] == ["/etc/ollama/secrets.env", "/etc/default/ollama"]


def test_a_dropin_with_a_blank_in_its_path(tmp_path):
    """systemctl quotes such a path in its list, and the fact has it without the quotes."""
    show = SHOW_252.replace(
        "/etc/systemd/system/ollama.service.d/override.conf", '"/etc/systemd/system/ollama.service.d/my own.conf"'
    )
    unit = read_software(Root(str(tmp_path)), host(show=show))["ollama"]["unit"]
    assert unit["dropins"] == [
        "/etc/systemd/system/ollama.service.d/10-env.conf",
        "/etc/systemd/system/ollama.service.d/my own.conf",
    ]


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("LoadState=loaded", "LoadState=lo?ded"),
        ("ActiveState=active", "ActiveState=?"),
        ("FragmentPath=/", "FragmentPath=?"),
        ("argv[]", "arg"),
        ("User=ollama\n", "User=oll\nama\n"),
        ("User=ollama", "User=\x01"),
        (SHOW_252, ""),
    ],
)
def test_a_damaged_answer_of_systemd_is_not_believed(tmp_path, word, other):
    """What systemctl would not print costs its whole answer, and the files say what they can."""
    root = Root(plant(tmp_path, {"/etc/systemd/system/ollama.service": UNIT}))
    run = host(show=SHOW_252.replace(word, other), **{"/usr/local/bin/ollama --version": "ollama version is 0.34.1"})
    found = read_software(root, run)["ollama"]
    assert (found["binary"], found["unit"]["active"]) == ("/usr/local/bin/ollama", None)
    assert [problem.split(": ")[0] for problem in root.problems] == ["systemctl show ollama.service"]


@pytest.mark.parametrize("asked", [True, False])
def test_slice_is_that_of_a_file_that_the_role_has_not_written(tmp_path, asked):
    """The slice and the file that names it are read from systemd's list of files and from a captured tree alike."""
    folder = "/etc/systemd/system/ollama.service"
    files = {
        folder: "[Service]\nExecStart=/opt/ollama/bin/ollama serve\nSlice=first.slice",
        f"{folder}.d/10-env.conf": "[Service]\nSlice = llm.slice\nEnvironment=KEY=secret",
        f"{folder}.d/override.conf": f"{HEADER} x\n[Service]\nSlice=ollama.slice",
    }
    root = Root(plant(tmp_path, files))
    unit = read_software(root, host() if asked else None)["ollama"]["unit"]
    assert unit["slice"] == {"name": "llm.slice", "path": f"{folder}.d/10-env.conf"}
    assert root.problems == []


@pytest.mark.parametrize(
    ("command", "binary", "wrapped"),
    [
        ("/opt/ollama/bin/ollama serve", "/opt/ollama/bin/ollama", False),
        ("ollama serve", "/usr/bin/ollama", False),
        ("/bin/sh -c cd /opt/ipex && ./ollama serve", None, True),
        ("/bin/sh -c cd /opt/ipex && /opt/ipex/../x/ollama serve", None, True),
        ("/opt/ollama/start.sh", None, True),
        ("/opt/ollama/start.sh serve", None, True),
        ("/usr/bin/env LD_LIBRARY_PATH=/opt/rocm/lib /opt/ollama/bin/ollama serve", "/opt/ollama/bin/ollama", True),
        ('/bin/bash -c "exec /opt/ollama/bin/ollama serve"', "/opt/ollama/bin/ollama", True),
        ("/bin/bash -c CUDA_VISIBLE_DEVICES=0 exec ollama serve", None, True),
        ("/usr/bin/taskset -c 0-3 /opt/ollama/bin/ollama serve", "/opt/ollama/bin/ollama", True),
        ("/opt/ollama/bin/ollama serve --verbose", "/opt/ollama/bin/ollama", True),
        ("/usr/bin/docker exec box /usr/bin/ollama serve", None, True),
        ("/usr/sbin/chroot /srv/x /usr/bin/ollama serve", None, True),
        ("/usr/bin/env chroot /srv/x /usr/bin/ollama serve", None, True),
    ],
)
def test_a_program_behind_a_wrapper_is_known_only_where_the_command_names_it(
    tmp_path, installed, command, binary, wrapped
):
    """A program of that name on PATH can be another one, so neither it nor its release is taken for the server's."""
    installed["ollama"] = "/usr/bin/ollama"
    files = {"/etc/systemd/system/ollama.service": "[Service]\nExecStart=/usr/bin/ollama serve"}
    show = SHOW_252[: SHOW_252.index("ExecStart=")]
    path = command.split()[0] if command.startswith("/") else "/usr/bin/ollama"
    show += f"ExecStart={{ path={path} ; argv[]={command} ; ignore_errors=no ; start_time=[n/a] }}\n"
    run = host(show=show, **{"/usr/bin/ollama --version": "ollama version is 0.30.0"})
    found = read_software(Root(plant(tmp_path, files)), run)["ollama"]
    assert (found["binary"], found["unit"]["wrapped_command"]) == (binary, command if wrapped else None)
    assert found["version"] == {"/opt/ollama/bin/ollama": "0.34.1", "/usr/bin/ollama": "0.30.0"}.get(binary)


@pytest.mark.parametrize("own", ["/usr/local/bin/ollama serve", "/usr/bin/env A=b \\\n  /opt/ollama/bin/ollama serve"])
def test_a_command_of_the_role_hides_none_of_the_unit_s(tmp_path, own):
    """What an earlier run has put in front is not the operator's wrapper, and what it replaced is still known."""
    unit = f"[Service]\nExecStart={own}\n"
    ours = (
        f"{HEADER} x\n[Service]\nExecStart=\nExecStart=/usr/bin/numactl --cpunodebind=0 /opt/ollama/bin/ollama serve\n"
    )
    folder = "/etc/systemd/system/ollama.service"
    files = {folder: unit, f"{folder}.d/override.conf": ours}
    root = Root(plant(tmp_path, files))
    run = host(**{"/usr/local/bin/ollama --version": "ollama version is 0.34.1"})
    wrapped = None if own.endswith("local/bin/ollama serve") else "/usr/bin/env A=b /opt/ollama/bin/ollama serve"
    for found in (read_software(root, run)["ollama"], read_software(root, None)["ollama"]):
        assert found["unit"]["wrapped_command"] == wrapped
        assert found["binary"] == own.split()[-2]


def test_a_wrapper_shows_no_secret(tmp_path):
    """A command line can hold a key, and facts are shown."""
    files = {
        "/etc/systemd/system/ollama.service": "[Service]\nExecStart=/bin/sh -c 'OLLAMA_API_KEY=abcdefghij123 x serve'"
    }
    found = read_software(Root(plant(tmp_path, files)), None)["ollama"]["unit"]["wrapped_command"]
    assert found == "/bin/sh -c OLLAMA_API_KEY=*** x serve"


def test_a_container_has_a_program_of_its_own(booted):
    """The engine is not asked for Ollama's release, and its command counts as one that is more than the program."""
    show = SHOW_252.replace("--cpunodebind=0 -- /opt/ollama/bin/ollama serve", "run x").replace("numactl", "podman")
    run = host(show=show)
    found = read_software(booted, run)["ollama"]
    assert (found["binary"], found["version"]) == (None, None)
    assert found["unit"]["wrapped_command"] == "/usr/bin/podman run x"
    assert not any("--version" in call for call in run.calls if "systemctl" not in call)
