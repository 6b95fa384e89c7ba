# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that run or start at boot, and kernel values: the part of a snapshot that is not in files.

systemctl(1) list-units; systemd.unit(5), "[Install]": a unit starts at boot by links in folders that end in .wants and
.requires.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import BESIDE_UNITS, TIMERS
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import (
    opened,
    read_regular,
    write_all,
)
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root, chosen
from ansible_collections.inference.ollama.plugins.module_utils._systemd.show import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

# Servers, and the units beside them that the role starts or that start at boot; the guard's are none of them.
_SERVER = re.compile(r"ollama(?:@[^\s/]+)?\.service")
_UNIT = re.compile(rf"{_SERVER.pattern}|{'|'.join(map(re.escape, BESIDE_UNITS))}")
_LINKS = (".wants", ".requires")
_LONGEST = 4096


def active_units(run: Runner, root: str = "/") -> dict[str, str]:
    """The Ollama services that run or are starting, each with its OLLAMA_HOST, empty if unset, and timers beside them.

    OllamaError where systemctl fails.
    """
    states = "--state=active,reloading,activating"
    said = run(["systemctl", "list-units", "--plain", "--no-legend", "--full", states, "ollama*.service", *TIMERS])
    if said.out is None:
        raise OllamaError(f"the services that run cannot be listed: {said.problem}")
    names = (line.split()[0] for line in said.out.splitlines() if line.strip())
    found = {name for name in names if _SERVER.fullmatch(name) or name in TIMERS}
    return {name: _address(run, Root(root), name) if _SERVER.fullmatch(name) else "" for name in sorted(found)}


def _address(run: Runner, root: Root, unit: str) -> str:
    pid = show(run, unit, ("MainPID",)).number("MainPID")
    # That of a container is its monitor, whose children are the container's first process and nothing else.
    children = (root.text(f"/proc/{pid}/task/{pid}/children") or "").split() if pid else []
    said = (root.variable(f"/proc/{each}/environ", "OLLAMA_HOST") for each in ([pid, *children] if pid else []))
    return next(filter(None, said), "")


def boot_links(folder: str) -> dict[str, str]:
    """The links below the folder of units that start Ollama services at boot: path to target."""
    found = {}
    for parent in _names(folder):
        for name in _names(f"{folder}/{parent}") if parent.endswith(_LINKS) else ():
            path = f"{folder}/{parent}/{name}"
            if _UNIT.fullmatch(name):
                # What is no link, or gone by now, starts nothing.
                with ignoring(path, errno.EINVAL, errno.ENOENT):
                    found[path] = os.readlink(path)
    return found


def _names(folder: str) -> list[str]:
    with ignoring(folder, errno.ENOENT, errno.ENOTDIR):
        return sorted(os.listdir(folder))
    return []


@contextlib.contextmanager
def ignoring(path: str, *numbers: int) -> Iterator[None]:
    """Go on after these errors; any other one is an OllamaError, so that nothing is left out of a snapshot unseen."""
    try:
        yield
    except OSError as error:
        if error.errno not in numbers:
            raise OllamaError(f"{path}: cannot be read ({error.strerror})") from None


def is_boot_link(folder: str, path: str) -> bool:
    """Whether boot_links() would list a link at this path."""
    parent, name = os.path.split(path)
    return os.path.dirname(parent) == folder and parent.endswith(_LINKS) and _UNIT.fullmatch(name) is not None


def kernel_values(paths: Iterable[str]) -> dict[str, str]:
    """The value in each file, of a list of choices the active one; unreadable files are left out."""
    found = {}
    for path in paths:
        try:
            text = read_regular(path, _LONGEST).decode("utf-8").strip()
        except (OSError, ValueError):
            continue
        found[path] = chosen(text) or text
    return found


def kernel_changes(wanted: dict[str, str]) -> list[str]:
    """The paths whose current value differs."""
    found = kernel_values(wanted)
    return [path for path, value in wanted.items() if found.get(path) != value]


def set_kernel(wanted: dict[str, str]) -> list[str]:
    """Write the values that differ; return the paths written."""
    paths = kernel_changes(wanted)
    for path in paths:
        _set(path, wanted[path])
    return paths


def _set(path: str, value: str) -> None:
    try:
        with opened(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC) as file:
            write_all(file, value.encode())
    except OSError as error:
        raise OllamaError(f"{path}: cannot be set to {value!r} ({error.strerror})") from None
