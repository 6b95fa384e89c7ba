# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are damaged on the disk and in their programs' answers, read, planned, and judged.

Each mutant has one change of one file, folder or answer. It fails where it raises, takes too long, takes memory, fills
a problem, or leaves a fact unknown without a word on it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.tests.unit.support import reported, tooled
from ansible_collections.inference.ollama.tests.unit.support.damage import DamagedRoot, leaves
from ansible_collections.inference.ollama.tests.unit.support.damage import Machine as Asked
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import ABSENT, FakeRunner
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine

SECONDS = 5
WAITING = 60
MEMORY = 64 << 20
LONGEST_PROBLEM = 600
RELEASE = "0.34.1"
ALL = set(SUBSETS)

# Machines of our own beside those whose programs answer.
SHAPES = {
    "desktop": {"cores": 4, "threads": 2},
    "links": {"sockets": 2, "cores": 2, "nodes": 2, "lists": False},
    "offline": {"cores": 6, "threads": 2, "offline": "3,9", "isolated": "2", "numbering": "adjacent"},
}


@dataclass(eq=False)
class Subject:
    """A host on the disk, what reads it with other answers, and what it is unharmed."""

    name: str
    folder: str
    answers: dict[str, Any]
    machine: Callable[[dict[str, Any]], tuple[Root, Any]]
    facts: dict[str, Any] = field(init=False)
    paths: list[str] = field(init=False)
    asked: list[str] = field(init=False)

    def __post_init__(self):
        self.facts = gather(*self.machine({}), ALL)
        asked = Asked(self.folder)
        gather(DamagedRoot(asked), None, ALL)
        found = {path for (question, path), got in asked.known.items() if question in {"bytes", "list"}
                 and not isinstance(got, OSError)}  # fmt: skip
        self.paths = sorted(path for path in found if os.path.lexists(self.folder + path))
        self.asked = sorted(key for key, said in self.answers.items() if isinstance(said, str))


class _Root(Root):
    def program(self, name):
        return tooled.find(name)


def subjects(folder, *, reports=False):
    """The hosts that are harmed, written below a folder; with ``reports`` those after public reports too."""
    folder = Path(folder)
    made = []
    for name in tooled.HOSTS:
        host = tooled.host(name, folder)
        made.append(Subject(name, host.folder, dict(host.answers), _of_tools(host)))
    for name, shape in SHAPES.items():
        place = Machine(**shape).write(folder / name)
        made.append(Subject(name, place, {}, lambda _other, place=place: (Root(place), None)))
    return made + [_reported(name, folder) for name in (reported.names() if reports else ())]


def _of_tools(host):
    def machine(other):
        answers = {"nvml": ABSENT, **host.answers, **other}
        return _Root(host.folder), FakeRunner(answers) if host.outputs is not None else None

    return machine


def _reported(name, folder):
    reported.read(name, folder)
    programs = json.loads((reported.folder(name) / "programs.json").read_text(encoding="utf-8"))
    place = str(folder / name)

    def machine(other):
        root = reported.ReportedRoot(place, programs)
        return root, reported.runner(root, {**programs, "answers": {**programs["answers"], **other}})

    return Subject(name, place, programs["answers"], machine)


PIECES = (b"A", b" ", b"[", b",", b"0-", b":", b"/a")
WORDS = (b"NaN", b"Infinity", b"null", b"N/A", b"max", b"")
# Contents: a name, and what becomes of the bytes.
CONTENTS = {
    "empty": lambda _chance, _data: b"",
    "cut": lambda chance, data: data[: chance.randrange(len(data) + 1)],
    "repeated": lambda chance, data: data * chance.choice([2, 3, 1000, 20_000]),
    "repeated line": lambda chance, data: _with_line(chance, data, chance.choice([2, 1000, 100_000])),
    "digits": lambda chance, data: _put(chance, data, chance.choice([b"9", b"0", b"7" * 30, b"3" * 400, b"1" * 5000])),
    "many digits": lambda _chance, _data: b"7" * 50_000_000,
    "NUL": lambda chance, data: _put(chance, data, b"\0" * chance.choice([1, 5000])),
    "not UTF-8": lambda chance, data: _put(chance, data, chance.choice([b"\xff", b"\xc3\x28", b"\xed\xa0\x80"])),
    "long line": lambda chance, data: _put(chance, data, chance.choice(PIECES) * 300_000),
    "unicode digit": lambda chance, data: _put(chance, data, chance.choice("²٣\uff11\U0001d7d7Ⅷ").encode()),
    "negative": lambda chance, data: _number(chance, data, chance.choice([b"-1", b"-99999999999999999999", b"-0"])),
    "huge": lambda chance, data: _number(
        chance, data, chance.choice([b"65536", b"70000", b"9223372036854775808", b"9" * 20, b"9" * 4400, b"1e400"])
    ),
    "CRLF": lambda _chance, data: data.replace(b"\n", b"\r\n"),
    "escapes": lambda chance, data: _put(chance, data, "\x1b[31m\u202e\x00".encode()),
    "words": lambda chance, data: _number(chance, data, chance.choice(WORDS)),
}  # fmt: skip


def _put(chance, data, piece):
    at = chance.randrange(len(data) + 1)
    return data[:at] + piece + data[at:]


def _with_line(chance, data, count):
    lines = data.splitlines(keepends=True) or [b"\n"]
    at = chance.randrange(len(lines))
    return b"".join([*lines[:at], lines[at] * count, *lines[at:]])


def _number(chance, data, other):
    """Another number in place of one of the text's."""
    runs = []
    start = None
    for at in range(len(data) + 1):
        digit = at < len(data) and 48 <= data[at] <= 57
        if digit and start is None:
            start = at
        elif not digit and start is not None:
            runs.append((start, at))
            start = None
    first, last = chance.choice(runs) if runs else (0, len(data))
    return data[:first] + other + data[last:]


def _other_kind(chance, place, kind):
    """Put something else in place of what is moved away."""
    name = os.path.basename(place)
    if kind == "folder":
        os.mkdir(place)
        Path(place, "cpu0").touch()
    elif kind == "emptied":
        os.mkdir(place)
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            folder = os.open(os.path.dirname(place), os.O_PATH)
            try:
                server.bind(f"/proc/self/fd/{folder}/{name}")
            finally:
                os.close(folder)
    elif kind == "file":
        Path(place).write_bytes(chance.choice([b"", b"0-3\n", b"x" * 5000]))
    elif kind == "link":
        target = chance.choice(["nothing", "/nowhere", name, "/etc/passwd", "/dev/zero", "/proc/self/mem"])
        os.symlink(chance.choice([target, "../" * 30 + target.lstrip("/")]), place)
    elif kind == "many names":
        os.mkdir(place)
        for number in range(66_000):
            os.mkdir(f"{place}/cpu{number}")


KINDS = ("folder", "pipe", "socket", "file", "link", "link", "removed", "strange names")


@contextmanager
def harmed(chance, subject):
    """One change on the disk, undone behind it: its name, its path, and whether the path is gone."""
    path = chance.choice(subject.paths)
    if chance.random() < 0.15:
        # A folder above a file that is read.
        path = "/".join(path.split("/")[: chance.randint(2, max(2, path.count("/")))]) or path
    place = subject.folder + path
    away = subject.folder + "/.away"
    content = os.path.isfile(place) and chance.random() < 0.7
    kind = chance.choice(list(CONTENTS)) if content else chance.choice(KINDS)
    if kind == "folder" and os.path.isdir(place):
        kind = "emptied"
    if not content and chance.random() < 0.003:
        kind = "many names"
    if kind == "strange names" and not os.path.isdir(place):
        kind = "folder"
    if kind == "strange names":
        with _strange(place):
            yield kind, path
        return
    os.rename(place, away)
    try:
        if kind in CONTENTS:
            Path(place).write_bytes(CONTENTS[kind](chance, Path(away).read_bytes()))
        elif kind != "removed":
            _other_kind(chance, place, kind)
        yield kind, path
    finally:
        if os.path.isdir(place) and not os.path.islink(place):
            shutil.rmtree(place)
        elif os.path.lexists(place):
            os.unlink(place)
        os.rename(away, place)


@contextmanager
def _strange(place):
    """More folders in a folder, whose names the kernel never gives."""
    names = [
        "cpu70000",
        "node99999",
        "²",
        "9" * 20,
        "-1",
        "cpu٣",
        "card0²",
        "0000:zz:00.0",
        "indexx",
        "x" * 255,
        b"\xff\xfe",
    ]
    made = [os.path.join(os.fsencode(place), name.encode() if isinstance(name, str) else name) for name in names]
    made = [path for path in made if not os.path.lexists(path)]
    for path in made:
        os.mkdir(path)
    try:
        yield
    finally:
        for path in made:
            os.rmdir(path)


def answer(chance, subject):
    """Another answer of one program: the kind of change, the command, and what it says."""
    command = chance.choice(subject.asked)
    kind = chance.choice([*CONTENTS, "failed"])
    if kind == "failed":
        said = chance.choice(["\x1b[31mno\ndriver " * 3, "x" * 100_000, ""])
        return kind, command, Outcome(None, f"{command} failed with exit status 9 and said: {said}")
    data = CONTENTS[kind](chance, subject.answers[command].encode())
    return kind, command, data.decode("utf-8", "replace")


class TooSlowError(BaseException):
    """The time is over."""


@contextmanager
def limited():
    """Raise where what runs within takes too much of a CPU, or waits without an end."""

    def over(number, _frame):
        raise TooSlowError(f"more than {SECONDS} s" if number == signal.SIGPROF else f"waited for {WAITING} s")

    before = {number: signal.signal(number, over) for number in (signal.SIGALRM, signal.SIGPROF)}
    # Other programs of a busy machine do not count.
    signal.setitimer(signal.ITIMER_REAL, WAITING)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _memory(key):
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return 0


def _forget_peak():
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def run(seed, hosts):
    """One mutant: its name, and what is wrong with the result, or None."""
    chance = random.Random(seed)
    subject = chance.choice(hosts)
    if subject.asked and chance.random() < 0.4:
        kind, what, said = answer(chance, subject)
        return _judged(subject, f"seed {seed}: {subject.name}: {what} {kind}", kind, {what: said})
    with harmed(chance, subject) as (kind, path):
        return _judged(subject, f"seed {seed}: {subject.name}: {path} {kind}", kind, {})


def _judged(subject, case, kind, answers):
    measured = _forget_peak()
    before, began = _memory("VmRSS"), time.process_time()
    try:
        with limited():
            facts = gather(*subject.machine(answers), ALL)
            _plan(facts)
    except TooSlowError as error:
        return case, str(error)
    except Exception:  # noqa: BLE001 whatever it is, it is what is looked for
        return case, traceback.format_exc(limit=-4)
    took, grown = time.process_time() - began, _memory("VmHWM") - before
    if took > SECONDS:
        return case, f"{took:.1f} s"
    if measured and grown > MEMORY:
        return case, f"{grown >> 20} MiB"
    longest = max(map(len, facts["problems"]), default=0)
    if longest > LONGEST_PROBLEM:
        return case, f"a problem of {longest} characters"
    unnamed = [] if kind in {"removed", "emptied"} else unnamed_holes(subject.facts, facts)
    return case, f"unnamed: {unnamed}" if unnamed else None


def _plan(facts):
    json.dumps(facts, allow_nan=False)
    for options in ({}, {"instances": "per_numa_node"}):
        with suppress(PlanError):
            make_plan(facts, options, RELEASE)


def unnamed_holes(known, found):
    """The facts that are unknown now and were known, where no problem is new."""
    if any(problem not in known["problems"] for problem in found["problems"]):
        return []
    before = leaves({key: value for key, value in known.items() if key != "problems"})
    after = leaves({key: value for key, value in found.items() if key != "problems"})
    return [
        fact
        for fact, value in after.items()
        if value is None
        and before.get(fact, fact) is not None
        and any(path == fact or path.startswith((f"{fact}.", f"{fact}[")) for path in before)
    ]
