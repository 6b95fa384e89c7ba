# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes of Debian 13 with Podman and Docker, an image of the stand-in for Ollama, and playbooks that run on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipapp
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests/lab"
CACHE = Path(os.environ.get("VMLAB_CACHE") or Path.home() / ".cache/vmlab")
# A folder of boxes of its own, and only version 2 of control groups, as systemd 257 wants it.
SETTINGS = {
    "VMLAB_BOXES": str(CACHE / "boxes-containers"),
    "VMLAB_SUITE": "trixie",
    "VMLAB_PACKAGES": "container-packages.txt",
    "VMLAB_ONLY_BOXES": "1",
    "VMLAB_CGROUPS": "unified",
}
NAME = "localhost/ollama:0.34.1"
# Limits that no box may raise.
LIMITS = {"ollama_limit_nofile": 16384, "ollama_oom_score_adjust": 100}


# The root of a box is an overlay already, on which no other one can lie, so that images are copied; Docker's store of
# images is containerd's, which has a digest for one that no registry has seen.
READY = """mkdir -p /etc/containers && cat >/etc/containers/storage.conf <<'X'
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
X
cat >/etc/docker/daemon.json <<'X'
{"features": {"containerd-snapshotter": true}, "storage-driver": "native"}
X
systemctl restart docker"""
ENGINES = ("podman", "docker")


class Host:
    """A box with both engines and an image for each; it is gone with close()."""

    name = "containers"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        said = self._box("up", self.name)
        self._pid = json.loads(said)["pid"]
        self.inventory = folder / "hosts.json"
        self.inventory.write_text(self._box("inventory", self.name), encoding="utf-8")
        program = folder / "ollama"
        zipapp.create_archive(LAB / "ollama", program, "/usr/bin/python3", filter=lambda path: path.suffix != ".pyc")
        self.write("/root/ollama", program.read_bytes())
        self.write("/root/image.sh", (ROOT / "tests/containers/image.sh").read_bytes())
        self.run(f"{READY}; chmod +x /root/ollama")
        make = f"sh /root/image.sh {{}} /root/ollama {NAME}"
        self.images = {engine: f"{NAME}@{self.run(make.format(engine)).strip()}" for engine in ENGINES}

    def close(self) -> None:
        """Stop the box and remove it."""
        self._box("down", self.name)

    def run(self, command: str, data: bytes = b"") -> str:
        """Return what a shell command in the box prints; it must succeed."""
        inside = ["nsenter", "-t", str(self._pid), "-m", "-p", "-u", "-i", "-n", "-C", "env", "-i", "-C", "/"]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run(
            [*inside, path, "HOME=/root", "sh", "-c", command], input=data, capture_output=True, check=False, cwd="/"
        )
        assert done.returncode == 0, f"{command}: {done.stdout.decode()} {done.stderr.decode()}"
        return done.stdout.decode()

    def write(self, path: str, data: bytes) -> None:
        """Write a file in the box."""
        self.run(f"mkdir -p $(dirname '{path}') && cat > '{path}'", data)

    def playbook(self, name: str, engine: str | None = None, *, fails: bool = False, **variables: object) -> str:
        """Return what a playbook of the collection prints, for an engine; it fails exactly where it is to."""
        deployed = {"ollama_deployment": engine, "ollama_image": self.images[engine]} if engine else {}
        said = {"ollama_hosts": self.name, **LIMITS, **deployed, **variables}
        command = ["ansible-playbook", "-i", str(self.inventory), f"inference.ollama.{name}", "-e", json.dumps(said)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(ROOT / "playbooks/ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / 'build/collections'}:{ROOT / 'build/community'}",
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
        )
        assert (done.returncode != 0) == fails, done.stdout[-6000:] + done.stderr[-2000:]
        return done.stdout

    def _box(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(LAB / "box.sh"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **SETTINGS},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
