# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the example repositories of this folder with a release of ansible-core, on files in the place of hosts.

Environment variables name what is run: INTEROP_ARTEFACT, the built collection, and INTEROP_TOOLS, a folder with a
virtual environment for each release (``2.19/bin/ansible-playbook``). The step ``interop`` of tests/run.sh makes both.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
# One socket of two: what is planned for it is known, whatever machine the tests run on.
MACHINE = HERE.parent / "unit/machines/xeon56.txt"
# The host is a folder of files, and no connection is made.
VARIABLES = """---
ansible_connection: local
ansible_python_interpreter: "{{ ansible_playbook_python }}"
ollama_version: 0.34.1
ollama_topology_root: %(folder)s/machine.txt
ollama_staging_root: "%(folder)s/hosts/{{ inventory_hostname }}"
base_folder: "%(folder)s/hosts/{{ inventory_hostname }}"
neighbour_folder: "%(folder)s/hosts/{{ inventory_hostname }}"
"""
# Where Ansible looks for variables of all hosts, by the form of the repository.
GROUP_VARS = ("inventory/group_vars", "inventories/production/group_vars", "group_vars")
WARNING = re.compile(r"\[(?:DEPRECATION )?WARNING\].*")
DROPIN = "etc/systemd/system/ollama.service.d/override.conf"


def warnings_in(output: str) -> list[str]:
    """Return the warnings of Ansible, those of what is deprecated among them."""
    return WARNING.findall(output)


class Example:
    """A copy of an example repository, with the built collection installed as its requirements file says."""

    installed: Path | None = None

    def __init__(self, name: str, release: str, folder: Path) -> None:
        self.folder = folder / name
        self.tools = Path(os.environ["INTEROP_TOOLS"]).resolve() / release / "bin"
        shutil.copytree(HERE / name, self.folder)
        shutil.copy(MACHINE, self.folder / "machine.txt")
        shutil.copy(os.environ["INTEROP_ARTEFACT"], self.folder / "inference-ollama.tar.gz")
        place = next(self.folder / path for path in GROUP_VARS if (self.folder / path).is_dir())
        (place / "all.yml").write_text(VARIABLES % {"folder": self.folder}, encoding="utf-8")
        for host in ("node1", "free1", "free2", "fatal1", "fatal2", "serial1", "serial2", "twice1", "twice2"):
            (self.folder / "hosts" / host).mkdir(parents=True)
        self.output = ""
        self.hosts: list[str] = []

    def install(self) -> None:
        """Have the collections of the requirements file beside the playbooks; the first example installs them."""
        place = self.folder / "collections/ansible_collections"
        if Example.installed is not None:
            place.symlink_to(Example.installed)
            return
        options = ("--offline", "-r", "collections/requirements.yml", "-p", "collections")
        status = self.run("ansible-galaxy", "collection", "install", *options)
        assert status == 0, self.output
        Example.installed = place

    def run(self, program: str, *arguments: str) -> int:
        """Return the exit status of a program of that release, and keep all that it printed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        done = subprocess.run(
            [self.tools / program, *arguments],
            cwd=self.folder,
            env={
                **kept,
                "PATH": f"{self.tools}:{kept['PATH']}",
                "PWD": str(self.folder),
                "ANSIBLE_NOCOLOR": "1",
                "HOME": str(self.folder),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.output = done.stdout + done.stderr
        return done.returncode

    def play(self, *arguments: str) -> int:
        """Return the exit status of ansible-playbook."""
        return self.run("ansible-playbook", *arguments)

    def read(self, host: str, path: str = DROPIN) -> str:
        """Return a file of a host; empty where there is none."""
        file = self.folder / "hosts" / host / path
        return file.read_text(encoding="utf-8") if file.is_file() else ""

    def outcome(self, path: str) -> str:
        """Return what ollama_changes says, where a playbook has kept it."""
        return json.loads((self.folder / "hosts" / path).read_text(encoding="utf-8"))["outcome"]

    def results(self) -> list[dict]:
        """Return what the callback of the repository has printed, a line for each result."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]
