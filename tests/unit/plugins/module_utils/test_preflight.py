# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would make a change fail, as readers find it (module_utils/_preflight)."""

from __future__ import annotations

import os
import socket
from types import SimpleNamespace

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._preflight import places, store
from ansible_collections.inference.ollama.plugins.module_utils._preflight.listeners import listeners
from ansible_collections.inference.ollama.plugins.module_utils._preflight.managers import not_folders, other_managers
from ansible_collections.inference.ollama.plugins.module_utils._preflight.missing import absent_programs, missing
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

FOLDER = "/etc/systemd/system"


def link(root, path, target="/dev/null"):
    """A link in a tree; its path there."""
    place = root / path[1:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    return str(place)


def test_masks_of_every_kind_are_found(tmp_path):
    """The template, an instance, the slice and a drop-in; by a link or an empty file; in any of systemd's folders."""
    expected = [
        link(tmp_path, f"{FOLDER}/ollama@.service"),
        link(tmp_path, "/run/systemd/system/ollama@a.service"),
        link(tmp_path, f"{FOLDER}/ollama.slice"),
        link(tmp_path, f"{FOLDER}/ollama.service.d/override.conf"),
        link(tmp_path, "/run/systemd/system/ollama.slice.d/x.conf"),
    ]
    plant(tmp_path, {f"{FOLDER}/ollama.service.d/full.conf": "[Service]\n"})
    (tmp_path / FOLDER[1:] / "ollama.service").touch()
    link(tmp_path, f"{FOLDER}/nginx.service")
    assert sorted(places.masks(str(tmp_path))) == sorted([*expected, f"{tmp_path}{FOLDER}/ollama.service"])


def test_a_mask_that_another_file_hides_has_no_effect(tmp_path):
    """systemd reads the first folder that has the name."""
    plant(tmp_path, {f"{FOLDER}/ollama.service": "[Service]\n"})
    link(tmp_path, "/run/systemd/system/ollama.service")
    assert places.masks(str(tmp_path)) == []


def test_links_in_the_place_of_files_are_named_with_their_target(tmp_path):
    """A drop-in that is a link to a file of somebody's is not a file of ours."""
    path = link(tmp_path, "/ollama.service.d/override.conf", "/srv/git/override.conf")
    link(tmp_path, "/ollama.service.d/notes.txt", "x")
    link(tmp_path, "/ssh.service.d/override.conf", "x")
    assert places.links(str(tmp_path)) == {path: "/srv/git/override.conf"}


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    """systemd reads a folder of this name, and nothing can be written below a file."""
    (tmp_path / "ollama.service.d").write_text("[Service]\n", encoding="utf-8")
    (folder,) = places.dropin_folders(str(tmp_path))
    assert places.unwritable([folder, f"{folder}/deeper"]) == dict.fromkeys(
        [folder, f"{folder}/deeper"], f"{folder} is a file, and a folder is needed; move it away"
    )


def test_a_folder_that_is_not_there_is_judged_by_the_nearest_one(tmp_path, monkeypatch):
    """It would be made there; a read-only file system and missing rights are different reasons."""
    folder = str(tmp_path / "a/b")
    assert places.unwritable([folder]) == {}
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert places.unwritable([folder]) == {folder: f"{tmp_path} is on a file system that is mounted read-only"}
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_flag=0))
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert places.unwritable([folder])[folder].endswith("(permission denied; the run is not root's: set become: true)")


def test_a_link_to_nothing_is_no_folder(tmp_path):
    """Nothing can be made below it."""
    path = link(tmp_path, "/x", "/nowhere/at/all")
    assert places.unwritable([path]) == {path: f"{path} is a link to nothing"}


def test_who_listens_is_seen(tmp_path):
    """This process, by its own socket, on both kinds of address; other ports are not looked at."""
    with socket.socket() as one, socket.socket(socket.AF_INET6) as two:
        one.bind(("127.0.0.1", 0))
        one.listen()
        two.bind(("::1", 0))
        two.listen()
        ports = [one.getsockname()[1], two.getsockname()[1]]
        rows = listeners(ports)
    assert {(row["address"], row["port"]) for row in rows} == {("127.0.0.1", ports[0]), ("::1", ports[1])}
    assert {row["pid"] for row in rows} == {os.getpid()}
    assert all(row["program"] for row in rows)
    assert listeners([], str(tmp_path)) == listeners([1], str(tmp_path)) == []


TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 12345 1 0 100 0 0 10 0
   1: 00000000:2CAA 00000000:0000 01 00000000:00000000 00:00000000 00000000   999        0 12346 1 0 100 0 0 10 0
   2: xx:2CAA 00000000:0000 0A
"""


@pytest.mark.parametrize(
    ("group", "unit"),
    [
        ("0::/system.slice/ollama-gpu@0.service\n", "ollama-gpu@0.service"),
        ("12:cpu:/\n0::/system.slice/docker.service/x\n", "docker.service"),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/ollama.service\n",
            "user@1000.service/ollama.service",
        ),
        ("0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"),
        ("0::/\n", None),
    ],
)
def test_a_listener_is_named_by_its_unit(tmp_path, group, unit):
    """A user's own unit of the same name is not the system's."""
    root = plant(tmp_path, {"/net/tcp": TCP, "/7/cgroup": group, "/7/comm": "ollama\n", "/7/fd/.keep": ""})
    (tmp_path / "7/fd/3").symlink_to("socket:[12345]")
    assert listeners([11434], str(root)) == [
        {"address": "127.0.0.1", "port": 11434, "pid": 7, "program": "ollama", "unit": unit}
    ]


def test_other_managers_are_found_by_their_files(tmp_path):
    """snap, Homebrew, a user's unit, OpenRC and units of other names; the unit itself is none of them."""
    files = dict.fromkeys(
        [
            *(f"{FOLDER}/snap.ollama.listener.service", f"{FOLDER}/ollama.service", f"{FOLDER}/ollama-gpu@.service"),
            *("/home/ann/.config/systemd/user/ollama.service", "/etc/init.d/ollama", "/snap/bin/ollama"),
            "/home/bob/.config/systemd/user/homebrew.ollama.service",
        ],
        "x",
    )
    root = plant(tmp_path, files)
    found = {row["path"].replace(str(root), ""): row["manager"] for row in other_managers(str(root))}
    assert found == {
        f"{FOLDER}/snap.ollama.listener.service": "snap",
        f"{FOLDER}/ollama-gpu@.service": "unit",
        "/home/ann/.config/systemd/user/ollama.service": "user",
        "/home/bob/.config/systemd/user/homebrew.ollama.service": "homebrew",
        "/etc/init.d/ollama": "openrc",
        "/snap/bin/ollama": "snap",
    }


def unit(*lines):
    pairs = (line.split("=", 1) for line in lines)
    return {
        "settings": [
            {"section": "Service", "directive": name, "value": value, "file": "/u", "line": number}
            for number, (name, value) in enumerate(pairs, 1)
        ]
    }


def test_a_store_is_tried_with_the_groups_of_the_unit():
    """A folder that SupplementaryGroups= lets the service into is usable, whatever the user's own groups are."""
    calls = []

    def run(argv):
        calls.append(argv)
        return Outcome("usable\n" if "--supp-group=models" in argv else "no\n", None)

    assert store.store_problem(run, "/srv/m", "root", unit("User=root", "SupplementaryGroups=models x")) is None
    assert calls[0][:2] == ["runuser", "--user=root"]
    assert store.store_problem(run, "/srv/m", "root", unit()) == "user root cannot read, write and enter it"


def test_a_user_that_is_no_account_is_reported():
    """In words, and not as a program's command line."""

    def run(argv):
        return Outcome(None, f"{' '.join(argv)} failed with exit status 1 and said: runuser: user x does not exist")

    assert store.store_problem(run, "/srv/m", "x", unit()) == "there is no user x on this host"


def test_a_user_that_is_made_at_each_start_needs_no_account():
    """What systemd makes for it is its own; of other folders any user's rights count."""
    run = FakeSetpriv()
    dynamic = unit("DynamicUser=yes", "StateDirectory=ollama other:link")
    for path in ("/var/lib/ollama/models", "/var/lib/ollama", "/var/lib/other/x"):
        assert store.store_problem(run, path, "no-such-user", dynamic) is None
    assert run.calls == []
    problem = store.store_problem(run, "/var/lib/ollama2", "no-such-user", dynamic)
    assert problem == "the user that DynamicUser=yes makes at each start cannot read, write and enter it"
    assert run.calls[0][0] == "setpriv"


class FakeSetpriv:
    """Says no, and keeps what it was asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, argv):
        self.calls.append(argv)
        return Outcome("no\n", None)


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("ExecStart=/no/such serve", ["/no/such"]),
        ("ExecStart=@/no/such ollama serve", ["/no/such"]),
        ("ExecStart=+:/no/such", ["/no/such"]),
        ("ExecStart=!!:/no/such", ["/no/such"]),
        ('ExecStart="/no/such thing" serve', ["/no/such thing"]),
        ("ExecStart=nosuchprogram serve", ["nosuchprogram"]),
        ("ExecStartPre=/etc/passwd", ["/etc/passwd"]),
        ("ExecStartPre=/bin/sh -c exit ; /no/such ; -/no/other", ["/no/such"]),
        ("ExecStart=/bin", ["/bin"]),
        ("ExecStart=%S/no", ["/var/lib/no"]),
        ("WorkingDirectory=/no/such", ["/no/such"]),
        ("WorkingDirectory=/etc/passwd", ["/etc/passwd"]),
        ("User=nosuchuser", ["nosuchuser"]),
        ("Group=nosuchgroup", ["nosuchgroup"]),
        ("SupplementaryGroups=root nosuchgroup 0", ["nosuchgroup"]),
        ("ReadWritePaths=/no/such /etc -/no/other", ["/no/such"]),
        ("InaccessiblePaths=/no/such", ["/no/such"]),
        ("BindPaths=/no/such:/etc", ["/no/such"]),
        ("BindReadOnlyPaths=-/no/such +/no/such", []),
        ("ExecStart=-/no/such serve", []),
        ("ExecStart=|no such", []),
        ("ExecStart=sh -c exit", []),
        ("ExecStart=/bin/sh -c exit", []),
        ("ExecStart=/no/%i/such", []),
        ("ExecStop=/no/such", []),
        ("WorkingDirectory=~", []),
        ("WorkingDirectory=-/no/such", []),
        ("WorkingDirectory=%h", []),
        ("User=0", []),
        ("User=%u", []),
        ("User=root", []),
        ("Group=%i", []),
        ("Environment=/no/such", []),
    ],
)
def test_what_a_unit_names_and_the_host_lacks(line, absent):
    """By the prefixes, quotes and specifiers of systemd; where systemd does not mind, or nobody can know, nothing."""
    assert [(row["value"], row["file"], row["line"]) for row in missing(unit("Type=exec", line))] == [
        (value, "/u", 2) for value in absent
    ]


def test_what_systemd_makes_for_a_service_is_not_missing():
    """Folders of the service, users of DynamicUser=, and whatever is in a root of its own."""
    assert missing(unit("StateDirectory=no-such:x", "ReadWritePaths=/var/lib/no-such/models")) == []
    assert missing(unit("TemporaryFileSystem=/no", "ReadWritePaths=/no/such")) == []
    assert missing(unit("DynamicUser=yes", "User=nosuchuser", "Group=nosuchgroup")) == []
    assert missing(unit("ExecStart=/no/such", "RootDirectory=/")) == []
    assert missing(unit("ExecStart=nosuchprogram", "ExecSearchPath=/opt")) == []
    assert missing(None) == missing({"settings": None}) == []
    assert absent_programs(["/no/such", "/bin/sh", "auto"]) == ["/no/such"]


def test_units_that_start_the_server_under_any_name_are_found(tmp_path):
    """A unit is read for what it starts; pipes and other units are not; a file is no folder of drop-ins."""
    system = tmp_path / "etc/systemd/system"
    (system / "ollama.service.d").mkdir(parents=True)
    (system / "llm.service").write_text("[Service]\nExecStart=/bin/sh -c 'exec /opt/ollama serve'\n")
    (system / "web.service").write_text("[Service]\nExecStart=/usr/bin/web\nAfter=ollama.service\n")
    os.mkfifo(system / "pipe.service")
    (system / "ollama@.service.d").write_text("[Service]\n")
    assert other_managers(str(tmp_path)) == [{"manager": "unit", "path": f"{system}/llm.service"}]
    assert not_folders(str(tmp_path)) == [f"{system}/ollama@.service.d"]
