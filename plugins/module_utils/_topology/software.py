# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd, numactl and Ollama as this host has them.

Sources: systemctl(1) and org.freedesktop.systemd1(5) for the properties of a service; ``ollama --version``.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._process import SEARCH
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import printable

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

UNIT = "ollama.service"

_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "FragmentPath",
    "DropInPaths",
    "User",
    "Group",
    "ExecStart",
    "EnvironmentFiles",
)

PARTS = frozenset({"systemd", "numactl", "ollama"})

# The folder by which sd_booted(3) knows that systemd runs.
_BOOTED = "/run/systemd/system"

# How systemctl ends where systemd is installed but does not run, as in a container.
_NOT_BOOTED = ("not been booted with systemd", "Failed to connect to bus")

# What systemctl of systemd 245 and older calls EnvironmentFiles.
_OLD_FILES = "EnvironmentFile"

# systemctl(1), "--state=help".
_LOAD_STATES = ("stub", "loaded", "not-found", "bad-setting", "error", "merged", "masked")

_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
_IGNORE_ERRORS = re.compile(r" \(ignore_errors=(?:yes|no)\)$")
# A server that runs answers with its own version; the client's is that of the file which a restart will run.
_CLIENT = re.compile(r"client version is ([0-9]\S*)")
_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}(?:[-+][0-9A-Za-z.+-]{1,80})?")
_SERVER = re.compile(r"ollama version is ([0-9]\S*)")


def read_software(root: Root, run: Runner | None, parts: frozenset[str] = PARTS) -> dict[str, Any]:
    """``{systemd, numactl, ollama: {binary, version, unit: {…} or None} or None}``; None for what is no part.

    ``systemd`` is a whole number, None where systemd does not run. ``unit`` has name, path, user and group
    (None where the unit names none), dropins, active and environment_files. With ``run`` None only files
    are read: then versions and ``active`` are None.
    """
    return {
        "systemd": _read_systemd(root, run) if "systemd" in parts else None,
        "numactl": _which(root, run, "numactl") if "numactl" in parts else None,
        "ollama": _read_ollama(root, run) if "ollama" in parts else None,
    }


def _read_ollama(root: Root, run: Runner | None) -> dict[str, Any] | None:
    asked = None if run is None else _ask_systemd(root, run)
    unit, command = _read_files(root) if asked is None else asked
    binary = _binary(command) or _which(root, run, "ollama")
    if binary is None and unit is None:
        return None
    version = None if run is None or binary is None else _version(root, run, binary)
    return {"binary": binary, "version": version, "unit": unit}


def _which(root: Root, run: Runner | None, program: str) -> str | None:
    if run is not None:
        return root.program(program)
    return next((f"{folder}/{program}" for folder in SEARCH if root.exists(f"{folder}/{program}")), None)


def _read_systemd(root: Root, run: Runner | None) -> int | None:
    """The version of the systemd that runs here; a file that says it is not known."""
    if run is None or not root.exists(_BOOTED):
        return None
    said = run(["systemctl", "--version"])
    match = re.match(r"systemd ([0-9]{1,5})(?:\s|$)", said.out or "")
    if match is None:
        root.problem(said.problem or f"systemctl --version: read {(said.out or '')[:80]!r}, expected a number")
        return None
    return int(match[1])


def _ask_systemd(root: Root, run: Runner) -> tuple[dict[str, Any] | None, str | None] | None:
    """The unit and the command that starts it; None where systemd cannot tell, and is named if it should."""
    wanted = [argument for name in _PROPERTIES for argument in ("-p", name)]
    shown = run(["systemctl", "show", UNIT, *wanted])
    if shown.out is None:
        problem = shown.problem or ""
        if root.program("systemctl") is not None and not any(words in problem for words in _NOT_BOOTED):
            root.problem(problem)
        return None
    wrong = _damage(shown.out)
    if wrong is not None:
        root.problem(f"systemctl show {UNIT}: read {wrong[:80]!r}, expected the properties of a unit, one a line")
        return None
    return parse_show(shown.out)


def _damage(text: str) -> str | None:
    """What systemctl would not print: a line without a known property, or a value that this property cannot have."""
    known: dict[str, str] = {}
    for line in text.splitlines():
        name, _equals, value = line.partition("=")
        if name not in (*_PROPERTIES, _OLD_FILES) or not printable(line):
            return line
        known[name] = value
    path, command = known.get("FragmentPath", ""), known.get("ExecStart", "")
    fits = (
        known.get("LoadState") in _LOAD_STATES,
        re.fullmatch("[a-z-]+", known.get("ActiveState", "")),
        not path or path.startswith("/"),
        not command or _ARGV.search(command),
    )
    return None if all(fits) else text


def parse_show(text: str) -> tuple[dict[str, Any] | None, str | None]:
    """The unit and its last ExecStart from ``systemctl show``; ``(None, None)`` without that unit."""
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _separator, value = line.partition("=")
        name = "EnvironmentFiles" if name == _OLD_FILES else name
        if value:
            values.setdefault(name, []).append(value)
    if values.get("LoadState") in (None, ["not-found"]):
        return None, None
    argv = _ARGV.search(values.get("ExecStart", [""])[-1])
    unit = {
        "name": UNIT,
        "path": values.get("FragmentPath", [None])[-1],
        "user": values.get("User", [None])[-1],
        "group": values.get("Group", [None])[-1],
        "dropins": values.get("DropInPaths", [""])[-1].split(),
        "active": values.get("ActiveState") == ["active"],
        "environment_files": [_IGNORE_ERRORS.sub("", file) for file in values.get("EnvironmentFiles", [])],
    }
    return unit, argv[1] if argv else None


def _read_files(root: Root) -> tuple[dict[str, Any] | None, str | None]:
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.files import (  # noqa: PLC0415 compiled only where needed
        read_unit,
    )

    files = read_unit(root, UNIT)
    if files is None:
        return None, None
    unit = {
        "name": UNIT,
        "path": files.path,
        "user": files.user,
        "group": files.group,
        "dropins": list(files.dropins),
        "active": None,
        "environment_files": list(files.environment_files),
    }
    return unit, files.command


def _binary(command: str | None) -> str | None:
    """The word before ``serve``, behind numactl and the like; None for another command line."""
    words = (command or "").split()
    before = words[words.index("serve") - 1] if "serve" in words[1:] else ""
    # Prefixes of ExecStart=, which systemctl does not repeat.
    path = before.lstrip("@-:+!")
    return path if path.startswith("/") else None


def _version(root: Root, run: Runner, binary: str) -> str | None:
    """``0.34.1`` or ``0.33.0-rc2``."""
    said = run([binary, "--version"])
    if said.out is None:
        root.problem(said.problem or "")
        return None
    match = _CLIENT.search(said.out) or _SERVER.search(said.out)
    if match is None or not _VERSION.fullmatch(match[1]):
        root.problem(f"{binary} --version: read {said.out[:80]!r}, expected 'ollama version is 0.34.1'")
        return None
    return match[1]


__all__ = ("UNIT", "parse_show", "read_software")
