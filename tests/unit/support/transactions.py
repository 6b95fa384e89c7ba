# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host on which the modules file_transaction and snapshot run in this process, as the role runs them."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import datetime, timezone
from types import SimpleNamespace
from unittest.mock import patch

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.modules import file_transaction, snapshot
from ansible_collections.inference.ollama.tests.unit.support.states import systemctl

HEADER = b"# Managed by Ansible, role inference.ollama.ollama: x\n"
FOREIGN = b"[Service]\nEnvironment=FOREIGN=1\n"
# Larger than what a snapshot keeps, where LARGEST is patched to it.
LARGE = 4096
PROGRAM = b"\x7fELF" + b"0123456789" * 500
KEY = b"s3cr3t-value-123"
ROOT = os.geteuid() == 0


def _module(module, arguments, *, check=False):
    """What a module of Ansible has: its arguments with defaults."""
    spec = module.argument_spec()
    params = {name: option.get("default") for name, option in spec.items()}
    if "files" in spec:
        arguments = {**arguments, "files": [{"mode": "0644", **file} for file in arguments.get("files", [])]}
    return SimpleNamespace(params={**params, **arguments}, check_mode=check)


class Clock(datetime):
    """A clock that can be set; it stands still."""

    moment = datetime(2026, 11, 26, 8, 0, 0, tzinfo=timezone.utc)

    @classmethod
    def now(cls, tz=None):
        return cls.moment.astimezone(tz)


class Host:
    """The files below a folder: a drop-in that somebody wrote, units of instances, and no secrets file yet."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.units = f"{self.folder}/etc/systemd/system"
        self.state = f"{self.folder}/var/lib/inference.ollama"
        self.dropin = f"{self.units}/ollama.service.d/override.conf"
        self.secrets = f"{self.folder}/etc/ollama/secrets.env"
        self.instance = f"{self.units}/ollama@node0.service.d/override.conf"
        self.template = f"{self.units}/ollama@.service"
        self.link = f"{self.units}/multi-user.target.wants/ollama@node0.service"
        self.kernel = f"{self.folder}/etc/tmpfiles.d/ollama.conf"
        self.releases = f"{self.folder}/opt/ollama"
        self.current = f"{self.releases}/current"
        self.program = f"{self.folder}/usr/local/bin/ollama"
        self.clear()
        self.put(f"{self.units}/ollama.service", b"[Service]\nExecStart=/usr/local/bin/ollama serve\n")
        self.put(self.dropin, FOREIGN, 0o640, (1000, 1000))
        self.put(self.instance, HEADER + b"[Service]\n")
        self.put(self.template, HEADER + b"[Service]\nExecStart=/x\n")
        os.makedirs(os.path.dirname(self.link))
        os.symlink(self.template, self.link)

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def put(self, path, data, mode=0o644, owner=None):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, mode)
        if owner and ROOT:
            os.chown(path, *owner)

    def read(self):
        """Everything below the folder as data, by path."""
        found, todo = {}, [self.folder]
        while todo:
            where = todo.pop()
            with os.scandir(where) as entries:
                for each in entries:
                    facts = each.stat(follow_symlinks=False)
                    if stat.S_ISDIR(facts.st_mode):
                        todo.append(each.path)
                        found[each.path] = ("folder", stat.S_IMODE(facts.st_mode))
                    elif stat.S_ISLNK(facts.st_mode):
                        found[each.path] = ("link", os.readlink(each.path))
                    else:
                        with open(each.path, "rb") as file:
                            data = file.read()
                        owner = (facts.st_uid, facts.st_gid)
                        found[each.path] = ("file", data, stat.S_IMODE(facts.st_mode), *owner)
        return found

    def restore(self, found):
        """Make everything as it was read."""
        self.clear()
        for path in sorted(found):
            kind, what, *more = found[path]
            if kind == "folder":
                os.mkdir(path, what)
            elif kind == "link":
                os.symlink(what, path)
            else:
                with open(path, "wb") as file:
                    file.write(what)
                os.chown(path, more[1], more[2])
                os.chmod(path, more[0])
                # By size and time a program is known again.
                os.utime(path, (0, 0))

    def managed(self):
        """The files and links outside of the folder of snapshots, without copies."""
        known = self.read().items()
        return {
            path: entry
            for path, entry in known
            if entry[0] != "folder" and not path.startswith(self.state) and not path.endswith("~")
        }

    def wanted(self, number):
        """What the role passes for a plan with this number; the fourth has no key, and the instances again."""
        plain = number % 4 == 0
        files = [
            {"path": self.dropin, "content": f"{HEADER.decode()}[Service]\nEnvironment=NUMBER={number}\n"},
            {"path": self.kernel, "content": f"{HEADER.decode()}w {number}\n"},
        ]
        absent = [self.instance, self.template, self.link, *([self.secrets] if plain else [])]
        return {
            "files": files,
            "secrets": {} if plain else {self.secrets: f"{HEADER.decode()}KEY={KEY.decode()}-{number}\n"},
            "backup": [file["path"] for file in files if not self._is_ours(file["path"])],
            "absent": absent,
            "empty_folders": [os.path.dirname(self.instance)],
            "reason": f"to {number}",
        }

    @staticmethod
    def _is_ours(path):
        try:
            with open(path, "rb") as file:
                return file.read().startswith(HEADER)
        except OSError:
            return False

    def call(self, module, *, check=False, **arguments):
        """Run a module; its result, or OllamaError."""
        folder = "state_folder" if module is file_transaction else "folder"
        given = {folder: self.state, "units_folder": self.units, **arguments}
        patched = {"runner": lambda _timeout: systemctl({}), "datetime": Clock}
        with patch.multiple(module, **patched):
            return module.run(_module(module, given, check=check))

    def write(self, number, **arguments):
        return self.call(file_transaction, **{**self.wanted(number), **arguments})

    def confirm(self, number=0, **arguments):
        return self.call(snapshot, state="confirmed", plan={"schema": 1, "number": number}, keep=3, **arguments)

    def back(self, name="unfinished", **arguments):
        return self.call(snapshot, state="restored", id=name, **arguments)

    # The runs of an operator, as the role makes them.

    def site(self, number, **run):
        """A run of the playbook site: where it fails, it takes back what it began."""
        try:
            self.write(number, **run)
            self.confirm(number, own=True, **run)
        except OllamaError:
            if self.back(own=True, **run)["changed"]:
                self.confirm(own=True, **run)
            raise

    def rollback(self, name="last", **run):
        if self.back(name, **run)["changed"]:
            self.confirm(own=True, **run)

    def undo(self, **run):
        self.rollback("unfinished", **run)

    def listed(self):
        return self.call(snapshot)

    def number(self):
        """Which plan the drop-in is of; None for one that is not the role's."""
        with open(self.dropin, "rb") as file:
            data = file.read()
        return int(data.rpartition(b"=")[2]) if data.startswith(HEADER) else None


class Installed(Host):
    """A host with a program that somebody has installed, larger than what a snapshot keeps, and releases of ours."""

    def __init__(self, folder):
        super().__init__(folder)
        self.put(self.program, PROGRAM, 0o755)
        os.utime(self.program, (0, 0))

    def wanted(self, number):
        """What the role passes to switch to the release with this number."""
        found = {} if os.path.islink(self.program) else {self.program: f"{self.program}.found"}
        return {
            "files": [
                {"path": f"{self.units}/ollama.service", "content": f"[Service]\nExecStart={self.program} serve\n"}
            ],
            "links": {self.current: f"releases/{number}", self.program: f"{self.current}/bin/ollama"},
            "kept": found,
            "install_folder": self.releases,
            "reason": f"to {number}",
        }

    def call(self, module, *, check=False, **arguments):
        """Run a module, which knows the folder of releases."""
        return super().call(module, check=check, **{"install_folder": self.releases, **arguments})
