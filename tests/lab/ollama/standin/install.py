# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the stand-in where Ollama's install.sh puts Ollama: program, library folder, account, unit.

A host on which a real Ollama is installed keeps it: the tests then run against that one.
"""

from __future__ import annotations

import grp
import importlib
import os
import pwd
import shutil
import subprocess
import sys
import zipfile

BINARY = "/usr/local/bin/ollama"
RUNNER = "/usr/local/lib/ollama/llama-server"
UNIT = "/etc/systemd/system/ollama.service"
HOME = "/usr/share/ollama"
VERSION_FILE = "/etc/ollama-standin/version"


def real_one() -> str | None:
    """The path of an Ollama that is not the stand-in. A packed stand-in is a zip file, a real one is not."""
    found = shutil.which("ollama", path=os.environ.get("PATH", "") + ":/usr/local/bin:/usr/bin")
    return found if found and not zipfile.is_zipfile(found) else None


def real_runner() -> bool:
    """Whether a real llama-server lies where the stand-in's own would (real-runner.sh): a compiled program."""
    try:
        with open(RUNNER, "rb") as file:
            return file.read(4) == b"\x7fELF"
    except FileNotFoundError:
        return False


def write(path: str, data: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    scratch = f"{path}.new"
    with open(scratch, "wb") as file:
        file.write(data)
    os.chmod(scratch, mode)
    os.replace(scratch, path)  # a program that runs cannot be written to


def account() -> None:
    """The system account ollama, in the groups that may use a GPU where there are such."""
    try:
        pwd.getpwnam("ollama")
    except KeyError:
        command = ["useradd", "-r", "-s", "/bin/false", "-U", "-m", "-d", HOME, "ollama"]
        subprocess.run(command, check=True)
    for group in ("render", "video"):
        if any(known.gr_name == group for known in grp.getgrall()):
            subprocess.run(["usermod", "-a", "-G", group, "ollama"], check=True)


def fill_cache() -> None:
    """Let root compile what the service's user will run, where the host keeps compiled code (labcache.py)."""
    for module in ("server", "llama_server"):  # they import the others
        importlib.import_module(f"standin.{module}")


def install(packed: str, version: str | None) -> int:
    found = real_one()
    if found is not None:
        print(f"{found} is a real Ollama; it stays")
        return 0
    account()
    fill_cache()
    with open(packed, "rb") as file:
        program = file.read()
    with zipfile.ZipFile(packed) as archive:
        unit = archive.read("ollama.service")
    write(BINARY, program, 0o755)
    if not real_runner():
        write(RUNNER, program, 0o755)
    write(UNIT, unit, 0o644)
    if version:
        write(VERSION_FILE, version.encode() + b"\n", 0o644)
    elif os.path.exists(VERSION_FILE):
        os.unlink(VERSION_FILE)
    for command in (["enable", "--quiet", "ollama"], ["restart", "ollama"]):  # enable makes systemd read the unit
        subprocess.run(["systemctl", *command], check=True)
    print(f"installed the stand-in for Ollama{f' {version}' if version else ''}")
    return 0


def main(packed: str, arguments: list[str]) -> int:
    if os.geteuid() != 0:
        sys.stderr.write("Error: install needs root\n")
        return 1
    return install(packed, arguments[0] if arguments else None)
