# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes out of an archive lies below its folder and is harmless, whatever is in the archive."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import sys
import tarfile
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._install import extract, unpack
from ansible_collections.inference.ollama.plugins.module_utils._install.extract import Extraction
from ansible_collections.inference.ollama.tests.unit.support.archives import (
    LAYOUT,
    PROGRAM,
    ROCM,
    entry,
    folder,
    link,
    packed,
    release,
    second_name,
    tar,
)

NAMES = [
    "ollama-linux-amd64.tgz",
    pytest.param(
        "ollama-linux-amd64.tar.zst", marks=pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not there")
    ),
]


def extracted(tmp_path, *archives, progress=None):
    """Extract (name, bytes) into a new folder; what Extraction says of it."""
    aim = tmp_path / "release"
    aim.mkdir()
    extraction = Extraction(str(aim), progress)
    for name, data in archives:
        path = tmp_path / name
        path.write_bytes(data)
        with path.open("rb") as file:
            extraction.add(file, name)
    return extraction.finish()


def refused(tmp_path, *entries, before=LAYOUT):
    with pytest.raises(OllamaError) as error:
        extracted(tmp_path, ("a.tgz", packed(tar(*before, *entries), "a.tgz")))
    return str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_release_comes_out_as_it_is_packed(tmp_path, name):
    """Programs can be run, libraries read, links followed; nobody else may write."""
    old = os.umask(0o077)
    try:
        said = []
        done = extracted(tmp_path, (name, release(name)), progress=lambda *how: said.append(how))
    finally:
        os.umask(old)
    root = tmp_path / "release"
    assert (root / "bin/ollama").read_bytes() == PROGRAM
    assert os.readlink(root / "lib/ollama/libggml-base.so.0") == "libggml-base.so.0.0.0"
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in root.rglob("*") if not path.is_symlink()}
    assert modes == {
        "bin": 0o755,
        "lib": 0o755,
        "ollama": 0o755,
        "libggml-base.so.0.0.0": 0o644,
        "llama-server": 0o755,
    }
    assert done == (4, len(PROGRAM) + 3004 + 6)
    assert said[-1] == (name, done.bytes)
    assert all(path.lstat().st_uid == os.geteuid() for path in root.rglob("*"))


def test_archives_are_extracted_over_each_other(tmp_path):
    """The later one counts; a link of one may lead to a file of another."""
    newer = packed(tar(entry("lib/ollama/llama-server", data=b"newer"), *ROCM), "b.tgz")
    done = extracted(tmp_path, ("a.tgz", release()), ("b.tgz", newer))
    root = tmp_path / "release/lib/ollama"
    assert (root / "llama-server").read_bytes() == b"newer"
    assert (root / "rocm/base.so").read_bytes().startswith(b"\x7fELF")
    assert done == (6, len(PROGRAM) + 3004 + 5 + 3)


def test_a_bare_program_is_the_release(tmp_path):
    """As releases up to 0.3.6 have it."""
    assert extracted(tmp_path, ("ollama-linux-amd64", PROGRAM)) == (1, len(PROGRAM))
    assert os.access(tmp_path / "release/bin/ollama", os.X_OK)


def test_rights_that_would_harm_are_taken_away(tmp_path):
    """Those of setuid, setgid and of others to write."""
    extracted(tmp_path, ("a.tgz", packed(tar(*LAYOUT, entry("lib/x", data=b"x", mode=0o7777)), "a.tgz")))
    assert stat.S_IMODE((tmp_path / "release/lib/x").stat().st_mode) == 0o755


@pytest.mark.parametrize("name", ["../x", "/etc/x", "lib/../../x", "a/..", "bin/\x1b[2J", "x" * 5000])
def test_no_path_leaves_the_folder(tmp_path, name):
    """It is refused as a whole."""
    assert "is not a path below its folder; nothing of it is used" in refused(tmp_path, entry(name, data=b"x"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "entries",
    [
        [link("lib/out", "/etc")],
        [link("lib/out", "../../..")],
        [link("lib/out", "")],
        # Each of these stays inside by its text alone.
        [folder("s"), folder("1/2/3/4"), link("1/2/3/4/d", "../../../../s"), link("1/2/3/4/e", "d/../../x")],
        [link("lib/a", "b"), link("lib/b", "../.."), link("lib/c", "a/etc")],
    ],
)
def test_no_link_leaves_the_folder(tmp_path, entries):
    """Neither by itself nor through another one."""
    assert "below its folder" in (said := refused(tmp_path, *entries)) or "leaves the folder of the release" in said


def test_nothing_is_written_through_a_link(tmp_path):
    """Links are made last, so a path through one is a folder, and the link is refused."""
    (tmp_path / "outside").mkdir()
    for entries in (
        [link("lib/way", "../../outside"), entry("lib/way/x", data=b"x")],
        [entry("lib/way/x", data=b"x"), link("lib/way", "../../outside")],
    ):
        refused(tmp_path, *entries)
        assert list((tmp_path / "outside").iterdir()) == []
        shutil.rmtree(tmp_path / "release")


def test_a_second_name_is_that_of_a_file_of_the_archive(tmp_path):
    """Never one of the host, nor of a link."""
    extracted(tmp_path, ("a.tgz", packed(tar(*LAYOUT, second_name("lib/x", "./bin/ollama")), "a.tgz")))
    assert (tmp_path / "release/lib/x").samefile(tmp_path / "release/bin/ollama")
    shutil.rmtree(tmp_path / "release")
    for target in ("/etc/passwd", "../../etc/passwd", "lib/none", "lib/ollama/libggml-base.so.0", "bin"):
        said = refused(tmp_path, second_name("lib/y", target))
        assert "which is no file before it" in said or "is not a path below" in said
        shutil.rmtree(tmp_path / "release")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"])
def test_devices_and_pipes_are_refused(tmp_path, kind):
    """Nobody needs one."""
    said = refused(tmp_path, entry("lib/null", kind))
    assert "is neither a file, a folder nor a link" in said or kind == b"Z"


@pytest.mark.parametrize(
    "entries",
    [
        [entry("bin/ollama/x", data=b"x")],
        [entry("lib/ollama", data=b"x")],
        [link("lib/ollama/libx", "y"), folder("lib/ollama/libx")],
    ],
)
def test_a_file_does_not_take_the_place_of_a_folder(tmp_path, entries):
    """Nor the other way round."""
    assert "before; nothing of it is used" in refused(tmp_path, *entries)


def test_what_is_no_release_is_refused(tmp_path):
    """It has no program, or one that cannot be run."""
    assert "it has no program bin/ollama" in refused(tmp_path, folder("lib"), before=())
    shutil.rmtree(tmp_path / "release")
    assert "it has no program bin/ollama" in refused(tmp_path, entry("bin/ollama", mode=0o644), before=())
    shutil.rmtree(tmp_path / "release")
    assert "it has no program bin/ollama" in refused(tmp_path, link("bin/ollama", "/bin/sh".lstrip("/")), before=())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_damaged_is_refused(tmp_path, name):
    """Cut off, changed, or another thing altogether."""
    whole = release(name)
    for data in (whole[: len(whole) // 2], whole[:-3], b"", b"<html>" * 1000, whole[:200] + b"\0" * 99 + whole[300:]):
        with pytest.raises(OllamaError, match=r"nothing of it is used|no program"):
            extracted(tmp_path, (name, data))
        shutil.rmtree(tmp_path / "release")


def test_an_archive_that_grows_without_end_is_refused(tmp_path, monkeypatch):
    """By its bytes, by its entries, by a header, and by what follows the last entry."""
    monkeypatch.setattr(extract, "MOST_BYTES", 5000)
    assert "more than 5000 bytes" in refused(tmp_path, entry("lib/zeros", data=bytes(10_000)))
    shutil.rmtree(tmp_path / "release")
    monkeypatch.setattr(extract, "MOST_FILES", 20)
    assert "more than 20 entries" in refused(tmp_path, *(entry(f"lib/{number}") for number in range(30)))
    shutil.rmtree(tmp_path / "release")
    long_name, _data = entry("lib/" + "x" * 200)
    header = bytearray(tar((long_name, b"")))
    header[124:136] = b"%011o\0" % (1 << 30)
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 256 + sum(header[156:512]))
    with pytest.raises(OllamaError, match="too long"):
        extracted(tmp_path, ("a.tgz", packed(bytes(header) + bytes(1 << 20), "a.tgz")))
    shutil.rmtree(tmp_path / "release")
    monkeypatch.setattr(extract, "_MOST_AFTER", 1 << 20)
    with pytest.raises(OllamaError, match="more than padding"):
        extracted(tmp_path, ("a.tgz", packed(tar(*LAYOUT[:2]) + bytes(3 << 20), "a.tgz")))


def test_a_disk_that_fails_is_no_fault_of_the_archive(tmp_path):
    """Its error has a number."""
    broken = OSError(errno.EIO, "broken")
    with pytest.raises(OSError, match="broken"), patch.object(os, "write", side_effect=broken):
        extracted(tmp_path, ("ollama", PROGRAM))
    with pytest.raises(OSError, match="broken"):
        extract._read(SimpleNamespace(read=lambda _size: (each for each in ()).throw(broken)), 5)


def test_a_host_without_zstd_reads_what_to_install(tmp_path, monkeypatch):
    """Neither the program nor a module; one that others may change does not count for root."""
    monkeypatch.setattr(unpack, "find", lambda _name: None)
    monkeypatch.setattr(unpack, "_MODULES", ("no.such.module",))
    with pytest.raises(OllamaError, match="right is the package zstd of the distribution"):
        extracted(tmp_path, ("a.tar.zst", b"x"))
    monkeypatch.setattr(unpack, "find", lambda _name: "/tmp/zstd")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert unpack.program_zstd() is None


def test_a_module_of_python_reads_zstandard(tmp_path, monkeypatch):
    """As compression.zstd and zstandard do; their error is one of the archive."""

    class ZstdError(Exception):
        pass

    def broken(_size):
        raise ZstdError("bad")

    data = tar(*LAYOUT)
    for number, module in enumerate(
        (
            SimpleNamespace(ZstdFile=lambda _file, _mode: io.BytesIO(data)),
            SimpleNamespace(
                ZstdDecompressor=lambda: SimpleNamespace(stream_reader=lambda _file, **_options: io.BytesIO(data))
            ),
        )
    ):
        monkeypatch.setitem(sys.modules, "zstandard", module)
        monkeypatch.setattr(unpack, "_MODULES", ("no.such.module", "zstandard"))
        (tmp_path / str(number)).mkdir()
        assert extracted(tmp_path / str(number), ("a.tar.zst", b"x")).files == 4
    with pytest.raises(tarfile.ReadError, match="bad"):
        extract._read(SimpleNamespace(read=broken), 5)
    with pytest.raises(KeyError):
        extract._read(SimpleNamespace(read=lambda _size: {}["x"]), 5)


def test_a_program_that_goes_on_is_ended(tmp_path, monkeypatch):
    """Where what it says is of no use any more."""
    sleeper = tmp_path / "zstd"
    sleeper.write_text("#!/bin/sh\nexec yes\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(unpack, "program_zstd", lambda: str(sleeper))
    monkeypatch.setattr(unpack, "python_zstd", lambda: None)
    monkeypatch.setattr(unpack, "_MOMENT", 0.05)
    with pytest.raises(OllamaError, match="it is damaged"):
        extracted(tmp_path, ("a.tar.zst", b"x"))
