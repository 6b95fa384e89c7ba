# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module unit_files_info: which files it knows, and what it does without."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

testing = pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import with_own
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.modules import topology_facts, unit_files_info
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine

HEADER = "# Managed by"


@pytest.fixture
def run(capsys):
    """Run the module on a folder; its result."""

    def run(folder, **options):
        arguments = {"folder": str(folder), "header": HEADER, **options}
        with testing.patch_module_args(arguments), pytest.raises(SystemExit) as end:
            unit_files_info.main()
        assert end.value.code == 0
        return json.loads(capsys.readouterr().out)

    return run


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def test_containers_are_read_of_a_host_that_may_have_some(run, tmp_path):
    """Elsewhere nothing of it is imported, and without being asked nothing is read."""
    folder = tmp_path / "etc/systemd/system"
    write(folder / "ollama.service", b"[Service]\nExecStart=/usr/bin/ollama serve\n")
    assert run(folder, containers=True)["containers"] is None
    write(tmp_path / "etc/containers/systemd/llm.container", b"[Container]\nImage=docker.io/ollama/ollama\n")
    assert run(folder)["containers"] is None
    assert [each["unit"] for each in run(folder, containers=True)["containers"]["containers"]] == ["llm.service"]


def test_a_container_of_docker_is_the_roles_own(run, tmp_path):
    """Its folder is, and JSON has no line for a header."""
    path = write(tmp_path / "etc/inference.ollama/containers/ollama.service.json", b"{}\n")
    write(tmp_path / "etc/inference.ollama/containers/notes.txt", b"")
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    found = run(tmp_path / "etc/systemd/system")
    assert (found["files"], found["headed"]) == ([path], [path])


def test_files_with_the_header_and_links_are_listed(run, tmp_path):
    """A header in any line counts, in any encoding; copies that systemd does not read, and other folders, do not."""
    ours = write(tmp_path / "ollama@.service", b"[Unit]\n# Managed by Ansible\n")
    dropin = write(tmp_path / "ollama.service.d/override.conf", b"# Managed by Ansible\n\xff\xfe\n")
    theirs = write(tmp_path / "ollama.service.d/zz.conf", b"# Not Managed by\n")
    write(tmp_path / "ollama.service.d/override.conf.2026~", b"# Managed by Ansible\n")
    write(tmp_path / "ollama.service.d/deeper/x.conf", b"# Managed by Ansible\n")
    write(tmp_path / "default.target.wants/plain.service", b"# Managed by Ansible\n")
    link = tmp_path / "default.target.wants/ollama.service"
    link.symlink_to("/etc/systemd/system/ollama.service")
    result = run(tmp_path)
    assert result["changed"] is False
    assert result["headed"] == sorted([ours, dropin])
    assert result["files"] == sorted([ours, dropin, theirs])
    assert result["boot_links"] == [str(link)]
    assert result["problems"] == []


def test_a_folder_that_is_not_there_has_no_files(run, tmp_path):
    """A host without units, and an empty image, are no error."""
    result = run(tmp_path / "none")
    assert (result["files"], result["headed"], result["boot_links"]) == ([], [], [])


def test_a_file_that_cannot_be_read_is_named(run, tmp_path, monkeypatch):
    """Nobody knows whose it is, so it is not called ours, and the result has the reason."""
    path = write(tmp_path / "a.service", b"# Managed by Ansible\n")

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    result = run(tmp_path)
    assert (result["files"], result["headed"]) == ([path], [])
    assert result["problems"] == [f"{path}: cannot be read (Permission denied)"]


def test_digests_tell_whether_a_file_is_the_one_that_would_be_written(run, tmp_path):
    """Content and permissions; what is a link, or is not there, has none."""
    path = write(tmp_path / "ollama.service.d/override.conf", b"[Service]\n")
    Path(path).chmod(0o640)
    link = tmp_path / "ollama@.service"
    link.symlink_to(path)
    sysctl = write(tmp_path / "90-ollama.conf", b"x\n")
    digests = run(tmp_path, paths=[sysctl, str(tmp_path / "none")])["digests"]
    assert digests[path] == {"sha256": hashlib.sha256(b"[Service]\n").hexdigest(), "mode": "0640"}
    assert digests[str(link)] is None
    assert set(digests) == {path, str(link), sysctl}


def test_the_digest_of_secrets_leaves_the_host_nowhere(run, tmp_path):
    """Who has the digest of a short secret can try all; what tells the file from another one says nothing of it."""
    secrets = tmp_path / "secrets.env"
    write(secrets, b"PIN=1234\n")
    secrets.chmod(0o600)
    found = run(tmp_path, paths=[str(secrets)])["digests"][str(secrets)]
    assert (found["sha256"], found["mode"]) == (None, "0600")
    assert run(tmp_path, paths=[str(secrets)])["digests"][str(secrets)] == found
    os.utime(secrets, ns=(1, 1))
    assert run(tmp_path, paths=[str(secrets)])["digests"][str(secrets)] != found


def test_contents_are_those_of_the_units_of_ollama_alone(run, tmp_path):
    """Nobody asked for what other services hold, and nothing is returned unless it is asked for."""
    ours = write(tmp_path / "ollama@a.service.d/override.conf", b"a\xff")
    write(tmp_path / "nginx.service", b"b")
    assert run(tmp_path, contents=True)["contents"] == {ours: "a\ufffd"}
    assert run(tmp_path)["contents"] == {}


def test_files_of_slices_are_found_and_their_drop_ins_returned(run, tmp_path):
    """The servers' slice has a drop-in of the role's and may have files of somebody else's."""
    theirs = write(tmp_path / "ollama.slice", b"[Slice]\n")
    ours = write(tmp_path / "ollama.slice.d/override.conf", b"# Managed by Ansible\n[Slice]\n")
    result = run(tmp_path, contents=True)
    assert (result["files"], result["headed"]) == ([theirs, ours], [ours])
    assert result["contents"] == {ours: "# Managed by Ansible\n[Slice]\n"}


def test_the_variables_are_returned_where_they_are_there(run, tmp_path):
    """As text and among the digests, with a sentence where they cannot be read; and who has read them."""
    path = tmp_path / "variables.json"
    assert run(tmp_path, variables=str(path))["variables"] is None
    path.write_text("{}", encoding="utf-8")
    found = run(tmp_path, variables=str(path), paths=[str(path)])
    assert (found["variables"], str(path) in found["digests"], found["user_id"]) == ("{}", True, os.geteuid())
    path.unlink()
    path.mkdir()
    found = run(tmp_path, variables=str(path))
    assert found["variables"] is None
    assert str(path) in found["problems"][0]


def test_secrets_are_compared_and_not_returned(run, tmp_path):
    """A changed key, a file that others may read, one that is missing: each is different."""
    path = write(tmp_path / "secrets.env", b"KEY=hidden-77")
    Path(path).chmod(0o600)
    assert run(tmp_path, secrets={path: "KEY=hidden-77"})["different"] == []
    result = run(tmp_path, secrets={path: "KEY=hidden-78", str(tmp_path / "none"): "x", str(tmp_path): "x"})
    assert result["different"] == [path, str(tmp_path / "none"), str(tmp_path)]
    assert "hidden" not in json.dumps({**result, "invocation": None})
    Path(path).chmod(0o644)
    assert run(tmp_path, secrets={path: "KEY=hidden-77"})["different"] == [path]


def test_a_change_that_was_begun_is_reported(run, tmp_path):
    """By the mark that file_transaction leaves until the change is confirmed."""
    assert run(tmp_path, state_folder=str(tmp_path / "states"))["unfinished"] is False
    write(tmp_path / "states/pending.json", b'{"id": "20261122T081202Z", "restored": false}')
    assert run(tmp_path, state_folder=str(tmp_path / "states"))["unfinished"] is True


def test_services_that_run_are_those_that_systemd_lists(run, tmp_path, monkeypatch):
    """Where systemd does not answer, that is a problem and the list is null."""
    monkeypatch.setattr(unit_files_info.running, "active_units", lambda _run: {"ollama.service": ""})
    assert run(tmp_path, services=True)["active"] == ["ollama.service"]
    assert run(tmp_path)["active"] is None

    def silent(_run):
        raise OllamaError("no systemctl")

    monkeypatch.setattr(unit_files_info.running, "active_units", silent)
    result = run(tmp_path, services=True)
    assert (result["active"], result["problems"]) == (None, ["no systemctl"])


@pytest.mark.parametrize(
    ("host", "ports"),
    [
        ("0.0.0.0:8200", [11434, 11435, 8200, 8201]),
        ("http://[::1]:8200/", [11434, 11435, 8200, 8201]),
        ("::1", [11434, 11435, 11434, 11435]),
        ("'0.0.0.0:8200'", [11434, 11435, 8200, 8201]),
        ("https://gpu:8200/ollama", [11434, 11435, 8200, 8201]),
        ("0.0.0.0:65535", [11434, 11435, 65535]),
        ("0.0.0.0:0", [11434, 11435]),
        ("0.0.0.0:70000", [11434, 11435, 11434, 11435]),
        (None, [11434, 11435]),
    ],
)
def test_the_ports_of_an_address_that_may_be_kept_are_looked_at_too(host, ports):
    """What the plan keeps of the unit is known only after the host is read."""
    unit = {"variables": {"OLLAMA_HOST": {"value": host}}}
    assert with_own([11434, 11435], unit) == ports
    assert with_own([], unit) == []
    assert with_own([1], None) == [1]


def test_with_a_topology_the_machine_is_read_as_topology_facts_reads_it(run, tmp_path):
    """In the same call; and without it nothing of a machine is returned."""
    machine = str(Machine(sockets=2, cores=2, threads=2, nodes=2).write(tmp_path / "machine"))
    result = run(tmp_path / "units", topology={"root": machine})
    facts = topology_facts.read({"root": machine, "command_timeout": 5, "gather_subset": ["all"]})
    assert result["topology"] == json.loads(json.dumps(facts))
    assert result["captured"] is False
    assert "topology" not in run(tmp_path / "units")


@pytest.mark.parametrize("unit", [None, {"user": "ollama"}, {"user": None}])
def test_what_concerns_a_unit_is_read_where_there_is_one(unit):
    """By the topology that was read; the store is that of the unit's user."""
    asked = {"services": True, "state_folder": "/s", "store": "/m", "writes": ["/w"], "programs": ["/p"], "ports": [1]}
    found = unit_files_info._for({"software": {"ollama": {"unit": unit}}}, {**asked, "store_user": "x", "header": "h"})
    if unit is None:
        nothing = {"writes": (), "programs": (), "ports": (), "services": False, "state_folder": None, "store": None}
        assert found == {**nothing, "store_user": "x", "header": "h"}
    else:
        assert found == {**asked, "store_user": unit["user"] or "root", "header": "h"}


def test_without_rights_the_state_folder_names_become(tmp_path, monkeypatch):
    """Whoever forgot it reads what to set, in one line."""

    def unreadable(_store):
        raise OllamaError("/var/lib/x/pending.json: cannot be read (Permission denied)")

    monkeypatch.setattr(unit_files_info.Store, "pending", unreadable)
    for number, ending in ((1000, r"; the run is not root's: set become: true"), (0, r"\(Permission denied\)")):
        monkeypatch.setattr("os.geteuid", lambda number=number: number)
        with pytest.raises(OllamaError, match=f"{ending}$"):
            unit_files_info._pending(unit_files_info.Store(str(tmp_path)))


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [
        (Outcome("usable\n", None), None),
        (Outcome("no\n", None), "user ollama cannot read, write and enter it"),
        (Outcome(None, "runuser is not installed"), "runuser is not installed"),
    ],
)
def test_the_store_is_tried_as_its_user(run, tmp_path, monkeypatch, outcome, problem):
    """The problem is in words; without a store nobody is asked."""
    asked = []
    monkeypatch.setattr(unit_files_info, "runner", lambda _timeout: lambda argv: asked.append(argv) or outcome)
    assert run(tmp_path)["store_problem"] is None
    assert asked == []
    assert run(tmp_path, store="/srv/a b", store_user="ollama")["store_problem"] == problem
    assert asked[0][:2] == ["runuser", "--user=ollama"]
    assert asked[0][-1] == "/srv/a b"


def test_what_the_unit_sets_is_read_below_the_folder_of_units(run, tmp_path):
    """The root is what stands before systemd's own folder; another folder is no host's, so nothing is read."""
    unit = write(tmp_path / "usr/lib/systemd/system/ollama.service", b"[Service]\nEnvironment=OLLAMA_KEEP_ALIVE=24h\n")
    assert run(tmp_path)["found_unit"] is None
    found = run(tmp_path / "etc/systemd/system")["found_unit"]
    assert (found["path"], found["variables"]["OLLAMA_KEEP_ALIVE"]["value"]) == (unit, "24h")


def test_links_to_nothing_and_to_dev_null_are_files_of_somebody(run, tmp_path):
    """Writing in their place would lose them, so that they are listed; another device is not opened."""
    folder = tmp_path / "ollama.service.d"
    folder.mkdir()
    links = {"nothing.conf": "/nowhere", "masked.conf": "/dev/null", "device.conf": "/dev/tty"}
    for name, target in links.items():
        (folder / name).symlink_to(target)
    result = run(tmp_path)
    assert [Path(path).name for path in result["files"]] == ["masked.conf", "nothing.conf"]
    assert result["headed"] == []


@pytest.mark.parametrize(
    ("text", "ports"),
    [(":8200", [1, 8200]), ("[::1]", [1, 11434]), ("http://a", [1, 80]), ("a:1:2", [1, 11434]), (":0", [1])],
)
def test_the_port_of_the_unit_is_read_as_the_server_reads_it(text, ports):
    """So that preflight looks at who holds that one; a free one of the kernel's choice nobody holds."""
    assert with_own([1], {"variables": {"OLLAMA_HOST": {"value": text}}}) == ports


def test_folders_that_are_not_there_are_named(run, tmp_path):
    """A file in the place of one does not count."""
    file = write(tmp_path / "file", b"")
    asked = [str(tmp_path), file, f"{tmp_path}/gone"]
    assert run(tmp_path, folders=asked)["missing_folders"] == asked[1:]
    assert run(tmp_path)["missing_folders"] == []


def test_containers_of_ollama_are_files_of_units(run, tmp_path):
    """Those that Quadlet makes Ollama's units of, with their header and text, and no others."""
    folder, units = tmp_path / "etc/containers/systemd", tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    folder.mkdir(parents=True)
    for name in ("ollama.container", "ollama@a.container", "web.container", "ollama.volume"):
        (folder / name).write_text("# Managed\n[Container]\n", encoding="utf-8")
    found = run(folder=str(units), header="# Managed", contents=True)
    paths = [str(folder / "ollama.container"), str(folder / "ollama@a.container")]
    assert (found["files"], found["headed"], sorted(found["contents"])) == (paths, paths, paths)
