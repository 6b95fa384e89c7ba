# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scrub a capture of everything that identifies a machine or a person.

Serial numbers, UUIDs, identifiers of containers, network addresses, users, the host's name, environment and processes
are replaced, each value by the same replacement wherever it stands, or left out; so are lines that no reader looks at.
"""

from __future__ import annotations

import re
from typing import TypeVar

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture import Capture, natural_key

LEFT_OUT = "(left out)"

Value = TypeVar("Value")

# Kubernetes writes UUIDs with underscores in the names of control groups, right behind a word.
_UUID = re.compile(r"[0-9a-fA-F]{8}([-_])(?:[0-9a-fA-F]{4}\1){3}[0-9a-fA-F]{12}(?![0-9a-fA-F])")
# Containers; a mask of CPUs has fewer different digits.
_LONG_ID = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9a-fA-F])")
_MASK_DIGITS = 4
_MAC = re.compile(r"(?<![0-9a-fA-F:])(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(?![0-9a-fA-F:])")
# One number, which KFD writes in decimal, rocm-smi and the readers in hexadecimal.
_BOARD_DECIMAL = re.compile(r"(?m)^((?:unique_id|hive_id) )([1-9][0-9]*)$")
_BOARD_HEX = re.compile(r'(?i)(GPU-(?=[0-9a-f]{16})|"Unique ID": "0x)([0-9a-f]{1,16})(?![0-9a-f])')
_SERIAL_XML = re.compile(r"(<(\w*serial\w*)>)(?!N/A)([^<]+)(?=</\2>)")
_SERIAL = re.compile(r'(?im)^([ \t"]*[\w ]*serial[\w ]*"?[ \t]*[:=][ \t]*"?)(?!N/A)([^"\s][^"\n]*)')
_PROCESS_XML = re.compile(r"(<process_name>)[^<]+")
# Who built a kernel module, and where: often the host itself.
_BUILDER = re.compile(r"\([\w.-]+@[\w.-]*\)")
_HOME = re.compile(r"(/home/)([^/\s\"']+)")
_USER = re.compile(r"(?m)^((?:User|Group)=)(\S+)$")
_SYSTEM_USERS = ("root", "ollama", "nobody", "nogroup", "daemon")
_SECRET = re.compile(r"(?i)((?:password|passwd|secret|token|api[_-]?key)[\w-]*[= ])(\S+)")
_ENVIRONMENT = re.compile(r"(?m)^(\s*(?:Environment|SetCredential(?:Encrypted)?)\s*=)(?:[^\n]*\\\n)*[^\n]+$")
# A backslash at the end stays: to the readers it joins lines.
_COMMENT = re.compile(r"(?m)^([ \t]*[#;])[^\n]*?(\\?)$")
# On s390 a part of the machine's serial number.
_IDENTIFICATION = re.compile(r"(?m)(\bidentification = )([0-9A-F]+)")
_STATUS = re.compile("/proc/(?:1|self)/status")
# Of each CPU /proc/cpuinfo repeats a kilobyte in which only decimal numbers differ.
_DECIMAL = re.compile(r"\b[0-9][0-9.]*\b")


class Scrubber:
    """Replaces identifiers, the same value always by the same replacement."""

    def __init__(self, hostname: str = "") -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        short = hostname.partition(".")[0]
        # Inside a longer word a name such as "node1" belongs to the kernel.
        pattern = rf"(?<![\w./-]){re.escape(short)}(?:\.[\w.-]*\w)?(?![\w./-])" if len(short) > 1 else "(?!)"
        self._hostname = re.compile(pattern)

    def capture(self, capture: Capture) -> Capture:
        """A capture with the same topology, UUIDs apart."""
        text = self.text
        return Capture(
            files={text(path): self._file(path, data) for path, data in _sorted(capture.files)},
            links={text(path): text(name) for path, name in _sorted(capture.links)},
            lists={text(path): tuple(text(name) for name in names) for path, names in _sorted(capture.lists)},
            present={text(path) for path in sorted(capture.present)},
            unreadable={text(path): name for path, name in _sorted(capture.unreadable)},
            programs={name: text(path) for name, path in _sorted(capture.programs)},
            runs={
                tuple(text(word) for word in argv): self._run(argv, said) for argv, said in sorted(capture.runs.items())
            },
        )

    def text(self, text: str) -> str:
        """Any text without identifiers, serial numbers, network addresses and homes."""
        if len(text) < len("/home/x"):
            return text
        text = _UUID.sub(self._uuid, text)
        text = _LONG_ID.sub(self._long_id, text)
        text = _MAC.sub(lambda match: f"02:00:00:00:00:{self._number('mac', match[0]) % 256:02x}", text)
        text = _BOARD_DECIMAL.sub(lambda match: f"{match[1]}{self._number('board', match[2])}", text)
        text = _BOARD_HEX.sub(self._board, text)
        text = _SERIAL_XML.sub(lambda match: f"{match[1]}serial-{self._number('serial', match[3])}", text)
        text = _SERIAL.sub(lambda match: f"{match[1]}serial-{self._number('serial', match[2])}", text)
        text = _PROCESS_XML.sub(rf"\1{LEFT_OUT}", text)
        text = _BUILDER.sub("(user@host)", text)
        return _HOME.sub(self._user, text)

    def _file(self, path: str, data: bytes) -> bytes:
        text = data.decode("utf-8", "surrogateescape")
        if path == "/proc/mounts":
            text = "".join(line for line in text.splitlines(keepends=True) if _is_group(line))
        elif _STATUS.fullmatch(path):
            text = "".join(line for line in text.splitlines(keepends=True) if "_allowed" in line)
        elif path == "/proc/cpuinfo":
            text = _IDENTIFICATION.sub(r"\g<1>000000", _distinct(text))
        elif "/systemd/system/" in path:
            return _encoded(self._answer(_ENVIRONMENT.sub(rf'\1"{LEFT_OUT}"', _COMMENT.sub(r"\1\2", text)), named=True))
        return _encoded(self.text(text))

    def _run(self, argv: tuple[str, ...], said: Outcome) -> Outcome:
        if said.out is None:
            return Outcome(None, self._answer(said.problem or "", named=True))
        # In the output of a vendor's tools a host named "gpu" would match too much.
        return Outcome(self._answer(said.out, named=argv[0] == "systemctl"), None)

    def _answer(self, text: str, *, named: bool) -> str:
        text = _SECRET.sub(rf"\1{LEFT_OUT}", _USER.sub(self._user, self.text(text)))
        return self._hostname.sub("host", text) if named else text

    def _number(self, kind: str, value: str) -> int:
        """1 for the first value of its kind, 2 for the second and so on."""
        known = sum(1 for other, _value in self._numbers if other == kind)
        return self._numbers.setdefault((kind, value), known + 1)

    def _uuid(self, match: re.Match[str]) -> str:
        plain = match[0].replace("_", "-").lower()
        return f"00000000-0000-4000-8000-{self._number('uuid', plain):012d}".replace("-", match[1])

    def _long_id(self, match: re.Match[str]) -> str:
        if len(set(match[0])) <= _MASK_DIGITS:
            return match[0]
        return f"{self._number('id', match[0]):0{len(match[0])}d}"

    def _board(self, match: re.Match[str]) -> str:
        number = int(match[2], 16)
        return f"{match[1]}{self._number('board', str(number)) if number else 0:0{len(match[2])}x}"

    def _user(self, match: re.Match[str]) -> str:
        known = match[2] in _SYSTEM_USERS
        return match[0] if known else f"{match[1]}user{self._number('user', match[2])}"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _sorted(entries: dict[str, Value]) -> list[tuple[str, Value]]:
    """In the order of the text, so that the first UUID in it is number 1."""
    return sorted(entries.items(), key=lambda entry: natural_key(entry[0]))


def _is_group(line: str) -> bool:
    return line.split(" ")[2:3] in (["cgroup"], ["cgroup2"], ["cpuset"])


def _distinct(text: str) -> str:
    """The blocks of /proc/cpuinfo that differ from all before them in more than decimal numbers."""
    blocks: dict[str, str] = {}
    for block in text.split("\n\n"):
        blocks.setdefault(_DECIMAL.sub("0", block.rstrip()), block)
    return "\n\n".join(blocks.values()).rstrip("\n") + "\n"
