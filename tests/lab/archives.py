# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make archives in the layout of Ollama's releases, with the stand-in as program.

    archives.py FOLDER RELEASE[=FAULT]... [--mebibytes N]

writes FOLDER/vRELEASE/ with the archives that this release has, and sha256sum.txt. The program in each says that
release, and fails as FAULT says (ollama/standin/faults.py). N is the size of the largest library, of bytes that do not
compress.
Names, eras and layout: scripts/build_linux.sh and .github/workflows/release.yaml of Ollama.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import pathlib
import random
import subprocess
import sys
import tarfile
import tempfile
import zipapp
import zipfile
from typing import NamedTuple

LAB = pathlib.Path(__file__).resolve().parent
ARCHIVE_ERA = (0, 3, 7)
ZSTD_ERA = (0, 14, 0)
JETPACK_ERA = (0, 4, 3)
LLAMA_SERVER_ERA = (0, 30, 0)
SUMS = "sha256sum.txt"


class Part(NamedTuple):
    """One archive: files by name, and links."""

    name: str
    files: dict[str, bytes]
    links: dict[str, str]
    programs: tuple[str, ...] = ()


def parse(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.partition("-")[0].split("."))


def program(release: str, fault: str = "") -> bytes:
    """The packed stand-in that says this release, whatever else the host says of it."""
    with tempfile.TemporaryDirectory() as folder:
        packed = pathlib.Path(folder, "ollama")
        zipapp.create_archive(LAB / "ollama", packed, "/usr/bin/python3", filter=lambda path: path.suffix != ".pyc")
        with zipfile.ZipFile(packed, "a") as archive:
            archive.writestr(zipfile.ZipInfo("release"), f"{release} {fault}".strip() + "\n")
        return packed.read_bytes()


def library(name: str, size: int) -> bytes:
    """Bytes that begin as a library's and do not compress; the same each time."""
    return b"\x7fELF" + random.Random(name).randbytes(size)


def parts(release: str, fault: str = "", mebibytes: int = 1) -> list[Part]:
    """The archives of a release; empty links and files stand for its many libraries."""
    era, server = parse(release), program(release, fault)
    runner = {"lib/ollama/llama-server": server} if era >= LLAMA_SERVER_ERA else {}
    cuda = "lib/ollama/cuda_v12/libggml-cuda.so"
    rocm = "lib/ollama/rocm_v7_2/libggml-hip.so" if era >= LLAMA_SERVER_ERA else "lib/ollama/rocm/libggml-hip.so"
    links = {"lib/ollama/libggml-base.so": "libggml-base.so.0", "lib/ollama/libggml-base.so.0": "libggml-base.so.0.1"}
    found = []
    for machine in ("amd64", "arm64"):
        label = f"{release} {machine}"
        files = {
            "bin/ollama": server,
            "lib/ollama/libggml-base.so.0.1": library(f"{label} base", 50_000),
            "lib/ollama/libggml-cpu.so": library(f"{label} cpu", 50_000),
            cuda: library(f"{label} cuda", mebibytes << 20),
            **runner,
        }
        found.append(Part(f"ollama-linux-{machine}", files, links, ("bin/ollama", *runner)))
    found.append(Part("ollama-linux-amd64-rocm", {rocm: library(f"{release} rocm", 100_000)}, {}))
    if era >= JETPACK_ERA:
        for number in (5, 6):
            path = f"lib/ollama/cuda_jetpack{number}/libggml-cuda.so"
            found.append(Part(f"ollama-linux-arm64-jetpack{number}", {path: library(f"{release} {path}", 50_000)}, {}))
    return found


def tar(part: Part) -> bytes:
    """The archive before it is compressed, with folders and in a fixed order."""
    buffer, folders = io.BytesIO(), set()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted([*part.files, *part.links]):
            for folder in reversed(pathlib.PurePosixPath(path).parents):
                if str(folder) not in {".", *folders}:
                    folders.add(str(folder))
                    entry = tarfile.TarInfo(f"./{folder}")
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(entry)
            entry = tarfile.TarInfo(f"./{path}")
            if path in part.links:
                entry.type, entry.linkname = tarfile.SYMTYPE, part.links[path]
                archive.addfile(entry)
            else:
                entry.size, entry.mode = len(part.files[path]), 0o755 if path in part.programs else 0o644
                archive.addfile(entry, io.BytesIO(part.files[path]))
    return buffer.getvalue()


def compress(data: bytes, command: list[str]) -> bytes:
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def archives(release: str, fault: str = "", mebibytes: int = 1) -> dict[str, bytes]:
    """The files of a release by name, without their checksums."""
    era = parse(release)
    if era < ARCHIVE_ERA:
        server = program(release, fault)
        rocm = Part("", {"rocm/libamdhip64.so": library(f"{release} rocm", 1000)}, {})
        bare = {f"ollama-linux-{machine}": server for machine in ("amd64", "arm64")}
        return {**bare, "ollama-linux-amd64-rocm.tgz": compress(tar(rocm), ["gzip", "-1", "-n"])}
    ending, command = (".tar.zst", ["zstd", "-1", "-q"]) if era >= ZSTD_ERA else (".tgz", ["gzip", "-1", "-n"])
    return {f"{part.name}{ending}": compress(tar(part), command) for part in parts(release, fault, mebibytes)}


def write(folder: str, release: str, fault: str = "", mebibytes: int = 1) -> list[str]:
    """Write the files of a release, and return their names."""
    place = os.path.join(folder, f"v{release}")
    os.makedirs(place, exist_ok=True)
    files = archives(release, fault, mebibytes)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  ./{name}\n" for name, data in sorted(files.items()))
    for name, data in {**files, SUMS: sums.encode()}.items():
        with open(os.path.join(place, name), "wb") as file:
            file.write(data)
    return sorted([*files, SUMS])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("releases", nargs="+", metavar="RELEASE[=FAULT]")
    parser.add_argument("--mebibytes", type=int, default=1)
    asked = parser.parse_args(arguments)
    for each in asked.releases:
        release, _sign, fault = each.partition("=")
        for name in write(asked.folder, release, fault, asked.mebibytes):
            sys.stdout.write(f"v{release}/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
