# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed is read from files and answers, whatever they hold, and nothing is guessed."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._install import gather, host, owner
from ansible_collections.inference.ollama.plugins.module_utils._install.owner import Found, find_owner, release_of
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.modules import install_info
from ansible_collections.inference.ollama.tests.unit.support.downloads import (
    Files,
    hang,
    redirect,
    serving_files,
    status,
)

UNIT = "etc/systemd/system/ollama.service"
INSTALL_SH = """[Unit]
Description=Ollama Service
[Service]
ExecStart=/usr/local/bin/ollama serve
User=ollama
Group=ollama
Restart=always
RestartSec=3
Environment="PATH=/usr/local/bin:/usr/bin"
"""
OURS = "# Managed by Ansible, role inference.ollama.ollama: x\n[Service]\nExecStart=/usr/local/bin/ollama serve\n"
SUM = "a" * 64
MARKER = {
    "schema": 1,
    "version": "0.32.15",
    "archives": [{"name": "x.tgz", "sha256": SUM, "bytes": 5}],
    "files": 2,
    "bytes": 9,
}


@pytest.fixture
def machine(tmp_path):
    """Write files of a host, links as (target,); read what it has."""

    def read(files=(), run=None, **options):
        for path, text in dict(files).items():
            place = tmp_path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, tuple):
                place.symlink_to(text[0])
            else:
                place.write_text(text)
        params = {name: option.get("default") for name, option in install_info.argument_spec().items()}
        params = {**params, "root": str(tmp_path), "fetch_timeout": 5, **options}
        if run is None:
            return install_info.read(params)
        return gather.gather(Root(str(tmp_path)), run, params)

    return read


def answers(**said):
    """A runner whose programs say this; any other is missing."""

    def run(argv, *_account):
        text = said.get(argv[0].replace("-", "_"))
        return Outcome(text, None) if text is not None else Outcome(None, f"{argv[0]} is not installed")

    return run


def test_a_bare_host_has_nothing(machine):
    """And says which distribution it is."""
    found = machine({"etc/os-release": 'ID=rocky\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nNAME=\'R 9\'\n'})
    assert found["os"] == {"id": "rocky", "id_like": ["rhel", "centos", "fedora"], "version_id": "9.4", "name": "R 9"}
    nothing = ("machine", "current", "current_target", "owner", "unit", "account", "store", "jetpack", "latest")
    assert {name: found[name] for name in nothing} == dict.fromkeys(nothing)
    assert found["program"] == {"path": "/usr/local/bin/ollama", "kind": "absent", "target": None}
    assert (found["schema"], found["folder"], found["releases"], found["sources"]) == (1, "/opt/ollama", [], [])
    assert found["free_bytes"] == {"/opt/ollama": None}
    assert found["problems"] == []


def test_an_installation_of_this_collection_is_known(machine):
    """By where the program leads, and which releases are there as a whole."""
    found = machine(
        {
            "opt/ollama/releases/0.32.15/.complete": json.dumps(MARKER),
            "opt/ollama/releases/0.30.0/bin/ollama": "x",
            "opt/ollama/releases/.0.33.0.partial/bin/ollama": "x",
            "opt/ollama/releases/0.29.0": "a file",
            "opt/ollama/current": ("releases/0.32.15",),
            "usr/local/bin/ollama": ("/opt/ollama/current/bin/ollama",),
            UNIT: OURS,
        }
    )
    assert found["releases"] == [
        {"version": "0.30.0", "complete": False, "bytes": None, "archives": []},
        {"version": "0.32.15", "complete": True, "bytes": 9, "archives": MARKER["archives"]},
    ]
    assert (found["current"], found["current_target"]) == ("0.32.15", "releases/0.32.15")
    assert found["program"]["kind"] == "link"
    assert found["unit"] == {"path": f"/{UNIT}", "ours": True}
    assert found["owner"]["kind"] == "collection"


@pytest.mark.parametrize("marker", ["", "[]", "{", "[" * 5000, '{"schema": 2}', json.dumps({**MARKER, "files": -1})])
def test_a_damaged_marker_is_no_release(machine, marker):
    """It is there, and not as a whole."""
    found = machine({"opt/ollama/releases/0.32.15/.complete": marker})
    assert [each["complete"] for each in found["releases"]] == [False]


@pytest.mark.parametrize(
    "archive", [1, {}, {"name": "x", "sha256": "5", "bytes": 1}, {"name": "x", "sha256": SUM, "bytes": True}]
)
def test_a_marker_with_other_archives_is_damaged(machine, archive):
    """Whatever is in the list."""
    found = machine({"opt/ollama/releases/0.32.15/.complete": json.dumps({**MARKER, "archives": [archive]})})
    assert [each["complete"] for each in found["releases"]] == [False]


OWNERS = {
    "install.sh": ({UNIT: INSTALL_SH, "usr/local/bin/ollama": "x"}, "/usr/local/bin/ollama"),
    "unit": ({UNIT: "[Service]\nExecStart=/srv/ollama serve\n"}, f"/{UNIT}"),
    "snap": ({"snap/bin/ollama": "x", UNIT: INSTALL_SH}, "/snap/bin/ollama"),
    "homebrew": ({"home/linuxbrew/.linuxbrew/bin/ollama": "x"}, "/home/linuxbrew/.linuxbrew/bin/ollama"),
    "user_unit": (
        {"home/joe/.config/systemd/user/ollama.service": "x", "usr/bin/ollama": "x"},
        "/home/joe/.config/systemd/user/ollama.service",
    ),
    "other": ({"usr/bin/ollama": "x"}, "/usr/bin/ollama"),
    "collection": ({UNIT: OURS, "opt/ollama/current": ("releases/0.1.0",)}, f"/{UNIT}"),
}


@pytest.mark.parametrize("kind", OWNERS)
def test_whose_it_is_is_shown_by_evidence(machine, kind):
    """Each with the path that shows it."""
    files, path = OWNERS[kind]
    found = machine(files)["owner"]
    assert (found["kind"], found["path"]) == (kind, path)
    assert (UNIT if kind == "install.sh" else path) in found["evidence"]


def test_another_unit_that_starts_an_ollama_is_named(machine):
    """Whatever it is called."""
    found = machine({"etc/systemd/system/llm.service": "[Service]\nExecStart=/srv/ollama serve\n"})["owner"]
    assert (found["kind"], found["path"]) == ("unit", "/etc/systemd/system/llm.service")


PACKAGES = {
    "dpkg": (
        {"var/lib/dpkg/info/ollama-bin:amd64.list": "/.\n/usr/bin\n/usr/bin/ollama\n", "usr/bin/ollama": "x"},
        {"dpkg_query": "0.32.15-1"},
        ("ollama-bin", "0.32.15-1"),
    ),
    "dpkg that is asked": (
        {"var/lib/dpkg/info/llm.list": "", "usr/bin/ollama": "x"},
        {"dpkg_query": "llm-tools:amd64: /usr/bin/ollama\n"},
        ("llm-tools", "unknown"),
    ),
    "pacman": (
        {"var/lib/pacman/local/ollama-cuda-0.32.15-1/files": "%FILES%\nusr/bin/ollama\n", "usr/bin/ollama": "x"},
        {},
        ("ollama-cuda", "0.32.15-1"),
    ),
    "pacman that is asked": (
        {"var/lib/pacman/local/llm-1-1/files": "", "usr/bin/ollama": "x"},
        {"pacman": "llm\n"},
        ("llm", None),
    ),
    "rpm": (
        {"var/lib/rpm/rpmdb.sqlite": "", "usr/bin/ollama": "x"},
        {"rpm": "ollama 0.32.15-1.el9\n"},
        ("ollama", "0.32.15-1.el9"),
    ),
    "apk": (
        {"lib/apk/db/installed": "", "usr/bin/ollama": "x"},
        {"apk": "/usr/bin/ollama is owned by ollama-0.32.15-r0\n"},
        ("ollama", "0.32.15-r0"),
    ),
    "nix": ({"usr/local/bin/ollama": ("/nix/store/abc-ollama/bin/ollama",)}, {}, ("nix", None)),
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_named_by_its_database(machine, name):
    """With its version where the manager says it."""
    files, said, expected = PACKAGES[name]
    found = machine(files, answers(**said))["owner"]
    assert found["kind"] == "package"
    assert found["name"] == expected[0]
    assert expected[1] in ("unknown", found["version"])


@pytest.mark.parametrize("name", ["dpkg that is asked", "pacman that is asked", "rpm", "apk"])
def test_a_program_that_no_package_has_is_not_guessed(machine, name):
    """Nor where the manager fails, or says something else."""
    files = PACKAGES[name][0]
    for said in (
        {},
        {"dpkg_query": "no path found", "rpm": "file is not owned", "apk": "ERROR", "pacman": "error: No"},
    ):
        assert machine(files if not said else {}, answers(**said))["owner"]["kind"] == "other"


def test_accounts_are_read(machine):
    """Of another root from its files; damaged lines count for nothing."""
    files = {
        "etc/passwd": "x\nollama:x:999:998:Ollama:/usr/share/ollama:/bin/false\nbad:x:a:b:::\n",
        "etc/group": "render:x:105:ollama,joe\nvideo:x:44:ollama\nollama:x:998:\nbroken:x:y:\n",
    }
    found = machine(files)
    assert found["account"] == {
        "user": "ollama",
        "uid": 999,
        "gid": 998,
        "group": "ollama",
        "home": "/usr/share/ollama",
        "shell": "/bin/false",
        "groups": ["render", "video"],
    }
    assert found["groups"] == {"render": 105, "video": 44}
    assert machine(user="bad")["account"] is None


def test_accounts_of_the_running_host_are_asked_for():
    """As the C library knows them."""
    found = host.read_account(Root(), "root")
    assert (found["uid"], found["gid"], found["home"]) == (0, 0, "/root")
    assert host.read_account(Root(), "no-such-user") is None
    assert host.read_groups(Root(), ("root", "no-such-group")) == {"root": 0, "no-such-group": None}
    assert host._group_number("root") == 0
    assert host._group_name(4_000_000_000) is None


@pytest.mark.parametrize(
    ("text", "jetpack"),
    [("# R36 (release), REVISION: 4.3", 6), ("# R35 (release)", 5), ("# R32 (release)", None), ("", None)],
)
def test_the_jetpack_of_a_board_is_read(machine, text, jetpack):
    """One that Ollama has no archive for is named."""
    found = machine({"etc/nv_tegra_release": text, "etc/os-release": "ID=ubuntu"})
    assert found["jetpack"] == jetpack
    assert len(found["problems"]) == (jetpack is None)


def test_a_distribution_without_a_name_is_a_problem(machine):
    """As of a damaged file."""
    assert machine({"etc/os-release": "\0\n=5\nID=\n"})["problems"] == [
        "/etc/os-release: it has no ID, so the distribution is not known"
    ]


def test_a_store_is_measured(tmp_path, monkeypatch):
    """Each file once; where that takes too long, or a folder cannot be read, its size is not known."""
    store = tmp_path / "models"
    store.mkdir()
    (store / "a").write_bytes(b"x" * 500)
    os.link(store / "a", store / "b")
    found = host.read_store(Root(), str(store), 5)
    assert (found["there"], found["bytes"], found["problem"]) == (True, 500, None)
    assert found["free_bytes"] > 0
    assert os.path.ismount(found["mountpoint"])
    assert "takes too long" in host.read_store(Root(), str(store), -1)["problem"]
    new = host.read_store(Root(), str(store / "new/one/two"), 5)
    assert (new["there"], new["parents"]) == (False, [str(store / "new"), str(store / "new/one")])
    assert host.read_store(Root(), str(store / "a"), 5)["problem"].endswith("it is not a folder")
    assert host._size(str(store / "none"), 1e18)[1].endswith("is not known")
    assert host.read_store(Root(str(tmp_path)), "/models", 5) == {
        "path": "/models", "there": True, "parents": None, "bytes": None, "free_bytes": None, "device": None,
        "mountpoint": None, "problem": None,
    }  # fmt: skip
    monkeypatch.setattr(os, "statvfs", lambda _path: os.stat("/no/such"))
    assert host.free_bytes("/") is None


def test_files_that_go_meanwhile_do_not_count(tmp_path, monkeypatch):
    """A server may delete a model."""
    monkeypatch.setattr(os, "walk", lambda *_args, **_options: [(str(tmp_path), [], ["gone"])])
    assert host._size(str(tmp_path), 1e18) == (0, None)


def test_servers_are_asked_for_sizes_and_sums(machine, tmp_path):
    """What they do not say is null, with the reason."""
    (tmp_path / "own").write_text("12345")
    files = Files({"/x.tgz": b"123", "/sums": f"{SUM}  x.tgz\n".encode()})
    with serving_files(files) as url:
        found = machine(
            archives=[
                {"name": "x.tgz", "url": f"{url}/x.tgz", "path": None},
                {"name": "own", "url": None, "path": str(tmp_path / "own")},
                {"name": "gone", "url": f"{url}/gone", "path": None},
                {"name": "lost", "url": None, "path": str(tmp_path / "lost")},
                {"name": "none", "url": None, "path": None},
            ],
            checksums={"url": f"{url}/sums", "path": None},
        )
    assert [(each["name"], each["bytes"], each["sha256"]) for each in found["sources"]] == [
        ("x.tgz", 3, SUM),
        ("own", 5, None),
        ("gone", None, None),
        ("lost", None, None),
        ("none", None, None),
    ]
    problems = [each["problem"] for each in found["sources"]]
    assert problems[:2] == [None, None]
    assert "status 404" in problems[2]
    assert "No such file" in problems[3]
    assert "neither" in problems[4]


def test_a_server_that_hangs_or_says_too_much_is_a_problem(machine):
    """Within the time it has."""
    files = Files({"/sums": b"x" * 3_000_000})
    with serving_files(files) as url:
        files.faults = [hang(files), None]
        found = machine(
            archives=[{"name": "x", "url": f"{url}/x", "path": None}],
            checksums={"url": f"{url}/sums", "path": None},
            fetch_timeout=0.3,
        )
    assert [text[:11] for text in found["problems"]] == ["/etc/os-rel", "checksums: "]
    assert found["sources"][0]["bytes"] is None


@pytest.mark.parametrize(
    ("body", "latest"),
    [
        (b'{"tag_name": "v0.32.15"}', "0.32.15"),
        (b"0.32.15\n", "0.32.15"),
        (b"<html>", None),
        (b'{"tag_name": 5}', None),
        (b"[" * 5000, None),
        (b"\xff" * 10, None),
    ],
)
def test_the_newest_release_is_asked_for(machine, body, latest):
    """In each form that a server may have; anything else is a problem."""
    with serving_files(Files({"/latest": body})) as url:
        found = machine(latest={"url": f"{url}/latest"})
    assert found["latest"] == latest
    assert any(text.startswith("latest: ") for text in found["problems"]) == (latest is None)


def test_the_newest_release_is_where_redirects_lead(machine):
    """As on the vendor's pages."""
    files = Files({"/tag/v0.32.15": b"page"}, redirect("/tag/v0.32.15"))
    with serving_files(files) as url:
        assert machine(latest={"url": f"{url}/latest"})["latest"] == "0.32.15"
        files.faults = [status(500)]
        found = machine(latest={"url": f"{url}/latest"})
    assert found["latest"] is None
    assert "status 500" in " ".join(found["problems"])


@pytest.mark.parametrize("text", [None, "", "latest", "v", "v1", "0.32.15/../..", "v0.32.15 x"])
def test_what_is_no_release_is_none(text):
    """Whatever a server says."""
    assert release_of(text) is None


def test_nothing_of_a_host_moves_the_cursor(machine):
    """Names and links are shown with visible characters alone."""
    found = machine({"etc/os-release": "ID=x\nNAME=\x1b[2J\n", "opt/ollama/current": ("releases/\x1b[2J",)})
    assert "\x1b" not in json.dumps(found, ensure_ascii=False)
    assert found["current"] is None


def test_a_live_host_is_asked_where_its_program_is(monkeypatch):
    """The release of the program is the version of its owner where no package has another."""
    software = {"ollama": {"binary": "/srv/ollama", "version": "0.32.15", "unit": None}}
    monkeypatch.setattr(gather, "read_software", lambda *_args: software)
    monkeypatch.setattr(gather, "find_owner", lambda *_args: {"kind": "other", "version": None})
    params = {name: option.get("default") for name, option in install_info.argument_spec().items()}
    found = gather.gather(Root(), None, params)
    assert found["owner"]["version"] == "0.32.15"
    assert found["machine"]
    assert isinstance(found["zstd"]["python"], bool)


def test_a_folder_or_a_pipe_is_no_program(machine, tmp_path):
    """Its kind is other."""
    os.makedirs(tmp_path / "usr/local/bin/ollama")
    assert machine()["program"]["kind"] == "other"
    assert Root(str(tmp_path)).kind("/\0") == "absent"
    os.mkfifo(tmp_path / "pipe")
    assert Root(str(tmp_path)).kind("/pipe") == "other"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fetch_timeout": 0}, "fetch_timeout: 0 is not"),
        ({"folder": "opt"}, "folder: 'opt' is not an absolute path"),
        ({"command_timeout": -1}, "command_timeout: -1"),
        ({"root": "/no/such/folder"}, "root: '/no/such/folder' is not a folder"),
    ],
)
def test_wrong_options_are_sentences(machine, run, options, said):
    """Of the module too."""
    with pytest.raises(OllamaError, match=said):
        machine(**options)
    code, result = run(**options)
    assert code == 1
    assert result["msg"].startswith(said[:10])


def test_the_module_answers(run, tmp_path):
    """With the fact, and nothing changed."""
    code, result = run(root=str(tmp_path))
    assert (code, result["changed"], result["install"]["schema"]) == (0, False, 1)


def test_a_relative_link_leads_there_too(machine):
    """As some people write links."""
    found = machine({"usr/local/bin/ollama": ("../../../opt/ollama/current/bin/ollama",)})
    assert found["owner"]["kind"] == "collection"


def test_a_link_elsewhere_is_not_of_this_collection(tmp_path):
    """Another program of the name may be a link, too."""
    root = Root(str(tmp_path))
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/ollama").symlink_to("/opt/ollama2/bin/ollama")
    assert find_owner(root, None, Found("/opt/ollama", "/usr/bin/ollama", None, None))["kind"] == "other"
    assert owner._word(None, ["x"]) is None
    assert SimpleNamespace(**owner._row("a", None, "/b", None, "c")).evidence == "c"
