# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why Ollama is not installed as asked: each sentence says what was found and what would be right."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._install.catalog import BASE, catalog
from ansible_collections.inference.ollama.plugins.plugin_utils._install.wanted import (
    local_paths,
    read_checksums,
    second_question,
    wanted,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.tests.unit.support.installs import BASE as ARCHIVE
from ansible_collections.inference.ollama.tests.unit.support.installs import (
    FOLDER,
    GIB,
    OPTIONS,
    PROGRAM,
    SHA256,
    by_script,
    decided,
    info,
    installed,
    source,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon


def on(machine, *vendors):
    """A topology with this architecture and cards of these vendors."""
    topology = xeon(gpus=[{"vendor": vendor} for vendor in vendors])
    return {**topology, "cpu": {**topology["cpu"], "architecture": machine}}


@pytest.mark.parametrize(
    ("release", "part", "machine", "name"),
    [
        ("0.3.6", BASE, "amd64", "ollama-linux-amd64"),
        ("0.3.7", BASE, "arm64", "ollama-linux-arm64.tgz"),
        ("0.13.5", BASE, "amd64", "ollama-linux-amd64.tgz"),
        ("0.14.0", BASE, "amd64", "ollama-linux-amd64.tar.zst"),
        ("0.5.13", "rocm", "amd64", "ollama-linux-amd64-rocm.tgz"),
        ("0.32.15", "rocm", "amd64", "ollama-linux-amd64-rocm.tar.zst"),
        ("0.32.15", "rocm", "arm64", None),
        ("0.4.2", "jetpack5", "arm64", None),
        ("0.4.3", "jetpack5", "arm64", "ollama-linux-arm64-jetpack5.tgz"),
        ("0.20.0", "jetpack6", "arm64", "ollama-linux-arm64-jetpack6.tar.zst"),
        ("0.23.0", "mlx", "amd64", None),
        ("0.23.1", "mlx", "amd64", "ollama-linux-amd64-mlx.tar.zst"),
    ],
)
def test_names_of_archives(release, part, machine, name):
    """As each release has them."""
    assert catalog().name(part, machine, parse_release(release)) == name


@pytest.mark.parametrize(
    ("release", "there"), [("0.9.3", True), ("0.9.4", False), ("0.12.9", False), ("0.12.10", True)]
)
def test_releases_with_checksums(release, there):
    """The vendor's file was missing for some time."""
    assert catalog().has_checksums(parse_release(release)) is there


@pytest.mark.parametrize(
    ("topology", "jetpack", "parts"),
    [
        (on("x86_64"), None, []),
        (on("x86_64", "nvidia", "amd"), None, ["rocm"]),
        (on("aarch64", "amd"), None, []),
        (on("aarch64", "nvidia"), 6, ["jetpack6"]),
        (on("aarch64", "nvidia"), 7, []),
    ],
)
def test_parts_follow_the_gpus(topology, jetpack, parts):
    """Where nobody names them."""
    assert list(wanted(OPTIONS, topology, info(jetpack=jetpack)).parts) == parts


REFUSED = {
    "architecture": (
        {"topology": on("riscv64")},
        "ollama_install: there are no archives for the architecture riscv64; there are some for x86_64 and aarch64",
    ),
    "too old": (
        {"release": "0.5.12"},
        "ollama_install_version: 0.5.12 is older than 0.5.13, the oldest release that can be planned for",
    ),
    "part of no release": ({"parts": ["cuda"]}, "ollama_install_parts: there is no archive cuda; allowed are rocm,"),
    "part of another machine": ({"parts": ["jetpack6"]}, "there is no archive jetpack6 for amd64, only for arm64"),
    "part of a later release": (
        {"parts": ["mlx"], "release": "0.22.0"},
        "release 0.22.0 has no archive mlx, which there is from 0.23.1 on",
    ),
    "source": ({"source": "ftp://x"}, "ollama_install_source: 'ftp://x' is neither an address nor a path"),
    "latest of a mirror": (
        {"host": info(latest="0.40.2"), "release": "latest", "source": "https://mirror.example.org/ollama"},
        "ollama_install_version: 'latest' is asked of the vendor alone",
    ),
    "latest unknown": (
        {"host": info(problems=["latest: no answer in 30 s"]), "release": "latest"},
        "could not be asked of https://github.com/ollama/ollama/releases/latest: latest: no answer in 30 s;",
    ),
    "archive missing": (
        {"host": info(sources=[source(bytes=None, sha256=None, problem="https://x: it answers 404")])},
        (f"{ARCHIVE} is not available: https://x: it answers 404; name a release that has it"),
    ),
    "file missing": (
        {"local": {ARCHIVE: {"path": None, "bytes": None, "sha256": None, "problem": "there is no such file"}}}
        | {"source": "/srv/ollama"},
        f"{ARCHIVE} is not available from /srv/ollama: there is no such file; put it there, or in v0.32.15 below it",
    ),
    "checksum missing": (
        {"host": info(sources=[source(sha256=None)])},
        f"ollama_install_checksums: nothing says what {ARCHIVE} must be like",
    ),
    "no room": (
        {"host": info(free_bytes={FOLDER: GIB})},
        (
            f"ollama_install_folder: {FOLDER} has 1.0 GiB free, and release 0.32.15 needs about 9.0 GiB, 2.0 GiB for"
            " its archives and 7.0 GiB for its files"
        ),
    ),
    "script": (
        {"host": by_script()},
        (
            f"ollama_install: the vendor's install.sh has installed an Ollama here, release 0.31.2 ({PROGRAM}: its"
            " program is beside lib/ollama). It is left alone; with ollama_install_adopt: true"
        ),
    ),
    "snap": (
        {"host": info(owner={"kind": "snap", "path": "/snap/ollama", "evidence": "x"}), "adopt": True},
        "ollama_install: snap has installed an Ollama here (/snap/ollama: x), which cannot be taken over",
    ),
    "folder as program": (
        {"host": info(program={"path": PROGRAM, "kind": "other", "target": None})},
        f"{PROGRAM} is neither a file nor a link",
    ),
    "program in our place": (
        {"host": installed(program={"path": PROGRAM, "kind": "file", "target": None})},
        f"{PROGRAM} is no link to {FOLDER}/current, so that somebody has put another program there; move it away",
    ),
    "zstd": (
        {"host": info(zstd={"program": None, "python": False}, os={"id": "void", "id_like": [], "name": "Void"})},
        "the archives of 0.32.15 are unpacked by zstd, which is not here, and how Void installs it is not known",
    ),
    "staging": ({"staging_root": "/img"}, "ollama_install: nothing can be installed with ollama_staging_root"),
    "other release": ({"version": "0.31.0"}, "ollama_version: '0.31.0' is another release than 0.32.15"),
    "other program": ({"binary_path": "/opt/x"}, f"ollama_binary_path: '/opt/x' is another program than {PROGRAM}"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    """Each alone, in one sentence."""
    arguments, sentence = REFUSED[case]
    refusals = decided(**arguments)["refusals"]
    assert len(refusals) == 1, refusals
    assert sentence in refusals[0]


@pytest.mark.parametrize(
    "options", [{"checksums": {ARCHIVE: SHA256}}, {"unverified": True}], ids=["given", "allowed in words"]
)
def test_a_release_without_checksums(options):
    """It is installed where the operator says what it must be like, or that it may be anything."""
    found = decided(info(sources=[source(sha256=None)]), release="0.12.3", **options)
    assert found["refusals"] == []
    assert "came without that file" in decided(info(sources=[source(sha256=None)]), release="0.12.3")["refusals"][0]


def test_several_things_at_once():
    """Everything that is wrong is named."""
    refusals = decided(by_script(), source="ftp://x", version="0.31.0", parts=["cuda"])["refusals"]
    assert [line.partition(":")[0] for line in refusals] == [
        "ollama_install_source",
        "ollama_install_parts",
        "ollama_version",
        "ollama_install",
    ]


def test_a_release_that_is_there_needs_no_source():
    """Nobody is asked, whatever the mirror says or the disk has."""
    host = installed(free_bytes={FOLDER: 0}, sources=[source(problem="no network")])
    asked = wanted(OPTIONS, xeon(), host)
    assert second_question(asked, {}, host) is None
    assert decided(host)["refusals"] == []


def test_addresses_of_a_mirror():
    """A folder for each release, as the vendor has it; a slash at the end makes no difference."""
    asked = wanted({**OPTIONS, "install_source": "https://mirror.example.org/ollama/"}, xeon(), info())
    question = second_question(asked, {"latest": {"url": "x"}, "folder": FOLDER}, info())
    prefix = "https://mirror.example.org/ollama/v0.32.15"
    assert question["archives"] == [{"name": ARCHIVE, "url": f"{prefix}/{ARCHIVE}"}]
    assert question["checksums"] == {"url": f"{prefix}/sha256sum.txt"}
    assert question["latest"] is None


def test_places_on_the_controller():
    """The release's own folder, the folder, and the file itself where it is named."""
    asked = wanted({**OPTIONS, "install_source": f"/srv/{ARCHIVE}"}, xeon(), info())
    assert local_paths(asked)[ARCHIVE][-1] == f"/srv/{ARCHIVE}"
    asked = wanted({**OPTIONS, "install_source": "/srv"}, xeon(), info())
    assert local_paths(asked)[ARCHIVE] == [f"/srv/v0.32.15/{ARCHIVE}", f"/srv/{ARCHIVE}"]


def test_a_file_of_checksums():
    """As sha256sum writes it, with what is no line of it left out."""
    text = f"{SHA256}  ./{ARCHIVE}\n{SHA256.upper()} *other\n{'z' * 64}  bad\n\nx\n"
    assert read_checksums(text, [ARCHIVE, "other", "bad"]) == {ARCHIVE: SHA256, "other": SHA256}
