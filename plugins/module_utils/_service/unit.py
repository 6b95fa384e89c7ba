# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit as systemd has it loaded, or as its files have it where systemctl cannot be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._systemd.show import show

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

_PROPERTIES = (
    *("LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "NRestarts", "MainPID", "InvocationID"),
    *("ActiveEnterTimestamp", "NeedDaemonReload", "FragmentPath", "ControlGroup", "DropInPaths", "Environment"),
    "EnvironmentFiles",
)


class Unit(NamedTuple):
    """Properties of a unit; None for unknown ones. ``dropins`` are in systemd's order."""

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
    """Read the unit ``name``; properties that systemctl should print and does not are named as problems."""
    if run is None:
        return _from_files(root, name)
    shown = show(run, name, _PROPERTIES)
    for problem in shown.problems if shown.failure is None else (shown.failure,):
        root.problem(problem)
    if shown.failure is not None:
        return _from_files(root, name)
    loaded, reload = shown.text("LoadState"), shown.text("NeedDaemonReload")
    return Unit(
        name=name,
        load_state=loaded,
        active_state=shown.text("ActiveState"),
        sub_state=shown.text("SubState"),
        unit_file_state=shown.text("UnitFileState"),
        result=shown.text("Result"),
        restarts=shown.number("NRestarts"),
        main_pid=shown.number("MainPID") or None,
        invocation_id=shown.text("InvocationID"),
        started_at=shown.text("ActiveEnterTimestamp"),
        need_daemon_reload=None if reload is None else reload == "yes",
        fragment_path=shown.text("FragmentPath"),
        control_group=shown.text("ControlGroup"),
        dropins=shown.dropins() if loaded else None,
        environment=shown.environment() if loaded else None,
        environment_files=shown.environment_files(),
    )


def _from_files(root: Proc, name: str) -> Unit:
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.files import (  # noqa: PLC0415 compiled only where needed
        read_unit as read_files,
    )

    files = read_files(root, name)
    if files is None:
        return Unit(name)
    return Unit(name, fragment_path=files.path, dropins=files.dropins, environment_files=files.environment_files)
