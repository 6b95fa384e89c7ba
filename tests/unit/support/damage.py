# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage to what readers read: files that are gone, unreadable, cut short or full of something else.

A machine is read from disk once; each case then reads it from memory with some files replaced.
"""

from __future__ import annotations

import errno
import os

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# What may stand where something else belongs.
GARBAGE = [
    b"",
    b"\0\0\0",
    b"-1",
    b"0",
    b"0-",
    b"0-65535",
    b"99999999999999999999",
    b"9" * 5000,
    b"ffffffff,ffffffff",
    b"0-3\n0-3",
    b"1e9",
    b"0x",
    b"\xff\xfe\x00garbage",
    "\u0663".encode(),  # a digit to Python, and not to the kernel
    b"Node 0 MemTotal: -5 kB",
    b"cgroup2 /../.. cgroup2 rw",
    b":::\n::",
    b"max",
    b"[always] [never]",
    b"container=\0flags : hypervisor",
    b"[" * 3000,
    b'{"gpus": [[]], "errors": {}, "cuda": "x", "driver": 1}',
    b"A" * 5000,
]
# What no file of the kernel and no tool prints, so that it cannot pass for another value.
MARKS = ("\x01", "\ufffd")


class Machine:
    """What a tree has, asked of the disk once."""

    def __init__(self, path):
        self.path = path
        self.known = {}

    def ask(self, question, path, answer):
        key = (question, path)
        if key not in self.known:
            try:
                self.known[key] = answer(path)
            except OSError as error:
                self.known[key] = error
        found = self.known[key]
        if isinstance(found, OSError):
            raise found
        return found


class DamagedRoot(Root):
    """A root where some paths hold other bytes or raise an error; None stands for a path that is gone."""

    def __init__(self, machine, damage=()):
        super().__init__(machine.path)
        self.machine = machine
        self.damage = dict(damage)
        self.gone = tuple(path for path, data in self.damage.items() if data is None)

    def is_gone(self, path):
        return any(path == gone or path.startswith(f"{gone}/") for gone in self.gone)

    def exists(self, path):
        return not self.is_gone(path) and (path in self.damage or self.machine.ask("exists", path, super().exists))

    def target(self, path):
        return None if self.is_gone(path) else self.machine.ask("target", path, super().target)

    def variable(self, path, name):
        return self.machine.ask(f"variable {name}", path, lambda path: super(DamagedRoot, self).variable(path, name))

    def _bytes(self, path):
        if self.is_gone(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        data = self.damage.get(path)
        if isinstance(data, OSError):
            raise data
        return self.machine.ask("bytes", path, super()._bytes) if data is None else data

    def _list(self, path):
        if self.is_gone(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        names = self.machine.ask("list", path, super()._list)
        return [name for name in names if not self.is_gone(f"{path}/{name}")]


def read_files(machine, reader):
    """The paths of files that a reader finds on an unharmed machine, with their bytes, and its answer."""
    root = DamagedRoot(machine)
    answer = reader(root)
    files = {path: found for (question, path), found in machine.known.items() if question == "bytes"}
    return {path: data for path, data in sorted(files.items()) if not isinstance(data, OSError)}, answer


def cut(chance, data):
    """The beginning of a file or an answer."""
    return data[: chance.randrange(len(data))] if data else data


def mark(chance, data):
    """A byte or two, in place of one or between two, that no list, number or name has."""
    at = chance.randrange(len(data) + 1)
    damage = chance.choice([*MARKS, "?" if b"\n" not in data else "\x01"]).encode()
    return data[:at] + damage + data[at + chance.randrange(2) :]


def file_damage(chance, data):
    """A kind of damage and what is there afterwards."""
    kind = chance.choice(["gone", "unreadable", "cut", "marked", "marked", "garbage"])
    if kind == "gone":
        return kind, None
    if kind == "unreadable":
        number = chance.choice([errno.EIO, errno.EACCES, errno.EBUSY, errno.EPERM])
        return kind, OSError(number, os.strerror(number))
    if kind == "garbage":
        return kind, chance.choice(GARBAGE)
    return kind, {"cut": cut, "marked": mark}[kind](chance, data)


def answer_damage(chance, command, output):
    """A kind of damage and the outcome of the command then."""
    kind = chance.choice(["hung", "failed", "missing", "cut", "marked", "marked", "garbage"])
    if kind == "hung":
        return kind, Outcome(None, f"{command} did not answer within 5 s and was stopped")
    if kind == "failed":
        return kind, Outcome(None, f"{command} failed with exit status 9 and said: \x1b[31mno driver")
    if kind == "missing":
        return kind, Outcome(None, f"{command.split()[0]} is not installed")
    if kind == "garbage":
        return kind, Outcome(chance.choice(GARBAGE).decode("utf-8", "replace"), None)
    if kind == "cut":
        return kind, Outcome(cut(chance, output), None)
    at = chance.randrange(len(output) + 1)
    return kind, Outcome(output[:at] + chance.choice(MARKS) + output[at + chance.randrange(2) :], None)


def leaves(value, where=""):
    """Every value in nested dictionaries and lists by its path, empty ones included."""
    if isinstance(value, dict) and value:
        return {path: leaf for key, inner in value.items() for path, leaf in leaves(inner, f"{where}.{key}").items()}
    if isinstance(value, list) and value:
        return {path: leaf for i, inner in enumerate(value) for path, leaf in leaves(inner, f"{where}[{i}]").items()}
    return {where.lstrip("."): value}
