# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit as systemd has it loaded, asked in one call.

systemctl(1) "show"; org.freedesktop.systemd1(5) for the properties of units and services. Where systemd cannot be asked
the unit's files tell what they can.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import printable
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import assignment, split_words

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

# What a value of each property looks like; None for those that are lists of words.
_FORMS: dict[str, str | None] = {
    "LoadState": r"[a-z-]{1,40}",
    "ActiveState": r"[a-z-]{1,40}",
    "SubState": r"[a-z-]{1,40}",
    "UnitFileState": r"[a-z-]{1,40}",
    "Result": r"[a-z-]{1,40}",
    "NRestarts": r"[0-9]{1,10}",
    "MainPID": r"[0-9]{1,10}",
    "InvocationID": r"[0-9a-f]{32}",
    "ActiveEnterTimestamp": r"[\w: .+-]{1,60}",
    "NeedDaemonReload": r"yes|no",
    "FragmentPath": r"/.*",
    "ControlGroup": r"(?!.*/\.\.(?:/|$))/.*",
    "DropInPaths": None,
    "Environment": None,
    "EnvironmentFiles": None,
}
# What systemctl of systemd 245 and older calls EnvironmentFiles.
_OLD_FILES = "EnvironmentFile"
_IGNORE_ERRORS = re.compile(r" \(ignore_errors=(?:yes|no)\)$")


class Unit(NamedTuple):
    """What systemd says; None for what is not known. ``dropins`` are in systemd's order."""

    name: str
    load_state: Optional[str] = None
    active_state: Optional[str] = None
    sub_state: Optional[str] = None
    unit_file_state: Optional[str] = None
    result: Optional[str] = None
    restarts: Optional[int] = None
    main_pid: Optional[int] = None
    invocation_id: Optional[str] = None
    started_at: Optional[str] = None
    need_daemon_reload: Optional[bool] = None
    fragment_path: Optional[str] = None
    control_group: Optional[str] = None
    dropins: Optional[Tuple[str, ...]] = None
    environment: Optional[Dict[str, str]] = None
    environment_files: Tuple[str, ...] = ()


def read_unit(root: Proc, run: Runner | None, name: str) -> Unit:
    """The unit ``name``; what systemd does not tell is None and, if it should have, named."""
    if run is None:
        return _from_files(root, name)
    wanted = [argument for key in _FORMS for argument in ("-p", key)]
    shown = run(["systemctl", "show", name, *wanted])
    if shown.out is None:
        # Which properties were asked for helps nobody.
        root.problem((shown.problem or "").replace(f" {' '.join(wanted)}", ""))
        return _from_files(root, name)
    return parse_show(root, name, shown.out)


def parse_show(root: Proc, name: str, text: str) -> Unit:
    """``systemctl show``, a property a line. An environment is never quoted in a problem."""
    values: dict[str, list[str]] = {}
    stray = False
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        key = "EnvironmentFiles" if key == _OLD_FILES else key
        if not equals or key not in _FORMS:
            stray = True
        elif value and value != "[not set]":
            values.setdefault(key, []).append(value)
    command = f"systemctl show {name}"
    if stray or "LoadState" not in values:
        root.problem(
            f"{command}: read a line that is no property, or none of LoadState; expected properties, one a line"
        )
    known: dict[str, str] = {}
    for key, form in _FORMS.items():
        value = values.get(key, [""])[-1]
        if form is None or not value:
            continue
        if printable(value) and re.fullmatch(form, value):
            known[key] = value
        else:
            root.problem(f"{command}: read {value[:80]!r} for {key}, expected the form {form}")
    loaded = "LoadState" in known
    return Unit(
        name=name,
        load_state=known.get("LoadState"),
        active_state=known.get("ActiveState"),
        sub_state=known.get("SubState"),
        unit_file_state=known.get("UnitFileState"),
        result=known.get("Result"),
        restarts=int(known["NRestarts"]) if "NRestarts" in known else None,
        main_pid=int(known.get("MainPID", "0")) or None,
        invocation_id=known.get("InvocationID"),
        started_at=known.get("ActiveEnterTimestamp"),
        need_daemon_reload=known["NeedDaemonReload"] == "yes" if "NeedDaemonReload" in known else None,
        fragment_path=known.get("FragmentPath"),
        control_group=known.get("ControlGroup"),
        dropins=_paths(root, command, values) if loaded else None,
        environment=_environment(root, command, values) if loaded else None,
        environment_files=tuple(
            _IGNORE_ERRORS.sub("", file).lstrip("-") for file in values.get("EnvironmentFiles", [])
        ),
    )


def _paths(root: Proc, command: str, values: dict[str, list[str]]) -> tuple[str, ...] | None:
    words, problem = split_words(values.get("DropInPaths", [""])[-1], printed=True)
    if problem is None and all(word.startswith("/") and printable(word) for word in words):
        return tuple(words)
    root.problem(f"{command}: DropInPaths is no list of paths")
    return None


def _environment(root: Proc, command: str, values: dict[str, list[str]]) -> dict[str, str] | None:
    words, problem = split_words(values.get("Environment", [""])[-1], printed=True)
    if problem is not None:
        root.problem(f"{command}: Environment ends in the middle of a quotation")
        return None
    return dict(found for found in map(assignment, words) if found is not None)


def _from_files(root: Proc, name: str) -> Unit:
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.files import (  # noqa: PLC0415 compiled only where needed
        read_unit as read_files,
    )

    files = read_files(root, name)
    if files is None:
        return Unit(name)
    return Unit(name, fragment_path=files.path, dropins=files.dropins, environment_files=files.environment_files)


__all__ = ("Unit", "parse_show", "read_unit")
