# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives in the layout of releases, and a mirror with faults."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import json
import subprocess
import tarfile
import threading
import zipimport
from typing import TYPE_CHECKING

import archives
import mirror
import pytest
from standin import packed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    ("release", "ending", "special"),
    [
        ("0.3.7", ".tgz", set()),
        ("0.13.5", ".tgz", {"jetpack"}),
        ("0.24.0", ".tar.zst", {"jetpack"}),
        ("0.32.15", ".tar.zst", {"jetpack", "runner"}),
    ],
)
def test_each_era_has_its_names_and_its_layout(release: str, ending: str, special: set[str]) -> None:
    """Base and ROCm archives for every era, the child from 0.30 on, links among the libraries."""
    found = archives.archives(release, mebibytes=0)
    assert {f"ollama-linux-{each}{ending}" for each in ("amd64", "arm64", "amd64-rocm")} <= set(found)
    assert (f"ollama-linux-arm64-jetpack6{ending}" in found) == ("jetpack" in special)
    data = found[f"ollama-linux-amd64{ending}"]
    command = ["zstd", "-d", "-q"] if ending == ".tar.zst" else ["gzip", "-d"]
    plain = subprocess.run(command, input=data, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        entries = {entry.name.removeprefix("./"): entry for entry in archive}
    assert entries["bin/ollama"].mode == 0o755
    assert entries["lib/ollama/libggml-base.so"].linkname == "libggml-base.so.0"
    assert ("lib/ollama/llama-server" in entries) == ("runner" in special)


def test_before_0_3_7_the_program_itself_is_what_there_is(tmp_path: Path) -> None:
    """A bare program and a checksum of every file."""
    names = archives.write(str(tmp_path), "0.3.6")
    assert "ollama-linux-amd64" in names
    sums = dict(line.split("  ./")[::-1] for line in (tmp_path / "v0.3.6/sha256sum.txt").read_text().splitlines())
    assert set(sums) == {*names} - {archives.SUMS}
    for name, digest in sums.items():
        assert hashlib.sha256((tmp_path / "v0.3.6" / name).read_bytes()).hexdigest() == digest


def test_the_program_says_the_release_that_it_was_packed_as(tmp_path: Path) -> None:
    """Its release, and the fault that it shall have; a program that is not packed for a release says neither."""
    program = tmp_path / "ollama"
    program.write_bytes(archives.program("0.32.15", "refuse"))
    assert packed.words(zipimport.zipimporter(str(program)), str(program)) == ["0.32.15", "refuse"]
    assert packed.words() == []


def test_the_child_is_looked_for_beside_the_program_behind_its_links(tmp_path: Path) -> None:
    """As Ollama does, and in the usual place where there is none."""
    (tmp_path / "1/bin").mkdir(parents=True)
    (tmp_path / "1/lib/ollama").mkdir(parents=True)
    (tmp_path / "1/bin/ollama").touch()
    (tmp_path / "ollama").symlink_to("1/bin/ollama")
    assert packed.library(str(tmp_path / "ollama"), "/usual") == "/usual"
    (tmp_path / "1/lib/ollama/llama-server").touch()
    assert packed.library(str(tmp_path / "ollama"), "/usual") == str(tmp_path / "1/lib/ollama")


@contextlib.contextmanager
def serving(folder: Path, faults: dict[str, str] | None = None) -> Iterator[http.client.HTTPConnection]:
    """A connection to a mirror of the folder."""
    (folder / "faults.json").write_text(json.dumps(faults or {}))
    with mirror.make(str(folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
        try:
            yield connection
        finally:
            connection.close()
            server.shutdown()
            thread.join()


def ask(
    connection: http.client.HTTPConnection, method: str = "GET", **headers: str
) -> tuple[int, bytes, http.client.HTTPResponse]:
    """Status, what was read of the body however it ended, and the answer."""
    connection.close()
    connection.request(method, "/archive", headers=headers)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read(), answer
    except http.client.IncompleteRead as error:
        return answer.status, error.partial, answer


DATA = bytes(range(256)) * 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "archive").write_bytes(DATA)
    return tmp_path


def test_a_mirror_without_faults_gives_the_file_and_parts_of_it(folder: Path) -> None:
    """Ranges, a HEAD without a body, 416 for what is behind the end, 404 for what is not there; and a log of them."""
    with serving(folder) as connection:
        assert ask(connection)[:2] == (200, DATA)
        assert ask(connection, Range="bytes=2000-")[:2] == (206, DATA[2000:])
        assert ask(connection, Range="bytes=9-9")[:2] == (206, DATA[9:10])
        assert ask(connection, Range="bytes=2048-")[0] == 416
        status, body, answer = ask(connection, "HEAD")
        assert (status, body, answer.headers["Content-Length"]) == (200, b"", "2048")
        connection.close()
        connection.request("GET", "/../faults")
        assert connection.getresponse().status == 404
    lines = [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()]
    assert {"method": "GET", "path": "/archive", "range": "bytes=2000-", "status": 206, "bytes": 48} in lines


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("missing", 404, b"no\n"),
        ("busy", 503, b"no\n"),
        ("checksum", 200, DATA[:-1] + b"\xfe"),
        ("cut", 200, DATA[:1024]),
        ("short", 200, DATA[:-1]),
        ("page", 200, mirror.PAGE),
        ("redirect", 302, b""),
    ],
)
def test_each_fault_is_what_its_name_says(folder: Path, fault: str, status: int, body: bytes) -> None:
    """What a client gets, by the name of the fault."""
    with serving(folder, {"archive": fault}) as connection:
        assert ask(connection)[:2] == (status, body)


def test_a_download_that_is_cut_once_goes_on_by_a_range(folder: Path) -> None:
    """The first answer ends at the half, the rest comes then."""
    with serving(folder, {"*": "cut_once"}) as connection:
        assert ask(connection)[1] == DATA[:1024]
        assert ask(connection, Range="bytes=1024-")[1] == DATA[1024:]


def test_a_server_without_ranges_begins_at_the_start(folder: Path) -> None:
    """Status 200 and all of it, which a client that resumes has to notice."""
    with serving(folder, {"archive": "no_range"}) as connection:
        assert ask(connection, Range="bytes=1024-")[:2] == (200, DATA)


def test_a_redirected_client_finds_the_file(folder: Path) -> None:
    """Where Location leads."""
    with serving(folder, {"archive": "redirect"}) as connection:
        place = ask(connection)[2].headers["Location"]
        connection.close()
        connection.request("GET", place)
        assert connection.getresponse().read() == DATA
