# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write plugins/plugin_utils/runner_names.yml: which environment variables a llama-server reads, by its own ``--help``.

``python tests/tools/runner_names.py [PROGRAM]``; without a program it is that of tests/lab/get-llama.sh. With
``--check`` nothing is written. Either way it fails with the names that plugins/plugin_utils/settings.yml does not have.
"""

from __future__ import annotations

import argparse
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "plugins" / "plugin_utils" / "runner_names.yml"
_SECONDS = 60
# Options begin in the first column, descriptions and the names of variables in this one.
_COLUMN = 40
_OPTION = re.compile(r"^-{1,2}\w.*")
_VARIABLE = re.compile(r"\(env: ([A-Za-z_][A-Za-z0-9_]*)\)")
_FLAG = re.compile(r"(?:^|(?<=\s))--?\w[\w-]*")
_VERSION = re.compile(r"^version: (.+)$", re.MULTILINE)
HEAD = """\
# Written by tests/tools/runner_names.py from `llama-server --help`: the environment variables that this build reads.
# settings.yml has an entry for each, which the tests check. `negated`: those read with NO_ after LLAMA_ARG_ too.
"""


class Names(NamedTuple):
    """The names in a help text, and those of them that a name with NO_ switches off."""

    names: list[str]
    negated: list[str]


def names_of(text: str) -> Names:
    """What the text of ``llama-server --help`` says."""
    names, negated, option = set(), set(), ""
    for line in text.splitlines():
        if _OPTION.match(line):
            # A long option has its description below it.
            option = line[:_COLUMN] if line[_COLUMN - 1 : _COLUMN] in ("", " ") else line
        for name in _VARIABLE.findall(line):
            names.add(name)
            flags = _FLAG.findall(option)
            # --no-host alone is the name of an option, and the negative of none.
            if {flag.startswith("--no-") for flag in flags if flag.startswith("--")} == {True, False}:
                negated.add(name)
    return Names(sorted(names), sorted(negated))


def listed(version: str, found: Names) -> str:
    """The file."""
    lines = [f"version: {version}", "names:", *(f"  - {name}" for name in found.names)]
    return HEAD + "\n".join([*lines, "negated:", *(f"  - {name}" for name in found.negated), ""])


def unknown(found: Names) -> list[str]:
    """The names that have no entry."""
    # A plain checkout is importable as a collection only after this.
    runpy.run_path(str(ROOT / "tests" / "unit" / "conftest.py"))
    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load  # noqa: PLC0415

    return [name for name in found.names if load().get(name) is None]


def _of_the_lab() -> Path:
    said = subprocess.run([str(ROOT / "tests" / "lab" / "get-llama.sh")], stdout=subprocess.PIPE, check=True)
    return Path(said.stdout.decode().strip()) / "lib" / "llama-server"


def _said(program: Path, option: str) -> str:
    # What the lab unpacks needs a C library that this host may not have.
    loader = program.parent / "ld.so"
    command = [str(program), option]
    if loader.exists():
        command = [str(loader), "--library-path", str(program.parent), *command]
    said = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SECONDS,
        check=False,
    )
    text = said.stdout.decode(errors="replace")
    if said.returncode != 0:
        raise SystemExit(f"{program} {option}: exit status {said.returncode}: {text[:200]}")
    return text


def main(arguments: list[str]) -> int:
    """Write the list, or compare; 1 where a name has no entry."""
    parser = argparse.ArgumentParser(description="List the environment variables that a llama-server reads.")
    parser.add_argument("program", type=Path, nargs="?")
    parser.add_argument("--check", action="store_true", help="write nothing")
    wanted = parser.parse_args(arguments)
    program = wanted.program or _of_the_lab()
    found = names_of(_said(program, "--help"))
    version = _VERSION.search(_said(program, "--version"))
    if not found.names or version is None:
        raise SystemExit(f"{program}: --help names no variable, or --version no version")
    if not wanted.check:
        LIST.write_text(listed(version[1], found), encoding="utf-8")
    missing = unknown(found)
    if missing:
        sys.stderr.write(
            f"llama-server {version[1]} reads names that settings.yml does not have: {', '.join(missing)}\n"
        )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
