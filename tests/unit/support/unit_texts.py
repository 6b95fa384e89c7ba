# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of every kind that people and accidents make, and how our reading of one compares with systemd's.

``generate`` is the same for one seed. ``systemd`` is what systemd-analyze and systemctl said of a unit, see answers().
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import _logical_lines
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import split_words
from ansible_collections.inference.ollama.plugins.plugin_utils._directives import KNOWN
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_lint import lint_unit

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Service

FOLDER = "/run/systemd/system"
_WORDS = (
    "A=1",
    "B=two",
    "OLLAMA_HOST=127.0.0.1:11434",
    "OLLAMA_MODELS=/srv/m",
    "C=",
    "=x",
    "D",
    "1E=5",
    "F=a=b",
    "G=%h",
    "H=%%",
    "I=%i",
    "J=%n.%p",
    "K=%Z",
    "L=100%",
    r"M=\x41",
    r"N=\n",
    r"O=\q",
    r"P=\\",
    "Q=$HOME",
    "R=${X}",
    "S=;",
    "T=#x",
    "U=ä",
    r"V=\u00e4",
    r"W=\101",
    r"X=\x",
    "A_B=1",
    "A.B=1",
    "a-b=1",
    "Y=*",
    "Z=~",
    "OLLAMA_DEBUG=1",
    "A=2",
    "B=",
)
_QUOTED = (
    '"{}"',
    "'{}'",
    '"{} and more"',
    "'{} x'",
    "{}",
    "{}",
    "{}",
    '{}"',
    '"{}',
    "x'{}'",
    '"{}"y',
    '"{}" "{}"',
    r"\"{}\"",
)
_JOINS = (
    " ",
    "  ",
    "\t",
    " \\\n",
    " \\\n  ",
    "\\\n",
    " \\\n# a comment\n",
    " \\\n; another\n ",
    " ; ",
    ", ",
    " # ",
    "\\ ",
)
_PREFIXES = ("", "", "", "-", "@", ":", "+", "!", "!!", "-:", ":-", "--", "+!", "@-", " - ", "~")
_PROGRAMS = (
    "/bin/true",
    "true",
    "/bin/echo",
    '"/bin/echo"',
    "./x",
    "bin/x",
    "/bin/",
    "%h/x",
    "/%Z",
    "",
    "$X",
    "'/bin/ec'ho",
)
_ARGUMENTS = (
    "serve",
    "a b",
    '"a b"',
    "'c d'",
    "%%",
    "%n",
    "%i",
    "%Z",
    "$A",
    "${A}",
    ";",
    r"\;",
    "; /bin/false",
    '"',
    r"\x41",
    r"\q",
    "#",
    "é",
    r"\\",
    "--port=1",
    "",
    'a"b c"d',
    "%",
    r"\t",
    "*",
)
_VALUES = (
    "yes",
    "no",
    "true",
    "Yes",
    "on",
    "maybe",
    "1",
    "0",
    "-1",
    "5",
    "+5",
    "0x10",
    "1.5",
    "48G",
    "48 GB",
    "1G 5M",
    "infinity",
    "unlimited",
    "50%",
    "400%",
    "150.55%",
    "0-7",
    "0-7;16-23",
    "0,2 4-5",
    "7-0",
    "numa",
    "all",
    "/srv",
    "srv",
    "-/srv",
    "+/srv",
    '"/srv"',
    "/srv /mnt",
    "/a/../b",
    "~",
    "%h/x",
    "%i",
    "%Z",
    "a b",
    "x:y",
    "/x:/y",
    "/x:/y:ro",
    "10s",
    "10 s",
    "1h30m",
    "3secs",
    "SIGTERM",
    "sigterm",
    "15",
    "a.service",
    "a.slice",
    "ollama",
    "ollama:ollama",
    "1000",
    "0755",
    "always",
    "Always",
    "simple",
    "strict",
    "bind",
    "idle",
    "none",
    "AF_INET AF_UNIX",
    "@system-service",
    "read",
    "char-nvidia rw",
    "/dev/null rw",
    "any",
    "10.0.0.0/8",
    "-1000",
    "-2000",
    "19",
    "-21",
    "10001",
    "tcp:80",
    "user net",
    "cpu memory",
    "",
    "",
    "# x",
    "5 # x",
)
_NOISE = (
    "lost words",
    "=x",
    "[Servce]",
    "[Unit]",
    "[Service]",
    "[Install]",
    "[X-Own]",
    "[Service",
    "[]",
    "# comment",
    "; comment",
    "",
    "   ",
    "Foo=bar",
    "X-Foo=bar",
    "OLLAMA_MODELS=/x",
    "nice=1",
    "Nice =5",
    " Nice= 5 ",
    "After=network.target",
    "Environment",
    "Nice=5 \\",
    "Nice=\\\n5",
    "\t# x",
    "[Service] ",
    "Nice==5",
    "Restart=always;",
    "\\",
    "é=1",
    "ExecStart",
    "[Service]#x",
)
# Those whose effect depends on the machine, or on other lines of the unit.
_NOT_ALONE = frozenset({"command", "environment", "free", "gone", "urls"})
_SKIPPED = frozenset(
    {"Type", "BusName", "RootDirectory", "RootImage", "PAMName", "Sockets", "Slice", "JoinsNamespaceOf"}
)
_NAMES = [
    (section, name)
    for section, known in KNOWN.items()
    for name, directive in sorted(known.items())
    if section != "Install" and directive.since == 252 and directive.grammar not in _NOT_ALONE and name not in _SKIPPED
]
_MESSAGE = re.compile(r"^(?:\S*/)?(?P<unit>[\w@-]+\.service):(?P<line>\d+): (?P<text>.*)$")
_REFUSED = re.compile(r"^Unit (?P<unit>[\w@-]+\.service) (?:has a bad unit file setting|failed to load properly)")
# Of a line that has an effect as it is, or of a section whose lines are counted one by one.
_REMARKS = (
    "Unknown section",
    "obsolete",
    "Unit uses ",
    "Ignoring unknown escape",
    "Accepting user/group",
    "is below legacy directory",
)


def generate(seed: int, count: int) -> dict[str, str]:
    """Names and texts of so many units, of about ten lines each."""
    chance = random.Random(seed)
    return {f"gen{number}.service": _unit(chance) for number in range(count)}


def _unit(chance: random.Random) -> str:
    lines = ["[Unit]", "Description=x", "[Service]", "ExecStart=/bin/true"]
    kinds = (_environment, _environment, _directive, _directive, _directive, _noise)
    lines += [chance.choice(kinds)(chance) for _each in range(chance.randint(1, 7))]
    if chance.random() < 0.3:
        lines += ["ExecStart=", f"ExecStart={_command(chance)}"]
    return "\n".join(lines) + ("\n" if chance.random() < 0.9 else "")


def _environment(chance: random.Random) -> str:
    words = [chance.choice(_QUOTED).replace("{}", chance.choice(_WORDS)) for _each in range(chance.randint(0, 4))]
    text = "".join(word + chance.choice(_JOINS) for word in words)
    return f"Environment{chance.choice(('=', '=', ' = '))}{text.rstrip() if chance.random() < 0.8 else text}"


def _command(chance: random.Random) -> str:
    words = [chance.choice(_ARGUMENTS) for _each in range(chance.randint(0, 4))]
    return chance.choice(_PREFIXES) + " ".join([chance.choice(_PROGRAMS), *words])


def _directive(chance: random.Random) -> str:
    section, name = chance.choice(_NAMES)
    value = chance.choice(_VALUES)
    return f"{name}={value}" if section == "Service" else f"[Unit]\n{name}={value}\n[Service]"


def _noise(chance: random.Random) -> str:
    return chance.choice(_NOISE)


def answers(verified: str, shown: str) -> dict[str, dict]:
    """By unit: the lines that systemd-analyze passed over, whether it refused the unit, and what systemctl shows."""
    found: dict[str, dict] = {}
    for line in verified.splitlines():
        match = _MESSAGE.match(line)
        if match and not any(remark in match["text"] for remark in _REMARKS):
            found.setdefault(match["unit"], {}).setdefault("lines", []).append(int(match["line"]))
        match = _REFUSED.match(line)
        if match:
            found.setdefault(match["unit"], {})["refused"] = True
    for block in shown.strip().split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in fields:
            found.setdefault(fields["Id"], {})["shown"] = fields
    return found


def differences(name: str, text: str, systemd: dict) -> list[str]:
    """What our reading of a unit says otherwise than systemd: whether it loads, its lines, its variables."""
    service = read_service([(f"{FOLDER}/{name}", text)])
    found = [each for each in lint_unit(service, None) if each.code in ("ignored-line", "bad-setting", "two-commands")]
    # Some units load and do not start.
    found = [each for each in found if "does not start (" not in each.message]
    fatal = [each for each in found if each.severity == "fatal"]
    if systemd.get("refused", False) != bool(fatal):
        return [f"systemd {'refuses' if systemd.get('refused') else 'loads'} it, we find {fatal}"]
    if fatal:
        # Of a unit that systemd refuses it says no more.
        return []
    starts = sorted({each.line for each in (*service.settings, *service.ignored)})
    lost = {each.line for each in service.settings if each.section not in (*KNOWN, "X-Own")}
    theirs = {max((at for at in starts if at <= line), default=line) for line in systemd.get("lines", [])}
    ours = {each.line for each in found}
    # Of a section that it does not know systemd reads no line.
    unread = {line for line in ours if _section(text, line) not in (*KNOWN, "X-Own")}
    wrong = [f"line {line}: systemd passes over it, we do not" for line in sorted(theirs - ours)]
    wrong += [f"line {line}: we pass over it, systemd does not" for line in sorted(ours - theirs - unread)]
    wrong += [f"line {line}: it is in an unknown section" for line in sorted(lost - ours)]
    return wrong + (_variables(service, systemd["shown"]) if "shown" in systemd else [])


def _section(text: str, line: int) -> str:
    headers = [content[1:-1] for at, content in _logical_lines(text) if at < line and content.startswith("[")]
    return headers[-1] if headers else ""


def _variables(service: Service, shown: dict) -> list[str]:
    printed = dict(word.split("=", 1) for word in split_words(shown.get("Environment", ""), printed=True)[0])
    known = {name: each.value for name, each in service.environment.items() if each.known}
    theirs = {name: value for name, value in printed.items() if name in known or name not in service.environment}
    return [] if theirs == known else [f"systemd has {theirs}, we {known}"]
