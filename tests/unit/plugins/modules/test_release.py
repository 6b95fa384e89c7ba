# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release is there as a whole or not at all, and those beside it stay as they are."""

from __future__ import annotations

import errno
import fcntl
import os
from unittest.mock import patch

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._install import contexts, stage, swap
from ansible_collections.inference.ollama.plugins.module_utils._install.checksums import parse
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.modules import release
from ansible_collections.inference.ollama.tests.unit.support import archives
from ansible_collections.inference.ollama.tests.unit.support.archives import ROCM, sha256
from ansible_collections.inference.ollama.tests.unit.support.downloads import Files, cut, serving_files, status

BASE, MORE = "ollama-linux-amd64.tgz", "ollama-linux-amd64-rocm.tgz"
DATA = {BASE: archives.release(BASE), MORE: archives.release(MORE, ROCM)}
SUMS = "".join(f"{sha256(data)}  ./{name}\n" for name, data in DATA.items()).encode()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def server():
    files = Files({**{f"/{name}": data for name, data in DATA.items()}, "/sha256sum.txt": SUMS})
    with serving_files(files) as url:
        files.url = url
        yield files


@pytest.fixture
def call(tmp_path, server):
    """Call the module with archives of the server."""

    def call(version="0.32.15", *names, check=False, **options):
        names = names or (BASE,)
        params = {name: option.get("default") for name, option in release.argument_spec().items()}
        asked = [{"name": name, "url": f"{server.url}/{name}", "path": None, "sha256": None} for name in names]
        defaults = {"checksums": {"url": f"{server.url}/sha256sum.txt", "path": None}, "folder": str(tmp_path / "o")}
        return release.run(
            {**params, "version": version, "archives": asked, "timeout": 5, **defaults, **options}, check_mode=check
        )

    return call


def there(tmp_path):
    return sorted(os.listdir(tmp_path / "o/releases"))


@pytest.fixture
def selinux(tmp_path, monkeypatch):
    """A host with SELinux and a stand-in of restorecon that says this; what it was called with."""

    def selinux(text, problem=None):
        (tmp_path / "enforce").write_text("1")
        monkeypatch.setattr(contexts, "ENFORCE", str(tmp_path / "enforce"))
        calls = []

        def runner(seconds):
            assert 0 < seconds < 1000

            def run(argv):
                calls.append(argv)
                return Outcome(None, problem) if problem else Outcome(text, None)

            return run

        monkeypatch.setattr(contexts, "runner", runner)
        return calls

    return selinux


def test_contexts_are_restored_where_selinux_is_on(call, selinux, tmp_path):
    """Of a release that was brought, and with its links once these lead to it; check mode asks without restoring."""
    calls, path = selinux("Relabeled /opt/ollama from a to b\n"), f"{tmp_path}/o/releases/0.32.15"
    assert call()["problems"] == []
    assert call(state="relabelled", links=["/usr/local/bin/ollama"])["changed"] is True
    call(state="relabelled", check=True)
    assert calls == [
        ["restorecon", "-R", "-i", "-v", path],
        ["restorecon", "-R", "-i", "-v", path, "/usr/local/bin/ollama"],
        ["restorecon", "-n", "-R", "-i", "-v", path],
    ]
    selinux("")
    assert call(state="relabelled")["changed"] is False


def test_contexts_that_cannot_be_restored_are_a_problem(call, selinux, tmp_path):
    """The release is there all the same; without SELinux nobody asks for the program."""
    selinux("", "restorecon is not installed")
    said = f"the SELinux contexts of {tmp_path}/o/releases/0.32.15 were not restored: restorecon is not installed"
    assert call()["problems"] == [said]
    assert call(state="relabelled")["problems"] == [said]


def test_without_selinux_no_context_is_restored(call, monkeypatch, tmp_path):
    """Whatever programs there are."""
    monkeypatch.setattr(contexts, "ENFORCE", str(tmp_path / "none"))
    said = call(state="relabelled")
    assert (said["changed"], said["problems"]) == (False, [])
    with pytest.raises(OllamaError, match="version: it is missing"):
        call(None, state="relabelled")


def test_a_release_is_brought_once(call, server, tmp_path):
    """A second call asks for nothing and changes nothing; no download stays."""
    said = call("0.32.15", BASE, MORE, progress_file=str(tmp_path / "progress"))
    path = f"{tmp_path}/o/releases/0.32.15"
    assert said["changed"] is True
    assert said["release"] == {"version": "0.32.15", "path": path, "bytes": 3054, "files": 6}
    assert said["downloaded_bytes"] == sum(map(len, DATA.values()))
    assert said["diff"]["before"] == ""
    assert said["diff"]["after"] == f"0.32.15: {BASE}, {MORE}\n"
    assert (tmp_path / "progress").read_text() == f"extracting {MORE}\n"
    assert os.listdir(tmp_path / "o/downloads") == []
    assert os.stat(path).st_mode & 0o777 == 0o755
    server.asked.clear()
    again = call("0.32.15", BASE, MORE)
    assert again["changed"] is False
    assert again["release"] == said["release"]
    assert server.asked == []
    assert again["diff"]["before"] == again["diff"]["after"]


def test_check_mode_tells_what_would_be(call, tmp_path):
    """And downloads no archive; where a checksum is missing it is refused as without it."""
    said = call(check=True)
    assert said["changed"] is True
    assert said["diff"]["after"] == f"0.32.15: {BASE}\n"
    assert not (tmp_path / "o").exists()
    with pytest.raises(OllamaError, match="has none of that name"):
        call("0.32.15", "other.tgz", check=True)
    call()
    assert call(check=True)["changed"] is False
    assert call("0.32.15", BASE, MORE, check=True)["changed"] is True


def test_what_a_killed_run_left_goes(call, tmp_path):
    """Where the release had been brought as a whole; check mode says so."""
    call()
    (tmp_path / "o/releases/.0.32.15.partial/bin").mkdir(parents=True)
    (tmp_path / f"o/downloads/{BASE}").write_text("x")
    left = [f"{tmp_path}/o/releases/.0.32.15.partial", f"{tmp_path}/o/downloads/{BASE}"]
    for check in (True, False):
        said = call(check=check)
        assert (said["changed"], said["removed"]) == (True, left)
    assert call()["changed"] is False
    (tmp_path / f"o/downloads/{BASE}").write_text("x")
    with (
        patch("os.unlink", side_effect=OSError(errno.EIO, "broken")),
        pytest.raises(OllamaError, match="cannot be rem"),
    ):
        call()


def test_other_parts_replace_a_release_at_once(call, tmp_path):
    """It may be in use: at every moment one of the two is there."""
    call()
    os.symlink("releases/0.32.15", tmp_path / "o/current")
    seen = []
    real = stage._name

    def name(*args):
        assert (tmp_path / "o/current/bin/ollama").exists()
        real(*args)
        seen.append((tmp_path / "o/current/bin/ollama").exists())

    with patch.object(stage, "_name", name):
        assert call("0.32.15", BASE, MORE)["release"]["files"] == 6
    assert seen == [True]
    assert there(tmp_path) == ["0.32.15"]
    with patch.object(stage, "exchange", return_value=False):
        assert call()["release"]["files"] == 4
    assert there(tmp_path) == ["0.32.15"]


def test_a_kernel_without_exchange_says_so(tmp_path):
    """As file systems without it do."""
    assert swap.exchange(str(tmp_path / "a"), str(tmp_path / "b")) is False
    with patch("ctypes.CDLL", side_effect=OSError):
        assert swap.exchange("/a", "/b") is False


def test_a_checksum_is_asked_for(call, server, tmp_path):
    """Without one nothing is taken, unless in words; a wrong one is refused, and nothing is left."""
    for source, why in ((None, "no file of checksums"), ({"url": f"{server.url}/none", "path": None}, "status 404")):
        with pytest.raises(OllamaError, match=f"the SHA-256 is not known .*{why}"):
            call(checksums=source)
    assert call("0.1.0", checksums=None, unverified=True)["changed"] is True
    server.files["/sha256sum.txt"] = SUMS.replace(sha256(DATA[BASE]).encode(), b"0" * 64)
    with pytest.raises(OllamaError, match=rf"its SHA-256 is {sha256(DATA[BASE])}, expected {'0' * 64}"):
        call()
    assert there(tmp_path) == ["0.1.0"]
    assert os.listdir(tmp_path / "o/downloads") == []
    own = {"name": BASE, "url": f"{server.url}/{BASE}", "path": None, "sha256": f"SHA256:{sha256(DATA[BASE]).upper()}"}
    assert call(archives=[own])["changed"] is True


def test_a_download_that_is_cut_is_kept(call, server, tmp_path):
    """The next call goes on with it."""
    server.faults = [None, cut(100), status(503)]
    with pytest.raises(OllamaError, match="100 of"):
        call(retries=1)
    assert there(tmp_path) == []
    said = call(retries=1)
    assert (said["resumed_bytes"], said["downloaded_bytes"]) == (100, len(DATA[BASE]) - 100)


def test_archives_of_the_host_stay(call, tmp_path):
    """They are read and checked."""
    (tmp_path / BASE).write_bytes(DATA[BASE])
    (tmp_path / "sums").write_bytes(SUMS)
    own = [{"name": BASE, "url": None, "path": str(tmp_path / BASE), "sha256": None}]
    sums = {"url": None, "path": str(tmp_path / "sums")}
    said = call(archives=own, checksums=sums)
    assert (said["changed"], said["downloaded_bytes"]) == (True, 0)
    assert (tmp_path / BASE).exists()
    (tmp_path / BASE).write_bytes(DATA[MORE])
    with pytest.raises(OllamaError, match=r"its SHA-256 is .* nothing of it was used"):
        call("0.1.0", archives=own, checksums=sums)
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "not a regular file")):
        with pytest.raises(OllamaError, match=f"cannot be read .*{why}"):
            call("0.1.0", archives=[{**own[0], "path": str(path)}], checksums=sums)
    with pytest.raises(OllamaError, match="cannot be read"):
        call("0.1.0", archives=own, checksums={"url": None, "path": str(tmp_path / "none")})
    assert there(tmp_path) == ["0.32.15"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"version": "v0.32.15"}, "version: 'v0.32.15' is not a release"),
        ({"version": None}, "version: it is missing"),
        ({"keep": ["../.."]}, "keep: '../..' is not a release"),
        ({"folder": "opt"}, "folder: 'opt' is not an absolute path"),
        ({"folder": "/opt/../etc"}, "is not an absolute path without"),
        ({"folder": "/"}, "folder: '/' is not"),
        ({"timeout": 0}, "timeout: 0 is not a number of seconds"),
        ({"max_duration": 1e9}, "max_duration: 1e"),
        ({"retries": -1}, "retries: -1 is not"),
        ({"archives": []}, "archives: none is named"),
        ({"archives": [{"name": "../x", "url": "http://x/x"}]}, "is not the name of a file"),
        ({"archives": [{"name": "x"}]}, "x has neither url nor path"),
        ({"archives": [{"name": "x", "url": "http://x/x", "path": "/x"}]}, "x has both url and path"),
        ({"archives": [{"name": "x", "path": "/x", "sha256": "5"}]}, "'5' is not a SHA-256"),
        ({"archives": [{"name": "x", "path": "/x", "sha256": ""}] * 2}, "x is named twice"),
    ],
)
def test_what_an_operator_types_wrongly_is_a_sentence(call, tmp_path, options, said):
    """Before anything changes."""
    if "archives" in options:
        options = {"archives": [{"sha256": None, **each} for each in options["archives"]]}
    with pytest.raises(OllamaError) as error:
        call(**{"version": "0.32.15", **options})
    assert said in str(error.value)
    assert not (tmp_path / "o").exists()


def test_a_full_disk_leaves_what_was_there(call, tmp_path):
    """Nothing of the new release, and the download that is whole."""
    call("0.1.0")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        patch("os.mkdir", side_effect=full),
        pytest.raises(OllamaError, match="no space is left"),
    ):
        call()
    with (
        patch("os.replace", side_effect=OSError(errno.EIO, "broken", "/x")),
        pytest.raises(OllamaError, match="broken"),
    ):
        call()
    assert there(tmp_path) == ["0.1.0"]
    assert call()["changed"] is True


def test_one_run_at_a_time(call, tmp_path):
    """The second one fails with a sentence, and changes nothing."""
    call("0.1.0")
    descriptor = os.open(tmp_path / "o/releases", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    for options in ({}, {"state": "pruned"}):
        with pytest.raises(OllamaError, match="another run installs or removes"):
            call(**options)
    os.close(descriptor)
    with (
        patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "no locks")),
        pytest.raises(OllamaError, match="no locks"),
    ):
        call()


def test_its_time_ends(call):
    """With a sentence, and the next run goes on."""
    with pytest.raises(OllamaError, match=r"time is over|in the time it has"):
        call(max_duration=1e-9)


def test_what_others_may_change_is_no_place(call, tmp_path, monkeypatch):
    """Nor is a folder replaced that holds other things."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(stage, "weakness", lambda path: f"{path} (owner joe)")
    with pytest.raises(OllamaError, match=r"owner joe.* can be changed by others"):
        call()
    (tmp_path / "o/releases/0.32.15").mkdir()
    (tmp_path / "o/releases/0.32.15/thesis.txt").write_text("mine")
    with pytest.raises(OllamaError, match="there is something that is no release of Ollama"):
        call()


def test_a_damaged_release_is_replaced(call, tmp_path):
    """It is known by what it holds."""
    (tmp_path / "o/releases/0.32.15/bin").mkdir(parents=True)
    assert call()["changed"] is True
    marker = tmp_path / "o/releases/0.32.15/.complete"
    for text in ("", "[]", '{"schema": 1, "version": "0.32.15", "archives": {}, "files": 1, "bytes": 1}'):
        marker.write_text(text)
        assert call(check=True)["changed"] is True
    assert call()["changed"] is True
    assert there(tmp_path) == ["0.32.15"]


def test_releases_that_nobody_keeps_go(call, tmp_path):
    """Not the one in use, and nothing that is no release."""
    for version in ("0.1.0", "0.2.0", "0.3.0", "0.4.0"):
        call(version)
    os.symlink("releases/0.3.0", tmp_path / "o/current")
    (tmp_path / "o/releases/notes").write_text("mine")
    (tmp_path / "o/releases/.0.9.0.partial/bin").mkdir(parents=True)
    (tmp_path / "o/downloads/x.tgz.partial").write_text("x")
    gone = [f"releases/{name}" for name in ("0.1.0", "0.2.0", ".0.9.0.partial")] + ["downloads/x.tgz.partial"]
    expected = {
        "changed": True,
        "removed": [f"{tmp_path}/o/{name}" for name in gone],
        "left": [f"{tmp_path}/o/releases/notes"],
    }
    for check in (True, False):
        said = call(None, state="pruned", keep=["0.4.0"], check=check)
        assert {name: said[name] for name in expected} == expected
        assert said["diff"]["after"] == f"0.3.0: {BASE}\n0.4.0: {BASE}\n"
    assert there(tmp_path) == ["0.3.0", "0.4.0", "notes"]
    assert call(None, state="pruned", keep=["0.4.0"])["changed"] is False


def test_a_release_goes_that_nobody_uses(call, tmp_path):
    """One, or all of them with their folders; what is in use is refused."""
    call("0.1.0")
    call("0.2.0")
    os.symlink("releases/0.2.0", tmp_path / "o/current")
    assert call("0.1.0", state="absent", check=True)["removed"] == [f"{tmp_path}/o/releases/0.1.0"]
    assert call("0.1.0", state="absent")["changed"] is True
    assert call("0.1.0", state="absent")["changed"] is False
    with pytest.raises(OllamaError, match="so it is in use"):
        call("0.2.0", state="absent")
    with pytest.raises(OllamaError, match="a release may be in use"):
        call(None, state="absent")
    os.unlink(tmp_path / "o/current")
    (tmp_path / "o/releases/0.9.0").write_text("mine")
    assert call("0.9.0", state="absent")["left"] == [f"{tmp_path}/o/releases/0.9.0"]
    said = call(None, state="absent")
    assert (said["changed"], said["left"]) == (True, [f"{tmp_path}/o/releases/0.9.0"])
    assert call(None, state="absent")["changed"] is False
    os.unlink(tmp_path / "o/releases/0.9.0")
    assert call(None, state="absent")["changed"] is True
    assert not (tmp_path / "o").exists()
    assert call(None, state="absent")["changed"] is False


def test_what_cannot_be_removed_is_a_sentence(call, tmp_path):
    """The path and the reason."""
    call("0.1.0")
    with patch("os.replace", side_effect=OSError(errno.EBUSY, "busy", "/x")), pytest.raises(OllamaError, match="busy"):
        call("0.1.0", state="absent")
    with (
        patch("os.listdir", side_effect=OSError(errno.EIO, "broken")),
        pytest.raises(OllamaError, match="cannot be listed"),
    ):
        call("0.1.0", state="pruned")
    assert there(tmp_path) == ["0.1.0"]


def test_checksums_are_read_in_every_form():
    """A name with two of them has none, and other lines count for nothing."""
    one, two = "a" * 64, "B" * 64
    lines = [f"\ufeff{one}  x\r", f"{one} *y", f"{one}  ./d/z", f"SHA256 (t) = {two}", f"{one}  w", f"{two}  w"]
    text = "\n".join([*lines, "nonsense", one, "9" * 9000])
    assert parse(text.encode()) == {"x": one, "y": one, "z": one, "t": two.lower()}
    assert parse(b"\xff\x00<html>") == {}


def test_a_password_of_a_mirror_is_not_shown(run, tmp_path):
    """Neither in the result nor among the arguments that Ansible shows with it."""
    mirror = {"name": "x", "url": "http://joe:s3cr%40t@127.0.0.1:1/x"}
    options = {"folder": str(tmp_path / "o"), "archives": [mirror], "retries": 0, "version": "0.1.0"}
    code, said = run(**options, unverified=True)
    assert code == 1
    assert "cannot be reached" in said["msg"]
    assert "s3cr" not in str(said)
    _code, said = run(**options, checksums={"url": "http://t0ken-alone@127.0.0.1:1/sums"})
    assert "t0ken" not in str(said)


def test_the_module_answers_as_ansible_asks(run, tmp_path):
    """By its result, or by a sentence."""
    code, said = run(state="absent", folder=str(tmp_path / "none"))
    assert (code, said["changed"]) == (0, False)
    code, said = run(version="x")
    assert (code, said["msg"][:8]) == (1, "version:")
