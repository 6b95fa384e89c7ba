# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd, numactl and Ollama as this host has them.

Sources: systemctl(1) and org.freedesktop.systemd1(5) for the properties of a service.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._process import SEARCH
from ansible_collections.inference.ollama.plugins.module_utils._systemd.slices import (
    FORM,
    is_dynamic,
    own_command,
    own_slice,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.account import read_home

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

UNIT = "ollama.service"

_PROPERTIES = (
    *("LoadState", "ActiveState", "FragmentPath", "DropInPaths", "User", "Group", "ExecStart", "EnvironmentFiles"),
)

PARTS = frozenset({"systemd", "numactl", "ollama"})

# The folder by which sd_booted(3) knows that systemd runs.
_BOOTED = "/run/systemd/system"

# Programs that start a server in a container, which has its own.
_ENGINES = frozenset({"podman", "docker"})

# How systemctl ends where systemd is installed but does not run, as in a container.
_NOT_BOOTED = ("not been booted with systemd", "Failed to connect to bus")


def read_software(root: Root, run: Runner | None, parts: frozenset[str] = PARTS) -> dict[str, Any]:
    """``{systemd, numactl, ollama: {binary, version, unit: {…} or None} or None}``; None for parts not asked for.

    ``systemd`` is a whole number, None where systemd does not run. ``unit`` has name, path, user, group and slice
    (None where the unit names none), home, home_unknown, home_links, wrapped_command, dropins, active and
    environment_files. With ``run`` None only files are read: then versions and ``active`` are None.
    """
    return {
        "systemd": _read_systemd(root, run) if "systemd" in parts else None,
        "numactl": _which(root, run, "numactl") if "numactl" in parts else None,
        "ollama": _read_ollama(root, run) if "ollama" in parts else None,
    }


def _read_ollama(root: Root, run: Runner | None) -> dict[str, Any] | None:
    asked = None if run is None else _ask_systemd(root, run)
    unit, command = _read_files(root) if asked is None else asked
    binary, wrapped = _started(root, run, command)
    if unit is not None:
        unit["wrapped_command"] = wrapped
    if binary is None and unit is None:
        return None
    version = None if run is None or binary is None else _version(root, run, binary, unit)
    return {"binary": binary, "version": version, "unit": unit}


def _version(root: Root, run: Runner, binary: str, unit: dict[str, Any] | None) -> str | None:
    from ansible_collections.inference.ollama.plugins.module_utils._topology.release import (  # noqa: PLC0415 compiled only where needed
        read_release,
    )

    runs = unit["name"] if unit is not None and unit["active"] else None
    return read_release(root, run, binary, runs, None if unit is None else unit["user"])


def _which(root: Root, run: Runner | None, program: str) -> str | None:
    if run is not None:
        return root.program(program)
    return next((f"{folder}/{program}" for folder in SEARCH if root.exists(f"{folder}/{program}")), None)


def _read_systemd(root: Root, run: Runner | None) -> int | None:
    """The version of the running systemd; no file has it."""
    if run is None or not root.exists(_BOOTED):
        return None
    said = run(["systemctl", "--version"])
    match = re.match(r"systemd ([0-9]{1,5})(?:\s|$)", said.out or "")
    if match is None:
        root.problem(said.problem or f"systemctl --version: read {(said.out or '')[:80]!r}, expected a number")
        return None
    return int(match[1])


def _ask_systemd(root: Root, run: Runner) -> tuple[dict[str, Any] | None, str | None] | None:
    """The unit and the command that starts it; None, with a problem where there is one, if systemctl cannot tell."""
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.show import (  # noqa: PLC0415 compiled only where needed
        show,
    )

    shown = show(run, UNIT, _PROPERTIES)
    if shown.failure is not None:
        if root.program("systemctl") is not None and not any(words in shown.failure for words in _NOT_BOOTED):
            root.problem(shown.failure)
        return None
    if shown.problems:
        # A damaged answer is discarded as a whole.
        root.problem(shown.problems[0])
        return None
    if shown.text("LoadState") == "not-found":
        return None, None
    path, dropins = shown.text("FragmentPath"), shown.dropins() or ()
    files = [(file, root.lines(file, FORM) or []) for file in (path, *dropins) if file]
    unit = {
        "name": UNIT,
        "path": path,
        "user": shown.text("User"),
        "group": shown.text("Group"),
        **read_home(root, shown.text("User"), dynamic=is_dynamic(files)),
        "slice": own_slice(files) or _slice_of_files(root),
        "dropins": list(dropins),
        "active": shown.text("ActiveState") == "active",
        "environment_files": list(shown.environment_files()),
    }
    return unit, own_command(files) or shown.command()


def _slice_of_files(root: Root) -> dict[str, str] | None:
    """The slice of files that the manager has not read yet."""
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.resources import (  # noqa: PLC0415 compiled only where needed
        unit_files,
    )

    return own_slice(unit_files(root, UNIT))


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
        **read_home(root, files.user, dynamic=files.dynamic_user),
        "slice": files.slice,
        "dropins": list(files.dropins),
        "active": None,
        "environment_files": list(files.environment_files),
    }
    return unit, files.command


def _started(root: Root, run: Runner | None, command: str | None) -> tuple[str | None, str | None]:
    """The program that a unit's command starts, and the command where it is more than that program and ``serve``.

    None is a program behind a wrapper that does not name it plainly; one on PATH could be another.
    """
    if command:
        from ansible_collections.inference.ollama.plugins.module_utils._systemd.command import (  # noqa: PLC0415 compiled only where needed
            is_plain,
            program,
            shown,
        )

        found = program(command)
        if posixpath.basename(command.split()[0].lstrip("-@:+!")) in _ENGINES:
            return None, shown(command)
        if not is_plain(command):
            return found, shown(command)
        if found is not None:
            return found, None
    return _which(root, run, "ollama"), None
